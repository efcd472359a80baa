"""Test calls: out by a trunk of their own, in by the carrier's, measured, told to the agent, and in no figure."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.places import Ports
from sandbox.root import Asterisk
from sandbox.scenario import BUSY, RINGS_FOR_EVER, SILENT, Habit
from service.cli.stage import Stage
from tests.e2e.cast import Cast
from tests.e2e.evidence import in_state, known_calls, new_calls, record, settled, several, until_waiting
from tests.e2e.loop import SHOWN, Loop, probe_trunk
from tests.e2e.parties import nothing_left
from tests.e2e.staging import timing

pytestmark = pytest.mark.asyncio(loop_scope="module")

BEEP = 1320
RING_S = 8
NEAR_S = 0.4  # SIPp's own times, and a relay that looks every 20 ms
CONGESTED = Habit(code=503)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    edit = several(
        timing(wrap_up_s=20, no_answer_pause_s=1),
        partial(probe_trunk, more=f"ring_s = {RING_S}\ntalk_s = 4\nanswer_s = 6\n"),
    )
    async with Stage(folder / "stage", asterisk, ports, seats=4, edit=edit).serving() as made:
        yield made


FIGURES = ("hotline_calls_", "hotline_answer", "hotline_abandon", "hotline_presentations", "hotline_fallback_calls")


async def figures(stage: Stage) -> dict[str, Any]:
    """All that counts citizens, but for what says that there were test calls."""
    found = await stage.metrics()
    counted = {key: value for key, value in found.items() if key.startswith(FIGURES) and 'result="test"' not in key}
    return {"metrics": counted, "today": await settled(stage)}


@pytest_asyncio.fixture(loop_scope="module")
async def people(stage: Stage) -> AsyncIterator[Cast]:
    async with Cast(stage) as cast:
        yield cast
    await nothing_left(stage)


async def probe(stage: Stage, *words: str) -> tuple[int, Any]:
    """Exit code and answer of `hotline probe`, as somebody types it."""
    line = [sys.executable, "-m", "service", "probe", *words, "--json", "--config", str(stage.config)]
    done = await asyncio.to_thread(subprocess.run, line, capture_output=True, text=True, timeout=120)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


async def test_call_goes_out_and_comes_in_and_the_agent_hears_the_phrase(stage: Stage, people: Cast) -> None:
    before, known = await figures(stage), await known_calls(stage)
    seat = await people.seat("1001", Habit(ring_s=1.0), voice=True)
    async with Loop(stage) as loop:
        asked = asyncio.create_task(probe(stage, "12345"))
        await stage.until(lambda: seat.legs and seat.legs[-1].answered_at, 20, "answered")
        await stage.until(lambda: BEEP in seat.voice.heard_since(0, {BEEP}), 20, "the beeps heard")
        code, (result,) = await asked
        (out,) = loop.outside.legs
        (caller,) = loop.inside
    assert (code, result["outcome"], result["faults"]) == (0, "answered", []), result
    assert (result["seat"], result["agent"], result["answered_by"]) == ("1001", "1001", "engine")
    assert out.answered_at is not None
    assert out.ringing_at is not None
    assert abs(result["answer_s"] - (out.answered_at - out.invited_at)) < NEAR_S
    assert abs(result["dial_delay_s"] - (out.ringing_at - out.invited_at)) < NEAR_S
    assert abs(result["inside_s"] - (caller.leg.answered_at - caller.leg.invited_at)) < NEAR_S
    assert 3.5 < caller.leg.ended_at - caller.leg.answered_at < 6, "the talk ends by itself"
    await in_state(stage, "1001", "ready", 3)  # no wrap-up: that would last 20 s
    (row,) = await new_calls(stage, known)
    assert (row.call_id, row.judged, row.caller_ref) == (result["call"], "test", None)
    assert await figures(stage) == before
    assert await stage.total("hotline_calls_judged_total", line="12345", result="test") == 1


async def test_carrier_may_write_the_number_in_another_way(stage: Stage, people: Cast) -> None:
    await people.seat("1001")
    async with Loop(stage, shows=f"+86{SHOWN[1:]}"):
        code, (result,) = await probe(stage, "12345")
    assert (code, result["outcome"]) == (0, "answered"), result


async def test_citizen_of_another_number_meanwhile_is_a_citizen(stage: Stage, people: Cast) -> None:
    """The call from outside does not come back, somebody else comes instead."""
    seat = await people.seat("1001", RINGS_FOR_EVER)
    async with Loop(stage, back=False) as loop:
        asked = asyncio.create_task(probe(stage, "12345"))
        await stage.until(lambda: loop.outside.legs, 20, "dialled")
        citizen = await people.caller("12345")
        await stage.until(lambda: seat.legs, 20, "rung")
        await seat.pick_up()
        await citizen.until_talking()
        await loop.outside.pick_up()
        code, (result,) = await asked
        assert citizen.leg.ended_at is None
        await citizen.hang_up()
    assert (code, result["outcome"], result["faults"], result["call"]) == (1, "answered", ["elsewhere"], ""), result
    assert (await record(stage, citizen)).judged == "in_time"


async def test_number_of_the_trunk_without_a_test_call_is_a_citizen(stage: Stage, people: Cast) -> None:
    await people.seat("1001", Habit(talk_s=1.0))
    caller = await people.caller("12345", caller=SHOWN)
    await caller.until_all_ended()
    assert (await record(stage, caller)).judged == "in_time"


@pytest.mark.parametrize(
    ("habit", "outcome"),
    [(CONGESTED, "refused"), (BUSY, "busy"), (SILENT, "silent"), (RINGS_FOR_EVER, "no_answer")],
    ids=["503", "486", "silent", "rings out"],
)
async def test_result_says_what_the_carrier_did(stage: Stage, people: Cast, habit: Habit, outcome: str) -> None:
    before = await figures(stage)
    async with Loop(stage, habit=habit, back=False):
        code, (result,) = await probe(stage, "12345")
    assert (code, result["outcome"], result["faults"]) == (1, outcome, ["not_reached"]), result
    assert await figures(stage) == before
    assert await stage.total("hotline_probe_good", number="12345") == 0
    tells = not stage.sandbox.asterisk.version.startswith("16.")  # the SIP answer behind a refusal
    assert result["sip"] == (habit.code if tells else None), result


async def test_none_is_placed_while_a_citizen_waits(stage: Stage, people: Cast) -> None:
    await people.busy_seat("1001")
    await people.caller("12345")
    await until_waiting(stage, "12345", 1)
    async with Loop(stage) as loop:
        code, said = await probe(stage, "12345")
        assert (code, "callers wait" in said) == (1, True), said
        assert not loop.outside.legs


async def test_test_call_that_waits_gives_way_to_a_citizen(stage: Stage, people: Cast) -> None:
    """Nobody is free; a citizen who comes later gets the seat, and the test call ends."""
    _, first = await people.busy_seat("1001")
    async with Loop(stage) as loop:
        asked = asyncio.create_task(probe(stage, "12345"))
        await stage.until(lambda: loop.inside and loop.inside[0].legs, 20, "come in")
        second = await people.caller("12345")
        code, (result,) = await asked
        await first.hang_up()
        await in_state(stage, "1001", "wrap_up")
    assert (code, result["outcome"], result["faults"]) == (1, "gave_way", ["not_measured"]), result
    assert second.leg.ended_at is None


@pytest.mark.parametrize("moment", ["ringing", "talking"])
async def test_service_killed_in_a_test_call_leaves_nothing(stage: Stage, people: Cast, moment: str) -> None:
    before, known = await settled(stage), await known_calls(stage)
    seat = await people.seat("1001", RINGS_FOR_EVER if moment == "ringing" else Habit(), voice=True)
    async with Loop(stage) as loop:
        asked = asyncio.create_task(probe(stage, "12345"))
        await stage.until(lambda: seat.legs, 20, "rung")
        if moment == "talking":
            await stage.until(lambda: BEEP in seat.voice.heard_since(0, {BEEP}), 20, "the beeps heard")
        await stage.end_service(signal.SIGKILL)
        await loop.outside.until(lambda legs: all(leg.state == "ended" for leg in legs), 30, "ended")
        await asked
        await stage.start_service()
        await nothing_left(stage)
    (row,) = await new_calls(stage, known)
    assert row.judged == "test"
    assert await settled(stage) == before
    found = (await stage.api("/api/v1/probes"))[0]
    assert found["outcome"] in ("unknown", "answered", "no_answer"), found
