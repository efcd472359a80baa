"""Whatever the day: no caller is lost, and rings over cross-trained people keep near the pool that bounds them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.model import AgentProfile, Line, Ring, Rules, SeatProfile, Timing
from routing.need import Skilled
from service.simulation.callers import callers_of
from service.simulation.day import DAY_S, Arrivals, Day, Person, Shift
from service.simulation.figures import SCHEMES, Found, simulate
from service.simulation.world import Fate

EVENING = (0.0,) * 72 + (1.0,) * 12 + (0.0,) * 12  # three hours
TIMING = Timing(wrap_up_s=40)


def rings(skill: str) -> tuple[Ring, ...]:
    return Ring(0.0, Skilled(skill, 5)), Ring(3.0, Skilled(skill)), Ring(6.0, Skilled("general"))


def day_of(seats: int, load: float) -> Day:
    """Three numbers; everybody knows general and something of two subjects. `load`: handling of 190 s a call, per seat."""
    lines = {"12345": Line("12345", "12345", rings=(Ring(0.0, Skilled("general")),))}
    lines |= {number: Line(number, number, zone=skill, rings=rings(skill)) for number, skill in SUBJECTS.items()}
    people = []
    for number in range(seats):
        first, second = ("hrss", "tax") if number % 2 else ("tax", "hrss")
        agent = AgentProfile(f"a{number}", "", {"general": 3, first: 8 if number % 3 else 4, second: 3}, first)
        people.append(Person(agent, SeatProfile(f"s{number}", f"PJSIP/s{number}"), (Shift(0.0, DAY_S),)))
    calls = load * seats * 3 * 3600 / 190
    arrivals = (
        Arrivals("12345", calls * 0.6, EVENING),
        Arrivals("12333", calls * 0.25, EVENING),
        Arrivals("12366", calls * 0.15, EVENING),
    )
    rules = Rules(TIMING, lines, {p.agent.id: p.agent for p in people}, {p.seat.id: p.seat for p in people})
    return Day("any", "any day", rules, arrivals, tuple(people))


SUBJECTS = {"12333": "hrss", "12366": "tax"}


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), seats=st.integers(4, 24), load=st.floats(0.3, 1.2))
def test_no_caller_is_lost_and_rings_keep_near_the_pool(seed: int, seats: int, load: float) -> None:
    day = day_of(seats, load)
    callers = callers_of(day, seed)
    found = {scheme: simulate(day, callers, scheme) for scheme in SCHEMES}
    for one in found.values():
        assert Fate.OPEN not in one.outcome.fates
        assert one.total.offered == len(callers)
    if callers:
        behind = points(found["one pool"]) - points(found["ours"])
        assert behind <= 3 + 400 / len(callers) ** 0.5, behind


def points(found: Found) -> float:
    assert found.total.ratio is not None
    return found.total.ratio * 100


def test_on_a_cross_trained_evening_ours_is_near_the_bound_and_ahead_of_pools_by_skill() -> None:
    """Gross, on 1,500 calls at a load of 0.88; the figures of a whole city are the bench's."""
    day = day_of(30, 0.88)
    callers = callers_of(day, 5)
    found = {scheme: points(simulate(day, callers, scheme)) for scheme in SCHEMES}
    assert found["ours"] >= found["one pool"] - 2
    assert found["ours"] >= max(found.values()) - 2


def test_where_a_subject_has_few_who_know_it_widening_is_clearly_ahead() -> None:
    day = day_of(20, 0.8)
    few = tuple(
        Person(AgentProfile(p.agent.id, "", {"general": 5} if n > 2 else dict(p.agent.skills)), p.seat, p.shifts)
        for n, p in enumerate(day.people)
    )
    rules = Rules(TIMING, day.rules.lines, {p.agent.id: p.agent for p in few}, {p.seat.id: p.seat for p in few})
    day = Day("few", "few", rules, day.arrivals, few)
    callers = callers_of(day, 5)
    assert points(simulate(day, callers, "ours")) > points(simulate(day, callers, "by skill")) + 5
