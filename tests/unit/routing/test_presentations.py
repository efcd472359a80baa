"""What a presentation goes through at a seat, and what each end of it costs the seat and its agent."""

from __future__ import annotations

import pytest

from routing import commands as c
from routing import events as e
from routing.agent_state import AgentState
from routing.model import DeviceState
from routing.steps import CallOutcome, Outcome, StepKind

from .floor_plan import Drive, presented


def test_caller_who_hangs_up_while_ringing_is_abandoned_once_and_costs_the_seat_nothing() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.ring("a", "1001")
    drive.send(e.CallEnded("a", drive.wall, 16, "caller"))
    drive.send(e.SeatDialEnded("a", "1001", "CANCEL", drive.wall))
    assert drive.kinds("a").count(StepKind.JUDGED) == drive.kinds("a").count(StepKind.ENDED) == 1
    assert drive.last("a", StepKind.ENDED).data["outcome"] == CallOutcome.ABANDONED
    drive.free("1001")
    assert presented(drive.call("b")).seat_ids == ("1001",)


def test_busy_seat_is_left_alone_and_the_caller_keeps_the_place() -> None:
    drive = Drive("1001", "1002")
    first = presented(drive.call("a"))
    drive.send(e.SeatDialing("a", "1001", drive.wall))
    drive.send(e.SeatDialEnded("a", "1001", "BUSY", drive.wall))
    again = presented(drive.call("a", last_presentation=first.presentation, last_status="BUSY"))
    assert again.seat_ids == ("1002",)
    assert drive.last("a", StepKind.PRESENTATION_ENDED).data["outcome"] == Outcome.BUSY
    assert drive.kinds("a").count(StepKind.PRESENTATION_ENDED) == 1
    assert drive.kinds("a").count(StepKind.OFFERED) == 1


@pytest.mark.parametrize(("rang", "outcome"), [(True, Outcome.BUSY), (False, Outcome.UNREACHABLE)])
def test_channel_that_is_unavailable_after_ringing_was_declined(rang: bool, outcome: Outcome) -> None:
    drive = Drive("1001", "1002")
    drive.call("a")
    drive.send(e.SeatDialing("a", "1001", drive.wall))
    if rang:
        drive.ring("a", "1001")
    drive.send(e.SeatDialEnded("a", "1001", "CHANUNAVAIL", drive.wall))
    assert drive.last("a", StepKind.PRESENTATION_ENDED).data["outcome"] == outcome


@pytest.mark.parametrize(("after_s", "outcome"), [(0.1, Outcome.BUSY), (6.1, Outcome.UNREACHABLE)])
def test_caller_back_before_anything_was_heard_of_the_phone_tells_by_the_time_whether_it_was_there(
    after_s: float, outcome: Outcome
) -> None:
    drive = Drive("1001", "1002")
    shown = presented(drive.call("a"))
    drive.send(e.SeatDialing("a", "1001", drive.wall))
    drive.now += after_s
    drive.call("a", last_presentation=shown.presentation, last_status="NOANSWER")
    assert drive.last("a", StepKind.PRESENTATION_ENDED).data["outcome"] == outcome


def test_seat_that_let_two_callers_ring_out_in_a_row_is_set_aside_until_its_agent_is_ready() -> None:
    drive = Drive("1001", no_answer_pause_s=60)
    for call_id in ("a", "b"):
        shown = presented(drive.call(call_id))
        drive.ring(call_id, "1001")
        drive.after(6)
        drive.send(e.SeatDialEnded(call_id, "1001", "NOANSWER", drive.wall))
        drive.free("1001")
        drive.call(call_id, last_presentation=shown.presentation, last_status="NOANSWER")
        drive.send(e.CallEnded(call_id, drive.wall, 16, "caller"))
        drive.after(61)
    assert drive.engine.view(drive.now).seats[0].state == "paused"
    assert drive.after(3600) == []
    drive.call("c")
    assert presented(drive.send(e.AgentReady("1001"))).seat_ids == ("1001",)


def test_phone_that_does_not_ring_within_its_time_is_dropped_without_blaming_the_person() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.send(e.SeatDialing("a", "1001", drive.wall))
    assert c.DropLeg("a", "1001") in drive.after(1.6)
    assert drive.last("a", StepKind.PRESENTATION_ENDED).data["outcome"] == Outcome.UNREACHABLE
    assert drive.engine.floor.agents["1001"].misses == 0


