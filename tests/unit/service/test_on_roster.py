"""How many people the rosters ask for at a moment. The floor plan: 1001 to 1003 sign in by phone, 1004 by an act."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from routing.model import Rules
from routing.need import Anybody, Either, InGroup, Named, Skilled
from routing.roster import Roster, Shift
from routing.workdays import Workdays
from service.on_roster import on_roster
from tests.unit.routing.floor_plan import rules

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
MORNING = {"begins_s": 8 * 3600, "ends_s": 14 * 3600}
NIGHT = {"begins_s": 14 * 3600, "ends_s": 8 * 3600}


def hotline(*shifts: Shift, groups: dict[str, frozenset[str]] | None = None) -> Rules:
    plain = rules()
    seats = {id_: replace(seat, groups=(groups or {}).get(id_, frozenset())) for id_, seat in plain.seats.items()}
    return replace(plain, seats=seats, roster=Roster(shifts, UTC))


def at(hour: float, found: Rules) -> int | None:
    return on_roster(found, Workdays())(NOON + (hour - 12) * 3600)


def test_people_of_the_running_shifts_are_counted_each_once() -> None:
    day = Shift(people=Skilled("general", 3), **MORNING)  # 1001, 1002
    help_ = Shift(frozenset({"12333"}), people=Either((Named("1002"), Named("1003"))), **MORNING)
    night = Shift(people=Named("1004"), **NIGHT)
    found = hotline(day, help_, night)
    assert (at(12, found), at(15, found)) == (3, 1)


def test_merged_number_has_no_shifts_of_its_own() -> None:
    assert at(12, hotline(Shift(frozenset({"12345", "12333"}), people=Named("1001")))) == 1


def test_leaders_who_take_a_line_first_are_there_too() -> None:
    found = hotline(Shift(people=Named("1001")), Shift(people=Named("1004"), first=True))
    assert at(12, found) == 2


def test_nobody_is_counted_where_a_line_is_everybodys() -> None:
    assert at(12, hotline()) is None
    assert at(12, hotline(Shift(frozenset({"12333"}), people=Named("1003")))) is None
    assert at(12, hotline(Shift(people=Anybody()))) is None


def test_shift_of_seats_is_counted_when_everybody_has_one() -> None:
    found = hotline(Shift(people=InGroup("day")), groups={"1001": frozenset({"day"}), "1003": frozenset({"day"})})
    assert at(12, found) is None, "1004 may sit down anywhere"
    agents = {id_: agent for id_, agent in found.agents.items() if id_ != "1004"}
    assert at(12, replace(found, agents=agents)) == 2


def test_in_a_gap_it_is_those_at_the_duty_seats() -> None:
    found = hotline(Shift(people=Named("1001"), **MORNING), groups={"1002": frozenset({"duty"})})
    agents = {id_: agent for id_, agent in found.agents.items() if id_ != "1004"}
    assert at(15, replace(found, agents=agents)) == 1
