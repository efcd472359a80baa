"""The engine on simulated time: who is presented where, in which order, and what is told of it."""

from __future__ import annotations

from dataclasses import replace

from routing import commands as c
from routing import events as e
from routing.model import Trunk
from routing.steps import Judgement, StepKind

from .floor_plan import Drive, presented, rules


def test_caller_is_presented_to_a_free_seat_at_once() -> None:
    drive = Drive("1001")
    assert presented(drive.call("a")).seat_ids == ("1001",)


def test_nothing_is_decided_before_decisions_are_allowed() -> None:
    drive = Drive("1001")
    drive.send(e.DecisionsHeld())
    assert drive.call("a") == []
    assert presented(drive.send(e.DecisionsAllowed())).call_id == "a"


def test_answer_is_judged_by_asterisks_clock() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.ring("a", "1001")
    drive.after(4.25)
    drive.answer("a", "1001")
    assert drive.last("a", StepKind.ANSWERED).data["wait_s"] == 4.25
    assert drive.last("a", StepKind.JUDGED).data["result"] == Judgement.IN_TIME
    assert drive.engine.view(drive.now).seats[0].state == "talking"


def test_answer_after_exactly_the_target_is_in_time_and_a_millisecond_later_is_late() -> None:
    for extra, result in ((0.0, Judgement.IN_TIME), (0.001, Judgement.LATE)):
        drive = Drive("1001", ring_s=30)
        drive.call("a")
        drive.ring("a", "1001")
        drive.after(15.0 + extra)
        drive.answer("a", "1001")
        assert drive.last("a", StepKind.JUDGED).data["result"] == result


