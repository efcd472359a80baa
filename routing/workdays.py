"""The calendar of workdays: what kind of day a date is, from a table, and until when the table knows.

Holidays and moved workdays (调休上班: a Saturday or Sunday worked in exchange for a longer holiday) are decreed a year at a
time, so they cannot be computed. A date that is not in the table is what its weekday says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

SATURDAY: Final = 5
WARN_DAYS: Final = 60  # before the known days end somebody is told
FAR_DAYS: Final = 5 * 366  # no table reaches further


class DayKind(StrEnum):
    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MOVED = "moved"  # 调休上班


RESTS: Final = frozenset({DayKind.WEEKEND, DayKind.HOLIDAY})


def kinds_of(weekday: int) -> tuple[DayKind, ...]:
    """What a day can be, by its weekday (Monday is 0): the common kind first."""
    if weekday >= SATURDAY:
        return DayKind.WEEKEND, DayKind.HOLIDAY, DayKind.MOVED
    return DayKind.WORKDAY, DayKind.HOLIDAY


@dataclass(frozen=True, slots=True)
class Day:
    """One date of the table. `name`: of the holiday, as people read it; "" for common days."""

    date: date
    kind: DayKind
    name: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError: a Wednesday is no weekend, and only a Saturday or Sunday can be a moved workday."""
        if self.kind not in kinds_of(self.date.weekday()):
            allowed = ", ".join(kinds_of(self.date.weekday()))
            raise ValueError(f"{self.date} is a {self.date:%A} and cannot be {self.kind.value}; allowed: {allowed}")


@dataclass(frozen=True, slots=True)
class Workdays:
    """The calendar as the core has it; by default nothing is known and weekdays alone decide."""

    days: Mapping[date, Day] = field(default_factory=dict)

    def kind(self, day: date) -> DayKind:
        known = self.days.get(day)
        return kinds_of(day.weekday())[0] if known is None else known.kind

    def works(self, day: date) -> bool:
        return self.kind(day) not in RESTS

    def next_worked(self, day: date) -> date:
        """The first workday after this date."""
        for _ in range(FAR_DAYS):
            day += timedelta(days=1)
            if self.works(day):
                return day
        return day

    def known_until(self, today: date) -> date | None:
        """The last day of the unbroken run of known days that begins today; None when today is not known."""
        if today not in self.days:
            return None
        last = today
        for _ in range(FAR_DAYS):
            if last + timedelta(days=1) not in self.days:
                break
            last += timedelta(days=1)
        return last

    def days_left(self, today: date) -> int:
        """How many days from tomorrow on are known without a break; -1 when not even today is."""
        until = self.known_until(today)
        return -1 if until is None else (until - today).days


def within_workdays(since: datetime, days: int, workdays: Workdays) -> datetime:
    """The moment by which something asked for at `since` (with its zone) is to be done, within so many workdays.

    On a workday: the same time of the day, so many workdays later. On any other day the time begins with the next workday
    and ends with the end of the last.
    """
    day = since.date()
    worked = workdays.works(day)
    for _ in range(days):
        day = workdays.next_worked(day)
    if worked:
        return datetime.combine(day, since.timetz())
    return datetime.combine(day + timedelta(days=1), time(0), since.tzinfo)
