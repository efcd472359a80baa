"""Zones lend their seats as long as their own callers can afford it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing import events as e
from routing.codes import Code
from routing.lending import ENOUGH, WINDOW_S, Lending
from routing.model import Zone
from routing.steps import StepKind

from .floor_plan import Drive, presented, stood

HRSS = Zone("hrss", "人社专区", lend_ratio=0.9, lend_wait_s=5.0)


def nobody(zone_id: str) -> float:
    return 0.0


def late(lending: Lending, count: int, of: int, now: float = 0.0) -> None:
    for number in range(of):
        lending.judged("hrss", number >= count, now)


@pytest.mark.parametrize(("late_ones", "of", "kept"), [(2, 20, False), (3, 20, True), (19, 19, False), (0, 20, False)])
def test_zone_keeps_its_seats_below_its_ratio_when_there_are_enough_calls(late_ones: int, of: int, kept: bool) -> None:
    lending = Lending({"hrss": HRSS})
    late(lending, late_ones, of)
    assert lending.look(nobody, 1.0) is kept
    assert lending.kept == ({"hrss"} if kept else frozenset())


def test_zone_keeps_its_seats_while_somebody_waits_too_long_in_its_own_lines() -> None:
    lending = Lending({"hrss": HRSS})
    assert not lending.look(lambda zone_id: 4.999, 1.0)
    assert lending.look(lambda zone_id: 5.0, 1.0)
    assert lending.look(nobody, 1.0), "lends again at once"
    assert not lending.kept


def test_zone_lends_again_when_its_bad_calls_are_a_quarter_of_an_hour_old_and_says_when() -> None:
    lending = Lending({"hrss": HRSS})
    late(lending, ENOUGH, ENOUGH, now=100.0)
    lending.look(nobody, 101.0)
    assert lending.next_change(101.0) == 100.0 + WINDOW_S
    assert not lending.look(nobody, 99.0 + WINDOW_S)
    assert lending.look(nobody, 100.0 + WINDOW_S)
    assert lending.next_change(100.0 + WINDOW_S) is None


def test_zone_without_a_bound_lends_always_and_costs_nothing() -> None:
    lending = Lending({"hrss": Zone("hrss", "人社专区")})
    late(lending, 50, 50)
    assert not lending
    assert not lending.look(lambda zone_id: 3600.0, 1.0)


def with_zones(drive: Drive, *zones: Zone) -> None:
    drive.send(e.RulesChanged(replace(drive.engine.rules, zones={zone.id: zone for zone in zones})))


def in_trouble(*seats: str) -> Drive:
    """The zone of 12333, whose only agent is 1003, is below its ratio."""
    drive = Drive(*seats, wrap_up_s=0, ring_several_after_s=0, answer_notice_after_s=0)
    with_zones(drive, HRSS)
    for _ in range(ENOUGH):
        drive.engine.lending.judged("hrss", False, drive.now)
    return drive


def test_kept_seat_is_not_rung_for_others_until_they_are_late_themselves() -> None:
    drive = in_trouble("1003")
    assert drive.call("a") == []
    assert drive.after(14.9) == []
    shown = presented(drive.after(0.1))
    assert (shown.call_id, shown.seat_ids) == ("a", ("1003",))


def test_kept_seat_is_rung_for_its_own_callers_and_others_have_others() -> None:
    drive = in_trouble("1001", "1003")
    assert presented(drive.call("own", "12333")).seat_ids == ("1003",)
    assert presented(drive.call("a")).seat_ids == ("1001",)


def test_explanation_says_that_the_seat_is_kept() -> None:
    drive = in_trouble("1001", "1003")
    drive.call("a")
    assert stood(drive.last("a", StepKind.PRESENTED))["1003"] == Code.KEPT


def test_seat_is_rung_for_who_waits_when_its_zone_lends_again() -> None:
    drive = in_trouble("1003")
    drive.call("a")
    for _ in range(ENOUGH * 9):
        drive.engine.lending.judged("hrss", True, drive.now)
    assert presented(drive.send(e.Tick())).call_id == "a"


def test_seat_is_rung_by_itself_when_the_bad_calls_are_old() -> None:
    drive = in_trouble("1003")
    long = replace(drive.engine.rules.lines["12345"], answer_within_s=600.0)
    drive.send(e.RulesChanged(replace(drive.engine.rules, lines={**drive.engine.rules.lines, "12345": long})))
    drive.send(e.Tick())
    drive.after(WINDOW_S - 300)
    assert drive.call("a") == []
    assert drive.after(299) == []
    assert drive.engine.next_wake() == drive.now + 1.0
    assert presented(drive.after(1.0)).call_id == "a"


def test_zone_is_looked_at_again_and_again_until_enough_bad_calls_are_old() -> None:
    drive = in_trouble("1003")
    drive.send(e.Tick())
    drive.after(100)
    for _ in range(ENOUGH):
        drive.engine.lending.judged("hrss", False, drive.now)
    drive.send(e.Tick())
    drive.after(WINDOW_S - 100)
    assert drive.engine.lending.kept
    assert drive.engine.next_wake() == drive.now + 100
    drive.after(100)
    assert not drive.engine.lending.kept


def test_freed_seat_of_a_zone_in_trouble_goes_to_another_who_is_late() -> None:
    drive = in_trouble("1003")
    drive.call("x", "12333")
    drive.answer("x", "1003")
    drive.call("a")
    drive.after(14)
    drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
    assert drive.free("1003") == []
    drive.call("y", "12333")
    drive.answer("y", "1003")
    drive.after(2)
    drive.send(e.CallEnded("y", drive.wall, 16, "caller"))
    assert presented(drive.free("1003")).call_id == "a"


def test_freed_seat_goes_to_its_own_caller_who_waited_too_long_though_another_waited_longer() -> None:
    for bound, first in ((5.0, "own"), (0.0, "other")):
        drive = Drive("1003", wrap_up_s=0, ring_several_after_s=0)
        with_zones(drive, replace(HRSS, lend_wait_s=bound))
        drive.call("x", "12333")
        drive.ring("x", "1003")
        drive.answer("x", "1003")
        drive.call("other")
        drive.after(1)
        drive.call("own", "12333")
        drive.after(6)
        drive.send(e.CallEnded("x", drive.wall, 16, "caller"))
        assert presented(drive.free("1003")).call_id == first


def test_answers_of_the_zones_lines_are_its_ratio() -> None:
    drive = Drive("1003", wrap_up_s=0)
    with_zones(drive, HRSS)
    for number in range(ENOUGH):
        drive.call(f"c{number}", "12333", arrived_at=drive.wall - 20)
        drive.answer(f"c{number}", "1003")
        drive.send(e.CallEnded(f"c{number}", drive.wall, 16, "caller"))
        drive.free("1003")
    assert drive.engine.lending.kept == {"hrss"}
