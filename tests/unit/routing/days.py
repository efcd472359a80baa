"""Recorded days made of chance: a hotline with a course of the day, busier and quieter kinds of days, and storms."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from random import Random

from routing.forecast import QUARTERS, DayClass, classify
from routing.workdays import Day, DayKind, Workdays

C = DayClass
# what the days of a week differ by; holidays and moved workdays likewise
USUAL: Mapping[DayClass, float] = {
    C.MONDAY: 1.15, C.TUESDAY: 1.05, C.WEDNESDAY: 1.0, C.THURSDAY: 1.0, C.FRIDAY: 0.95, C.SATURDAY: 0.6, C.SUNDAY: 0.5,
    C.HOLIDAY: 0.4, C.MOVED: 0.9, C.RETURN: 1.35,
}  # fmt: skip
FLAT = (1.0,) * QUARTERS

# a summer and autumn with 端午, 中秋, 国庆, and the weekends that are worked for them
REST = [date(2026, 6, 19), date(2026, 9, 25), *(date(2026, 10, day) for day in range(1, 8))]
WORKED = [date(2026, 9, 20), date(2026, 10, 10)]
CALENDAR = Workdays(
    {day: Day(day, DayKind.HOLIDAY) for day in REST} | {day: Day(day, DayKind.MOVED) for day in WORKED},
)


def span(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def recorded(
    days: Collection[date],
    per_day: float,
    *,
    shape: Sequence[float] = FLAT,
    kinds: Mapping[DayClass, float] = USUAL,
    workdays: Workdays = CALENDAR,
    scatter: float = 0.06,
    storms: Mapping[date, float] | None = None,
    seed: int = 1,
) -> dict[date, list[int]]:
    """`scatter`: of a day's mean, relative. `storms`: by how much a day was busier than its kind."""
    whole, found = sum(shape), {}
    for day in days:
        chance = Random(seed * 1_000_000 + day.toordinal())  # a storm changes no other day
        mean = per_day * kinds[classify(day, workdays)] * chance.gauss(1, scatter) * (storms or {}).get(day, 1.0)
        found[day] = [poisson(chance, mean * weight / whole) for weight in shape]
    return found


def even(days: Collection[date], calls: int) -> dict[date, list[int]]:
    """Without chance: so many calls in each quarter of an hour."""
    return {day: [calls] * QUARTERS for day in days}


def poisson(chance: Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, calls, left = math.exp(-mean), 0, chance.random()
    while left > limit:
        calls, left = calls + 1, left * chance.random()
    return calls
