"""Callers who wait: the ringing goes on, nobody overtakes, and the seat that becomes free rings at once."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from routing.steps import StepKind
from sandbox.instance import Ports
from sandbox.people import Seats
from sandbox.root import Asterisk
from sandbox.scenario import RINGS_FOR_EVER
from service.cli.stage import Stage
from storage.queries import CallRecord
from tests.e2e.cast import Cast, number_of
from tests.e2e.evidence import (
    act,
    caller_at,
    in_state,
    outcomes,
    ready,
    record,
    records_of,
    seats,
    several,
    shown,
    story,
    until_waiting,
    with_key,
)
from tests.e2e.machine import tolerance_s
from tests.e2e.staging import timing

NOTICE_S = 2.0
GENERAL, SECOND = "1011", "1012"  # two agents with the general skill alone
EXPERT = "1001"  # 12333
TAX = "1002"  # 12366, the line with a notice
BY_ACT, BY_ANOTHER = "1008", "1007"  # sign in by an act
KNOWN = "12393"  # the line whose callers get the agent they know
LEASE_S = 10
AT_ONCE_S = 2.0  # gross: the bench has the figure, and the next ring comes later than this


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    edit = several(
        timing(
            wrap_up_s=0,
            ring_s=2,
            ring_several_after_s=2,
            no_answer_pause_s=5,
            answer_notice_after_s=0,
            restart_window_s=120,
            lease_s=LEASE_S,  # a start on a busy machine takes its time
        ),
        with_key("line", "12366", f"answer_notice_after_s = {NOTICE_S}"),
        with_key("line", KNOWN, "last_agent_s = 3"),
        with_key("agent", BY_ACT, 'sign_in = "agent"'),
        with_key("agent", BY_ANOTHER, 'sign_in = "agent"'),
    )
    async with Stage(folder, asterisk, ports, edit=edit).serving() as stage:
        yield stage


async def rung_after(stage: Stage, later: CallRecord, earlier: CallRecord) -> bool:
    """By the hotline's own stamps: the phones of two people tell the order of two messages only roughly."""
    ended = next(step.at for step in await story(stage, earlier.call_id) if step.kind is StepKind.TALK_ENDED)
    rung = [step.at for step in await story(stage, later.call_id) if step.kind is StepKind.PRESENTED]
    return bool(rung) and min(rung) >= ended


# -- all seats busy ---------------------------------------------------------------------------------------------------


async def test_ringing_goes_on_while_all_seats_are_busy_and_the_freed_seat_rings_at_once(
    stage: Stage, people: Cast
) -> None:
    seat, talking = await people.busy_seat(GENERAL)
    caller = await people.caller(talk_s=0.2)
    await until_waiting(stage, "12345", 1, wait_s=LEASE_S + 1)
    assert (caller.leg.state, caller.leg.progress_at, caller.leg.code) == ("ringing", None, None)
    await talking.hang_up()
    left = await talking.until_ended()
    leg = await caller.until_ended()
    assert leg.code == 200
    assert left.ended_at is not None
    assert -tolerance_s(left.ended_at) < seat.legs[1].invited_at - left.ended_at < AT_ONCE_S
    found = await record(stage, caller)
    assert await rung_after(stage, found, await record(stage, talking))
    assert found.answered_by == "engine"
    assert [row["seat_id"] for row in await shown(stage, found.call_id)] == [GENERAL]


async def test_callers_are_served_in_the_order_of_their_arrival(stage: Stage, people: Cast) -> None:
    seat, talking = await people.busy_seat(GENERAL)
    callers = []
    for number in ("13800000003", "13800000001", "13800000004", "13800000002"):
        callers.append(await people.caller(caller=number, talk_s=0.1))
        await until_waiting(stage, "12345", len(callers))
    await talking.hang_up()
    legs = [await caller.until_ended() for caller in callers]
    assert [caller_at(seat, leg) for leg in seat.legs[1:]] == [number_of(caller) for caller in callers]
    before = [await talking.until_ended(), *legs[:-1]]
    gaps = [rung.invited_at - (gone.ended_at or 0) for gone, rung in zip(before, seat.legs[1:], strict=True)]
    early_s = tolerance_s(before[0].invited_at)  # the clocks of two programs
    assert all(-early_s < gap < AT_ONCE_S for gap in gaps), gaps
    found = [await record(stage, caller) for caller in (talking, *callers)]
    assert [one.outcome for one in found] == ["answered"] * 5
    assert all([await rung_after(stage, *pair) for pair in zip(found[1:], found, strict=False)])


