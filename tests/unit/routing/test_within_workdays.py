"""One working day, by the calendar: holidays and moved workdays count as they are."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from routing.workdays import Day, DayKind, Workdays, within_workdays

ZONE = ZoneInfo("Asia/Shanghai")
HOLIDAYS = Workdays(
    {
        date(2026, 10, 1): Day(date(2026, 10, 1), DayKind.HOLIDAY),
        date(2026, 10, 2): Day(date(2026, 10, 2), DayKind.HOLIDAY),
        date(2026, 10, 3): Day(date(2026, 10, 3), DayKind.MOVED),
    }
)


@pytest.mark.parametrize(
    ("since", "due"),
    [
        ("2026-09-28T10:30", "2026-09-29T10:30"),  # Monday
        ("2026-11-20T16:00", "2026-11-23T16:00"),  # Friday
        ("2026-11-21T16:00", "2026-11-24T00:00"),  # Saturday: all of Monday
        ("2026-09-30T09:00", "2026-10-03T09:00"),  # over the holiday to the moved workday
        ("2026-10-01T09:00", "2026-10-04T00:00"),
        ("2026-10-03T09:00", "2026-10-05T09:00"),
    ],
)
def test_due_is_the_same_time_of_the_next_workday_or_the_end_of_it(since: str, due: str) -> None:
    told = within_workdays(datetime.fromisoformat(since).replace(tzinfo=ZONE), 1, HOLIDAYS)
    assert told == datetime.fromisoformat(due).replace(tzinfo=ZONE)
