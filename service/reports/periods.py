"""Which time a report is about: a local day, week or month, or any interval, made of quarters of an hour or of hours.

Periods begin and end at local times; a day when the clock is changed has 23 or 25 hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

QUARTER_MS: Final = 900_000
HOUR_MS: Final = 3_600_000
LONGEST_DAYS: Final = 366
BY_QUARTERS_DAYS: Final = 31  # longer periods are counted by the hour: a year has 35,000 quarters, times each number


class PeriodError(ValueError):
    """No such period; one sentence that says what is allowed."""


@dataclass(frozen=True, slots=True)
class Period:
    """`[since_ms, until_ms)`, epoch; `step_ms`: what it is counted by. `days`: whole local days, or none."""

    title: str
    since_ms: int
    until_ms: int
    step_ms: int
    days: tuple[date, ...]
    zone: tzinfo

    def local(self, ms: int) -> datetime:
        return datetime.fromtimestamp(ms / 1000, self.zone)

    def has_begun(self, wall: float) -> bool:
        return self.since_ms <= wall * 1000


def day(text: str, zone: tzinfo, wall: float) -> Period:
    """`2026-11-20`; "": today. Raises PeriodError, as all of these do."""
    wanted = _date(text) if text else _today(zone, wall)
    return _whole(wanted.isoformat(), wanted, wanted, zone, wall)


def week(text: str, zone: tzinfo, wall: float) -> Period:
    """Monday to Sunday: `2026-W47`, or a day in it; "": this week."""
    monday = _monday(text, zone, wall)
    return _whole(f"{monday:%G-W%V}", monday, monday + timedelta(days=6), zone, wall)


def month(text: str, zone: tzinfo, wall: float) -> Period:
    """`2026-11`; "": this month."""
    try:
        first = datetime.strptime(text, "%Y-%m").date() if text else _today(zone, wall).replace(day=1)  # noqa: DTZ007
    except ValueError:
        raise PeriodError(f'"{text[:20]}" is no month: write it like 2026-11') from None
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return _whole(f"{first:%Y-%m}", first, last, zone, wall)


def interval(first: str, last: str, zone: tzinfo, wall: float) -> Period:
    """From and to: days, the last one included, or local times like `2026-11-20T08:00`, the last one not included."""
    since, until = _start(first, zone), _end(last, zone)
    if _ms(since) > wall * 1000:
        raise _not_begun(first, zone, wall)
    if until <= since:
        raise PeriodError(f"{last} is not after {first}: write the earlier one with --from, the later one with --to")
    if until - since > timedelta(days=LONGEST_DAYS):
        raise PeriodError(f"{first} to {last} is longer than {LONGEST_DAYS} days: ask for a shorter time")
    title = f"{first} to {last}"
    if since.time() == until.time() == time():
        return _whole(title, since.date(), until.date() - timedelta(days=1), zone, wall)
    return _checked(Period(title, _ms(since), _ms(until), _step(since.date(), until.date()), (), zone), wall)


def _whole(title: str, first: date, last: date, zone: tzinfo, wall: float) -> Period:
    days = tuple(first + timedelta(days=at) for at in range((last - first).days + 1))
    since, until = (datetime.combine(at, time(), zone) for at in (first, last + timedelta(days=1)))
    return _checked(Period(title, _ms(since), _ms(until), _step(first, last), days, zone), wall)


def _checked(period: Period, wall: float) -> Period:
    if not period.has_begun(wall):
        raise _not_begun(period.title, period.zone, wall)
    return period


def _not_begun(title: str, zone: tzinfo, wall: float) -> PeriodError:
    return PeriodError(f"{title} has not begun: reports go up to today, {_today(zone, wall)}")


def _step(first: date, last: date) -> int:
    return QUARTER_MS if (last - first).days < BY_QUARTERS_DAYS else HOUR_MS


def _monday(text: str, zone: tzinfo, wall: float) -> date:
    try:
        if "W" in text.upper():
            return datetime.strptime(f"{text.upper()}-1", "%G-W%V-%u").date()  # noqa: DTZ007 a date has no time zone
        named = _date(text) if text else _today(zone, wall)
    except ValueError:
        raise PeriodError(f'"{text[:20]}" is no week: write it like 2026-W47, or a day in it') from None
    return named - timedelta(days=named.weekday())


def _start(text: str, zone: tzinfo) -> datetime:
    return _moment(text, zone) if "T" in text else datetime.combine(_date(text), time(), zone)


def _end(text: str, zone: tzinfo) -> datetime:
    return _moment(text, zone) if "T" in text else datetime.combine(_date(text) + timedelta(days=1), time(), zone)


def _moment(text: str, zone: tzinfo) -> datetime:
    try:
        found = datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=zone)
    except ValueError:
        raise PeriodError(f'"{text[:20]}" is no time: write it like 2026-11-20T08:00') from None
    if found.minute % 15:
        raise PeriodError(f"{text} is within a quarter of an hour: write :00, :15, :30 or :45")
    return found


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PeriodError(f'"{text[:20]}" is no day: write it like 2026-11-20') from None


def _today(zone: tzinfo, wall: float) -> date:
    return datetime.fromtimestamp(wall, zone).date()


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
