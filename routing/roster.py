"""Rosters: who is on duty for a line at a moment, and when that changes next. Pure; the moment comes as epoch seconds.

A shift is a span of local time that begins on certain days and has certain people. A line that no shift names is served by
everybody who is signed in. A line that shifts name is served by the people of those that run at the moment, and when none
runs it has a gap: `Duty.gap`.

A dated shift (`spans`) stands, on its dates, instead of the weekly shifts of the same people for the same line; with `off`
these people have no shift then. With `first` (领导接听日) it takes nobody's place: its people take the line first.

Local times become moments by one rule, so that a shift ending at 02:30 and one beginning then always meet: a time that the
clock skips is the moment of the skip, a time that it shows twice is the first of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final, NamedTuple

from routing.need import Anybody, Need, shown
from routing.workdays import DayKind, Workdays

DAY_S: Final = 86_400
DUTY: Final = "duty"  # the group of the duty seats, who serve a line in a gap
HORIZON_DAYS: Final = 31  # changes are looked for so far ahead


class Days(StrEnum):
    """On which days a weekly shift begins."""

    DAILY = "daily"
    WORKDAY = "workday"  # moved workdays included
    REST = "rest"  # weekend or holiday
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


WEEKDAYS: Final = (Days.MON, Days.TUE, Days.WED, Days.THU, Days.FRI, Days.SAT, Days.SUN)
_BY_KIND: Final = {
    DayKind.WORKDAY: frozenset({Days.DAILY, Days.WORKDAY}),
    DayKind.MOVED: frozenset({Days.DAILY, Days.WORKDAY}),
    DayKind.WEEKEND: frozenset({Days.DAILY, Days.REST, Days.WEEKEND}),
    DayKind.HOLIDAY: frozenset({Days.DAILY, Days.REST, Days.HOLIDAY}),
}


def names_of(weekday: int, kind: DayKind) -> frozenset[Days]:
    """Every word that a day of this weekday (Monday is 0) and kind answers to."""
    return _BY_KIND[kind] | {WEEKDAYS[weekday]}


class Span(NamedTuple):
    """Dates, both ends included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Shift:
    """One `[[roster]]`. Either `days` or `spans`; local seconds of the day.

    lines: the lines' numbers; none means all. people: who has it. begins_s: 0 to 86399. ends_s: 1 to 86400; not
    above `begins_s` means on the next day.
    """

    lines: frozenset[str] = frozenset()
    people: Need = field(default_factory=Anybody)
    days: frozenset[Days] = frozenset({Days.DAILY})
    spans: tuple[Span, ...] = ()
    begins_s: int = 0
    ends_s: int = DAY_S
    first: bool = False
    off: bool = False
    name: str = ""

    @property
    def length_s(self) -> int:
        """By the clock on the wall."""
        return self.ends_s - self.begins_s + (DAY_S if self.ends_s <= self.begins_s else 0)

    def on(self, day: date) -> bool:
        """Whether a dated shift has this date."""
        return any(span.first <= day <= span.last for span in self.spans)

    def serves(self, line: str) -> bool:
        return not self.lines or line in self.lines


class Duty(NamedTuple):
    """Who is on duty for a line. `people` and `first` in the order of the rosters, each once.

    people: None when no roster names the line: everybody. first: those who take the line before others.
    """

    people: tuple[Need, ...] | None = None
    first: tuple[Need, ...] = ()

    @property
    def gap(self) -> bool:
        """The line is rostered, and nobody's shift runs; leaders who answer for an hour are no shift."""
        return self.people == ()

    @property
    def everybody(self) -> bool:
        return self.people is None or Anybody() in self.people

    @property
    def shown(self) -> str:
        """As a need is written."""
        return "any" if self.people is None else " or ".join(map(shown, self.people)) or f"group:{DUTY}"


EVERYBODY: Final = Duty()
_BOTH: Final = (False, True)


class _Turn(NamedTuple):
    """A shift as it falls on one day, in epoch seconds."""

    begins: float
    ends: float
    shift: Shift


