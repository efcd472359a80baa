"""Retention and legal holds, as the API lets people ask for them."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from console.app import create_app
from tests.unit.console.fakes import HELD, Hotline, bearer

CALL = "1795302613422-1795302613.7"


@pytest.fixture
def client(hotline: Hotline) -> TestClient:
    return TestClient(create_app(hotline.deps()))


def test_overseers_see_ages_what_is_due_and_holds_and_agents_do_not(client: TestClient) -> None:
    for path in ("retention", "retention/due", "holds"):
        assert client.get(f"/api/v1/{path}", headers=bearer("auditor")).status_code == 200
        assert client.get(f"/api/v1/{path}", headers=bearer("agent")).status_code == 403
        assert client.get(f"/api/v1/{path}").status_code == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("retention/run", None),
        ("retention/citizen", {"number": "13800000000", "reason": "his request"}),
        (f"retention/calls/{CALL}", {"reason": "misdialled"}),
        ("holds", {"case": "C-7", "reason": "court"}),
        ("holds/3/lift", {"reason": "judged"}),
    ],
)
def test_managers_forget_hold_and_lift_and_nobody_else(client: TestClient, path: str, body: Any) -> None:
    for role in ("agent", "expert", "auditor"):
        assert client.post(f"/api/v1/{path}", json=body, headers=bearer(role)).status_code == 403
    assert client.post(f"/api/v1/{path}", json=body, headers=bearer("supervisor")).status_code in (200, 201, 202)


def test_what_is_asked_for_arrives_with_who_and_why(client: TestClient, hotline: Hotline) -> None:
    body = {"number": "13800000000", "reason": " his request ", "dry_run": True}
    client.post("/api/v1/retention/citizen", json=body, headers=bearer("engineer"))
    days = {"from": "2026-10-01", "to": "2026-10-03", "reason": "inquiry"}
    assert client.post("/api/v1/holds", json=days, headers=bearer("engineer")).json() == HELD
    assert hotline.retention.asked == [("citizen", "13800000000", "his request", "1001", "engineer", True)]
    ((_, values, by, role),) = hotline.holds.asked
    assert (str(values["from"]), str(values["to"]), by, role) == ("2026-10-01", "2026-10-03", "1001", "engineer")


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "x", "more": 1}, {"reason": "x" * 121}])
def test_an_act_without_a_usable_reason_is_refused_and_repeats_no_number(client: TestClient, body: Any) -> None:
    for path, more in (("retention/citizen", {"number": "13800000000"}), ("holds", {"number": "13800000000"})):
        answer = client.post(f"/api/v1/{path}", json={**more, **body}, headers=bearer("engineer"))
        assert answer.status_code == 422
        assert "13800000000" not in answer.text
