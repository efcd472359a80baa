"""The decreed calendar as the package has it, against the decree of 2026."""

from __future__ import annotations

from datetime import date

from routing.workdays import DayKind
from service.official_days import official_days

MOVED = {"2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"}
OFF = [  # from, to: the spans of the decree
    ("2026-01-01", "2026-01-03"),
    ("2026-02-15", "2026-02-23"),
    ("2026-04-04", "2026-04-06"),
    ("2026-05-01", "2026-05-05"),
    ("2026-06-19", "2026-06-21"),
    ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
]


def test_the_days_of_2026_are_those_of_the_decree() -> None:
    days = {str(day.date): day for day in official_days([2026])}
    assert len(days) == 365
    assert {when for when, day in days.items() if day.kind is DayKind.MOVED} == MOVED
    rests = {when for when, day in days.items() if day.kind in (DayKind.HOLIDAY, DayKind.WEEKEND)}
    for when in days:
        in_span = any(first <= when <= last for first, last in OFF)
        weekend = date.fromisoformat(when).weekday() >= 5 and when not in MOVED
        assert (when in rests) == (in_span or weekend), when
    assert days["2026-10-01"].name == "国庆节"


def test_a_year_that_is_not_decreed_yet_is_not_taken_by_halves() -> None:
    assert official_days([2099]) == []