def test_longest_waiting_caller_gets_the_seat_that_became_free() -> None:
    drive = Drive("1001", wrap_up_s=0)
    drive.call("a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.call("b")
    drive.after(1)
    drive.call("c")
    drive.send(e.CallEnded("a", drive.wall, 16, "caller"))
    assert presented(drive.free("1001")).call_id == "b"


def test_wrap_up_holds_the_seat_back_for_its_time() -> None:
    drive = Drive("1001", wrap_up_s=10)
    drive.call("a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.call("b")
    drive.send(e.CallEnded("a", drive.wall, 16, "caller"))
    assert drive.free("1001") == []
    assert drive.after(9.9) == []
    assert presented(drive.after(0.2)).call_id == "b"


def test_skilled_seat_comes_first_and_general_seats_after_the_ring_opens() -> None:
    drive = Drive("1001", "1003")
    assert presented(drive.call("a", "12333")).seat_ids == ("1003",)
    drive.ring("a", "1003")
    drive.answer("a", "1003")
    assert drive.call("b", "12333") == []  # the expert is busy, which is not nobody
    out = drive.after(6.1)
    assert presented(out).seat_ids == ("1001",)


def test_line_whose_experts_are_not_signed_in_goes_to_general_seats_at_once() -> None:
    drive = Drive("1001")
    assert presented(drive.call("a", "12333")).seat_ids == ("1001",)


def test_merged_number_is_served_as_its_line_and_counted_there() -> None:
    drive = Drive("1001")
    drive.call("a", "12336")
    offered = drive.last("a", StepKind.OFFERED).data
    assert (offered["number"], offered["line"]) == ("12336", "12345")


def test_expert_is_kept_free_when_a_general_seat_can_take_the_call() -> None:
    drive = Drive("1001", "1003")
    assert presented(drive.call("a", "12345")).seat_ids == ("1001",)


def test_goodbye_of_the_agent_ends_the_call_and_a_lost_leg_brings_the_caller_back_to_the_head() -> None:
    for lost, verb in ((False, c.SayGoodbye), (True, c.BringBack)):
        drive = Drive("1001", "1002")
        drive.call("a")
        drive.ring("a", "1001")
        drive.answer("a", "1001")
        assert drive.send(e.GoodbyeAsked("a", 99, "1001")) == []
        (out,) = drive.send(e.AgentLegEnded("a", "1001", lost, drive.wall))
        assert isinstance(out, verb)
    shown = presented(drive.call("a"))
    assert shown.seat_ids == ("1002",)
    assert drive.kinds("a").count(StepKind.JUDGED) == 1


def test_goodbye_nobody_tells_about_is_said_after_half_a_second() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.send(e.GoodbyeAsked("a", 99, "1001"))
    assert drive.after(0.6) == [c.SayGoodbye("a", 99)]


def test_notice_is_given_before_the_carrier_loses_patience_and_the_place_is_kept() -> None:
    drive = Drive("1001", wrap_up_s=0)
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.call("a")
    assert [type(x) for x in drive.after(50.5)] == [c.AnswerIntoNotice]
    drive.call("a", noticed=True)
    assert drive.after(100) == []
    drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
    assert presented(drive.free("1001")).call_id == "a"


def test_trunk_with_a_patience_of_its_own_is_answered_into_the_notice_by_it() -> None:
    drive = Drive("1001")
    drive.send(e.RulesChanged(replace(rules(), trunks={"hasty": Trunk(20.0)})))
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.call("a", trunk="hasty")
    assert [type(x) for x in drive.after(20.5)] == [c.AnswerIntoNotice]


def test_notice_that_fell_due_while_nothing_was_decided_is_given_as_soon_as_it_may_be() -> None:
    drive = Drive("1001")
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.send(e.DecisionsHeld())
    drive.call("a")
    assert drive.after(60) == []
    assert [type(x) for x in drive.send(e.DecisionsAllowed())] == [c.AnswerIntoNotice]


def test_nobody_signed_in_anywhere_sends_the_caller_to_the_dialplans_fallback() -> None:
    drive = Drive()
    drive.call("a")
    assert [type(x) for x in drive.after(10.5)] == [c.SendToFallback]


def test_unknown_line_goes_to_the_fallback() -> None:
    drive = Drive("1001")
    assert [type(x) for x in drive.call("a", "99999")] == [c.SendToFallback]


def test_agent_who_signs_in_by_an_act_is_rung_only_once_he_is_ready() -> None:
    drive = Drive("1004")
    drive.call("a")
    assert drive.engine.view(drive.now).seats[3].state == "signed_out"
    drive.after(6.5)
    assert drive.send(e.AgentSignedIn("1004", "1004")) == []
    seat = drive.engine.view(drive.now).seats[3]
    assert (seat.state, seat.reason) == ("paused", "auto: signed in, not ready yet")
    assert presented(drive.send(e.AgentReady("1004"))).seat_ids == ("1004",)


def test_agent_who_pauses_while_talking_is_paused_afterwards() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.send(e.AgentPaused("1001", "lunch"))
    assert drive.engine.view(drive.now).seats[0].state == "talking"
    drive.send(e.CallEnded("a", drive.wall, 16, "caller"))
    seat = drive.engine.view(drive.now).seats[0]
    assert (seat.state, seat.reason) == ("paused", "lunch")


def test_fallbacks_ringing_and_answer_are_followed() -> None:
    drive = Drive("1001")
    drive.send(e.CallSeen("a", "12345", drive.wall))
    drive.send(e.FallbackUsed("a", "seats", drive.wall))
    drive.ring("a", "1001")
    assert drive.call("b") == []
    drive.answer("a", "1001")
    assert drive.last("a", StepKind.ANSWERED).data["by"] == "fallback"
    assert drive.last("a", StepKind.JUDGED).data["result"] == Judgement.IN_TIME


def test_wall_clock_step_is_flagged_and_does_not_enter_the_figure() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.ring("a", "1001")
    drive.after(3)
    drive.engine.handle(e.CallAnswered("a", "1001", drive.wall + 3600), drive.now, drive.wall + 3600)
    assert drive.engine.calls["a"].answered_at is not None


def test_steps_of_a_call_are_numbered_upwards() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.send(e.CallEnded("a", drive.wall, 16, "caller"))
    seqs = [s.seq for s in drive.steps if s.call_id == "a"]
    assert seqs == sorted(set(seqs))


def test_wish_to_pause_asked_while_talking_holds_after_the_call_with_and_without_wrap_up() -> None:
    for wrap_up_s in (0, 10):
        drive = Drive("1001", wrap_up_s=wrap_up_s)
        drive.call("a")
        drive.ring("a", "1001")
        drive.answer("a", "1001")
        drive.send(e.AgentPaused("1001", "lunch"))
        drive.send(e.CallEnded("a", drive.wall, 16, "caller"))
        drive.free("1001")
        drive.after(60)
        seat = drive.engine.view(drive.now).seats[0]
        assert (seat.state, seat.reason) == ("paused", "lunch")


def test_call_given_up_in_the_instant_of_its_answer_is_marked_for_readers_of_figures() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.send(e.CallEnded("a", drive.wall, 16, "caller", crossed=True))
    assert drive.last("a", StepKind.FLAG).data["flag"] == "crossed"
    assert drive.kinds("a")[-1] is StepKind.ENDED


def test_class_of_line_and_trunk_moves_the_place_and_not_the_clock_also_after_a_restart() -> None:
    classes = replace(rules(), trunks={"urgent": Trunk(priority=1)})
    for restarted in (False, True):
        drive = Drive("1001", "1002")
        drive.send(e.RulesChanged(classes))
        drive.send(e.DecisionsHeld())
        at = drive.wall
        if restarted:
            old = e.RememberedCall("b", "12345", at - 5, 3, judged=False, trunk="urgent")
            drive.send(e.Remembered((old,)))
        drive.call("a", arrived_at=at - 30)
        drive.call("b", arrived_at=at - 5, trunk="urgent")
        assert list(drive.engine.queue) == ["b", "a"]
        drive.send(e.DecisionsAllowed())
        waits = [drive.last(call_id, StepKind.PRESENTED).data["wait_s"] for call_id in "ba"]
        assert waits == [5, 30]
