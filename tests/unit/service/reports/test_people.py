"""Adherence goes by the rosters: whose shift it was, on any line, and nobody's when a group of seats has it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from metrics.working import Stay, Working
from routing.model import AgentProfile, Line, Rules, SeatProfile, SignIn, Timing
from routing.need import Need, parse
from routing.roster import Roster, Shift
from routing.workdays import Workdays
from service.reports import people, periods

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = periods.day("2026-11-20", SHANGHAI, datetime(2026, 11, 20, 23, tzinfo=SHANGHAI).timestamp())
HOUR = 3_600_000
AGENTS = {id_: AgentProfile(id_, id_.upper(), {"hrss": 5} if id_ == "a" else {}) for id_ in ("a", "b")}


def shift(need: str, begins: int, ends: int, line: str = "12333") -> Shift:
    people_: Need = parse(need)
    return Shift(lines=frozenset({line}), people=people_, begins_s=begins * 3600, ends_s=ends * 3600)


def rules(*shifts: Shift) -> Rules:
    return Rules(
        timing=Timing(),
        lines={number: Line(number, number) for number in ("12345", "12333")},
        agents=AGENTS,
        seats={"b": SeatProfile("b", "PJSIP/b", groups=frozenset({"night"}))},
        roster=Roster(shifts, SHANGHAI),
    )


def adherences(rules: Rules, *stays: tuple[str, int, int]) -> dict[str, float | None]:
    working = Working(DAY.since_ms, DAY.until_ms, DAY.step_ms)
    for agent, since, until in stays:
        working.add(Stay(agent, "ready", "", DAY.since_ms + since * HOUR, DAY.since_ms + until * HOUR))
    told = people.agents(working, DAY, AGENTS, [("a", "no_answer", 2), ("a", "answered", 7)], rules, Workdays())
    assert next((one for one in told if one["agent"] == "a"), {"missed": 2, "answered": 7})["missed"] == 2
    return {one["agent"]: one["adherence"] for one in told}


def test_only_his_own_shifts_count_and_those_of_two_lines_once() -> None:
    both = rules(shift("hrss", 8, 12), shift("hrss", 10, 14, "12345"), shift("agent:b", 20, 22))
    assert adherences(both, ("a", 8, 11), ("a", 13, 15)) == {"a": 4 / 6, "b": 0.0}


def test_without_a_roster_there_is_nothing_to_adhere_to() -> None:
    assert adherences(rules(), ("a", 8, 11)) == {"a": None}


def test_a_shift_over_midnight_counts_with_what_lies_in_the_day() -> None:
    assert adherences(rules(shift("agent:a", 22, 6)), ("a", 0, 6), ("a", 22, 23)) == {"a": 7 / 8}


def test_a_shift_of_a_group_of_seats_is_that_of_whom_it_is_known_to_sit_there() -> None:
    night = rules(shift("group:night", 8, 12))
    assert AGENTS["b"].sign_in is SignIn.PHONE
    assert adherences(night, ("a", 8, 12), ("b", 8, 10)) == {"a": None, "b": 0.5}
