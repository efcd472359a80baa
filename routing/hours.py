"""Hours of a department as people write them, in the words of rosters: `workday 08:30-12:00 14:00-17:30; sat 09:00-12:00`.

    hours = entry { ";" entry }      entry = when { span } | when "off"      span = HH:MM-HH:MM
    when  = daily, workday, rest, weekend, holiday, mon .. sun, several with commas; or dates, 2026-10-01..2026-10-07

They become the shifts of a roster, so that days, holidays, nights and clocks that are changed mean the same in both.
Entries with dates stand, on their dates, instead of the others; where there are no others, beside the hours of the level.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from routing.roster import DAY_S, Days, Shift, Span

AROUND_THE_CLOCK: Final = "daily 00:00-24:00"
WORKING_HOURS: Final = "workday 09:00-17:00"
MOST_ENTRIES: Final = 30
LONGEST_SPAN: Final = 366  # days
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
_DATES: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?")


class HoursError(ValueError):
    """The text is no hours; it says which part."""


def parse(text: str) -> tuple[Shift, ...]:
    """The shifts of such a text; none for "". Raises HoursError."""
    entries = [entry.split() for entry in re.split(r"[;；]", text) if entry.strip()]
    if len(entries) > MOST_ENTRIES:
        raise HoursError(f"has {len(entries)} entries, at most {MOST_ENTRIES}")
    return tuple(shift for entry in entries for shift in _entry(entry[0], entry[1:]))


@lru_cache(maxsize=512)  # most departments have the same few
def complete(own: str, level: str) -> tuple[Shift, ...]:
    """`own` hours; when they name dates only, those of the level beside them. Raises HoursError."""
    shifts = parse(own)
    if any(not shift.spans for shift in shifts):
        return shifts
    return (*parse(level), *shifts)


def _entry(when: str, rest: list[str]) -> list[Shift]:
    days, spans = _when(when)
    if rest == ["off"]:
        if not spans:
            raise HoursError(f"{when} off: only dates can be off; days that are not named are closed already")
        return [Shift(days=days, spans=spans, off=True)]
    if not rest:
        raise HoursError(f"{when} has no hours: write {when} 08:30-17:30")
    return [Shift(days=days, spans=spans, begins_s=begins, ends_s=ends) for begins, ends in map(_hours, rest)]


def _when(text: str) -> tuple[frozenset[Days], tuple[Span, ...]]:
    parts = text.split(",")
    if all(part in set(Days) for part in parts):
        return frozenset(map(Days, parts)), ()
    if all(_DATES.fullmatch(part) for part in parts):
        return frozenset(), tuple(map(_span, parts))
    raise HoursError(f"{text[:30]!r} is neither days ({', '.join(Days)}) nor dates like 2026-10-01..2026-10-07")


def _span(text: str) -> Span:
    found = _DATES.fullmatch(text)
    assert found is not None
    try:
        span = Span(_date(found[1]), _date(found[2] or found[1]))
    except ValueError:
        raise HoursError(f"{text} has something that is no date") from None
    if not 0 <= (span.last - span.first).days < LONGEST_SPAN:
        raise HoursError(f"{text} ends before it begins, or is longer than a year")
    return span


def _date(text: str) -> date:
    return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 a date has no time zone


def _hours(text: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise HoursError(f"{text[:30]!r} is no span of hours like 08:30-17:30")
    begins = int(found[1]) * 3600 + int(found[2]) * 60
    ends = DAY_S if found[3] is None else int(found[3]) * 3600 + int(found[4]) * 60
    if begins == ends:
        raise HoursError(f"{text} begins when it ends; around the clock is 00:00-24:00")
    return begins, ends
