"""Which time is meant, and what is no time for a report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from service.reports import periods
from service.reports.periods import HOUR_MS, QUARTER_MS, Period, PeriodError

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 10, 7, tzinfo=SHANGHAI).timestamp()


def shown(period: Period) -> tuple[str, str, str]:
    return period.title, f"{period.local(period.since_ms):%m-%d %H:%M}", f"{period.local(period.until_ms):%m-%d %H:%M}"


def test_periods_are_local_and_without_a_name_the_present_ones() -> None:
    assert shown(periods.day("", SHANGHAI, NOW)) == ("2026-11-20", "11-20 00:00", "11-21 00:00")
    assert shown(periods.week("", SHANGHAI, NOW)) == ("2026-W47", "11-16 00:00", "11-23 00:00")
    assert shown(periods.week("2026-11-15", SHANGHAI, NOW)) == ("2026-W46", "11-09 00:00", "11-16 00:00")
    assert shown(periods.week("2026-w01", SHANGHAI, NOW)) == ("2026-W01", "12-29 00:00", "01-05 00:00")
    assert shown(periods.month("", SHANGHAI, NOW)) == ("2026-11", "11-01 00:00", "12-01 00:00")
    assert shown(periods.month("2025-12", SHANGHAI, NOW)) == ("2025-12", "12-01 00:00", "01-01 00:00")


def test_an_interval_of_days_has_its_last_day_and_one_of_times_ends_at_its_last() -> None:
    days = periods.interval("2026-11-18", "2026-11-19", SHANGHAI, NOW)
    assert shown(days)[1:] == ("11-18 00:00", "11-20 00:00")
    assert [str(day) for day in days.days] == ["2026-11-18", "2026-11-19"]
    times = periods.interval("2026-11-18T08:15", "2026-11-18T12:00", SHANGHAI, NOW)
    assert (shown(times)[1:], times.days) == (("11-18 08:15", "11-18 12:00"), ())
    assert periods.interval("2026-11-18T00:00", "2026-11-19T00:00", SHANGHAI, NOW).days == days.days[:1]


def test_long_periods_are_counted_by_the_hour() -> None:
    assert periods.month("2026-10", SHANGHAI, NOW).step_ms == QUARTER_MS
    assert periods.interval("2025-11-20", "2026-11-19", SHANGHAI, NOW).step_ms == HOUR_MS


def test_a_day_when_the_clock_is_changed_has_another_length() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    hours = [(one.until_ms - one.since_ms) / HOUR_MS for one in (
        periods.day("2026-03-29", berlin, NOW), periods.day("2026-10-25", berlin, NOW))]  # fmt: skip
    assert hours == [23, 25]


@pytest.mark.parametrize(
    ("make", "words", "told"),
    [
        (periods.day, ("2026-11-21",), "2026-11-21 has not begun: reports go up to today, 2026-11-20"),
        (periods.day, ("20.11.2026",), "is no day: write it like 2026-11-20"),
        (periods.week, ("2026-W48",), "has not begun"),
        (periods.week, ("2026-W60",), "is no week: write it like 2026-W47"),
        (periods.week, ("monday",), "is no week"),
        (periods.month, ("2026-12",), "has not begun"),
        (periods.month, ("2026-13",), "is no month: write it like 2026-11"),
        (periods.interval, ("2026-11-19", "2026-11-18"), "is not after 2026-11-19: write the earlier one with --from"),
        (periods.interval, ("2026-11-18T08:00", "2026-11-18T08:00"), "is not after"),
        (periods.interval, ("2026-11-18T08:01", "2026-11-18T09:00"), "write :00, :15, :30 or :45"),
        (periods.interval, ("2026-11-18T8", "2026-11-18T09:00"), "is no time: write it like 2026-11-20T08:00"),
        (periods.interval, ("2024-11-18", "2026-11-18"), "is longer than 366 days"),
        (periods.interval, ("2026-11-21", "2026-11-22"), "has not begun"),
    ],
)
def test_what_is_no_period_is_told_in_one_sentence(
    make: Callable[..., Period], words: tuple[str, ...], told: str
) -> None:
    with pytest.raises(PeriodError, match=told.replace(".", r"\.")):
        make(*words, SHANGHAI, NOW)
