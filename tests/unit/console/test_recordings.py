"""Who may pause a recording, and who may listen to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from console.app import create_app
from console.deps import Refused
from tests.unit.console.fakes import TALKING, Hotline, bearer

PLACE = f"/api/v1/calls/{TALKING}/recording"


@pytest.fixture
def hotline() -> Hotline:
    return Hotline()


@pytest.fixture
def client(hotline: Hotline) -> TestClient:
    return TestClient(create_app(hotline.deps()))


@pytest.mark.parametrize("role", ["agent", "expert", "supervisor", "engineer"])
def test_an_agent_pauses_the_call_he_speaks_in(client: TestClient, hotline: Hotline, role: str) -> None:
    answer = client.post(f"{PLACE}/pause", json={"reason": "card number"}, headers=bearer(role))
    assert (answer.status_code, answer.json()) == (200, {"call": TALKING, "recording": "paused"})
    assert client.post(f"{PLACE}/resume", headers=bearer(role)).json()["recording"] == "running"
    assert hotline.recordings.asked == [("pause", TALKING, "card number", "1001"), ("resume", TALKING, "", "1001")]


@pytest.mark.parametrize("agent", ["1002", None])
@pytest.mark.parametrize(("role", "status"), [("agent", 403), ("expert", 403), ("supervisor", 200)])
def test_of_another_agents_call_only_a_supervisor(
    client: TestClient, hotline: Hotline, agent: str | None, role: str, status: int
) -> None:
    hotline.recordings.agent = agent
    assert client.post(f"{PLACE}/pause", json={"reason": "x"}, headers=bearer(role)).status_code == status
    assert bool(hotline.recordings.asked) is (status == 200)


@pytest.mark.parametrize(
    "body", [None, {}, {"reason": ""}, {"reason": "  "}, {"reason": "a\nb"}, {"reason": "x", "y": 1}]
)
def test_a_pause_needs_a_reason(client: TestClient, hotline: Hotline, body: object) -> None:
    assert client.post(f"{PLACE}/pause", json=body, headers=bearer("agent")).status_code == 422
    assert hotline.recordings.asked == []


def test_a_refusal_is_told_in_one_sentence(client: TestClient, hotline: Hotline) -> None:
    hotline.recordings.refusal = "In an emergency the recording is never paused."
    answer = client.post(f"{PLACE}/pause", json={"reason": "x"}, headers=bearer("agent"))
    assert (answer.status_code, answer.json()["detail"]) == (409, hotline.recordings.refusal)


@pytest.mark.parametrize("act", ["pause", "resume"])
def test_a_call_that_is_not_there_cannot_be_paused(client: TestClient, hotline: Hotline, act: str) -> None:
    answer = client.post(
        f"/api/v1/calls/1795302613422-9.9/recording/{act}", json={"reason": "x"}, headers=bearer("agent")
    )
    assert answer.status_code == 404
    assert hotline.recordings.asked == []


@pytest.mark.parametrize(
    ("role", "status"),
    [("supervisor", 200), ("auditor", 200), ("engineer", 403), ("agent", 403), ("expert", 403)],
)
def test_supervisors_and_auditors_listen_and_nobody_else(
    client: TestClient, hotline: Hotline, tmp_path: Path, role: str, status: int
) -> None:
    hotline.recordings.sound = tmp_path / "x.wav"
    hotline.recordings.sound.write_bytes(b"0123456789")
    with capture_logs() as logs:
        answer = client.get(PLACE, headers=bearer(role))
    assert answer.status_code == status
    heard = [line for line in logs if line["event"] == "recording_heard"]
    if status == 200:
        assert (answer.content, answer.headers["content-type"]) == (b"0123456789", "audio/wav")
        assert [(line["call_id"], line["by"], line["role"]) for line in heard] == [(TALKING, "1001", role)]
    else:
        assert heard == []


def test_a_part_of_a_recording_can_be_asked_for(client: TestClient, hotline: Hotline, tmp_path: Path) -> None:
    hotline.recordings.sound = tmp_path / "x.wav"
    hotline.recordings.sound.write_bytes(b"0123456789")
    answer = client.get(PLACE, headers={**bearer("auditor"), "Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")


def test_nobody_listens_without_a_token(client: TestClient) -> None:
    assert client.get(PLACE).status_code == 401


@pytest.mark.parametrize("status", [404, 409, 410, 503])
def test_why_there_is_nothing_to_hear_is_told(client: TestClient, hotline: Hotline, status: int) -> None:
    hotline.recordings.sound = Refused(status, "Because.")
    answer = client.get(PLACE, headers=bearer("auditor"))
    assert (answer.status_code, answer.json()["detail"]) == (status, "Because.")
