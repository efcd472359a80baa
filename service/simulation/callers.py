"""The callers of a day, each with all that chance decides about him, drawn before anything happens.

So whatever scheme serves them, a caller has the same patience and the same things to say, and whoever takes him takes as
long to pick up: differences between schemes are the schemes' (common random numbers). One stream of chance for each
number's arrivals and one for each number's people; a number more leaves the others as they were.
"""

from __future__ import annotations

import math
from random import Random
from typing import Final, NamedTuple

from service.simulation.day import QUARTER_S, QUARTERS, Arrivals, Day, Habits, Spread

PICK_UPS: Final = 4  # draws of a caller; who is presented more often begins again with the first


class Caller(NamedTuple):
    """`nth`: place in the order of arrival, from 0. `at`: seconds since midnight.

    `pick_ups`: how long the first, second, ... seat presented takes to answer.
    """

    nth: int
    number: str
    at: float
    patience_s: float
    talk_s: float
    wrap_up_s: float
    pick_ups: tuple[float, ...]

    def pick_up_s(self, presented: int) -> float:
        """Of the seat that is presented after `presented` others."""
        return self.pick_ups[presented % PICK_UPS]


def callers_of(day: Day, seed: int) -> list[Caller]:
    """All callers in the order of arrival. The same day and seed: the same callers, on every machine."""
    found: list[Caller] = []
    talks = {item.number: item.talk for item in day.arrivals}
    for number in day.numbers():
        people = Random(f"{seed}/people/{number}")
        talk = talks.get(number) or day.habits.talk
        found += [_caller(day.habits, number, at, talk, people) for at in _times(day, number, seed)]
    found.sort(key=lambda caller: (caller.at, caller.number))
    return [caller._replace(nth=nth) for nth, caller in enumerate(found)]


def _times(day: Day, number: str, seed: int) -> list[float]:
    if number in day.recorded:
        return sorted(day.recorded[number])
    chance = Random(f"{seed}/arrivals/{number}")
    return [at for item in day.arrivals if item.number == number for at in arrival_times(item, chance)]


def arrival_times(arrivals: Arrivals, chance: Random) -> list[float]:
    """A Poisson process whose rate is constant within each quarter of an hour."""
    found: list[float] = []
    for quarter in range(QUARTERS):
        begin = quarter * QUARTER_S
        found += sorted(begin + chance.random() * QUARTER_S for _ in range(poisson(arrivals.expected(quarter), chance)))
    return found


def poisson(mean: float, chance: Random) -> int:
    """How many come. Arrivals of a unit rate are counted until the mean is passed: exact for every mean."""
    count, passed = 0, -math.log(1.0 - chance.random())
    while passed < mean:
        count, passed = count + 1, passed - math.log(1.0 - chance.random())
    return count


def _caller(habits: Habits, number: str, at: float, talk: Spread, chance: Random) -> Caller:
    return Caller(
        0,
        number,
        at,
        habits.patience.draw(chance),
        talk.draw(chance),
        habits.wrap_up.draw(chance),
        tuple(habits.pick_up.draw(chance) for _ in range(PICK_UPS)),
    )