# -- giving up --------------------------------------------------------------------------------------------------------


async def test_caller_who_gives_up_while_waiting_is_recorded_once_and_no_seat_hears_of_it(
    stage: Stage, people: Cast
) -> None:
    before = await stage.total("hotline_calls_judged_total", line="12345", result="abandoned")
    seat, talking = await people.busy_seat(GENERAL)
    caller = await people.caller()
    await until_waiting(stage, "12345", 1, wait_s=0.5)
    await caller.hang_up()
    leg = await caller.until_ended()
    found = await record(stage, caller)
    assert (leg.code, leg.ended_by) == (487, "us")
    assert (found.outcome, found.judged, found.ended_by) == ("abandoned", "abandoned", "caller")
    assert (found.presented, found.answered_ms) == (0, None)
    assert found.wait_ms is not None
    assert leg.ended_at is not None
    assert abs(found.wait_ms / 1000 - (leg.ended_at - leg.invited_at)) < tolerance_s(leg.invited_at)
    await talking.hang_up()
    await ready(stage, GENERAL)
    assert len(seat.legs) == 1
    assert await stage.total("hotline_calls_judged_total", line="12345", result="abandoned") == before + 1
    kinds = [step.kind for step in await story(stage, found.call_id)]
    assert (kinds.count("judged"), kinds.count("ended")) == (1, 1)


async def test_caller_who_gives_up_while_the_seat_rings_is_recorded_once_and_the_seat_is_free_at_once(
    stage: Stage, people: Cast
) -> None:
    before = await stage.total("hotline_calls_judged_total", line="12345", result="abandoned")
    seat = await people.seat(GENERAL, RINGS_FOR_EVER)
    caller = await people.caller()
    await seat.until_ringing()
    await caller.hang_up()
    leg, rung = await caller.until_ended(), await seat.until_ended()
    found = await record(stage, caller)
    assert (leg.code, leg.ended_by) == (487, "us")
    assert (rung.code, rung.ended_by) == (487, "them")
    assert rung.cancelled_at is not None
    assert leg.cancelled_at is not None
    assert rung.cancelled_at - leg.cancelled_at < AT_ONCE_S
    assert (found.outcome, found.judged, found.presented) == ("abandoned", "abandoned", 1)
    assert await outcomes(stage, found.call_id) == [(GENERAL, "cancelled")]
    assert await stage.total("hotline_calls_judged_total", line="12345", result="abandoned") == before + 1
    await ready(stage, GENERAL)
    await people.caller()
    await seat.until(lambda legs: len(legs) == 2 and legs[1].state == "ringing")


# -- rings ------------------------------------------------------------------------------------------------------------


async def test_12333_with_no_skilled_seat_signed_in_goes_to_a_general_seat_at_once(stage: Stage, people: Cast) -> None:
    seat = await people.seat(GENERAL)
    caller = await people.caller("12333", talk_s=0.1)
    leg = await caller.until_ended()
    assert seat.leg.invited_at - leg.invited_at < AT_ONCE_S
    found = await record(stage, caller)
    assert (found.seat_id, found.outcome, found.judged) == (GENERAL, "answered", "in_time")


async def test_12333_with_all_experts_busy_waits_its_ring_and_goes_to_a_general_seat_then(
    stage: Stage, people: Cast
) -> None:
    await people.busy_seat(EXPERT, "12333")
    seat = await people.seat(GENERAL)
    caller = await people.caller("12333", talk_s=0.1)
    leg = await caller.until_ended()
    opens_s = next(ring.after_s for ring in stage.settings.rules().lines["12333"].rings if "general" in ring.skills)
    assert opens_s <= seat.leg.invited_at - leg.invited_at < opens_s + AT_ONCE_S
    found = await record(stage, caller)
    assert (found.seat_id, found.outcome) == (GENERAL, "answered")


# -- the notice -------------------------------------------------------------------------------------------------------


