from __future__ import annotations

from dataclasses import replace

import pytest

from routing import commands as c
from routing import events as e
from routing.agent_state import AgentState
from routing.codes import Code
from routing.floor import BUSY
from routing.model import DeviceState, Trunk
from routing.steps import CallOutcome, Judgement, Outcome, StepKind

from .floor_plan import Drive, presented, rules, stood


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


def test_redial_keeps_the_old_place_but_the_metric_clock_starts_anew() -> None:
    drive = Drive("1001", wrap_up_s=0)
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.call("a", caller_ref="ref")
    drive.after(5)
    drive.call("b")
    drive.send(e.CallEnded("a", drive.wall, 16, "caller"))
    drive.after(5)
    drive.call("a2", caller_ref="ref")
    drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
    assert presented(drive.free("1001")).call_id == "a2"
    drive.ring("a2", "1001")
    drive.answer("a2", "1001")
    assert drive.last("a2", StepKind.ANSWERED).data["wait_s"] == 0


@pytest.mark.parametrize(
    ("ended_s_ago", "first"),
    [
        pytest.param((20.0,), "again", id="once"),
        pytest.param((130.0,), "other", id="too-long-ago"),
        pytest.param((300.0, 20.0), "again", id="the-last-of-two"),
    ],
)
def test_place_of_who_gave_up_before_our_start_is_kept(ended_s_ago: tuple[float, ...], first: str) -> None:
    drive = Drive("1001", wrap_up_s=0)
    left = [e.LeftCall("ref", "12345", "carrier", drive.wall - ago - 5, drive.wall - ago) for ago in ended_s_ago]
    strange = e.LeftCall("ref", "99999", "carrier", drive.wall - 400, drive.wall - 1)
    drive.send(e.Remembered((), left=(*left, strange)))
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.call("other", arrived_at=drive.wall - 15)
    drive.call("again", caller_ref="ref")
    drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
    assert presented(drive.free("1001")).call_id == first


def test_who_dialled_again_and_again_before_our_start_has_the_first_place() -> None:
    drive = Drive("1001", wrap_up_s=0)
    drive.send(e.Remembered((), left=tuple(
        e.LeftCall("ref", "12345", "", drive.wall - ago - 5, drive.wall - ago) for ago in (300.0, 200.0, 100.0)
    )))  # fmt: skip
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.call("other", arrived_at=drive.wall - 290, noticed=True)
    drive.call("again", caller_ref="ref")
    drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
    assert presented(drive.free("1001")).call_id == "again"


def knowing(last_agent_s: float = 3.0, *seats: str) -> Drive:
    """1002 has just spoken with "ref" and is free again; 1001, whom 12345 would rather ring, is free too."""
    drive = Drive(*(seats or ("1001", "1002")), wrap_up_s=0)
    known = rules(wrap_up_s=0)
    line = replace(known.lines["12345"], last_agent_s=last_agent_s)
    drive.send(e.RulesChanged(replace(known, lines={**known.lines, "12345": line})))
    drive.call("x", caller_ref="ref")
    drive.answer("x", "1002")
    drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
    drive.free("1002")
    return drive


def test_caller_gets_the_agent_with_whom_he_spoke_lately_though_another_is_better() -> None:
    drive = knowing()
    assert presented(drive.call("a", caller_ref="ref")).seat_ids == ("1002",)
    assert stood(drive.last("a", StepKind.PRESENTED))["1001"] == Code.LAST_AGENT
    assert presented(drive.call("b", caller_ref="other")).seat_ids == ("1001",)


def test_caller_waits_three_seconds_for_the_agent_whom_he_knows_and_no_longer() -> None:
    drive = knowing()
    drive.call("y", caller_ref="other", number="12333")
    drive.answer("y", "1002")
    assert drive.call("a", caller_ref="ref") == []
    assert drive.after(2.9) == []
    assert presented(drive.after(0.1)).seat_ids == ("1001",)


def test_agent_who_becomes_free_is_rung_at_once_for_who_waits_for_him() -> None:
    drive = knowing()
    drive.call("y", caller_ref="other", number="12333")
    drive.answer("y", "1002")
    drive.call("a", caller_ref="ref")
    drive.send(e.CallEnded("y", drive.wall, 16, "caller"))
    assert presented(drive.free("1002")).call_id == "a"


