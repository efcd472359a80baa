"""Calls that agents place: who rings first, who hears whom, what becomes of it, and that no figure of callers sees it."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.places import Ports
from sandbox.root import Asterisk
from sandbox.scenario import ANSWERS, BUSY, RINGS_FOR_EVER, Habit
from service.cli.stage import Stage
from tests.e2e.cast import Cast
from tests.e2e.evidence import in_state, several
from tests.e2e.parties import everybody, nothing_left, until_heard
from tests.e2e.sounds import LONG_S, Sound, from_the_start, kept, share, speak, to_the_end, whole
from tests.e2e.staging import timing

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "13800000077"
RING_S = 5
TOKEN = "token-of-1001"
ENDS = {"code": 603, "ring_s": 0.3}


def agents_token(text: str) -> str:
    sha256 = hashlib.sha256(TOKEN.encode()).hexdigest()
    return f'{text}\n[[token]]\nname = "1001"\nrole = "agent"\nsha256 = "{sha256}"\n'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    times = timing(wrap_up_s=2, call_out_agent_ring_s=RING_S, call_out_ring_s=RING_S)
    edit = several(
        times,
        lambda text: text.replace("[dialing]\n", '[dialing]\nfollow_up_roles = ["engineer"]\n'),
        agents_token,
    )
    async with Stage(folder / "stage", asterisk, ports, seats=4, edit=edit).serving() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def people(stage: Stage) -> AsyncIterator[Cast]:
    """Each test ends with nothing left over, and with the figures of callers as they were."""
    before = await stage.total("hotline_calls_offered_total"), len(await stage.calls())
    async with Cast(stage) as cast:
        yield cast
    await nothing_left(stage)
    assert (await stage.total("hotline_calls_offered_total"), len(await stage.calls())) == before


async def ask(stage: Stage, method: str, path: str, **body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
    return await stage.http.request(method, path, headers=headers, json=body or None)


async def placed(stage: Stage, agent: str = "1001", **body: Any) -> str:
    """The id of the call."""
    answer = await ask(stage, "POST", f"/api/v1/agents/{agent}/call-out", **(body or {"case": "A1", "number": NUMBER}))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def until_state(stage: Stage, out_id: str, *states: str) -> dict[str, Any]:
    """The call, once it is in one of these states."""

    async def so() -> dict[str, Any] | None:
        found: dict[str, Any] = await stage.api(f"/api/v1/outbound-calls/{out_id}")
        return found if found["state"] in states else None

    found = await stage.until(so, 30, f"outbound call {' or '.join(states)}")
    assert isinstance(found, dict)
    return found


async def row(stage: Stage, out_id: str) -> dict[str, Any]:
    """The call in the database, once it is over there."""
    from storage import outbound
    from storage.engine import create_engine

    async def over() -> dict[str, Any] | None:
        engine = create_engine(stage.settings.database_url())
        try:
            found = await outbound.outbound(engine, out_id)
        finally:
            await engine.dispose()
        return found if found is not None and found["ended_ms"] is not None else None

    found = await stage.until(over, 20, "a finished row")
    assert isinstance(found, dict)
    return found


async def entry(stage: Stage) -> int:
    """A new call-back."""
    answer = await ask(stage, "POST", "/api/v1/callbacks", number=NUMBER, consent=True, case="A2")
    assert answer.status_code == 201, answer.text
    assert answer.json()["number"] == "138****0077"
    return int(answer.json()["id"])


async def until_entry(stage: Stage, id_: int, state: str) -> dict[str, Any]:
    async def so() -> dict[str, Any] | None:
        found: dict[str, Any] = await stage.api(f"/api/v1/callbacks/{id_}")
        return found if found["state"] == state else None

    found = await stage.until(so, 15, f"call-back {state}")
    assert isinstance(found, dict)
    return found


async def test_agent_whose_role_may_not_follow_up_calls_an_entry_and_nobody_else(stage: Stage, people: Cast) -> None:
    await people.seat("1001")
    citizen = await people.citizen()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = "/api/v1/agents/1001/call-out"
    refused = await stage.http.post(url, json={"case": "A1", "number": NUMBER}, headers=headers)
    assert (refused.status_code, "may not follow up a case" in refused.json()["detail"]) == (422, True)
    placed = await stage.http.post(url, json={"callback": await entry(stage)}, headers=headers)
    assert placed.status_code == 202, placed.text
    await citizen.until_talking()
    await in_state(stage, "1001", "talking")
    await citizen.hang_up()
    await in_state(stage, "1001", "wrap_up")
    assert len(citizen.legs) == 1


@pytest.mark.parametrize("first", ["agent", "citizen"])
async def test_agent_then_citizen_answer_and_hear_each_other(stage: Stage, people: Cast, first: str) -> None:
    seat = await people.seat("1001", voice=True)
    citizen = await people.citizen(voice=True)
    id_ = await entry(stage)
    out_id = await placed(stage, callback=id_)
    await until_state(stage, out_id, "talking")
    who = {"agent": seat.voice, "citizen": citizen.voice}
    await until_heard(who, everybody(who))
    assert "From: <sip:12345@" in citizen.invite() or 'From: "12345" <sip:12345@' in citizen.invite()
    await until_entry(stage, id_, "placed")
    await in_state(stage, "1001", "talking")
    await (seat if first == "agent" else citizen).hang_up()
    await in_state(stage, "1001", "wrap_up")
    found = await row(stage, out_id)
    assert (found["kind"], found["case_id"], found["outcome"], found["agent_id"]) == (
        "callback",
        "A2",
        "answered",
        "1001",
    )
    stamps = [found[key] for key in ("asked_ms", "agent_answered_ms", "dialled_ms", "answered_ms", "ended_ms")]
    assert stamps == sorted(stamps)
    reached = await until_entry(stage, id_, "reached")
    assert reached["attempts"] == 1
    await in_state(stage, "1001", "ready")


async def test_what_citizen_and_agent_say_is_recorded_but_for_the_pause(stage: Stage, people: Cast) -> None:
    before = await stage.total("hotline_recordings_total")
    seat, citizen = await people.seat("1001", voice=True), await people.citizen(RINGS_FOR_EVER, voice=True)
    out_id = await placed(stage)
    place = f"/api/v1/calls/{out_id}/recording"
    await until_state(stage, out_id, "citizen_ringing")
    early = await ask(stage, "POST", f"{place}/pause", reason="card number")
    assert (early.status_code, "Nobody has answered" in early.json()["detail"]) == (409, True)
    await citizen.pick_up()
    await until_state(stage, out_id, "talking")
    await speak(seat, citizen, for_s=LONG_S)
    assert (await ask(stage, "POST", f"{place}/pause", reason="card number")).status_code == 200
    await speak(seat, citizen)
    assert (await ask(stage, "POST", f"{place}/resume")).status_code == 200
    await speak(seat, citizen, for_s=LONG_S)
    await citizen.hang_up()
    found = await kept(stage, out_id)
    assert whole(found, seat, citizen), found
    assert found["file"].endswith(f"/{out_id}.wav")
    path = stage.settings.recordings_dir / found["file"]
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    ((since, until, reason, _),) = found["paused"]
    assert reason == "card number"
    parts, both = Sound(path).heard(seat, citizen), {seat.voice.pitch, citizen.voice.pitch}
    assert citizen.leg.answered_at is not None
    assert from_the_start(parts, both, citizen.leg.answered_at), parts
    assert to_the_end(parts, both), parts
    assert abs(parts.count(frozenset()) * 0.5 - (until - since) / 1000) <= 1.0, parts
    assert (await until_state(stage, out_id, "ended"))["recording"] == found["outcome"]
    assert await stage.total("hotline_recordings_total") == before + 1


async def test_recording_goes_on_without_the_service_and_is_looked_at_after_its_start(
    stage: Stage, people: Cast
) -> None:
    seat, citizen = await people.seat("1001", voice=True), await people.citizen(voice=True)
    out_id = await placed(stage)
    await until_state(stage, out_id, "talking")
    await stage.end_service(signal.SIGKILL)
    await speak(seat, citizen, for_s=LONG_S)
    await citizen.hang_up()
    await seat.until_ended()
    await stage.start_service()
    found = await kept(stage, out_id)
    assert found["outcome"] == "kept"
    parts = Sound(stage.settings.recordings_dir / found["file"]).heard(seat, citizen)
    assert share(parts, {seat.voice.pitch, citizen.voice.pitch}) > 0.5, parts


@pytest.mark.parametrize(
    ("habit", "outcome"),
    [(BUSY, "busy"), (Habit(**ENDS), "refused"), (RINGS_FOR_EVER, "no_answer")],
    ids=["busy", "refuses", "rings out"],
)
async def test_agent_is_told_why_the_citizen_was_not_reached(
    stage: Stage, people: Cast, habit: Habit, outcome: str
) -> None:
    await people.seat("1001")
    await people.citizen(habit)
    id_ = await entry(stage)
    out_id = await placed(stage, callback=id_)
    told = await until_state(stage, out_id, "unreached", "ended")
    assert told["outcome"] == outcome
    await stage.until(lambda: not _file_of(stage, out_id), 30, "the empty file is gone")
    assert (await row(stage, out_id))["outcome"] == outcome
    assert (await until_entry(stage, id_, "not_reached"))["attempts"] == 1


def _file_of(stage: Stage, out_id: str) -> list[Path]:
    return list(stage.settings.recordings_dir.glob(f"*/{out_id}.wav"))


async def test_agent_who_does_not_answer_leaves_the_entry_open(stage: Stage, people: Cast) -> None:
    await people.seat("1001", RINGS_FOR_EVER)
    citizen = await people.citizen()
    id_ = await entry(stage)
    out_id = await placed(stage, callback=id_)
    await until_state(stage, out_id, "agent_ringing")
    second = await ask(stage, "POST", "/api/v1/agents/1001/call-out", case="A1", number=NUMBER)
    assert (second.status_code, "only who is ready" in second.json()["detail"]) == (409, True)
    found = await row(stage, out_id)
    assert (found["outcome"], found["dialled_ms"]) == ("agent_no_answer", None)
    assert not citizen.legs
    assert (await until_entry(stage, id_, "open"))["attempts"] == 0
    await in_state(stage, "1001", "ready")


async def test_agent_who_gives_up_ends_the_ringing_of_the_citizen(stage: Stage, people: Cast) -> None:
    seat = await people.seat("1001")
    await people.citizen(RINGS_FOR_EVER)
    out_id = await placed(stage)
    await until_state(stage, out_id, "citizen_ringing")
    await seat.hang_up()
    assert (await row(stage, out_id))["outcome"] == "cancelled"


@pytest.mark.parametrize("number", ["16812345678", "0085220000000", "12345", "110", "119", "abc", "02116812345"])
async def test_forbidden_number_is_refused_with_a_sentence(stage: Stage, people: Cast, number: str) -> None:
    await people.seat("1001")
    answer = await ask(stage, "POST", "/api/v1/agents/1001/call-out", case="A1", number=number)
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith(".")
    assert number not in answer.text
    added = await ask(stage, "POST", "/api/v1/callbacks", number=number, consent=True)
    assert added.status_code == 422
    await in_state(stage, "1001", "ready")


@pytest.mark.parametrize("state", ["agent_ringing", "citizen_ringing", "talking", "unreached"])
async def test_service_killed_people_stay_and_afterwards_the_state_is_known(
    stage: Stage, people: Cast, state: str
) -> None:
    agent = RINGS_FOR_EVER if state == "agent_ringing" else ANSWERS
    citizen = {"citizen_ringing": RINGS_FOR_EVER, "unreached": BUSY}.get(state, ANSWERS)
    seat = await people.seat("1001", agent, voice=state == "talking")
    other = await people.citizen(citizen, voice=state == "talking")
    out_id = await placed(stage)
    await until_state(stage, out_id, state)
    await stage.end_service(signal.SIGKILL)
    if state == "talking":
        await until_heard({"agent": seat.voice, "citizen": other.voice}, everybody(["agent", "citizen"]))
    await stage.start_service(ready=False)
    await stage.until(stage.is_ready, 60, "service ready again")
    known = await until_state(stage, out_id, state, "ended")
    if state == "talking":
        assert known["state"] == "talking"
        await in_state(stage, "1001", "talking")
        await until_heard({"agent": seat.voice, "citizen": other.voice}, everybody(["agent", "citizen"]))
        await other.hang_up()
        await in_state(stage, "1001", "wrap_up")
    found = await row(stage, out_id)
    wanted = {
        "agent_ringing": {"agent_no_answer", "unknown"}, "citizen_ringing": {"no_answer", "unknown"},
        "talking": {"answered"}, "unreached": {"busy"},
    }  # fmt: skip
    assert found["outcome"] in wanted[state]
