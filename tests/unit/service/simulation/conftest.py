"""Small days: a morning of three numbers with somewhat too few people, and one pool in its steady state."""

from __future__ import annotations

import pytest

from routing.model import AgentProfile, Line, Ring, Rules, SeatProfile, Timing
from routing.need import Anybody, Skilled
from service.simulation.day import QUARTERS, Arrivals, Day, Habits, Kind, Person, Shift, Spread

MORNING = tuple(1.0 if 32 <= quarter < 48 else 0.0 for quarter in range(QUARTERS))  # 08:00 to 12:00
STEADY = (1.0,) * QUARTERS


def people_of(count: int, first: int, skills: dict[str, int], zone: str | None = None, *shifts: Shift) -> list[Person]:
    found = []
    for number in range(first, first + count):
        id_ = str(number)
        agent, seat = AgentProfile(id_, id_, skills, zone), SeatProfile(id_, f"PJSIP/{id_}")
        found.append(Person(agent, seat, shifts or (Shift(7 * 3600.0, 13 * 3600.0),)))
    return found


def day_of(lines: list[Line], arrivals: list[Arrivals], people: list[Person], timing: Timing, habits: Habits) -> Day:
    agents, seats = {p.agent.id: p.agent for p in people}, {p.seat.id: p.seat for p in people}
    rules = Rules(timing, {line.number: line for line in lines}, agents, seats)
    return Day("small", "a small day", rules, tuple(arrivals), tuple(people), habits)


def home_rings(zone: str) -> tuple[Ring, ...]:
    return Ring(0.0, Skilled(zone, 5)), Ring(3.0, Skilled(zone)), Ring(6.0, Skilled("general"))


@pytest.fixture
def morning() -> Day:
    """400 calls in four hours; 16 people, who are enough on average and not always."""
    lines = [
        Line("12345", "hotline", rings=(Ring(0.0, Skilled("general")), Ring(6.0, Anybody()))),
        Line("12333", "labour", zone="hrss", rings=home_rings("hrss")),
        Line("12348", "law", zone="legal", rings=home_rings("legal")),
    ]
    arrivals = [Arrivals("12345", 280, MORNING), Arrivals("12333", 90, MORNING), Arrivals("12348", 30, MORNING)]
    people = people_of(5, 1001, {"general": 5}) + people_of(1, 1101, {"general": 3, "legal": 8}, "legal")
    people += people_of(2, 1201, {"general": 3, "hrss": 8}, "hrss")
    people += people_of(1, 1301, {"general": 5}, None, Shift(7 * 3600.0, 9.5 * 3600), Shift(10 * 3600.0, 13 * 3600.0))
    habits = Habits(pick_up=Spread(Kind.LOGNORMAL, 3.0, 0.6))  # so that presentations are missed too
    return day_of(lines, arrivals, people, Timing(wrap_up_s=60), habits)


@pytest.fixture
def steady() -> Day:
    """24 calls a minute, 9 agents, 20 s each, patience 40 s: some thousand times the system forgets what was before."""
    lines = [Line("12345", "hotline", rings=(Ring(0.0, Anybody()),))]
    people = people_of(9, 1001, {"general": 5}, None, Shift(0.0, 86_400.0))
    none, exponential = Spread(Kind.CONSTANT, 0.0), Kind.EXPONENTIAL
    habits = Habits(Spread(exponential, 40.0), Spread(exponential, 20.0), none, none)
    arrivals = [Arrivals("12345", 24 * 60 * 24, STEADY)]
    return day_of(lines, arrivals, people, Timing(wrap_up_s=0), habits)
