"""How many callers a day will bring, by quarter of an hour, from the days of its kind before it. Pure: no clock, no IO.

* A day is of the class of its weekday, a holiday, a moved workday (调休上班), or the first day worked after a rest of three
  days or more with a holiday in it: what people would have asked meanwhile has piled up, and no usual Monday or Thursday
  should be mixed with it.
* Its profile comes from the last 8 days of its class, of which 3 at least are needed; the weight of a day halves with
  every 4 newer ones. Fewer days: the next coarser class, as `CLASSES` says, and in the end no forecast rather than a guess.
* An hour of a day that is far from the median of its class (a storm, an outage) is left out. The rest is averaged: a median
  of quarters would say 0 for a line with a call every half hour.
* A quarter with few calls is averaged with its neighbours until 100 were seen.
* When the last 7 ordinary days all in all lay above or below their profiles by more than chance, the level follows: a
  median, so four days of seven are needed, and a storm of three days changes nothing.
* Holidays, moved workdays and days of return are rare, and those of half a year ago those of a smaller hotline perhaps:
  each is brought to the level of now by the usual workdays around it and of now.
* The band comes from how far the last 28 ordinary days lay from their profiles, again by medians.

Counts are by the local clock: `Counts` has 96 numbers, one for each quarter of an hour of the day. A change of the clock
makes one hour of its day empty or double; that hour is an outlier like another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from statistics import median
from typing import Final

from routing.scatter import bound
from routing.workdays import DayKind, Workdays

QUARTERS: Final = 96
QUARTER_S: Final = 900
_HOURS: Final = range(24)

LAST_DAYS: Final = 8  # two months of one weekday
FEWEST_DAYS: Final = 3  # of two that differ nobody knows which was the storm
HALVED_AFTER: Final = 4  # days of the class
FAR: Final = 4.0  # robust standard deviations
SEEN_ENOUGH: Final = 100  # calls: then chance is a tenth of them
WIDEST: Final = 8  # quarters to each side
LEVEL_DAYS: Final = 7
LEVEL_NEEDS: Final = 4
BASE_DAYS: Final = 10  # two weeks of workdays
BASE_WITHIN: Final = timedelta(days=28)
CHANGED: Final = 0.1  # two medians of ten days differ by so much by chance
SPREAD_DAYS: Final = 28
BUSY: Final = 20.0  # calls an hour: below, chance hides what days differ by
SPREAD_UNKNOWN: Final = 0.15
SPREAD_LEAST: Final = 0.03
IN_SAMPLE: Final = (
    1.15  # a day is a seventh of its own profile, so it seems nearer than a day to come: sqrt((1+1/7)/(1-1/7))
)
LOW: Final = 0.05
HIGH: Final = 0.95  # nine quarters of ten lie between
REST_BEFORE_RETURN: Final = 3  # days
_TO_SIGMA: Final = 1.4826  # of a median deviation, for a normal curve

Counts = Sequence[int]


class DayClass(StrEnum):
    """What a day is like, for the number of its callers."""

    MONDAY = "Monday"
    TUESDAY = "Tuesday"
    WEDNESDAY = "Wednesday"
    THURSDAY = "Thursday"
    FRIDAY = "Friday"
    SATURDAY = "Saturday"
    SUNDAY = "Sunday"
    HOLIDAY = "holiday"
    MOVED = "moved workday"
    RETURN = "first workday after a holiday"


C = DayClass
_WEEK: Final = (C.MONDAY, C.TUESDAY, C.WEDNESDAY, C.THURSDAY, C.FRIDAY, C.SATURDAY, C.SUNDAY)
_WORKED: Final = frozenset(_WEEK[:5])
_WEEKEND: Final = frozenset(_WEEK[5:])
ORDINARY: Final = frozenset(_WEEK)

# Whose days make the profile: the class itself, and when there are too few, the next. A workday is never made of weekends.
CLASSES: Final[Mapping[DayClass, tuple[frozenset[DayClass], ...]]] = {
    **{day: (frozenset({day}), _WORKED) for day in _WORKED},
    **{day: (frozenset({day}), _WEEKEND, _WEEKEND | {C.HOLIDAY}) for day in _WEEKEND},
    C.HOLIDAY: (frozenset({C.HOLIDAY}), frozenset({C.SUNDAY}), _WEEKEND),
    C.MOVED: (frozenset({C.MOVED}), _WORKED),
    C.RETURN: (frozenset({C.RETURN}), frozenset({C.MONDAY}), _WORKED),
}


def classify(day: date, workdays: Workdays) -> DayClass:
    if workdays.works(day) and _rested_before(day, workdays):
        return C.RETURN
    kind = workdays.kind(day)
    if kind is DayKind.HOLIDAY:
        return C.HOLIDAY
    return C.MOVED if kind is DayKind.MOVED else _WEEK[day.weekday()]


def _rested_before(day: date, workdays: Workdays) -> bool:
    """Days of rest, three at least and one of them a holiday, end the day before."""
    rested: list[DayKind] = []
    before = day - timedelta(days=1)
    while not workdays.works(before) and len(rested) < 30:
        rested.append(workdays.kind(before))
        before -= timedelta(days=1)
    return len(rested) >= REST_BEFORE_RETURN and DayKind.HOLIDAY in rested


@dataclass(frozen=True, slots=True)
class Forecast:
    """One day of one line, or of the whole hotline.

    quarters: calls expected in each quarter of an hour. like: whose days it is made of, newest last. level: by which the
    profile was multiplied. spread: by what days differ beyond chance, relative.
    """

    day: date
    kind: DayClass
    like: tuple[date, ...]
    own: bool  # of days of its own class, not of a coarser one
    level: float
    spread: float
    quarters: tuple[float, ...]

    @property
    def total(self) -> float:
        return sum(self.quarters)

    def band(self, quarter: int) -> tuple[int, int]:
        """Between these, both included, lie nine of ten such quarters."""
        mean = self.quarters[quarter]
        return bound(mean, self.spread, LOW), bound(mean, self.spread, HIGH)


@dataclass(frozen=True, slots=True)
class NoForecast:
    """Too little is known. `have`: days of a fitting class, of `FEWEST_DAYS` that are needed."""

    day: date
    kind: DayClass
    have: int


def forecast(day: date, recorded: Mapping[date, Counts], workdays: Workdays) -> Forecast | NoForecast:
    """A day, from recorded whole days; those from this day on are not looked at."""
    past = _Past({when: counts for when, counts in recorded.items() if when < day}, workdays)
    kind = classify(day, workdays)
    for step, classes in enumerate(CLASSES[kind]):
        profile = past.profile(classes)
        if profile is not None:
            level = past.level() if classes & ORDINARY else 1.0  # the others are brought to the level of now one by one
            quarters = tuple(level * calls for calls in profile)
            like = tuple(past.days_of(classes))
            return Forecast(day, kind, like, step == 0, level, past.spread, quarters)
    return NoForecast(day, kind, max(len(past.days_of(classes)) for classes in CLASSES[kind]))


class _Past:
    """Recorded days and what they tell; each profile is made once."""

    def __init__(self, recorded: Mapping[date, Counts], workdays: Workdays) -> None:
        self._recorded = recorded
        self._kinds = {day: classify(day, workdays) for day in sorted(recorded)}
        self._profiles: dict[frozenset[DayClass], tuple[float, ...] | None] = {}
        self._ordinary = [day for day, kind in self._kinds.items() if kind in ORDINARY]

    def days_of(self, classes: frozenset[DayClass]) -> list[date]:
        """The newest, as many as a profile is made of; by date."""
        return [day for day, kind in self._kinds.items() if kind in classes][-LAST_DAYS:]

    def profile(self, classes: frozenset[DayClass]) -> tuple[float, ...] | None:
        """None: too few days."""
        if classes not in self._profiles:
            days = [self._as_now(day) for day in self.days_of(classes)]
            self._profiles[classes] = profile_of(days) if len(days) >= FEWEST_DAYS else None
        return self._profiles[classes]

    def _as_now(self, day: date) -> Sequence[float]:
        """A holiday may be half a year old: as many calls as it would bring to the hotline of now."""
        counts = self._recorded[day]
        if self._kinds[day] in ORDINARY:
            return counts
        then, now = self._base(day), self._base(max(self._recorded))
        if not then or not now or abs(now / then - 1) <= CHANGED:
            return counts
        return [calls * now / then for calls in counts]

    def _base(self, around: date) -> float | None:
        """Calls of a usual workday at that time; None: too few are known."""
        worked = (day for day in self._ordinary if self._kinds[day] in _WORKED)
        near = sorted((abs(day - around), day) for day in worked if abs(day - around) <= BASE_WITHIN)[:BASE_DAYS]
        return median(sum(self._recorded[day]) for _, day in near) if len(near) >= LEVEL_NEEDS else None

    def level(self) -> float:
        """By how much the newest ordinary days differ from their profiles, 1.0 when chance explains it."""
        ratios = list(self._ratios(LEVEL_DAYS))
        if len(ratios) < LEVEL_NEEDS:
            return 1.0
        found = median(ratio for ratio, _ in ratios)
        by_chance = math.sqrt(self.spread**2 + median(1 / mean for _, mean in ratios))
        error = 1.25 * by_chance / math.sqrt(len(ratios))  # of a median
        return found if abs(found - 1) > 2 * error else 1.0

    def _ratios(self, last: int) -> Iterator[tuple[float, float]]:
        """(calls / expected, expected) of the newest ordinary days."""
        for day in self._ordinary[-last:]:
            profile = self.profile(frozenset({self._kinds[day]}))
            expected = sum(profile or ())
            if expected > 0:
                yield sum(self._recorded[day]) / expected, expected

    @cached_property
    def spread(self) -> float:
        """What days differ by beyond chance: of busy hours where there are any, else of whole days."""
        found = list(self._busy_hours())
        if len(found) < SPREAD_DAYS:
            found = list(self._ratios(SPREAD_DAYS))
        if len(found) < LEVEL_DAYS:
            return SPREAD_UNKNOWN
        middle = median(ratio for ratio, _ in found)
        deviation = _TO_SIGMA * median(abs(ratio - middle) for ratio, _ in found)
        beyond_chance = math.sqrt(max(0.0, deviation**2 - median(1 / mean for _, mean in found)))
        return max(SPREAD_LEAST, IN_SAMPLE * beyond_chance)

    def _busy_hours(self) -> Iterator[tuple[float, float]]:
        for day in self._ordinary[-SPREAD_DAYS:]:
            profile = self.profile(frozenset({self._kinds[day]}))
            for hour in _HOURS if profile else ():
                expected = sum(_quarters_of(profile, hour))
                if expected >= BUSY:
                    yield sum(_quarters_of(self._recorded[day], hour)) / expected, expected


def profile_of(days: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Calls by quarter of an hour on such a day. `days`: by date, the newest last; at least one."""
    weights = [0.5 ** ((len(days) - 1 - place) / HALVED_AFTER) for place in range(len(days))]
    means: list[float] = []
    seen: list[float] = []  # calls, all days together
    for hour in _HOURS:
        kept = _kept(days, hour)
        whole = sum(weights[place] for place in kept)
        for quarter in range(4 * hour, 4 * hour + 4):
            means.append(sum(weights[place] * days[place][quarter] for place in kept) / whole)
            seen.append(sum(days[place][quarter] for place in kept))
    return _smooth(means, seen)


def _kept(days: Sequence[Sequence[float]], hour: int) -> list[int]:
    """The places of the days whose hour is like that of the others; of half of them it always is."""
    totals = [sum(_quarters_of(counts, hour)) for counts in days]
    middle = median(totals)
    deviation = _TO_SIGMA * median(abs(calls - middle) for calls in totals)
    allowed = FAR * max(deviation, math.sqrt(max(middle, 1.0)))
    return [place for place, calls in enumerate(totals) if abs(calls - middle) <= allowed]


def _quarters_of(values: Sequence[float] | None, hour: int) -> Sequence[float]:
    return (values or ())[4 * hour : 4 * hour + 4]


def _smooth(means: Sequence[float], seen: Sequence[float]) -> tuple[float, ...]:
    """Averages over as many neighbours as it takes to have seen enough; the day's total stays."""
    found = []
    for quarter in range(QUARTERS):
        for reach in range(WIDEST + 1):
            near = slice(max(0, quarter - reach), quarter + reach + 1)
            if sum(seen[near]) >= SEEN_ENOUGH:
                break
        found.append(sum(means[near]) / len(means[near]))
    whole = sum(found)
    return tuple(calls * sum(means) / whole for calls in found) if whole else tuple(found)