async def test_long_waiting_caller_is_answered_into_the_notice_hears_music_and_keeps_the_place(
    stage: Stage, people: Cast
) -> None:
    seat, talking = await people.busy_seat(TAX, "12366")
    first = await people.caller("12366", talk_s=None)
    await until_waiting(stage, "12366", 1)
    await first.until_talking()
    assert first.leg.answer_s is not None
    assert NOTICE_S - 0.05 <= first.leg.answer_s < NOTICE_S + AT_ONCE_S
    second = await people.caller("12366", talk_s=None)
    await until_waiting(stage, "12366", 2)
    sent = await _packets_sent(stage)
    await stage.until(lambda: _more_packets(stage, sent), 10, "music flows to the caller")
    assert len(seat.legs) == 1
    await talking.hang_up()
    await seat.until(lambda legs: len(legs) == 2 and legs[1].state == "talking")
    assert caller_at(seat) == number_of(first)
    await in_state(stage, TAX, "talking")  # nobody leaves in the very instant of the answer
    await first.hang_up()
    await seat.until(lambda legs: len(legs) == 3 and legs[2].state == "talking")
    await in_state(stage, TAX, "talking")
    await second.hang_up()
    one, two = await record(stage, first), await record(stage, second)
    assert (one.noticed, one.outcome, two.outcome) == (True, "answered", "answered")
    rung = seat.legs[1]
    assert one.wait_ms is not None
    assert rung.answered_at is not None
    measured_s = rung.answered_at - first.leg.invited_at  # not the 200 of the notice
    assert abs(one.wait_ms / 1000 - measured_s) < tolerance_s(first.leg.invited_at)


async def _packets_sent(stage: Stage) -> int:
    """Audio packets sent so far to whoever is in no bridge: such a row begins with the channel, others with the bridge."""
    rows = [line.split() for line in (await stage.sandbox.cli("pjsip show channelstats")).splitlines()]
    return sum(int(row[row.index("alaw") + 5]) for row in rows if "alaw" in row and row.index("alaw") == 2)


async def _more_packets(stage: Stage, sent: int) -> bool:
    return await _packets_sent(stage) > sent + 50  # a second of music


# -- redial -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("killed", [False, True], ids=["serving", "killed-meanwhile"])
async def test_caller_who_dials_again_has_the_old_place_and_a_new_clock(
    stage: Stage, people: Cast, killed: bool
) -> None:
    seat, talking = await people.busy_seat(GENERAL)
    gone = await people.caller()
    await until_waiting(stage, "12345", 1)
    other = await people.caller(talk_s=0.1)
    await until_waiting(stage, "12345", 2)
    await gone.hang_up()
    await gone.until_ended()
    await until_waiting(stage, "12345", 1)
    if killed:
        await stage.end_service(signal.SIGKILL)
        await stage.start_service()
        await until_waiting(stage, "12345", 1)
    again = await people.caller(caller=number_of(gone), talk_s=0.1)
    await until_waiting(stage, "12345", 2)
    await talking.hang_up()
    leg = await again.until_ended()
    await other.until_ended()
    assert [caller_at(seat, leg) for leg in seat.legs[1:]] == [number_of(again), number_of(other)]
    abandoned, answered = await records_of(stage, number_of(gone), 2)
    assert (abandoned.outcome, answered.outcome) == ("abandoned", "answered")
    assert answered.wait_ms is not None
    assert leg.answer_s is not None
    assert abs(answered.wait_ms / 1000 - leg.answer_s) < tolerance_s(leg.invited_at)


async def test_caller_who_calls_again_gets_the_agent_with_whom_he_spoke(stage: Stage, people: Cast) -> None:
    known, first = await people.busy_seat(GENERAL, KNOWN)
    idle_for_longer = await people.seat(SECOND)
    await first.hang_up()
    await first.until_ended()
    await in_state(stage, GENERAL, "ready")
    again = await people.caller(KNOWN, caller=number_of(first), talk_s=0.1)
    stranger = await people.caller(KNOWN, talk_s=0.1)
    for caller in (again, stranger):
        await caller.until_ended()
    assert [caller_at(known, leg) for leg in known.legs[1:]] == [number_of(again)]
    assert [caller_at(idle_for_longer, leg) for leg in idle_for_longer.legs] == [number_of(stranger)]


# -- several seats at once --------------------------------------------------------------------------------------------


