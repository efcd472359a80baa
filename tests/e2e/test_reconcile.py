"""Asterisk's CEL is the second witness: calls that the service has missed are recorded once, as Asterisk tells of them."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest_asyncio

from routing.witness import TOLERANCE_MS, What
from sandbox.instance import Ports
from sandbox.people import Callers, Plan, Seats
from sandbox.root import Asterisk
from sandbox.scenario import Habit
from service.cli.stage import CEL_FILE, Stage
from service.reconcile import SETTLE_MS
from tests.e2e import faults
from tests.e2e.evidence import ready
from tests.e2e.machine import late_s
from tests.e2e.parties import channels
from tests.e2e.staging import command, nothing_left_over, timing

SEATS = ["1001", "1002", "1003"]
NUMBER = "12345"
STORY = ("offered", "flag", "answered", "judged", "ended")
GIVEN_UP = ("offered", "flag", "judged", "ended")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    edit = timing(wrap_up_s=0, ring_several_after_s=0, restart_window_s=0)
    async with Stage(folder, asterisk, ports, seats=len(SEATS), edit=edit).serving() as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def phones(stage: Stage) -> AsyncIterator[Seats]:
    async with Seats(stage.pbx, SEATS, stage.folder / "seats", habit=Habit(ring_s=1.0)) as phones:
        await ready(stage, *SEATS)
        yield phones


async def kill(stage: Stage) -> None:
    assert await stage.end_service(signal.SIGKILL) == -signal.SIGKILL


async def as_after_hours(stage: Stage) -> None:
    """The dialplan's own notes of ends are gone, as after an hour, and what happened is old enough to be compared.

    A caller's phone has ended its call before the dialplan notes that: all notes are there when no channel is left.
    """

    async def nobody() -> bool:
        return not await channels(stage.sandbox)

    await stage.until(nobody, 10, "no channel left")
    await stage.sandbox.cli("database deltree hotline-ends")
    old = time.time() + SETTLE_MS / 1000 + 1.5
    await stage.until(lambda: time.time() > old, 30, "the calls are old enough")


async def reconcile(stage: Stage) -> tuple[int, dict[str, Any]]:
    """What `hotline reconcile --json` answers."""
    return await command(stage, "reconcile")


def cel(stage: Stage) -> dict[str, list[list[str]]]:
    """Call -> its lines, read by nobody but this test."""
    found: dict[str, list[list[str]]] = {}
    for row in (stage.sandbox.folders.log / CEL_FILE).read_text().splitlines():
        cells = row[1:-1].split('","')
        found.setdefault(cells[2], []).append(cells)
    return found


def bridged_ms(rows: Sequence[Sequence[str]]) -> int | None:
    times = [row[1] for row in rows if row[0] == "BRIDGE_ENTER"]
    return int(max(times).replace(".", "")[:13]) if times else None


def agree_with_cel(stage: Stage, told: Sequence[faults.Story]) -> None:
    rows = cel(stage)
    for story in told:
        assert story.record.answered_ms == bridged_ms(rows[story.record.call_id]), story


async def test_calls_that_the_service_never_saw_are_recorded_once_when_it_is_back(stage: Stage, phones: Seats) -> None:
    async with Callers(stage.pbx, [Plan(NUMBER, talk_s=0.5)] * 2, stage.folder / "seen") as seen:
        await seen.until_all_ended(20)
        await faults.stories(stage, seen)
    await kill(stage)
    plans = [*[Plan(NUMBER, talk_s=0.5)] * 2, Plan(NUMBER, patience_s=0.3, talk_s=0.5)]
    # far enough apart that they arrive as they dialled: their records know no caller
    async with Callers(stage.pbx, plans, stage.folder / "unseen", per_s=2) as unseen:
        await unseen.until_all_ended(30)
        await as_after_hours(stage)
        await stage.start_service()
        told = await faults.stories(stage, unseen)
    faults.told_once(told)
    answered = [story for story in told if story.leg.answered_at is not None]
    faults.answer_times_agree(answered)
    agree_with_cel(stage, answered)
    assert {story.kinds[:5] for story in answered} == {STORY}  # its recording is found beside it, if there is one
    assert [story.kinds for story in told if story not in answered] == [GIVEN_UP]
    assert {story.record.flags for story in told} == {"recovered"}
    assert {story.record.seat_id for story in answered} <= set(SEATS)
    assert {story.record.number for story in told} == {NUMBER}

    drift = "hotline_reconcile_drift_total"
    await stage.until(lambda: counted(stage, drift, 3, kind="cel_call_missed"), 5, "the drift is counted")
    assert await stage.total("hotline_calls_offered_total", line=NUMBER) == 3
    assert await stage.total("hotline_calls_judged_total", line=NUMBER, result="in_time") == len(answered)
    dialled = {(row[0], row[5], row[7]) for rows in cel(stage).values() for row in rows if row[7]}
    assert dialled == {("CHAN_START", "hotline-in", NUMBER)}  # no number of anybody else
    code, found = await reconcile(stage)
    agree_but_for_lateness(code, found)
    assert found["cel_calls"] == found["record_calls"] == 5
    for story in told:
        assert (await faults.kinds_of(stage, story.record.call_id))[: len(story.kinds)] == story.kinds
    faults.told_once(await faults.stories(stage, unseen))
    await nothing_left_over(stage)


def as_near_as_stamped(cel_ms: int, record_ms: int) -> bool:
    """Two stamps of one moment: CEL's, and that of the thread that tells AMI, which a busy machine runs late."""
    return abs(cel_ms - record_ms) <= TOLERANCE_MS + late_s(record_ms / 1000, cel_ms / 1000) * 1000


