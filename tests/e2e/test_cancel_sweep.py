"""Caller gives up around the instant of answer: whatever comes first, the record agrees with what the caller's phone saw.

Agent's button and caller's goodbye are told to the two phones at a distance swept from -50 to +50 ms; what the phones
really did is in their traces.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Callers, Plan, Seats
from sandbox.root import Asterisk
from sandbox.scenario import RINGS_FOR_EVER
from sandbox.trace import Leg
from service.cli.stage import Stage
from storage.queries import CallRecord
from tests.e2e.evidence import caller_at, outcomes, ready, records_of
from tests.e2e.machine import tolerance_s
from tests.e2e.staging import nothing_left_over, seats, timing

USERS: Final = [f"10{n:02d}" for n in range(1, 13)]
SWEEP_MS: Final = range(-50, 51, 5)
INSIDE_MS: Final = range(-4, 10)  # once more by the millisecond, where the two meet inside Asterisk
INSIDE_SWEEPS: Final = 6  # at most: a machine that is busy misses the instant more often
ENOUGH_MET: Final = 6
INSTANT_MS: Final = 100
_numbers = count(13800100000)
TOGETHER: Final = 6  # calls side by side at each point of the sweep


@dataclass(frozen=True)
class Crossing:
    """One call: what its caller's and its agent's phone saw. `ms`: from the agent's 200 to the caller's CANCEL; `told_ms`:
    the same between the two orders. `slack_s`: how far two stamps of that time may be apart."""

    caller: str
    told_ms: int
    leg: Leg
    rung: Leg
    slack_s: float

    @property
    def ms(self) -> float | None:
        return self._from_answer(self.leg.cancelled_at)

    @property
    def late_ms(self) -> float | None:
        """By how much longer the caller's phone took to do what it was told, whether it gave up or said goodbye."""
        left_at = self.leg.cancelled_at or (self.leg.ended_at if self.leg.ended_by == "us" else None)
        return None if (ms := self._from_answer(left_at)) is None else ms - self.told_ms

    def _from_answer(self, at: float | None) -> float | None:
        answered_at = self.rung.answered_at
        return None if at is None or answered_at is None else (at - answered_at) * 1000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    async with Stage(
        folder, asterisk, ports, edit=timing(wrap_up_s=0, ring_s=30, answer_notice_after_s=0)
    ).serving() as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def phones(stage: Stage) -> AsyncIterator[Seats]:
    async with Seats(stage.pbx, USERS, stage.folder / "seats", habit=RINGS_FOR_EVER) as phones:
        await ready(stage, *USERS)
        yield phones


@pytest.mark.timeout(900)  # a hundred points, each of them up to some seconds on a busy machine
async def test_each_caller_who_cancels_around_the_answer_has_one_record_that_agrees_with_his_phone(
    stage: Stage, phones: Seats
) -> None:
    before = await stage.metrics()
    crossings = [crossing for point in SWEEP_MS for crossing in await _cross(stage, phones, point)]
    swept = len(crossings)
    for _ in range(INSIDE_SWEEPS):
        late = _late_ms(crossings)
        crossings += [crossing for point in INSIDE_MS for crossing in await _cross(stage, phones, point - late)]
        if len(_met(crossings)) >= ENOUGH_MET:
            break
    assert len(_met(crossings)) >= ENOUGH_MET, [crossing.ms for crossing in crossings]
    found = [await _agrees(stage, crossing) for crossing in crossings]
    assert sum("crossed" in record.flags for record in found[:swept]) < swept / 10  # the others aim at the crossing
    codes = Counter(crossing.leg.code for crossing in crossings)
    assert set(codes) == {200, 487}, codes
    await _counted_once(stage, before, found)
    await nothing_left_over(stage)
    assert set((await seats(stage)).values()) == {"ready"}
    assert {leg.state for leg in phones.legs} == {"ended"}


def _met(crossings: list[Crossing]) -> list[float]:
    """The distances of those who met the instant itself."""
    return [ms for crossing in crossings if (ms := crossing.ms) is not None and abs(ms) < 10]


def _late_ms(crossings: list[Crossing]) -> int:
    """By how much longer a caller's phone takes to do what it is told than an agent's does: a matter of the machine. Known
    from every call that was answered: on a fast machine none of them need have been given up."""
    return round(median(late for crossing in crossings if (late := crossing.late_ms) is not None))


async def _cross(stage: Stage, phones: Seats, ms: int) -> list[Crossing]:
    """Some calls at once; each agent picks up and, `ms` later (before it, when negative), each caller gives up."""
    old, since = len(phones.legs), time.time()
    names = [str(next(_numbers)) for _ in range(TOGETHER)]
    plans = [Plan("12345", name, talk_s=5.0) for name in names]
    async with Callers(stage.pbx, plans, stage.folder / "callers", per_s=50, sound=False) as callers:
        rung = (await phones.until(lambda legs: sum(leg.state == "ringing" for leg in legs) == TOGETHER))[old:]
        pairs = [(callers.legs[names.index(caller_at(phones, leg))], leg) for leg in rung]
        await asyncio.gather(*(_press(callers, phones, leg, seat, ms / 1000) for leg, seat in pairs))
        await callers.until_all_ended(20)
        await phones.until(lambda legs: all(leg.state == "ended" for leg in legs))
        legs = {leg.call_id: leg for leg in (*callers.legs, *phones.legs)}
        number = {callers.sipp.call_id(n): name for n, name in enumerate(names, 1)}
        slack_s = tolerance_s(since)
        found = [
            Crossing(number[leg.call_id], ms, legs[leg.call_id], legs[seat.call_id], slack_s) for leg, seat in pairs
        ]
    await ready(stage, *USERS)
    return found


async def _press(callers: Callers, phones: Seats, leg: Leg, rung: Leg, after_s: float) -> None:
    if after_s < 0:
        await callers.hang_up(leg)
        await asyncio.sleep(-after_s)  # the distance is what is tested
        await phones.pick_up(rung)
    else:
        await phones.pick_up(rung)
        await asyncio.sleep(after_s)
        await callers.hang_up(leg)


async def _agrees(stage: Stage, crossing: Crossing) -> CallRecord:
    """One record, as the phone saw it. Asterisk builds a bridge also for a call whose CANCEL it has just taken; where that
    was told first (or Asterisk 16 does not tell it at all) the record says answered, and is marked."""
    (found,) = await records_of(stage, crossing.caller)
    answered = found.outcome == "answered"
    assert found.judged == ("in_time" if answered else "abandoned"), crossing
    assert (found.answered_ms is not None, found.presented) == (answered, 1), crossing
    assert await outcomes(stage, found.call_id) == [(crossing.rung.number, "answered" if answered else "cancelled")]
    if answered != (crossing.leg.code == 200):
        assert (answered, found.flags) == (True, "crossed"), crossing
        assert found.talk_ms < INSTANT_MS + 1000 * crossing.slack_s
    return found


async def _counted_once(stage: Stage, before: dict[str, float], found: list[CallRecord]) -> None:
    judged = Counter(record.judged for record in found)
    after = await stage.metrics()
    for result in ("in_time", "abandoned"):
        key = f'hotline_calls_judged_total{{line="12345",result="{result}"}}'
        assert after[key] - before[key] == judged[result]
