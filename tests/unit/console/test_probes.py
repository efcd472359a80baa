"""Test calls, as the API lets people ask for them."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from console.app import create_app
from console.deps import Refused
from tests.unit.console.fakes import PROBE, Hotline, bearer


@pytest.fixture
def client(hotline: Hotline) -> TestClient:
    return TestClient(create_app(hotline.deps()))


@pytest.mark.parametrize(
    ("role", "places", "sees"),
    [
        ("agent", 403, 403),
        ("expert", 403, 403),
        ("auditor", 403, 200),
        ("supervisor", 202, 200),
        ("engineer", 202, 200),
    ],
)
def test_supervisors_and_engineers_place_them_and_auditors_look(
    client: TestClient, hotline: Hotline, role: str, places: int, sees: int
) -> None:
    made = client.post("/api/v1/probes", json={"number": "12345"}, headers=bearer(role))
    assert made.status_code == places
    assert client.get("/api/v1/probes", headers=bearer(role)).status_code == sees
    assert client.get("/api/v1/probes/test-1-a", headers=bearer(role)).status_code == sees
    assert (("place", "12345", "1001") in hotline.probes.asked) is (places == 202)


def test_answer_is_the_test_call_and_the_list_is_asked_for_as_said(client: TestClient, hotline: Hotline) -> None:
    assert client.post("/api/v1/probes", json={"number": "12345"}, headers=bearer("engineer")).json() == PROBE
    found = client.get("/api/v1/probes?number=12333&limit=7", headers=bearer("auditor"))
    assert found.json() == [PROBE]
    assert hotline.probes.asked[-1] == ("listed", "12333", 7)


@pytest.mark.parametrize("body", [{}, {"number": "abc"}, {"number": 5}, {"number": "12345", "dial": "x"}])
def test_bad_request_is_told_and_nobody_is_called(
    client: TestClient, hotline: Hotline, body: dict[str, object]
) -> None:
    answer = client.post("/api/v1/probes", json=body, headers=bearer("engineer"))
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert not hotline.probes.asked


def test_refusal_is_one_sentence(client: TestClient, hotline: Hotline) -> None:
    hotline.probes.refused = Refused(409, "No test call now: 3 callers wait.")
    answer = client.post("/api/v1/probes", json={"number": "12345"}, headers=bearer("engineer"))
    assert (answer.status_code, answer.json()["detail"]) == (409, "No test call now: 3 callers wait.")