def test_nobody_waits_for_an_agent_who_pauses_is_gone_or_has_just_missed_him() -> None:
    for act in (e.AgentPaused("1002"), e.AgentSignedOut("1002")):
        drive = knowing()
        drive.call("y", caller_ref="other", number="12333")
        drive.answer("y", "1002")
        drive.call("a", caller_ref="ref")
        drive.send(act)  # a wish, until the talk is over
        assert presented(drive.send(e.CallEnded("y", drive.wall, 16, "caller"))).seat_ids == ("1001",)
    drive = knowing()
    drive.call("a", caller_ref="ref")
    drive.ring("a", "1002")
    drive.send(e.SeatDialEnded("a", "1002", "BUSY", drive.wall))
    assert presented(drive.call("a", caller_ref="ref")).seat_ids == ("1001",)


def test_longer_waiting_caller_gets_the_agent_before_one_who_knows_him() -> None:
    drive = knowing(3.0, "1002")
    drive.call("y", caller_ref="other")
    drive.answer("y", "1002")
    drive.call("old", caller_ref="third")
    drive.after(1)
    drive.call("a", caller_ref="ref")
    drive.send(e.CallEnded("y", drive.wall, 16, "caller"))
    assert presented(drive.free("1002")).call_id == "old"


def test_agent_whom_the_caller_knows_is_known_after_a_restart() -> None:
    drive = knowing()
    drive.engine.spoke.clear()
    drive.send(e.Remembered((), spoke={"ref": ("1002", drive.wall - 86300), "old": ("1002", drive.wall - 86500)}))
    assert presented(drive.call("a", caller_ref="ref")).seat_ids == ("1002",)
    assert presented(drive.call("b", caller_ref="old")).seat_ids == ("1001",)


@pytest.mark.parametrize("told", ["a day later", "line does not want it", "nobody known", "emergency"])
def test_caller_without_an_agent_of_his_own_gets_the_best(told: str) -> None:
    drive = knowing(0.0 if told == "line does not want it" else 3.0)
    drive.now += 86401 if told == "a day later" else 0
    ref = None if told == "nobody known" else "ref"
    assert presented(drive.call("a", caller_ref=ref, emergency=told == "emergency")).seat_ids == ("1001",)


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


def test_without_ami_callers_are_still_presented_and_talking_seats_come_back_last() -> None:
    drive = Drive("1001", "1002")
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.send(e.AmiLost())
    assert presented(drive.call("a")).seat_ids == ("1002",)
    assert presented(drive.call("b")).seat_ids == ("1001",)
    assert drive.call("c") == []


def test_guard_that_says_no_gives_the_seat_a_short_rest_and_the_next_picture_puts_the_talker_back() -> None:
    drive = Drive("1001")
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.send(e.AmiLost())
    shown = presented(drive.call("a"))
    assert drive.call("a", last_presentation=shown.presentation, last_status="GUARD") == []
    seen = e.SeenCall("x", "12345", drive.wall, drive.wall, "1001", bridged=True)
    held = e.SeenCall("a", "12345", drive.wall)
    drive.send(e.Picture((seen, held), {"1001": DeviceState.INUSE}, drive.wall))
    assert drive.engine.view(drive.now).seats[0].state == "talking"
    assert drive.kinds("x").count(StepKind.ANSWERED) == 1


def test_picture_of_a_talking_seat_voids_what_was_presented_to_it_without_ami() -> None:
    drive = Drive("1001")
    drive.call("x")
    drive.ring("x", "1001")
    drive.answer("x", "1001")
    drive.send(e.AmiLost())
    presented(drive.call("a"))
    seen = e.SeenCall("x", "12345", drive.wall, drive.wall, "1001", bridged=True)
    drive.send(e.Picture((seen, e.SeenCall("a", "12345", drive.wall)), {"1001": DeviceState.INUSE}, drive.wall))
    assert drive.engine.calls["a"].presentation is None
    assert drive.last("a", StepKind.PRESENTATION_ENDED).data["outcome"] == Outcome.VOID


