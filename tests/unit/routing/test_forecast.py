"""What a day will bring: which days it is like, and what cannot spoil it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from routing.forecast import (
    FEWEST_DAYS,
    QUARTERS,
    Counts,
    DayClass,
    Forecast,
    NoForecast,
    classify,
    forecast,
    profile_of,
)
from routing.workdays import Day, DayKind, Workdays
from tests.unit.routing.days import CALENDAR, USUAL, even, recorded, span

C = DayClass
MAY = Workdays(  # 劳动节 too
    {**CALENDAR.days, **{day: Day(day, DayKind.HOLIDAY, "劳动节") for day in span(date(2026, 5, 1), date(2026, 5, 5))}}
)
TUESDAY = date(2026, 9, 15)


def made(day: date, days: dict[date, Counts] | dict[date, list[int]], workdays: Workdays = CALENDAR) -> Forecast:
    found = forecast(day, days, workdays)
    assert isinstance(found, Forecast)
    return found


def until(day: date) -> list[date]:
    return span(date(2026, 6, 1), day - timedelta(days=1))


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2026, 9, 14), C.MONDAY),
        (date(2026, 9, 19), C.SATURDAY),
        (date(2026, 9, 20), C.MOVED),  # a Sunday, worked for 国庆
        (date(2026, 9, 25), C.HOLIDAY),  # 中秋, a Friday before a weekend
        (date(2026, 9, 26), C.SATURDAY),
        (date(2026, 9, 28), C.RETURN),  # the Monday after three days of rest
        (date(2026, 10, 7), C.HOLIDAY),
        (date(2026, 10, 8), C.RETURN),
        (date(2026, 10, 9), C.FRIDAY),
        (date(2026, 10, 10), C.MOVED),
        (date(2026, 10, 12), C.MONDAY),  # after a weekend that was half worked
    ],
)
def test_each_date_is_of_its_class(day: date, kind: DayClass) -> None:
    assert classify(day, CALENDAR) is kind


def test_without_a_calendar_weekdays_alone_decide() -> None:
    assert classify(date(2026, 10, 1), Workdays()) is C.THURSDAY


def test_single_holiday_in_the_week_makes_no_day_of_return() -> None:
    wednesday = {day: CALENDAR.days[date(2026, 10, 7)] for day in [date(2026, 9, 9)]}
    assert classify(date(2026, 9, 10), Workdays(wednesday)) is C.THURSDAY


def test_moved_workday_after_a_holiday_is_a_day_of_return() -> None:
    """What piled up comes on the first day that is worked, whichever that is."""
    days = dict(CALENDAR.days)
    saturday = date(2026, 10, 10)
    for late in (date(2026, 10, 8), date(2026, 10, 9)):
        days[late] = days[date(2026, 10, 7)]
    assert classify(saturday, Workdays(days)) is C.RETURN


def test_a_weekday_is_made_of_the_same_weekdays_before_it() -> None:
    days = {day: [day.weekday() + 1] * QUARTERS for day in until(TUESDAY)}
    found = made(TUESDAY, days)
    assert (found.kind, found.own) == (C.TUESDAY, True)
    assert found.like == tuple(TUESDAY - timedelta(weeks=n) for n in range(8, 0, -1))
    assert found.quarters == pytest.approx([2.0] * QUARTERS)


def test_days_from_the_wanted_one_on_are_not_looked_at() -> None:
    """Days that scatter so much that none of them would be left out."""
    before = {TUESDAY - timedelta(weeks=n): [20 * n] * QUARTERS for n in range(1, 8)}
    after = even([TUESDAY, *(TUESDAY + timedelta(weeks=n) for n in range(1, 4))], 50)
    assert made(TUESDAY, before | after) == made(TUESDAY, before)


def test_newer_days_count_more() -> None:
    days = even(until(TUESDAY), 100)
    days |= even([TUESDAY - timedelta(weeks=1), TUESDAY - timedelta(weeks=2)], 110)
    assert made(TUESDAY, days).quarters[40] > 100 + 10 * 2 / 8


@pytest.mark.parametrize(
    ("day", "like", "own"),
    [
        (date(2026, 10, 3), {C.HOLIDAY}, True),  # 端午, 中秋 and two days of 国庆
        (date(2026, 9, 25), {C.SUNDAY}, False),  # one holiday since June: Sundays
        (date(2026, 9, 20), {C.MONDAY, C.TUESDAY, C.WEDNESDAY, C.THURSDAY, C.FRIDAY}, False),
        (date(2026, 10, 8), {C.MONDAY}, False),  # one day of return so far
    ],
)
def test_rare_days_have_days_of_their_own_or_the_nearest(day: date, like: set[DayClass], own: bool) -> None:
    found = made(day, recorded(until(day), 2000))
    assert {classify(one, CALENDAR) for one in found.like} == like
    assert found.own is own


def test_holiday_is_forecast_far_below_the_weekday_it_falls_on() -> None:
    day = date(2026, 10, 5)
    found = made(day, recorded(until(day), 4000))
    assert found.total == pytest.approx(4000 * USUAL[C.HOLIDAY], rel=0.1)


@pytest.mark.parametrize("known", range(FEWEST_DAYS + 1))
def test_too_little_history_is_no_forecast_and_says_how_much_there_is(known: int) -> None:
    found = forecast(TUESDAY, even([TUESDAY - timedelta(weeks=n) for n in range(1, known + 1)], 2), CALENDAR)
    if known < FEWEST_DAYS:
        assert found == NoForecast(TUESDAY, C.TUESDAY, known)
    else:
        assert isinstance(found, Forecast)


def test_first_week_makes_workdays_of_workdays_but_no_weekend_of_them() -> None:
    days = even(span(date(2026, 9, 7), date(2026, 9, 9)), 3)
    assert made(date(2026, 9, 10), days).own is False
    assert forecast(date(2026, 9, 12), days, CALENDAR) == NoForecast(date(2026, 9, 12), C.SATURDAY, 0)


def test_storm_day_in_the_history_changes_next_to_nothing() -> None:
    storm = TUESDAY - timedelta(weeks=1)
    calm = made(TUESDAY, recorded(until(TUESDAY), 6000))
    after = made(TUESDAY, recorded(until(TUESDAY), 6000, storms={storm: 3.0}))
    assert after.total == pytest.approx(calm.total, rel=0.03)
    assert after.spread == pytest.approx(calm.spread, abs=0.02)


def test_outage_of_some_hours_changes_next_to_nothing() -> None:
    days = recorded(until(TUESDAY), 6000)
    whole = made(TUESDAY, days).total
    days[TUESDAY - timedelta(weeks=1)][32:48] = [0] * 16
    assert made(TUESDAY, days).total == pytest.approx(whole, rel=0.03)


def test_storm_of_three_days_moves_the_level_little() -> None:
    storms = {TUESDAY - timedelta(days=n): 2.5 for n in (1, 2, 3)}
    found = made(TUESDAY, recorded(until(TUESDAY), 6000, storms=storms))
    assert found.level < 1.1


def test_lasting_change_of_the_level_is_followed_within_a_week() -> None:
    """Another hotline was merged into this one."""
    more = {TUESDAY - timedelta(days=n): 1.4 for n in range(1, 8)}
    found = made(TUESDAY, recorded(until(TUESDAY), 6000, storms=more))
    assert found.level > 1.25
    assert found.total == pytest.approx(6000 * 1.4 * USUAL[C.TUESDAY], rel=0.1)


def test_holidays_of_before_a_merger_are_brought_to_the_level_of_now() -> None:
    """Since August half as many more call; the last holidays but one were before that."""
    day = date(2026, 10, 2)
    merged = dict.fromkeys(span(date(2026, 8, 1), day), 1.5)
    found = made(day, recorded(span(date(2026, 5, 1), day), 6000, storms=merged, workdays=MAY), MAY)
    assert {when.month for when in found.like} == {5, 6, 9, 10}
    assert found.total == pytest.approx(6000 * 1.5 * USUAL[C.HOLIDAY], rel=0.08)


def test_holidays_are_left_as_they_are_when_little_has_changed() -> None:
    day = date(2026, 10, 2)
    days = recorded(until(day), 6000, workdays=MAY)
    holidays = [when for when in days if classify(when, MAY) is C.HOLIDAY]
    more = {when: days[when] for when in holidays} | even([when for when in days if when not in holidays], 60)
    more |= even([when for when in days if when not in holidays and when >= date(2026, 8, 20)], 65)
    assert made(day, more, MAY).quarters == profile_of([days[when] for when in holidays])


def test_line_with_a_call_every_half_hour_is_not_forecast_as_none() -> None:
    found = made(TUESDAY, recorded(until(TUESDAY), 48))
    assert found.total == pytest.approx(48 * USUAL[C.TUESDAY], rel=0.2)
    assert max(found.quarters) < 3 * min(found.quarters), "few calls are averaged with their neighbours"


def test_the_course_of_the_day_is_kept() -> None:
    shape = [1.0] * 32 + [9.0] * 40 + [1.0] * 24
    found = made(TUESDAY, recorded(until(TUESDAY), 6000, shape=shape))
    assert found.quarters[31] < 0.2 * found.quarters[32]
    assert found.quarters[72] < 0.2 * found.quarters[71]


def test_midnight_belongs_to_the_day_that_begins() -> None:
    shape = [40.0] + [1.0] * 95
    found = made(TUESDAY, recorded(until(TUESDAY), 6000, shape=shape))
    assert found.quarters[0] > 20 * found.quarters[95]


def test_nine_quarters_of_ten_lie_in_the_band() -> None:
    days, inside, all_of_them = recorded(span(date(2026, 6, 1), date(2026, 9, 18)), 6000), 0, 0
    for day in span(date(2026, 8, 17), date(2026, 9, 18)):
        found = made(day, days)
        for quarter in range(QUARTERS):
            low, high = found.band(quarter)
            inside += low <= days[day][quarter] <= high
            all_of_them += 1
    assert 0.87 < inside / all_of_them < 0.95


def test_line_without_a_call_is_expected_to_have_none() -> None:
    found = made(TUESDAY, even(until(TUESDAY), 0))
    assert (found.total, found.band(0)) == (0.0, (0, 0))
