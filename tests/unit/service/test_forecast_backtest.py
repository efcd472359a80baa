"""The forecast against the obvious one, "as a week ago", over days made of the shipped profile of a large city.

Half a year with weekdays that differ, holidays with moved workdays, and three storm days. The error is the sum of all
|arrived - expected| of the quarters of an hour / all calls (WAPE). Chance leaves a part of it even to somebody who knows
every mean: the floor that is printed beside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, timedelta

import pytest

from routing.forecast import QUARTERS, DayClass, Forecast, classify, forecast
from service.day_profiles import load_day
from tests.unit.routing.days import CALENDAR, USUAL, recorded, span

STORMS = {date(2026, 8, 12): 3.0, date(2026, 9, 16): 2.0, date(2026, 10, 14): 1.7}
DAYS = span(date(2026, 5, 4), date(2026, 11, 1))
RARE = {DayClass.HOLIDAY, DayClass.MOVED, DayClass.RETURN}
JUDGED = [day for day in span(date(2026, 8, 3), DAYS[-1]) if day not in STORMS]
AFTER_STORMS = [day + timedelta(weeks=1) for day in STORMS]
SHAPE = load_day("large-city").arrivals[0].shape


def error(days: dict[date, list[int]], expected: Callable[[date], Sequence[float]], judged: Sequence[date]) -> float:
    missed = calls = 0.0
    for day in judged:
        missed += sum(abs(came - mean) for came, mean in zip(days[day], expected(day), strict=True))
        calls += sum(days[day])
    return missed / calls


@pytest.mark.parametrize("per_day", [27_930.0, 2_640.0, 200.0])
def test_forecast_is_nearer_than_the_same_day_a_week_ago(per_day: float) -> None:
    days = recorded(DAYS, per_day, shape=SHAPE, storms=STORMS)

    made = {day: forecast(day, days, CALENDAR) for day in JUDGED}

    def ours(day: date) -> Sequence[float]:
        found = made[day]
        assert isinstance(found, Forecast)
        return found.quarters

    def lies_in_the_band(day: date) -> int:
        found = made[day]
        assert isinstance(found, Forecast)
        bands = map(found.band, range(QUARTERS))
        return sum(low <= came <= high for came, (low, high) in zip(days[day], bands, strict=True))

    def a_week_ago(day: date) -> Sequence[float]:
        return days[day - timedelta(weeks=1)]

    def known_mean(day: date) -> Sequence[float]:
        return [per_day * USUAL[classify(day, CALENDAR)] * weight / sum(SHAPE) for weight in SHAPE]

    groups = {
        "all days": JUDGED,
        "usual days": [day for day in JUDGED if usual(day) and day not in AFTER_STORMS],
        "holidays, moved workdays, days of return, and the week after": [day for day in JUDGED if not usual(day)],
        "a week after a storm": AFTER_STORMS,
    }
    for name, judged in groups.items():
        mine, naive = error(days, ours, judged), error(days, a_week_ago, judged)
        floor = error(days, known_mean, judged)
        print(
            f"{per_day:>6,.0f} calls a day, {name} ({len(judged)}): {mine:.3f}, a week ago {naive:.3f}, floor {floor:.3f}"
        )
        assert mine < naive
    share = sum(map(lies_in_the_band, JUDGED)) / (QUARTERS * len(JUDGED))
    print(f"{per_day:>6,.0f} calls a day: {share:.3f} of the quarters of an hour lie in the band")
    assert 0.82 < share < 0.99
    assert error(days, ours, JUDGED) < 0.8 * error(days, a_week_ago, JUDGED)
    assert error(days, ours, groups["usual days"]) < 1.15 * error(days, known_mean, groups["usual days"])


def usual(day: date) -> bool:
    """Neither it nor the same day a week ago was of a rare kind."""
    return not {classify(day, CALENDAR), classify(day - timedelta(weeks=1), CALENDAR)} & RARE


def test_storm_spoils_the_day_a_week_after_it_for_the_obvious_forecast_alone() -> None:
    calm, stormy = (recorded(DAYS, 27_930, shape=SHAPE, storms=storms) for storms in ({}, STORMS))
    for storm in STORMS:
        after = storm + timedelta(weeks=1)
        one, other = (forecast(after, days, CALENDAR) for days in (calm, stormy))
        assert isinstance(one, Forecast)
        assert isinstance(other, Forecast)
        moved = max(abs(a - b) / math.sqrt(a) for a, b in zip(one.quarters, other.quarters, strict=True))
        print(f"{storm} x{STORMS[storm]}: a week later the total moves by {other.total / one.total - 1:+.1%}")
        assert other.total == pytest.approx(one.total, rel=0.05)
        assert moved < 4, "in standard deviations of chance"
