"""When a surge is suggested, when it no longer is, and how rarely it is by chance."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest

from routing.suggesting import Minute, Suggestion, Watch, after
from service.day_profiles import load_day
from tests.unit.routing.days import poisson

START = 1_795_302_600


def seen(callers: Iterable[int | None], expected: float = 4.0, *, start: int = START) -> list[Suggestion | None]:
    """What is suggested after each minute; None: a minute without a forecast."""
    watch, found = Watch(), []
    for place, count in enumerate(callers):
        known = None if count is None else expected
        watch = after(watch, Minute(start + 60 * place, count or 0, known, 0.06))
        found.append(watch.suggestion)
    return found


def test_three_minutes_above_suggest_a_surge_and_two_do_not() -> None:
    found = seen([4, 12, 12, 12])
    assert found[:3] == [None, None, None]
    assert found[3] == Suggestion(START + 60, 36, 12.0)
    assert found[3].percent == 200
    assert seen([12, 12, 4, 12, 12, 4]) == [None] * 6


def test_it_goes_on_while_more_call_than_expected_and_ends_by_itself() -> None:
    surge = seen([12] * 3 + [8] * 20 + [4] * 12)
    assert all(surge[2:23])
    assert surge[22].since == START
    assert surge[22].callers == 36 + 160
    assert surge[-1] is None


def test_it_stays_ten_minutes_at_least() -> None:
    found = seen([12, 12, 12] + [1] * 9)
    assert all(found[2:9])
    assert found[9:] == [None] * 3


def test_minutes_of_one_surge_begin_no_other() -> None:
    found = seen([12] * 3 + [0] * 6 + [12] * 4)
    assert found[8] is not None
    assert found[9:12] == [None] * 3, "the tenth minute ended it, and counts no more"
    assert found[12] == Suggestion(START + 600, 36, 12.0)


@pytest.mark.parametrize("callers", [1, 2])
def test_three_callers_in_a_dead_hour_are_no_surge(callers: int) -> None:
    assert seen([callers] * 6, expected=0.01) == [None] * 6


def test_more_than_that_are_one_even_in_a_dead_hour() -> None:
    found = seen([3, 3, 3], expected=0.01)[-1]
    assert found is not None
    assert found.percent == 800, "what was expected of a dead hour counts as one caller"


def test_minute_without_a_forecast_ends_what_was() -> None:
    assert seen([12, 12, None, 12, 12]) == [None] * 5
    assert seen([12, 12, 12, None])[-1] is None


def test_minute_that_is_missing_ends_what_was() -> None:
    watch = Watch()
    for at in (0, 1, 3, 4):
        watch = after(watch, Minute(START + 60 * at, 12, 4.0, 0.06))
        assert watch.suggestion is None


def false_alarms(per_day: float, days: int, scatter: float, seed: int = 1) -> int:
    """Suggestions in so many days that bring what is expected of them, but for chance."""
    shape = load_day("large-city").arrivals[0].shape
    chance, watch, found = Random(seed), Watch(), 0
    for day in range(days):
        mean = per_day * chance.gauss(1, scatter)
        for minute in range(1440):
            expected = per_day * shape[minute // 15] / sum(shape) / 15
            callers = poisson(chance, expected * mean / per_day)
            before, at = watch.suggestion, START + 60 * (1440 * day + minute)
            watch = after(watch, Minute(at, callers, expected, scatter))
            found += before is None and watch.suggestion is not None
    return found


@pytest.mark.parametrize(("per_day", "days"), [(2_640, 60), (27_930, 60), (200, 30)])
def test_by_chance_it_is_suggested_once_in_weeks_at_most(per_day: float, days: int) -> None:
    found = false_alarms(per_day, days, scatter=0.06)
    print(f"{per_day:,} calls a day: {found} suggestions in {days} days that bring what is expected")
    assert found <= days / 30


@pytest.mark.parametrize(("per_day", "times"), [(2_640, 3.0), (9_800, 2.0), (27_930, 1.6)])
def test_a_crowd_is_noticed_within_a_quarter_of_an_hour(per_day: float, times: float) -> None:
    chance, late = Random(3), 0
    for _ in range(50):
        expected = per_day * 0.1 / 60  # a busy hour
        callers = [poisson(chance, expected * times * chance.gauss(1, 0.06)) for _ in range(15)]
        late += not any(seen(callers, expected))
    print(f"{per_day:,} calls a day, {times:g} times as many: not noticed within 15 min {late} times of 50")
    assert late <= 2
