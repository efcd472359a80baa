"""Recordings, judged by what is in the files: who is heard in them and when, whatever became of the legs of the call."""

from __future__ import annotations

import hashlib
import re
import resource
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.root import Asterisk
from sandbox.scenario import RINGS_FOR_EVER
from service.cli.stage import Stage
from service.settings_tables import Role
from telephony.ami.actions import AmiAction
from tests.e2e.cast import Cast
from tests.e2e.evidence import record, several, story
from tests.e2e.manager import action
from tests.e2e.sounds import LONG_S, Sound, from_the_start, kept, share, speak, to_the_end, whole
from tests.e2e.staging import nothing_left_over, timing

FIRST, SECOND = "1001", "1002"
JOINED = """
[join]
exten => caller,1,ConfBridge(${HOTLINE_CALL},default_bridge,caller)
exten => agent,1,ConfBridge(${HOTLINE_CALL},default_bridge,agent)
exten => hold,1,MusicOnHold(hotline-notice)
"""
PROFILES = "[general]\n[caller]\ntype=user\nend_marked=yes\nquiet=yes\n[agent]\ntype=user\nmarked=yes\nquiet=yes\n"
TOKENS = {role: f"{role}-of-the-test" for role in Role}


def _tokens(text: str) -> str:
    tables = (
        f'[[token]]\nname = "{FIRST if role is Role.AGENT else role}"\nrole = "{role}"\n'
        f'sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\n'
        for role, token in TOKENS.items()
    )
    return text + "\n[recording]\nmin_free_mb = 0\n\n" + "\n".join(tables)


def _rooms(files: dict[str, str]) -> None:
    """A conference, as joined calls have it."""
    files["extensions.conf"] += JOINED
    if "confbridge.conf" not in files:
        files["confbridge.conf"] = ""
        files["modules.conf"] += "load = app_confbridge.so\n"
    files["confbridge.conf"] += PROFILES.removeprefix("[general]\n" if "[general]" in files["confbridge.conf"] else "")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    times = timing(wrap_up_s=0, restart_window_s=1, answer_notice_after_s=0)
    duty = [lambda text: re.sub(r"duty_seats = .*", f'duty_seats = ["{FIRST}", "{SECOND}"]', text)]
    stage = Stage(folder, asterisk, ports, seats=3, edit=several(times, _tokens, *duty))
    async with stage.serving(_rooms):
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def people(stage: Stage) -> AsyncIterator[Cast]:
    async with Cast(stage) as people:
        yield people
    if stage.service is None:  # the test failed while it was killed
        await stage.start_service()
    await nothing_left_over(stage)


# -- AMI, as the acts of joined calls use it --------------------------------------------------------------------------


async def redirect(stage: Stage, caller_to: str, agent_to: str = "") -> None:
    """Moves the caller, and the agent with him, to other places."""
    lines = [
        line.split("!") for line in (await stage.sandbox.cli("core show channels concise")).splitlines() if "!" in line
    ]
    legs = {line[0].startswith("PJSIP/carrier"): line[-1] for line in lines}
    fields = {"Channel": legs[True], "Context": "join", "Exten": caller_to, "Priority": "1"}
    if agent_to:
        fields |= {"ExtraChannel": legs[False], "ExtraContext": "join", "ExtraExten": agent_to, "ExtraPriority": "1"}
    await action(stage, AmiAction("Redirect", tuple(fields.items())))


