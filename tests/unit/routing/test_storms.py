"""One number, one place in the queue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from routing import commands as c
from routing import events as e
from routing.model import RestrictionRules
from routing.steps import StepKind
from tests.unit.routing.floor_plan import Drive, presented

QUICK = {"wrap_up_s": 0.0, "ring_several_after_s": 0.0, "answer_notice_after_s": 0.0, "redial_keeps_place_s": 0.0}


def busy(**rules: Any) -> Drive:
    """One seat, which talks."""
    drive = Drive("1001", **QUICK)
    if rules:
        drive.send(e.RulesChanged(replace(drive.engine.rules, restricting=RestrictionRules(**rules))))
    drive.call("first")
    drive.ring("first", "1001")
    drive.answer("first", "1001")
    return drive


def storm(drive: Drive, call_id: str, **more: Any) -> list[c.Command]:
    drive.now += 1.0
    return drive.call(call_id, caller_ref="x", caller_blocks=("+86",), **more)


def one(drive: Drive, call_id: str) -> list[c.Command]:
    drive.now += 1.0
    return drive.call(call_id, caller_ref=call_id, caller_blocks=("+86",))


def free(drive: Drive) -> str:
    """Whoever talks says goodbye: who rings then."""
    talking = next(call.id for call in drive.engine.calls.values() if call.seat_id == "1001")
    drive.send(e.CallEnded(talking, drive.wall, 16, "caller"))
    return presented(drive.free("1001")).call_id


def answered(drive: Drive) -> str:
    call_id = free(drive)
    drive.ring(call_id, "1001")
    drive.answer(call_id, "1001")
    return call_id


def test_calls_of_one_number_hold_one_place_the_newest_with_the_arrival_of_the_oldest() -> None:
    drive = busy()
    storm(drive, "s1")
    one(drive, "a")
    storm(drive, "s2")
    storm(drive, "s3")
    assert list(drive.engine.queue) == ["s3", "a"]
    flags = [(step.call_id, step.data["flag"]) for step in drive.steps if step.kind is StepKind.FLAG]
    assert flags == [("s1", "storm"), ("s2", "storm")]


def test_between_two_answers_to_one_number_everybody_else_has_his_turn() -> None:
    drive = busy()
    for call_id in ("s1", "s2", "s3"):
        storm(drive, call_id)
    one(drive, "a")
    one(drive, "b")
    assert [answered(drive) for _ in range(5)] == ["s3", "a", "b", "s2", "s1"]


def test_while_one_call_of_a_number_rings_no_other_does_though_seats_are_free() -> None:
    drive = Drive("1001", "1002", **QUICK)
    assert presented(storm(drive, "s1")).seat_ids == ("1001",)
    drive.ring("s1", "1001")
    assert storm(drive, "s2") == []
    assert presented(one(drive, "a")).seat_ids == ("1002",)
    drive.answer("s1", "1001")
    assert presented(drive.send(e.CallEnded("a", drive.wall, 16, "caller"))).call_id == "s2"


def test_when_the_newest_gives_up_the_one_behind_has_the_place_of_both() -> None:
    drive = busy()
    storm(drive, "s1")
    one(drive, "a")
    storm(drive, "s2")
    drive.send(e.CallEnded("s2", drive.wall, 16, "caller"))
    assert list(drive.engine.queue) == ["s1", "a"]


def test_when_the_one_behind_gives_up_the_place_stays() -> None:
    drive = busy()
    storm(drive, "s1")
    one(drive, "a")
    storm(drive, "s2")
    drive.send(e.CallEnded("s1", drive.wall, 16, "caller"))
    assert list(drive.engine.queue) == ["s2", "a"]
    drive.send(e.CallEnded("s2", drive.wall, 16, "caller"))
    assert drive.engine.numbers.keys() == {"a"}


def test_numbers_of_many_people_emergencies_and_withheld_ones_have_a_place_each() -> None:
    drive = busy()
    for call_id in ("1", "2"):
        drive.call(f"service number {call_id}", caller_ref="110")
        drive.call(f"withheld {call_id}")
        storm(drive, f"emergency {call_id}", emergency=True)
    assert len(drive.engine.queue) == 6


def test_it_can_be_switched_off() -> None:
    drive = busy(one_place=False)
    storm(drive, "s1")
    storm(drive, "s2")
    assert list(drive.engine.queue) == ["s1", "s2"]


def test_who_comes_back_to_the_head_because_his_agents_leg_was_lost_goes_first_and_the_others_wait() -> None:
    drive = Drive("1001", **QUICK)
    storm(drive, "s1")
    drive.ring("s1", "1001")
    drive.answer("s1", "1001")
    storm(drive, "s2")
    drive.send(e.AgentLegEnded("s1", "1001", True, drive.wall))
    out = storm(drive, "s1", arrived_at=drive.wall - 5)
    assert out == []  # the phone is not free yet
    assert list(drive.engine.queue) == ["s1"]
    assert presented(drive.free("1001")).call_id == "s1"


def test_who_is_behind_is_answered_into_the_notice_all_the_same() -> None:
    drive = busy()
    drive.send(
        e.RulesChanged(
            replace(drive.engine.rules, timing=replace(drive.engine.rules.timing, answer_notice_after_s=50.0))
        )
    )
    storm(drive, "s1")
    storm(drive, "s2")
    out = drive.after(60.0)
    assert {x.call_id for x in out if isinstance(x, c.AnswerIntoNotice)} == {"s1", "s2"}


def test_with_nobody_there_all_of_them_go_to_the_fallback_one_after_the_other() -> None:
    drive = Drive(**QUICK)
    out = []
    for call_id in ("s1", "s2", "s3"):
        out += storm(drive, call_id)
    out += drive.after(15.0)
    assert {x.call_id for x in out if isinstance(x, c.SendToFallback)} == {"s1", "s2", "s3"}


def test_metric_clock_of_each_call_is_its_own() -> None:
    drive = busy()
    storm(drive, "s1")
    drive.now += 9.0
    storm(drive, "s2")
    assert answered(drive) == "s2"
    assert drive.last("s2", StepKind.ANSWERED).data["wait_s"] < 5.0
