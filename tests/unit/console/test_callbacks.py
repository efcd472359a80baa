"""Call-backs and calls that agents place, as the API lets people ask for them."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from console.app import create_app
from tests.unit.console.fakes import Hotline, bearer

CALL = {"case": "A1", "number": "13800000000"}


@pytest.fixture
def client(hotline: Hotline) -> TestClient:
    return TestClient(create_app(hotline.deps()))


def test_agent_places_calls_for_himself_and_supervisors_for_anybody(client: TestClient, hotline: Hotline) -> None:
    assert (
        client.post("/api/v1/agents/1001/call-out", json={"callback": 17}, headers=bearer("agent")).status_code == 202
    )
    assert client.post("/api/v1/agents/1002/call-out", json=CALL, headers=bearer("agent")).status_code == 403
    assert client.post("/api/v1/agents/1002/call-out", json=CALL, headers=bearer("supervisor")).status_code == 202
    assert client.post("/api/v1/agents/1001/call-out", json=CALL, headers=bearer("auditor")).status_code == 403
    assert hotline.call_outs.asked == [
        ("1001", 17, "", "", "1001", "agent"),
        ("1002", None, "A1", "13800000000", "1001", "supervisor"),
    ]


def test_call_that_is_asked_for_twice_with_one_key_rings_once(client: TestClient, hotline: Hotline) -> None:
    headers = bearer("agent") | {"Idempotency-Key": "k1"}
    answers = [client.post("/api/v1/agents/1001/call-out", json={"callback": 17}, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(hotline.call_outs.asked) == 1


def test_agents_see_their_own_calls_only(client: TestClient, hotline: Hotline) -> None:
    def ids(role: str) -> list[str]:
        return [call["id"] for call in client.get("/api/v1/outbound-calls", headers=bearer(role)).json()]

    assert (ids("agent"), ids("auditor")) == (["out-1-a"], ["out-1-a", "out-1-b"])
    hotline.call_outs.others = True
    assert client.get("/api/v1/outbound-calls/out-1-b", headers=bearer("agent")).status_code == 403
    assert client.get("/api/v1/outbound-calls/out-1-b", headers=bearer("supervisor")).status_code == 200


def test_entries_are_listed_by_state_and_changed_by_who_works_here(client: TestClient, hotline: Hotline) -> None:
    found = client.get("/api/v1/callbacks?state=open&state=placed&overdue=true", headers=bearer("auditor"))
    assert found.json()[0]["number"] == "138****0000"
    assert client.post("/api/v1/callbacks", json={"number": "1", "consent": True}, headers=bearer("agent")).is_success
    assert client.patch("/api/v1/callbacks/17", json={"state": "done"}, headers=bearer("agent")).is_success
    assert client.patch("/api/v1/callbacks/17", json={"state": "done"}, headers=bearer("auditor")).status_code == 403
    assert hotline.callbacks.asked[0] == ("list", ("open", "placed"), None, True)
    assert hotline.callbacks.asked[-1] == ("change", 17, {"state": "done"}, "1001")