async def ask(stage: Stage, role: Role, path: str, **body: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {TOKENS[role]}"}
    if path.endswith(("pause", "resume")):
        return await stage.http.post(path, headers=headers, json=body or None)
    return await stage.http.get(path, headers=headers)


async def call_id_of(stage: Stage) -> str:
    """Of the newest call."""

    async def newest() -> str | None:
        found = await stage.calls()
        return found[0].call_id if found and found[0].outcome is None else None

    found = await stage.until(newest, 15, "the call that goes on")
    assert isinstance(found, str)
    return found


# -- the tests --------------------------------------------------------------------------------------------------------


async def test_a_call_is_recorded_from_the_answer_to_the_end_and_everybody_finds_it(stage: Stage, people: Cast) -> None:
    seat = await people.seat(FIRST, RINGS_FOR_EVER, voice=True)
    caller = await people.caller(voice=True)
    await seat.until_ringing()
    await seat.pick_up()
    await caller.until_talking()
    await speak(seat, caller, for_s=LONG_S)
    await caller.hang_up()
    found = await record(stage, caller)
    row = await kept(stage, found.call_id)
    assert (row["outcome"], row["problem"], row["paused"]) == ("kept", None, [])
    path = stage.settings.recordings_dir / row["file"]
    assert row["file"].endswith(f"/{found.call_id}.wav")
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.parent.stat().st_mode & 0o007 == 0
    assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert row["bytes"] == path.stat().st_size
    sound = Sound(path)
    assert sound.seconds == pytest.approx(row["seconds"], abs=0.001)
    assert share(sound.heard(seat, caller), {seat.voice.pitch, caller.voice.pitch}) > 0.7
    assert row["started_ms"] == found.answered_ms
    assert row["ended_ms"] == found.ended_ms
    assert found.caller_ref is not None
    assert await stage.total("hotline_recordings_total", outcome="kept") >= 1
    (shown,) = [call for call in await stage.api("/api/v1/calls") if call["call_id"] == found.call_id]
    assert shown["recording"] == "kept"
    heard = await ask(stage, Role.AUDITOR, f"/api/v1/calls/{found.call_id}/recording")
    assert (heard.status_code, heard.content) == (200, path.read_bytes())
    assert (await ask(stage, Role.AGENT, f"/api/v1/calls/{found.call_id}/recording")).status_code == 403
    assert (await ask(stage, Role.ENGINEER, f"/api/v1/calls/{found.call_id}/recording")).status_code == 403


async def test_it_goes_on_in_a_conference_and_leaves_out_the_music(stage: Stage, people: Cast) -> None:
    seat, caller = await people.busy_seat(FIRST, voice=True)
    await speak(seat, caller, for_s=LONG_S)
    await redirect(stage, "caller", "agent")
    await speak(seat, caller, for_s=LONG_S)
    await redirect(stage, "hold")
    await seat.voice.until_hears(set())
    await redirect(stage, "caller")
    await speak(seat, caller, for_s=LONG_S)
    await caller.hang_up()
    await seat.hang_up()
    row = await kept(stage, (await record(stage, caller)).call_id)
    parts = Sound(stage.settings.recordings_dir / row["file"]).heard(seat, caller)
    assert share(parts, {seat.voice.pitch, caller.voice.pitch}) > 0.7, parts
    assert len(parts) >= 22, "the half before and the half after the redirect"


async def test_who_loses_an_agent_is_recorded_with_the_next_one_too(stage: Stage, people: Cast) -> None:
    seat, caller = await people.busy_seat(FIRST, voice=True)
    await speak(seat, caller)
    other = await people.seat(SECOND, voice=True)
    seat.kill()
    await other.until_talking(60)
    await speak(other, caller)
    await caller.hang_up()
    row = await kept(stage, (await record(stage, caller)).call_id)
    assert whole(row, caller), row
    assert len(row["spans"]) == 2
    parts = Sound(stage.settings.recordings_dir / row["file"]).heard(seat, other, caller)
    first, second = {seat.voice.pitch, caller.voice.pitch}, {other.voice.pitch, caller.voice.pitch}
    assert parts.count(frozenset(first)) >= 2, parts
    assert parts.count(frozenset(second)) >= 2, parts


async def test_a_pause_is_silence_of_its_length_and_ends_with_the_agent(stage: Stage, people: Cast) -> None:
    seat, caller = await people.busy_seat(FIRST, voice=True)
    call_id = await call_id_of(stage)
    place = f"/api/v1/calls/{call_id}/recording"
    await speak(seat, caller, for_s=LONG_S)
    assert (await ask(stage, Role.AUDITOR, f"{place}/pause", reason="card number")).status_code == 403
    assert (await ask(stage, Role.AGENT, f"{place}/pause", reason="card number")).status_code == 200
    assert (await ask(stage, Role.AGENT, f"{place}/pause", reason="again")).status_code == 409
    await speak(seat, caller)
    assert (await ask(stage, Role.AGENT, f"{place}/resume")).status_code == 200
    assert (await ask(stage, Role.AGENT, f"{place}/resume")).status_code == 409
    await speak(seat, caller, for_s=LONG_S)
    assert (await ask(stage, Role.SUPERVISOR, place)).status_code == 409, "not over yet"
    await caller.hang_up()
    row = await kept(stage, call_id)
    assert whole(row, seat, caller), row
    ((since, until, reason, by),) = row["paused"]
    assert (reason, by) == ("card number", FIRST)
    parts = Sound(stage.settings.recordings_dir / row["file"]).heard(seat, caller)
    both = {seat.voice.pitch, caller.voice.pitch}
    silent = parts.count(frozenset())
    assert caller.leg.answered_at is not None
    assert from_the_start(parts, both, caller.leg.answered_at), parts
    assert to_the_end(parts, both), parts
    assert abs(silent * 0.5 - (until - since) / 1000) <= 1.0, parts
    assert [step.data["what"] for step in await story(stage, call_id) if step.kind == "recording"] == [
        "paused",
        "resumed",
        "ended",
    ]


async def test_calls_without_the_service_are_recorded_and_told_of_after_its_start(stage: Stage, people: Cast) -> None:
    seat, caller = await people.busy_seat(FIRST, voice=True)
    await speak(seat, caller, for_s=LONG_S)
    await stage.end_service(signal.SIGKILL)
    await speak(seat, caller)
    await caller.hang_up()
    await seat.until_ended()
    alone = await people.caller(voice=True)  # the dialplan finds somebody by itself
    await alone.until_talking(60)
    await speak(seat, alone, for_s=LONG_S)
    await alone.hang_up()
    await seat.until_ended()
    await stage.start_service()
    one_record = await record(stage, caller)

    async def noted() -> str | None:  # Asterisk's note of a call that nobody saw names no caller
        newest = (await stage.calls())[0]
        return newest.call_id if newest.arrived_ms > one_record.arrived_ms and newest.outcome else None

    for one, call_id in ((caller, one_record.call_id), (alone, await stage.until(noted, 15, "the other call"))):
        row = await kept(stage, str(call_id))
        assert whole(row, one), row
        parts = Sound(stage.settings.recordings_dir / row["file"]).heard(seat, one)
        assert share(parts, {seat.voice.pitch, one.voice.pitch}) > 0.7


async def test_a_call_that_nobody_answers_leaves_nothing(stage: Stage, people: Cast) -> None:
    seat = await people.seat(FIRST, RINGS_FOR_EVER)
    caller = await people.caller()
    await seat.until_ringing()
    folder = stage.settings.recordings_dir
    call_id = await call_id_of(stage)
    await stage.until(lambda: list(folder.glob(f"*/{call_id}.wav")), 10, "Asterisk makes the file before it dials")
    await caller.hang_up()
    await record(stage, caller)
    await stage.until(lambda: not list(folder.glob(f"*/{call_id}.wav")), 30, "the empty file is gone")
    assert (await record(stage, caller)).recording is None


async def test_a_disk_that_takes_no_more_costs_the_recording_and_not_the_call(stage: Stage, people: Cast) -> None:
    before = await stage.total("hotline_recordings_total", outcome="short")
    pid = stage.sandbox.pid
    assert pid is not None
    seat, caller = await people.busy_seat(FIRST, voice=True)
    old = resource.prlimit(pid, resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    try:
        for _ in range(4):
            await speak(seat, caller)
        await caller.hang_up()
        found = await record(stage, caller)
        row = await kept(stage, found.call_id)
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, old)
    assert found.outcome == "answered"
    assert row["outcome"] == "short"
    assert "are not in it" in row["problem"]
    assert await stage.total("hotline_recordings_total", outcome="short") == before + 1


async def test_a_folder_that_cannot_be_written_costs_the_recording_and_not_the_call(stage: Stage, people: Cast) -> None:
    folder = stage.settings.recordings_dir
    aside = folder.rename(folder.with_name("aside"))
    folder.write_text("no folder")
    try:
        assert await stage.until(lambda: _ready(stage, 0.0), 30, "the alarm") is True
        seat, caller = await people.busy_seat(FIRST, voice=True)
        await speak(seat, caller)
        await caller.hang_up()
        found = await record(stage, caller)
        row = await kept(stage, found.call_id)
    finally:
        folder.unlink()
        aside.rename(folder)
    assert found.outcome == "answered"
    assert (row["outcome"], row["file"]) == ("unwritable", None)
    assert "no folder" in row["problem"]
    assert await stage.total("hotline_recordings_total", outcome="unwritable") >= 1
    await stage.until(lambda: _ready(stage, 1.0), 30, "the end of the alarm")


async def _ready(stage: Stage, value: float) -> bool:
    found: dict[str, Any] = await stage.metrics()
    return bool(found["hotline_recording_ready"] == value)
