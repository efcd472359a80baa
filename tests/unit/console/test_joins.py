"""Acts on calls in progress over HTTP: who may, what is passed on, and that the same key acts once."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from console.app import create_app
from console.deps import Refused
from routing.joined import Verb
from tests.unit.console.fakes import Hotline, bearer


@pytest.fixture
def hotline() -> Hotline:
    return Hotline()


@pytest.fixture
def client(hotline: Hotline) -> TestClient:
    return TestClient(create_app(hotline.deps()))


@pytest.mark.parametrize("verb", list(Verb))
def test_every_act_has_a_way_of_its_own(client: TestClient, hotline: Hotline, verb: Verb) -> None:
    path = verb.value.replace("_", "-")
    answer = client.post(f"/api/v1/calls/c-1/{path}", json={"case": "A-7"}, headers=bearer("agent"))
    assert (answer.status_code, answer.json()["state"]) == (202, "talking")
    assert hotline.joins.asked == [("c-1", verb, {}, "1001", "agent", "api", "A-7")]


def test_the_target_is_passed_on_as_it_was_named(client: TestClient, hotline: Hotline) -> None:
    client.post("/api/v1/calls/c-1/consult", json={"department": "fire"}, headers=bearer("supervisor"))
    assert hotline.joins.asked[0][2] == {"department": "fire"}


def test_the_same_key_again_does_nothing_and_gives_the_first_answer(client: TestClient, hotline: Hotline) -> None:
    headers = bearer("agent") | {"Idempotency-Key": "k-1"}
    first = client.post("/api/v1/calls/c-1/hold", headers=headers)
    again = client.post("/api/v1/calls/c-1/hold", headers=headers)
    assert (first.json(), len(hotline.joins.asked)) == (again.json(), 1)
    client.post("/api/v1/calls/c-1/resume", headers=headers)  # another act under an old key is another act
    assert len(hotline.joins.asked) == 2


def test_a_refusal_says_why_and_is_not_kept_under_its_key(client: TestClient, hotline: Hotline) -> None:
    hotline.joins.refusal = Refused(409, "hold is not possible: the caller is on hold. Possible now: resume")
    headers = bearer("agent") | {"Idempotency-Key": "k-1"}
    answer = client.post("/api/v1/calls/c-1/hold", headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (409, hotline.joins.refusal.detail)
    assert answer.headers["content-type"] == "application/problem+json"
    hotline.joins.refusal = None
    assert client.post("/api/v1/calls/c-1/hold", headers=headers).status_code == 202


def test_auditors_act_on_nothing_and_nobody_without_a_token(client: TestClient, hotline: Hotline) -> None:
    assert client.post("/api/v1/calls/c-1/hold", headers=bearer("auditor")).status_code == 403
    assert client.post("/api/v1/calls/c-1/hold").status_code == 401
    assert hotline.joins.asked == []


def test_an_agent_sees_his_own_call_and_a_supervisor_all(client: TestClient) -> None:
    seen = {role: client.get("/api/v1/calls/live", headers=bearer(role)).json() for role in ("agent", "supervisor")}
    assert [len(calls) for calls in seen.values()] == [1, 2]
    assert client.get("/api/v1/calls/c-9/live", headers=bearer("agent")).status_code == 404


def test_what_does_not_fit_is_refused_before_anybody_is_asked(client: TestClient, hotline: Hotline) -> None:
    for body in ({"whom": "fire"}, {"case": "a b"}, {"number": "1" * 40}):
        assert client.post("/api/v1/calls/c-1/consult", json=body, headers=bearer("agent")).status_code == 422
    assert hotline.joins.asked == []
