"""Whether the shifts of a line leave a moment of any day to nobody: a proof over all weekdays and kinds of days.

The calendar of a year to come is not known, so every kind that a weekday can have is tried, after every kind that the day
before can have. A line without a gap here has none whatever is decreed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

from routing.roster import DAY_S, Shift, beginning, is_rostered, weekly_beginning
from routing.workdays import DayKind, kinds_of

WEEK: Final = range(7)


class Gap(NamedTuple):
    """Seconds of a day without a shift. `date`: only on this one; None: on every such day that no dated shift names."""

    weekday: int
    kind: DayKind
    begins_s: int
    ends_s: int
    date: date | None = None


def gaps(shifts: tuple[Shift, ...]) -> list[Gap]:
    """All gaps of the line that has these shifts, each once, in order; none for a line that no shift names."""
    if not is_rostered(shifts):
        return []
    weekly = dict.fromkeys(_weekly(shifts))
    dated = (gap for gap in _dated(shifts) if gap._replace(date=None) not in weekly)
    return sorted(weekly, key=_order) + sorted(dict.fromkeys(dated), key=lambda gap: (gap.date, _order(gap)))


def _order(gap: Gap) -> tuple[int, int, str]:
    return gap.weekday, gap.begins_s, gap.kind


def _weekly(shifts: tuple[Shift, ...]) -> Iterator[Gap]:
    for weekday in WEEK:
        for kind in kinds_of(weekday):
            for before in kinds_of((weekday - 1) % 7):
                yesterday = weekly_beginning(shifts, (weekday - 1) % 7, before)
                for begins_s, ends_s in _open(yesterday, weekly_beginning(shifts, weekday, kind)):
                    yield Gap(weekday, kind, begins_s, ends_s)


def _dated(shifts: tuple[Shift, ...]) -> Iterator[Gap]:
    """On the dates of dated shifts, and on the mornings after them."""
    for day in sorted({day + timedelta(days=n) for shift in shifts for day in _dates(shift) for n in (0, 1)}):
        eve = day - timedelta(days=1)
        for kind in kinds_of(day.weekday()):
            for before in kinds_of(eve.weekday()):
                for begins_s, ends_s in _open(beginning(shifts, eve, before), beginning(shifts, day, kind)):
                    yield Gap(day.weekday(), kind, begins_s, ends_s, day)


def _dates(shift: Shift) -> Iterator[date]:
    for span in shift.spans if not shift.first else ():
        for number in range((span.last - span.first).days + 1):
            yield span.first + timedelta(days=number)


def _open(yesterday: Iterable[Shift], today: Iterable[Shift]) -> list[tuple[int, int]]:
    """The seconds of a day that neither yesterday's shifts nor today's cover."""
    covered = [(0, s.begins_s + s.length_s - DAY_S) for s in yesterday if not s.first]
    covered += [(s.begins_s, s.begins_s + s.length_s) for s in today if not s.first]
    reached, found = 0, []
    for begins_s, ends_s in sorted((span for span in covered if span[1] > 0), key=lambda span: span[0]):
        if begins_s > reached:
            found.append((reached, begins_s))
        reached = max(reached, ends_s)
    return found if reached >= DAY_S else [*found, (reached, DAY_S)]