async def test_several_seats_ring_at_once_for_who_waited_long_and_only_one_gets_the_call(
    stage: Stage, people: Cast
) -> None:
    first = await people.seat(GENERAL, RINGS_FOR_EVER)
    users = [SECOND, "1003", "1004"]
    phones = Seats(stage.pbx, users, stage.folder / "people", habit=RINGS_FOR_EVER)
    async with phones:
        await ready(stage, *users)
        caller = await people.caller()
        await phones.until(lambda legs: len(legs) == 3 and all(leg.state == "ringing" for leg in legs))
        assert len(first.legs) == 1
        chosen = phones.legs[1]
        await phones.pick_up(chosen)
        await caller.until_talking()
        await phones.until(lambda legs: [leg.state for leg in legs].count("ended") == 2)
        await stage.until(lambda: _one_talks(stage, users, chosen.number), 5, "the others free again")
        await caller.hang_up()
        await caller.until_ended()
        others = [leg for leg in phones.legs if leg.number != chosen.number]
        assert [(leg.code, leg.ended_by) for leg in others] == [(487, "them")] * 2
        found = await record(stage, caller)
        assert found.seat_id == chosen.number
        expected = {(user, "answered" if user == chosen.number else "cancelled") for user in users}
        assert set(await outcomes(stage, found.call_id)) == {(GENERAL, "no_answer")} | expected
        rung = [leg.invited_at for leg in phones.legs]
        assert max(rung) - min(rung) < AT_ONCE_S


async def _one_talks(stage: Stage, users: list[str], chosen: str) -> bool:
    states = await seats(stage)
    return all(states[user] == ("talking" if user == chosen else "ready") for user in users)


# -- agents who sign in by an act -------------------------------------------------------------------------------------


async def test_agent_who_signs_in_by_an_act_gets_calls_only_while_signed_in_and_not_paused(
    stage: Stage, people: Cast
) -> None:
    seat = await people.seat(BY_ACT, signed_in=False)
    await stage.until(lambda: _device(stage, BY_ACT, "NOT_INUSE"), 10, "the phone known")
    caller = await people.caller("12345", talk_s=None)
    await until_waiting(stage, "12345", 1, wait_s=0.5)
    assert seat.legs == []
    assert (await act(stage, BY_ACT, "sign-in", seat=BY_ACT)).status_code == 200
    await until_waiting(stage, "12345", 1, wait_s=1.0)
    assert seat.legs == []  # not ready yet
    assert (await act(stage, BY_ACT, "ready")).status_code == 200
    await caller.until_talking()
    assert (await act(stage, BY_ACT, "pause", reason="用餐")).status_code == 200  # a wish for afterwards
    await caller.hang_up()
    await in_state(stage, BY_ACT, "paused")
    second = await people.caller("12345", talk_s=0.1)
    await until_waiting(stage, "12345", 1, wait_s=0.5)
    assert len(seat.legs) == 1
    assert (await act(stage, BY_ACT, "ready")).status_code == 200
    await second.until_ended()
    await ready(stage, BY_ACT)
    assert (await act(stage, BY_ACT, "sign-out")).status_code == 200
    third = await people.caller("12345")
    await until_waiting(stage, "12345", 1, wait_s=0.5)
    await third.hang_up()
    found = [(await record(stage, one)).outcome for one in (caller, second, third)]
    assert found == ["answered", "answered", "abandoned"]
    assert len(seat.legs) == 2


async def test_taken_seat_and_unknown_agents_and_seats_are_refused(stage: Stage, people: Cast) -> None:
    taken, seat = await people.seat(GENERAL), await people.seat("1007", signed_in=False)
    refused = await act(stage, BY_ACT, "sign-in", seat=GENERAL)
    assert refused.status_code == 409
    assert "taken" in refused.json()["detail"]
    assert (await act(stage, BY_ACT, "ready")).status_code == 409  # not signed in
    assert (await act(stage, "nobody", "sign-in", seat="1007")).status_code == 409
    assert (await act(stage, BY_ACT, "sign-in", seat="9999")).status_code == 409
    assert (taken.legs, seat.legs) == ([], [])


async def test_agent_may_sit_at_another_seat(stage: Stage, people: Cast) -> None:
    seat = await people.seat(BY_ACT, signed_in=False)
    assert (await act(stage, BY_ANOTHER, "sign-in", seat=BY_ACT)).status_code == 200
    assert (await act(stage, BY_ANOTHER, "ready")).status_code == 200
    caller = await people.caller(talk_s=0.1)
    await caller.until_ended()
    assert len(seat.legs) == 1
    found = await record(stage, caller)
    assert (found.seat_id, found.agent_id) == (BY_ACT, BY_ANOTHER)
    assert (await act(stage, BY_ANOTHER, "sign-out")).status_code == 200


async def _device(stage: Stage, seat: str, state: str) -> bool:
    return any(row["seat"] == seat and row["device"] == state for row in await stage.api("/api/v1/seats"))
