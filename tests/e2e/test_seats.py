"""Seats that do not take the call: the caller goes to the next one at the old place, and the pause fits what happened."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Caller, Seat
from sandbox.root import Asterisk
from sandbox.scenario import BUSY, REJECTS, RINGS_FOR_EVER, SILENT, Habit
from service.cli.stage import Stage
from tests.e2e.cast import Cast, number_of
from tests.e2e.evidence import (
    act,
    caller_at,
    caller_ref,
    in_state,
    outcomes,
    pauses,
    presentations_total,
    record,
    seats,
    several,
    story,
    until_waiting,
    with_key,
)
from tests.e2e.machine import tolerance_s
from tests.e2e.staging import timing

RING_S, BUSY_PAUSE_S, NO_ANSWER_PAUSE_S = 2.0, 2.0, 3.0
FIRST, SECOND = "1011", "1012"  # two agents with the general skill alone; who signed in first rings first
LEGAL = "1005"  # 12348 and general
DEAD_S = 2.0  # what a dead phone may cost the caller
AT_ONCE_S, TIMER_MS = 0.5, 300


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    times = timing(
        wrap_up_s=0,
        ring_s=RING_S,
        busy_pause_s=BUSY_PAUSE_S,
        no_answer_pause_s=NO_ANSWER_PAUSE_S,
        ring_several_after_s=0,
        answer_notice_after_s=0,
    )
    edit = several(times, with_key("line", "12348", 'rings = [ {after_s = 0, need = "legal>=5"} ]'))
    async with Stage(folder, asterisk, ports, edit=edit).serving() as stage:
        yield stage


# -- the first seat does not take it, the second does -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("habit", "outcome", "costs_s", "pause_s"),
    [
        pytest.param(BUSY, "busy", AT_ONCE_S, BUSY_PAUSE_S, id="busy"),
        pytest.param(Habit(ring_s=0.3, code=603), "busy", 0.3 + AT_ONCE_S, BUSY_PAUSE_S, id="rejects-while-it-rings"),
        pytest.param(REJECTS, "busy", AT_ONCE_S, BUSY_PAUSE_S, id="rejects"),
        pytest.param(RINGS_FOR_EVER, "no_answer", RING_S + AT_ONCE_S, NO_ANSWER_PAUSE_S, id="rings-out"),
        pytest.param(SILENT, "unreachable", DEAD_S, None, id="silent-to-invite"),
    ],
)
async def test_caller_goes_on_to_the_next_seat_and_the_first_is_paused_as_configured(
    stage: Stage, people: Cast, habit: Habit, outcome: str, costs_s: float, pause_s: float | None
) -> None:
    before, began = await presentations_total(stage), time.time()
    first = await people.seat(FIRST, habit)
    second = await people.seat(SECOND)
    caller = await people.caller(talk_s=0.1)
    leg = await caller.until_ended()
    assert (leg.code, len(first.legs), len(second.legs)) == (200, 1, 1)
    assert second.leg.invited_at - first.leg.invited_at < costs_s + tolerance_s(first.leg.invited_at)
    found = await record(stage, caller)
    assert (found.seat_id, found.presented, found.judged) == (SECOND, 2, "in_time")
    assert await outcomes(stage, found.call_id) == [(FIRST, outcome), (SECOND, "answered")]
    assert await presentations_total(stage) - before == Counter({outcome: 1, "answered": 1})
    if pause_s is None:
        await in_state(stage, FIRST, "paused")
        return
    await stage.until(lambda: _all_over(stage, began), 10, "the pause is over")
    (pause,) = await pauses(stage, FIRST, began)
    assert abs(pause["until_ms"] - pause["since_ms"] - pause_s * 1000) < TIMER_MS


async def _all_over(stage: Stage, began: float) -> bool:
    found = await pauses(stage, FIRST, began)
    return bool(found) and all(pause["until_ms"] is not None for pause in found)


@pytest.mark.parametrize(
    ("habit", "outcome"),
    [
        pytest.param(BUSY, "busy", id="busy"),
        pytest.param(RINGS_FOR_EVER, "no_answer", id="rings-out"),
        pytest.param(SILENT, "unreachable", id="silent-to-invite"),
    ],
)
async def test_caller_whom_a_seat_did_not_take_keeps_the_place_in_the_queue(
    stage: Stage, people: Cast, habit: Habit, outcome: str
) -> None:
    second, talking = await people.busy_seat(SECOND)
    one = await people.caller(talk_s=0.1)
    await until_waiting(stage, "12345", 1)
    other = await people.caller(talk_s=0.1)
    await until_waiting(stage, "12345", 2)
    first = await people.seat(FIRST, habit, signed_in=False)
    await in_state(stage, FIRST, "paused")
    await talking.hang_up()
    await one.until_ended()
    await other.until_ended()
    assert caller_at(first, first.legs[0]) == number_of(one)
    assert [caller_at(second, leg) for leg in second.legs[1:]] == [number_of(one), number_of(other)]
    assert await outcomes(stage, (await record(stage, one)).call_id) == [(FIRST, outcome), (SECOND, "answered")]


# -- phones that are not there ----------------------------------------------------------------------------------------


async def test_seat_whose_phone_unregistered_is_not_presented(stage: Stage, people: Cast) -> None:
    first, second = await people.seat(FIRST), await people.seat(SECOND)
    await first.stop()
    await in_state(stage, FIRST, "signed_out")
    caller = await people.caller(talk_s=0.1)
    leg = await caller.until_ended()
    assert second.leg.invited_at - leg.invited_at < AT_ONCE_S + tolerance_s(leg.invited_at)
    found = await record(stage, caller)
    assert await outcomes(stage, found.call_id) == [(SECOND, "answered")]


@pytest.mark.parametrize(("gone", "user"), [("killed", "1003"), ("frozen", "1004")])  # each its own: it stays paused
async def test_phone_that_is_gone_without_a_word_costs_the_caller_two_seconds_at_most(
    stage: Stage, people: Cast, gone: str, user: str
) -> None:
    before = await presentations_total(stage)
    first, second = await people.seat(user), await people.seat(LEGAL)
    first.kill() if gone == "killed" else first.freeze()
    caller = await people.caller(talk_s=0.1)
    leg = await caller.until_ended()
    assert second.leg.invited_at - leg.invited_at < DEAD_S + tolerance_s(leg.invited_at)
    found = await record(stage, caller)
    assert await outcomes(stage, found.call_id) == [(user, "unreachable"), (LEGAL, "answered")]
    assert await presentations_total(stage) - before == Counter(unreachable=1, answered=1)
    await in_state(stage, user, "paused")


# -- ringing out twice ------------------------------------------------------------------------------------------------


async def test_second_ring_out_in_a_row_sets_the_seat_aside_until_its_agent_is_ready(
    stage: Stage, people: Cast
) -> None:
    began = time.time()
    await people.busy_seat(SECOND)  # somebody is there, so the call stays with the service
    seat = await people.seat(FIRST, RINGS_FOR_EVER)
    caller = await people.caller(talk_s=0.1)
    await seat.until(lambda legs: [leg.state for leg in legs] == ["ended", "ended"], 20)

    async def set_aside() -> bool:
        return len(await pauses(stage, FIRST, began)) == 2

    await stage.until(set_aside, 10, "two pauses")
    await until_waiting(stage, "12345", 1, wait_s=2 * RING_S + 2 * NO_ANSWER_PAUSE_S + 0.5)
    timed, open_ended = await pauses(stage, FIRST, began)
    assert abs(timed["until_ms"] - timed["since_ms"] - NO_ANSWER_PAUSE_S * 1000) < TIMER_MS
    assert open_ended["until_ms"] is None
    assert "aside" in open_ended["reason"]
    assert len(seat.legs) == 2
    assert (await act(stage, FIRST, "ready")).status_code == 200
    await seat.until(lambda legs: len(legs) == 3 and legs[2].state == "ringing")
    await seat.pick_up()
    await caller.until_ended()
    found = await record(stage, caller)
    assert await outcomes(stage, found.call_id) == [(FIRST, "no_answer"), (FIRST, "no_answer"), (FIRST, "answered")]


# -- the end of a talk ------------------------------------------------------------------------------------------------


async def test_caller_whose_agents_phone_dies_in_talk_is_first_in_the_queue_and_judged_once(
    stage: Stage, people: Cast
) -> None:
    judged = await stage.total("hotline_calls_judged_total")
    next_seat, talking = await people.busy_seat(LEGAL, "12348")
    earlier = await people.caller("12348", talk_s=0.1)  # waits for this seat alone, and has waited longer
    await until_waiting(stage, "12348", 1)
    dying, caller = await people.busy_seat(FIRST)
    dying.kill()
    await until_waiting(stage, "12345", 1, limit_s=30)
    await stage.until(
        lambda: _waits_again(stage, caller),
        10,
        "the dead phone tried as the last choice, or known to be dead, the caller waits",
    )
    assert caller.leg.state == "talking"  # the caller's own leg was never at risk
    await talking.hang_up()
    await next_seat.until(lambda legs: len(legs) == 2 and legs[1].state == "talking")
    assert caller_at(next_seat) == number_of(caller)
    await in_state(stage, LEGAL, "talking")
    await caller.hang_up()
    await earlier.until_ended()
    found = await record(stage, caller)
    assert (found.outcome, found.judged, found.requeued, found.seat_id) == ("answered", "in_time", 1, FIRST)
    assert found.wait_ms is not None
    assert found.wait_ms < 1000  # the first answer is the one that counts
    kinds = Counter(step.kind.value for step in await story(stage, found.call_id))
    assert (kinds["answered"], kinds["judged"], kinds["requeued"], kinds["ended"]) == (2, 1, 1, 1)
    await _all_recorded(stage, earlier, talking)
    assert await stage.total("hotline_calls_judged_total") == judged + 3


async def _waits_again(stage: Stage, caller: Caller) -> bool:
    ref = caller_ref(stage, number_of(caller))
    (call_id,) = [call.call_id for call in await stage.calls() if call.caller_ref == ref]
    tried = (FIRST, "unreachable") in await outcomes(stage, call_id)
    known_dead = (await seats(stage))[FIRST] == "signed_out"  # Asterisk's own look at the phone may come first
    return (tried or known_dead) and (await story(stage, call_id))[-1].kind in ("held", "nobody")


async def _all_recorded(stage: Stage, *callers: Caller) -> None:
    for caller in callers:
        assert (await record(stage, caller)).outcome == "answered"


async def test_agent_who_says_goodbye_first_ends_the_call(stage: Stage, people: Cast) -> None:
    seat = await people.seat(FIRST, Habit(talk_s=0.3))
    spare = await people.seat(SECOND)
    caller = await people.caller()
    leg, goodbye = await caller.until_ended(), await seat.until_ended()
    assert (leg.code, leg.ended_by, goodbye.ended_by) == (200, "them", "us")
    assert leg.ended_at is not None
    assert goodbye.ended_at is not None
    assert leg.ended_at - goodbye.ended_at < AT_ONCE_S + tolerance_s(leg.invited_at)
    found = await record(stage, caller)
    assert (found.outcome, found.ended_by, found.requeued, found.presented) == ("answered", "agent", 0, 1)
    assert spare.legs == []
    await _gets_the_next_call(stage, people, spare)


async def _gets_the_next_call(stage: Stage, people: Cast, seat: Seat) -> None:
    caller = await people.caller(talk_s=0.1)
    await caller.until_ended()
    assert (await record(stage, caller)).outcome == "answered"
    assert len(seat.legs) == 1
