"""Restricted numbers: served last, told by a notice, cut short; never an emergency or a withheld number, never for ever."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from routing import commands as c
from routing import events as e
from routing.model import DeviceState, RestrictionRules
from routing.restrictions import Afterwards, Book, Kind, Restriction
from routing.steps import Judgement, StepKind
from tests.unit.routing.floor_plan import Drive, presented

BLOCKS = ("+86", "+8613", "+86138")
QUICK = {"wrap_up_s": 0.0, "ring_several_after_s": 0.0, "answer_notice_after_s": 0.0}


def entry(kind: Kind = Kind.LOW_PRIORITY, ref: str = "x", *, for_s: float = 3600, **more: Any) -> Restriction:
    return Restriction(7, ref, kind, Drive("1001").wall + for_s, "occupation", **more)


def drive_with(*entries: Restriction, busy: bool = True, spoken: bool = False) -> Drive:
    """One seat, taken by a caller `first` if `busy`."""
    drive = Drive("1001", **QUICK)
    rules = replace(drive.engine.rules, restricting=RestrictionRules(behind_s=300.0, spoken_notice=spoken))
    drive.send(e.RulesChanged(rules))
    drive.send(e.RestrictionsChanged(entries))
    if busy:
        drive.call("first")
        drive.ring("first", "1001")
        drive.answer("first", "1001")
    return drive


def known(drive: Drive, call_id: str, **more: Any) -> list[c.Command]:
    return drive.call(call_id, caller_ref="x", caller_blocks=BLOCKS, **more)


def next_served(drive: Drive) -> str:
    """Whoever talks says goodbye; the next one is answered."""
    talking = next(call.id for call in drive.engine.calls.values() if call.seat_id == "1001")
    drive.send(e.CallEnded(talking, drive.wall, 16, "caller"))
    call_id = presented(drive.free("1001")).call_id
    drive.ring(call_id, "1001")
    drive.answer(call_id, "1001")
    return call_id


# -- the book ----------------------------------------------------------------------------------------------------------


def test_a_number_of_its_own_counts_before_the_block_it_lies_in_and_a_small_block_before_a_large_one() -> None:
    own, small, large = (Restriction(i, ref, Kind.REJECT, 9.0) for i, ref in enumerate(("x", "+86138", "+86")))
    assert Book([large, small, own]).find("x", BLOCKS, 0.0) is own
    assert Book([large, small]).find("x", BLOCKS, 0.0) is small
    assert Book([large]).find("x", BLOCKS, 0.0) is large
    assert Book([large, small, own]).find(None, (), 0.0) is None
    assert Book([large, small]).find("x", (), 0.0) is None


def test_an_entry_holds_until_its_moment_and_a_wider_one_after_it() -> None:
    book = Book([Restriction(1, "x", Kind.REJECT, 9.0), Restriction(2, "+86", Kind.SHORT_CALL, 20.0)])
    found = [book.find("x", BLOCKS, at) for at in (8.999, 9.0, 20.0)]
    assert [one and one.id for one in found] == [1, 2, None]
    assert [book.next_expiry(at) for at in (0.0, 9.0, 20.0)] == [9.0, 20.0, float("inf")]


class Spoilt(Book):
    """A book with a bug in it."""

    def next_expiry(self, at: float) -> float:
        raise ZeroDivisionError


def test_bug_in_the_look_at_the_restrictions_is_loud_and_callers_are_served() -> None:
    drive = drive_with(entry(for_s=60.0), busy=False)
    drive.engine.book = Spoilt([])
    drive.after(59.0)
    with pytest.raises(ZeroDivisionError):
        drive.after(2.0)
    with pytest.raises(ZeroDivisionError):
        drive.call("a")
    assert presented(drive.engine.out).call_id == "a"
    assert drive.engine.suspect is None  # nobody is let go for it


# -- served last -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["x", "+8613"])
def test_low_priority_is_served_after_whoever_comes_within_the_time_and_before_later_ones(ref: str) -> None:
    drive = drive_with(entry(ref=ref))
    known(drive, "restricted")
    drive.after(299.0)
    drive.call("within")
    drive.after(2.0)
    drive.call("later")
    assert [next_served(drive) for _ in range(3)] == ["within", "restricted", "later"]
    assert drive.last("restricted", StepKind.JUDGED).data["result"] == Judgement.RESTRICTED
    assert drive.last("within", StepKind.JUDGED).data["result"] == Judgement.IN_TIME


def test_low_priority_is_behind_the_lowest_class_of_all_lines_and_trunks() -> None:
    drive = drive_with(entry(for_s=90_000), busy=False)
    rules = drive.engine.rules
    low = {number: replace(line, priority=-2 if number == "12333" else 3) for number, line in rules.lines.items()}
    drive.send(e.RulesChanged(replace(rules, lines=low)))
    drive.call("first")
    drive.ring("first", "1001")
    drive.answer("first", "1001")
    known(drive, "restricted")
    drive.after(290.0)
    drive.call("lowest", "12333")
    assert [next_served(drive) for _ in range(2)] == ["lowest", "restricted"]


def test_with_a_free_seat_even_who_is_served_last_is_served_at_once() -> None:
    drive = drive_with(entry(), busy=False)
    assert presented(known(drive, "restricted")).call_id == "restricted"


@pytest.mark.parametrize("kind", [Kind.REJECT, Kind.LOW_PRIORITY, Kind.SHORT_CALL])
def test_emergency_withheld_and_other_numbers_are_never_restricted(kind: Kind) -> None:
    drive = drive_with(entry(kind), entry(kind, "+86"))
    known(drive, "emergency", emergency=True)
    drive.now += 1.0
    drive.call("withheld", caller_ref=None, caller_blocks=())
    drive.now += 1.0
    drive.call("service number", caller_ref="110")
    assert not [step for step in drive.steps if step.kind is StepKind.RESTRICTED]
    assert [next_served(drive) for _ in range(3)] == ["emergency", "withheld", "service number"]


# -- changes while callers wait ----------------------------------------------------------------------------------------


def test_a_new_entry_moves_a_waiting_caller_back_and_its_end_brings_him_forward_again() -> None:
    drive = drive_with()
    known(drive, "a")
    drive.after(1.0)
    drive.call("b")
    drive.send(e.RestrictionsChanged((entry(),)))
    assert list(drive.engine.queue) == ["b", "a"]
    drive.send(e.RestrictionsChanged(()))
    assert list(drive.engine.queue) == ["a", "b"]
    told = [step.data for step in drive.steps if step.kind is StepKind.RESTRICTED]
    assert told == [{"restriction": 7, "rule": "low_priority", "reason": "occupation"}, {"rule": "over"}]
    assert next_served(drive) == "a"
    assert drive.last("a", StepKind.JUDGED).data["result"] == Judgement.IN_TIME


def test_an_entry_expires_by_itself_at_its_moment_without_any_event() -> None:
    drive = drive_with(entry(for_s=20.0))
    known(drive, "a")
    drive.after(1.0)
    drive.call("b")
    drive.after(18.9)
    assert list(drive.engine.queue) == ["b", "a"]
    wakes = drive.engine.next_wake()
    assert wakes is not None
    assert wakes <= drive.now + 0.2
    drive.after(0.2)
    assert list(drive.engine.queue) == ["a", "b"]


def test_a_timer_that_comes_early_by_the_wall_is_set_again_once() -> None:
    drive = drive_with(entry(for_s=20.0))
    for _ in range(3):
        drive.send(e.RestrictionsChanged((entry(for_s=20.0),)))
    assert sum(kind == "restriction" for _, _, kind, _ in drive.engine.timers) == 1
    drive.now += 20.0
    drive.engine.handle(e.Tick(), drive.now, drive.wall - 5.0)
    assert sum(kind == "restriction" for _, _, kind, _ in drive.engine.timers) == 1


def test_who_talks_already_is_not_touched_by_a_new_entry() -> None:
    drive = drive_with(busy=False)
    known(drive, "a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.send(e.RestrictionsChanged((entry(Kind.REJECT),)))
    assert StepKind.RESTRICTED not in drive.kinds("a")


# -- rejected ----------------------------------------------------------------------------------------------------------


def test_rejected_caller_is_informed_once_before_anything_else_and_then_waits_behind_the_others() -> None:
    drive = drive_with(entry(Kind.REJECT), busy=False)
    (told,) = known(drive, "a")
    assert told == c.Inform("a", 1, drive.wall + 1.0)
    assert "a" not in drive.engine.queue
    drive.call("first")
    drive.ring("first", "1001")
    drive.answer("first", "1001")
    assert known(drive, "a", heard=True) == []
    drive.call("b")
    assert [next_served(drive) for _ in range(2)] == ["b", "a"]
    assert drive.last("a", StepKind.JUDGED).data["result"] == Judgement.RESTRICTED


def test_call_ends_after_the_notice_only_where_it_is_spoken_and_was_heard() -> None:
    end = entry(Kind.REJECT, afterwards=Afterwards.END)
    for spoken, heard, dismissed in ((True, True, True), (False, True, False), (True, False, False)):
        drive = drive_with(end, busy=False, spoken=spoken)
        known(drive, "a")
        out = known(drive, "a", heard=heard)
        assert isinstance(out[0], c.Dismiss) == dismissed
        assert isinstance(out[0], c.PresentCall) == (not dismissed)
    drive = drive_with(end, busy=False, spoken=True)
    known(drive, "a")
    known(drive, "a", heard=True)
    drive.send(e.CallEnded("a", drive.wall, 21, "pbx"))
    assert drive.last("a", StepKind.ENDED).data["outcome"] == "dismissed"
    assert drive.last("a", StepKind.JUDGED).data["result"] == Judgement.RESTRICTED


def test_rejected_caller_is_not_informed_before_decisions_are_allowed() -> None:
    drive = drive_with(entry(Kind.REJECT), busy=False)
    drive.send(e.DecisionsHeld())
    assert known(drive, "a") == []
    assert [type(x) for x in drive.send(e.DecisionsAllowed())] == [c.Inform]


def test_whose_agents_leg_was_lost_hears_no_notice_in_the_middle_of_his_call() -> None:
    drive = drive_with(entry(Kind.SHORT_CALL), busy=False)
    known(drive, "a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.send(e.RestrictionsChanged((entry(Kind.REJECT),)))
    drive.send(e.AgentLegEnded("a", "1001", True, drive.wall))
    drive.send(e.SeatStateChanged("1001", DeviceState.NOT_INUSE, drive.wall))
    assert presented(known(drive, "a")).call_id == "a"


# -- short -------------------------------------------------------------------------------------------------------------


def test_short_call_is_served_in_turn_with_its_limit_and_judged_like_any_other() -> None:
    drive = drive_with(entry(Kind.SHORT_CALL, talk_s=40.0), busy=False)
    out = presented(known(drive, "a"))
    assert (out.talk_limit_s, out.warning_s) == (40.0, 20.0)  # the warning comes half-way at the earliest
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.after(40.0)
    drive.send(e.AgentLegEnded("a", "1001", False, drive.wall))
    drive.send(e.CallEnded("a", drive.wall, 16, "agent"))
    assert drive.last("a", StepKind.JUDGED).data["result"] == Judgement.IN_TIME
    assert drive.last("a", StepKind.FLAG).data["flag"] == "talk_limit"
    assert drive.last("a", StepKind.ENDED).data["by"] == "pbx"


def test_short_call_without_a_limit_of_its_own_has_the_configured_one_and_others_have_none() -> None:
    drive = drive_with(entry(Kind.SHORT_CALL), busy=False)
    assert presented(known(drive, "a")).talk_limit_s == 180.0
    assert presented(drive_with(busy=False).call("b")).talk_limit_s is None


def test_a_goodbye_before_the_limit_is_the_agents() -> None:
    drive = drive_with(entry(Kind.SHORT_CALL, talk_s=40.0), busy=False)
    known(drive, "a")
    drive.ring("a", "1001")
    drive.answer("a", "1001")
    drive.after(30.0)
    drive.send(e.AgentLegEnded("a", "1001", False, drive.wall))
    drive.send(e.CallEnded("a", drive.wall, 16, "agent"))
    assert drive.last("a", StepKind.ENDED).data["by"] == "agent"
    assert StepKind.FLAG not in drive.kinds("a")


# -- over a restart ----------------------------------------------------------------------------------------------------


def test_after_a_restart_a_caller_is_restricted_again_and_hears_no_second_notice() -> None:
    drive = drive_with(entry(Kind.REJECT, "+8613"), busy=False)
    old = e.RememberedCall("a", "12345", drive.wall - 5, 3, judged=False, caller_ref="x")
    drive.send(e.Remembered((old,)))
    out = known(drive, "a", heard=True, arrived_at=drive.wall - 5)
    assert presented(out).call_id == "a"
    assert drive.last("a", StepKind.RESTRICTED).data["rule"] == "reject"