def agree_but_for_lateness(code: int, found: dict[str, Any]) -> None:
    """CEL and the records know the same calls and tell the same of them."""
    wrong = [found[count] for count in ("missing", "unplaced", "not_in_cel", "corrupt_lines")]
    assert wrong == [0, 0, 0, 0], found
    for one in found["differences"]:
        assert one["what"] in (What.ANSWER_TIME, What.END_TIME), one
        cel_ms, record_ms = round(one["cel"] * 1000), round(one["records"] * 1000)
        assert abs(cel_ms - record_ms) > TOLERANCE_MS, one
        assert as_near_as_stamped(cel_ms, record_ms), one
    assert (code, found["agree"]) == ((1, False) if found["differences"] else (0, True)), found


async def counted(stage: Stage, name: str, wanted: float, **labels: str) -> bool:
    return await stage.total(name, **labels) == wanted


async def test_without_a_service_the_command_tells_and_records_nothing(stage: Stage, phones: Seats) -> None:
    await kill(stage)
    (stage.folder / "var" / "snapshot.json").unlink()  # so the queue of the duty seats takes him, through a Local leg
    async with Callers(stage.pbx, [Plan(NUMBER, talk_s=0.3)], stage.folder / "alone") as callers:
        await callers.until_all_ended(20)
    assert any("Local/" in row[6] for rows in cel(stage).values() for row in rows)
    await as_after_hours(stage)
    before = await stage.calls()
    code, found = await reconcile(stage)
    assert (code, found["missing"], found["recovered"], found["record_calls"]) == (1, 1, 0, 5), found
    assert await stage.calls() == before
    await stage.start_service()
    told = await faults.stories(stage, callers)
    faults.answer_times_agree(told)
    assert [(story.record.outcome, story.record.flags) for story in told] == [("answered", "recovered")]
    assert told[0].record.seat_id in SEATS
    await nothing_left_over(stage)


async def have(stage: Stage, wanted: int) -> bool:
    return len([call for call in await stage.calls() if call.outcome is not None]) == wanted


async def test_records_that_were_lost_are_told_again_by_asterisk(stage: Stage, phones: Seats) -> None:
    before = {call.call_id: call for call in await stage.calls()}
    await kill(stage)
    data = stage.folder / "var"
    shutil.rmtree(data / "journal")
    for file in data.glob("hotline.db*"):
        file.unlink()
    await as_after_hours(stage)
    await stage.start_service()
    await stage.until(lambda: have(stage, 6), 20, "all are there again")
    after = {call.call_id: call for call in await stage.calls()}
    assert after.keys() == before.keys()
    for call_id, call in after.items():
        was = before[call_id]
        assert (call.judged, call.outcome, call.seat_id) == (was.judged, was.outcome, was.seat_id)
        for told, kept in ((call.answered_ms, was.answered_ms), (call.ended_ms, was.ended_ms)):
            assert (told is None and kept is None) or as_near_as_stamped(told or 0, kept or 0), (call, was)
    code, found = await reconcile(stage)
    assert (code, found["agree"]) == (0, True), found
    arrived_s = max(call.arrived_ms for call in after.values()) / 1000
    code, found = await command(stage, "audit", str(datetime.fromtimestamp(arrived_s, stage.settings.zone_info).date()))
    assert (code, found["agrees"]) == (0, True), found


async def test_lines_that_nobody_can_read_are_named_counted_and_kept_aside(stage: Stage, phones: Seats) -> None:
    file = stage.sandbox.folders.log / CEL_FILE
    lines = len(file.read_text().splitlines())
    with file.open("a") as torn:
        torn.write('"CHAN_START","17953980\n')
    code, found = await reconcile(stage)
    assert (code, found["corrupt"]) == (1, [{"file": "hotline.csv", "line": lines + 1, "why": "not whole"}])
    assert await stage.end_service() == 0
    await stage.start_service()
    aside = stage.folder / "var" / "cel-refused.txt"
    await stage.until(lambda: aside.exists() and aside.read_text().endswith("\n"), 20, "kept aside")
    assert aside.read_text() == f'hotline.csv:{lines + 1}\tnot whole\t"CHAN_START","17953980\n'
    await stage.until(
        lambda: counted(stage, "hotline_reconcile_drift_total", 1, kind="cel_line_corrupt"), 5, "it is counted"
    )
    await nothing_left_over(stage)