@dataclass(frozen=True, slots=True)
class Roster:
    """All shifts of a hotline, in the time zone of its clock on the wall."""

    shifts: tuple[Shift, ...] = ()
    zone: tzinfo = UTC

    def duty(self, line: str, at: float, workdays: Workdays) -> Duty:
        """Who is on duty for the line at a moment."""
        shifts = self._of(line)
        turns = self._turns(shifts, self.local_date(at), workdays)
        running = {turn.shift for turn in turns if turn.begins <= at < turn.ends}
        people = {
            first: dict.fromkeys(s.people for s in shifts if s in running and s.first is first) for first in _BOTH
        }
        return Duty(tuple(people[False]) if is_rostered(shifts) else None, tuple(people[True]))

    def next_change(self, line: str, at: float, workdays: Workdays) -> float | None:
        """The first moment after `at` when the duty of the line differs from that at `at`; None: not within 31 days."""
        shifts = self._of(line)
        if not shifts:
            return None
        now, today = self.duty(line, at, workdays), self.local_date(at)
        seen: set[float] = set()
        for ahead in range(HORIZON_DAYS + 1):
            until = self.moment(today + timedelta(days=ahead + 1), 0)
            turns = self._turns(shifts, today + timedelta(days=ahead), workdays)
            edges = {edge for turn in turns for edge in (turn.begins, turn.ends) if at < edge <= until} - seen
            seen |= edges
            for edge in sorted(edges):
                if self.duty(line, edge, workdays) != now:
                    return edge
        return None

    def local_date(self, at: float) -> date:
        return datetime.fromtimestamp(at, self.zone).date()

    def moment(self, day: date, second: int) -> float:
        """Epoch seconds at which the clock on the wall reaches this second of the day; 86400 is the next midnight."""
        wall = datetime(day.year, day.month, day.day, tzinfo=self.zone) + timedelta(seconds=second)
        first, last = wall.timestamp(), wall.replace(fold=1).timestamp()
        return self._skip(last, first) if last < first else first

    def _skip(self, before: float, after: float) -> float:
        """The moment between these two when the clock jumps forward."""
        low, high = int(before) - 1, int(after)
        old = datetime.fromtimestamp(low, self.zone).utcoffset()
        while high - low > 1:
            middle = (low + high) // 2
            same = datetime.fromtimestamp(middle, self.zone).utcoffset() == old
            low, high = (middle, high) if same else (low, middle)
        return float(high)

    def _of(self, line: str) -> tuple[Shift, ...]:
        return tuple(shift for shift in self.shifts if shift.serves(line))

    def _turns(self, shifts: tuple[Shift, ...], day: date, workdays: Workdays) -> Iterator[_Turn]:
        """The shifts that touch this local day: they begin on it or on the day before, or one more where a clock skips."""
        for back in (2, 1, 0):
            begins = day - timedelta(days=back)
            for shift in beginning(shifts, begins, workdays.kind(begins)):
                start = self.moment(begins, shift.begins_s)
                yield _Turn(start, self.moment(begins, shift.begins_s + shift.length_s), shift)


def beginning(shifts: tuple[Shift, ...], day: date, kind: DayKind) -> list[Shift]:
    """Which of the shifts of one line begin on a date, dated ones instead of weekly ones of the same people."""
    dated = [shift for shift in shifts if shift.on(day)]
    replaced = {shift.people for shift in dated if not shift.first}
    weekly = weekly_beginning(shifts, day.weekday(), kind)
    return [s for s in weekly if s.first or s.people not in replaced] + [shift for shift in dated if not shift.off]


def weekly_beginning(shifts: tuple[Shift, ...], weekday: int, kind: DayKind) -> list[Shift]:
    """Those that begin on a day of this weekday (Monday is 0) and kind that no dated shift names."""
    names = names_of(weekday, kind)
    return [shift for shift in shifts if not shift.spans and shift.days & names]


def is_rostered(shifts: tuple[Shift, ...]) -> bool:
    """Leaders who take a line first do not close it to others."""
    return any(not shift.first for shift in shifts)