def test_decision_that_asterisk_never_carried_out_is_void_and_costs_nothing() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.after(1.1)
    seated = drive.engine.floor.agent_at("1001")
    assert seated is not None
    assert seated.state is AgentState.READY
    assert presented(drive.call("a")).seat_ids == ("1001",)
    assert drive.last("a", StepKind.PRESENTATION_ENDED).data["outcome"] == Outcome.VOID


def test_answer_told_later_than_a_presentation_is_waited_for_is_still_ours() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.after(1.1)  # AMI is slow: what follows happened long ago
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    assert drive.last("a", StepKind.ANSWERED).data["by"] == "engine"
    assert drive.last("a", StepKind.PRESENTATION_ENDED).data["outcome"] == Outcome.ANSWERED


def test_several_seats_ring_at_once_for_who_waited_long() -> None:
    drive = Drive("1001", "1002", wrap_up_s=0)
    for call_id, seat in (("x", "1001"), ("y", "1002")):
        drive.call(call_id)
        drive.ring(call_id, seat)
        drive.answer(call_id, seat)
    drive.call("a")
    drive.after(13)
    drive.send(e.DecisionsHeld())
    for call_id, seat in (("x", "1001"), ("y", "1002")):
        drive.send(e.CallEnded(call_id, drive.wall, 16, "caller"))
        drive.free(seat)
    assert set(presented(drive.send(e.DecisionsAllowed())).seat_ids) == {"1001", "1002"}
    for seat in ("1001", "1002"):
        drive.ring("a", seat)
    drive.send(e.SeatDialEnded("a", "1002", "CANCEL", drive.wall))
    drive.answer("a", "1001")
    states = {s.seat_id: s.state for s in drive.engine.view(drive.now).seats}
    assert states["1001"] == "talking"
    assert states["1002"] == "ready"


def test_end_of_an_earlier_leg_told_late_does_not_free_a_seat_that_rings_for_the_call_again() -> None:
    drive = Drive("1001", wrap_up_s=0)
    drive.call("a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.send(e.AmiLost())
    presented(drive.call("a"))
    drive.send(e.GoodbyeAsked("a", 99, "1001"))
    assert drive.call("b") == []


def test_answer_that_came_while_nothing_was_decided_is_not_overtaken_by_the_rings_own_deadline() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.ring("a", "1001")
    drive.send(e.DecisionsHeld())
    answered_at = drive.wall + 2
    drive.after(30)
    assert drive.engine.next_wake() is None
    drive.send(e.CallAnswered("a", "1001", answered_at))
    drive.send(e.DecisionsAllowed())
    assert drive.last("a", StepKind.PRESENTATION_ENDED).data["outcome"] == Outcome.ANSWERED
    assert drive.last("a", StepKind.ANSWERED).data["by"] == "engine"


def test_missed_call_of_an_earlier_shift_does_not_count_in_the_next() -> None:
    drive = Drive("1001", no_answer_pause_s=60)
    for call_id in ("a", "b"):
        drive.call(call_id)
        drive.ring(call_id, "1001")
        drive.send(e.SeatDialEnded(call_id, "1001", "NOANSWER", drive.wall))
        drive.send(e.CallEnded(call_id, drive.wall, 16, "caller"))
        drive.after(61)
        assert drive.engine.view(drive.now).seats[0].state != "paused"
        drive.send(e.SeatStateChanged("1001", DeviceState.UNAVAILABLE, drive.wall))
        drive.free("1001")


def test_seat_that_the_fallback_said_to_ring_keeps_its_own_open_presentation() -> None:
    drive = Drive("1001", "1002", wrap_up_s=0)
    drive.call("a")
    assert presented(drive.call("b")).seat_ids == ("1002",)
    drive.send(e.FallbackUsed("b", "seats", drive.wall))
    drive.ring("b", "1001")
    drive.answer("b", "1002")
    drive.send(e.CallEnded("b", drive.wall, 16, "caller"))
    assert drive.engine.floor.agents["1001"].call_id == "a"
    drive.call("c")
    open_at = [seat for call in drive.engine.calls.values() if call.presentation for seat in call.presentation.seats]
    assert open_at.count("1001") == 1