def test_end_of_an_earlier_leg_told_late_does_not_free_a_seat_that_rings_for_the_call_again() -> None:
    drive = Drive("1001", wrap_up_s=0)
    drive.call("a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.send(e.AmiLost())
    presented(drive.call("a"))
    drive.send(e.GoodbyeAsked("a", 99, "1001"))
    assert drive.call("b") == []


def test_restart_finds_waiting_and_talking_calls_again_and_judges_nothing_twice() -> None:
    drive = Drive(ami=False)
    drive.send(e.DecisionsHeld())
    at = drive.wall
    drive.send(
        e.Remembered(
            (
                e.RememberedCall("t", "12345", at - 60, 7, judged=True, answered_at=at - 50, seat_id="1001"),
                e.RememberedCall("gone", "12345", at - 60, 7, judged=False),
                e.RememberedCall("w", "12345", at - 20, 3, judged=False),
            )
        )
    )
    drive.call("w2", arrived_at=at - 25)
    drive.call("w", arrived_at=at - 20)
    calls = (
        e.SeenCall("t", "12345", at - 60, at - 50, "1001", bridged=True),
        e.SeenCall("w", "12345", at - 20),
        e.SeenCall("w2", "12345", at - 25),
    )
    drive.send(e.Picture(calls, {"1001": DeviceState.INUSE, "1002": DeviceState.NOT_INUSE}, at))
    assert presented(drive.send(e.DecisionsAllowed())).call_id == "w2"
    assert StepKind.JUDGED not in drive.kinds("t")
    assert StepKind.ANSWERED not in drive.kinds("t")
    assert drive.last("gone", StepKind.ENDED).data["outcome"] == CallOutcome.FAILED
    assert drive.kinds("w").count(StepKind.OFFERED) == 0
    assert {s.seat_id: s.state for s in drive.engine.view(drive.now).seats}["1001"] == "talking"


def test_call_that_asterisk_no_longer_has_is_over_though_something_happened_to_it_just_now() -> None:
    drive = Drive("1001")
    drive.call("a")
    drive.ring("a", "1001")
    drive.after(5)
    drive.send(e.AmiLost())
    drive.send(e.SessionClosed("a", 1))
    drive.after(4.5)  # our own deadline: the presentation is void
    drive.send(e.Picture((), {"1001": DeviceState.NOT_INUSE}, drive.wall))
    assert drive.kinds("a").count(StepKind.ENDED) == 1
    assert drive.engine.calls == {}


def test_talks_end_at_once_when_asterisk_was_restarted_and_young_waiting_calls_with_the_next_picture() -> None:
    drive = Drive("1001", wrap_up_s=0)
    drive.call("t")
    drive.ring("t", "1001")
    drive.answer("t", "1001")
    drive.call("w")
    drive.send(e.SessionClosed("w", 2))
    drive.send(e.AmiLost())
    drive.after(1)
    picture = e.Picture((), {"1001": DeviceState.NOT_INUSE}, drive.wall)
    drive.send(picture)
    assert set(drive.engine.calls) == {"w"}
    assert drive.engine.view(drive.now).seats[0].state == "ready"
    drive.after(3)
    drive.send(replace(picture, at=drive.wall))
    assert drive.engine.calls == {}


def test_talk_known_again_after_a_restart_ends_with_its_whole_length() -> None:
    drive = Drive(ami=False)
    at = drive.wall
    drive.send(
        e.Remembered((e.RememberedCall("t", "12345", at - 60, 7, judged=True, answered_at=at - 50, seat_id="1001"),))
    )
    seen = e.SeenCall("t", "12345", at - 60, at - 50, "1001", bridged=True)
    drive.send(e.Picture((seen,), {"1001": DeviceState.INUSE}, at))
    drive.after(10)
    drive.send(e.AgentLegEnded("t", "1001", False, drive.wall))
    assert drive.last("t", StepKind.TALK_ENDED).data["talk_s"] == 60


def test_talk_that_began_while_the_service_was_down_is_told_and_judged() -> None:
    drive = Drive(ami=False)
    at = drive.wall
    drive.send(e.Remembered((e.RememberedCall("t", "12345", at - 60, 7, judged=False),)))
    seen = e.SeenCall("t", "12345", at - 60, at - 50, "1001", bridged=True)
    drive.send(e.Picture((seen,), {"1001": DeviceState.INUSE}, at))
    assert drive.kinds("t") == [StepKind.RECOVERED, StepKind.ANSWERED, StepKind.JUDGED]
    assert drive.last("t", StepKind.JUDGED).data["result"] == Judgement.IN_TIME


def test_callers_who_waited_before_a_restart_are_absent_until_they_ask_again() -> None:
    drive = Drive(ami=False)
    drive.send(e.DecisionsHeld())
    at = drive.wall
    drive.send(e.Picture((e.SeenCall("w", "12345", at - 9), e.SeenCall("v", "12345", at - 8)), {}, at))
    assert drive.engine.absent() == 2
    drive.call("v", arrived_at=at - 8)
    drive.call("w", arrived_at=at - 9)
    assert drive.engine.absent() == 0


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


def test_pause_of_the_agents_own_survives_a_restart_and_ours_does_not() -> None:
    drive = Drive(ami=False)
    seats = {"1001": "1001", "1002": "1002"}
    drive.send(e.Remembered((), seats, {"1001": "lunch", "1002": BUSY}))
    shown = {s.seat_id: (s.state, s.reason) for s in drive.engine.view(drive.now).seats}
    assert shown["1001"] == ("paused", "lunch")
    assert shown["1002"][0] == "ready"


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
