"""What a simulated day is made of: who calls, who works, how long people take. Frozen records.

Times are seconds; `_at` of a day are seconds since its midnight.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from typing import Final, NamedTuple

from routing.choice import first_ring_of
from routing.model import AgentProfile, Line, Mode, Rules, SeatProfile
from routing.roster import Roster
from routing.workdays import Workdays

DAY_S: Final = 86_400.0
QUARTERS: Final = 96  # of an hour, in a day
QUARTER_S: Final = DAY_S / QUARTERS
A_MONDAY: Final = 1_767_542_400.0  # 2026-01-05 00:00 in China: a day like any other


class Kind(StrEnum):
    """How durations scatter around their mean."""

    CONSTANT = "constant"
    EXPONENTIAL = "exponential"
    LOGNORMAL = "lognormal"


@dataclass(frozen=True, slots=True)
class Spread:
    """A duration that chance decides. `sigma`: of the logarithm, lognormal only."""

    kind: Kind
    mean_s: float
    sigma: float = 0.0

    def draw(self, chance: Random) -> float:
        if self.kind is Kind.EXPONENTIAL:
            return chance.expovariate(1.0) * self.mean_s
        if self.kind is Kind.LOGNORMAL and self.mean_s > 0:
            return chance.lognormvariate(math.log(self.mean_s) - self.sigma**2 / 2, self.sigma)
        return self.mean_s


@dataclass(frozen=True, slots=True)
class Habits:
    """How long people take, where nothing else is known.

    Sources. Talk: Changzhou 2021 had 962,151 calls of 150 s on average, the longest 4,751 s; a lognormal with this mean
    and this largest of so many has sigma 0.77. Lognormal, because that is what call centres' talks are (Brown et al.,
    Statistical Analysis of a Telephone Call Center, JASA 100 (2005), 36-50). Patience: in the same year 1.84 % gave up
    while the average wait was 12 s; exponential patience gives up at a rate of 0.0184 / 12 s, a mean of some 650 s, taken
    as 600. Pick-up and wrap-up: no public figure; a headset is answered in 2 s, half as long or twice as long now and
    then, so that one presentation in 140 rings out its 6 s; the record is finished in 40 s, cut off by `wrap_up_s`.
    """

    patience: Spread = Spread(Kind.EXPONENTIAL, 600.0)
    talk: Spread = Spread(Kind.LOGNORMAL, 150.0, 0.77)
    wrap_up: Spread = Spread(Kind.LOGNORMAL, 40.0, 0.5)
    pick_up: Spread = Spread(Kind.LOGNORMAL, 2.0, 0.5)
    returns_after_s: float = 300.0  # who was set aside after two missed calls is back by then


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Calls to one dialled number. `shape`: a weight for every quarter of an hour of the day, of any sum."""

    number: str
    per_day: float
    shape: tuple[float, ...]
    talk: Spread | None = None  # None: as everybody's

    def expected(self, quarter: int) -> float:
        """Calls in this quarter of an hour, on average."""
        return self.per_day * self.shape[quarter] / sum(self.shape)


class Shift(NamedTuple):
    """Part of the day that somebody works; `until_at` may be the next midnight."""

    from_at: float
    until_at: float


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a seat of their own."""

    agent: AgentProfile
    seat: SeatProfile
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A day to simulate. `rules` has the people of `people` and everybody's lines and timing."""

    name: str
    title: str
    rules: Rules
    arrivals: tuple[Arrivals, ...]
    people: tuple[Person, ...]
    habits: Habits = Habits()
    sources: tuple[str, ...] = ()
    recorded: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # number -> arrivals of a real day, instead
    midnight: float = A_MONDAY  # epoch of the day's beginning, for rosters
    workdays: Workdays = field(default_factory=Workdays)  # for rosters

    def numbers(self) -> list[str]:
        """The dialled numbers of the day, in the order of the rules. A recorded day has no others than it had."""
        dialled = set(self.recorded) or {item.number for item in self.arrivals}
        return [number for number in self.rules.lines if number in dialled]

    def with_load(self, factor: float) -> Day:
        """The same day with so many times the calls. Raises ValueError for a recorded day: what was, was."""
        if self.recorded:
            raise ValueError("a recorded day has the calls that it had")
        arrivals = tuple(replace(item, per_day=item.per_day * factor) for item in self.arrivals)
        return replace(self, arrivals=arrivals)

    def with_rules(self, rules: Rules) -> Day:
        """The same callers and people by other lines and timing. People keep the shifts of the day, not of a roster."""
        own = self.rules
        return replace(self, rules=replace(rules, roster=Roster(), agents=own.agents, seats=own.seats))

    def unserved(self) -> list[str]:
        """Dialled numbers that none of these people may take."""
        people = [(person.agent, person.seat) for person in self.people]
        rings = {number: serving(self.rules, number).rings for number in self.numbers()}
        return [n for n, own in rings.items() if all(first_ring_of(*person, own) is None for person in people)]


def serving(rules: Rules, number: str) -> Line:
    """The line that serves a dialled number: a merged number is served as another line."""
    line = rules.lines[number]
    return rules.lines.get(line.into or "", line) if line.mode is Mode.MERGED else line


def wrap_up_limit_s(rules: Rules, number: str) -> float:
    """When wrap-up after a call to this number ends, whatever is left to do."""
    own = serving(rules, number).wrap_up_s
    return rules.timing.wrap_up_s if own is None else own
