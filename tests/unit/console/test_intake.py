"""Intake and outbox, as the API lets people ask for them."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from console.app import create_app
from tests.unit.console.fakes import TALKING, Hotline, bearer

INTAKE = f"/api/v1/calls/{TALKING}/intake"
FORM = {"kind": "投诉", "subject": "路灯不亮", "text": "三天了\n没人修", "district": "天宁区", "hidden": True}


@pytest.fixture
def client(hotline: Hotline) -> TestClient:
    return TestClient(create_app(hotline.deps()))


def test_agents_and_supervisors_write_down_and_engineers_neither_write_nor_read(
    client: TestClient, hotline: Hotline
) -> None:
    wrote = {role: client.post(INTAKE, json=FORM, headers=bearer(role)).status_code for role in ROLES}
    read = {role: client.get(INTAKE, headers=bearer(role)).status_code for role in ROLES}
    assert wrote == {"agent": 201, "expert": 201, "supervisor": 201, "auditor": 403, "engineer": 403}
    assert read == {"agent": 200, "expert": 200, "supervisor": 200, "auditor": 200, "engineer": 403}
    assert hotline.intakes.asked[0] == (TALKING, {**FORM, "name": "", "corrects": None}, "1001", "agent")


ROLES = ("agent", "expert", "supervisor", "auditor", "engineer")

BAD = (
    {"kind": "表扬"}, {"kind": None}, {"subject": ""}, {"subject": "  "}, {"subject": "x" * 121}, {"subject": "a\nb"},
    {"name": "x" * 61}, {"text": "x" * 2001}, {"text": "a\x00b"}, {"district": "a\tb"},
    {"hidden": "perhaps"}, {"corrects": 0}, {"number": "13800000000"},
)  # fmt: skip


@pytest.mark.parametrize("more", BAD, ids=repr)
def test_a_form_that_makes_no_sense_is_refused_and_not_repeated(
    client: TestClient, hotline: Hotline, more: dict[str, object]
) -> None:
    answer = client.post(INTAKE, json=FORM | more, headers=bearer("agent"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == f"body.{next(iter(more))}"
    assert "三天了" not in answer.text
    assert hotline.intakes.asked == []


def test_half_a_character_is_refused_as_well(client: TestClient) -> None:
    headers = bearer("agent") | {"content-type": "application/json"}
    sent = b'{"kind": "\\u6295\\u8bc9", "subject": "x", "text": "\\ud800"}'
    assert client.post(INTAKE, content=sent, headers=headers).status_code == 422


def test_form_that_is_sent_twice_with_one_key_is_written_down_once(client: TestClient, hotline: Hotline) -> None:
    headers = bearer("agent") | {"Idempotency-Key": "k1"}
    answers = [client.post(INTAKE, json=FORM, headers=headers).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(hotline.intakes.asked) == 1


def test_the_outbox_is_seen_by_overseers_and_changed_by_managers(client: TestClient, hotline: Hotline) -> None:
    assert client.get("/api/v1/outbox?state=dead", headers=bearer("auditor")).json()[0]["error"] == "answered 500"
    assert client.get("/api/v1/outbox", headers=bearer("agent")).status_code == 403
    assert client.get("/api/v1/outbox?state=lost", headers=bearer("auditor")).status_code == 422
    for path in ("retry", "7/retry", "7/drop"):
        body = {"reason": " it is there "} if path.endswith("drop") else None
        for role in ("agent", "auditor"):
            assert client.post(f"/api/v1/outbox/{path}", json=body, headers=bearer(role)).status_code == 403
        assert client.post(f"/api/v1/outbox/{path}", json=body, headers=bearer("supervisor")).status_code == 200
    assert client.post("/api/v1/outbox/7/drop", json={"reason": " "}, headers=bearer("supervisor")).status_code == 422
    assert client.post("/api/v1/outbox/0/retry", headers=bearer("supervisor")).status_code == 422
    assert hotline.outbox.asked == [
        ("list", "dead"), ("retry all", "1001"), ("retry", 7, "1001"), ("drop", 7, "it is there", "1001"),
    ]  # fmt: skip
