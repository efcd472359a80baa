"""Recorded days as the forecast reads them: calls by quarter of an hour of the local clock. Each is asked for once."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Final, Protocol

from routing.forecast import QUARTER_S, QUARTERS, Counts

DEEPEST: Final = 400  # days: a year of holidays and some more
BATCH: Final = 70  # days in one go: two months and a half make a forecast of every weekday
PAUSE: Final = 1.0  # times as long as a day took: others wait for the database too
QUARTER_MS: Final = QUARTER_S * 1000


Days = Mapping[date, Mapping[str, Counts]]


class Arrivals(Protocol):
    """Of `storage.records.Archive`."""

    async def first_arrival_ms(self) -> int | None: ...
    async def arrivals_by(self, since_ms: int, until_ms: int, every_ms: int) -> list[tuple[str, int, int]]: ...


class History:
    def __init__(self, zone: tzinfo, pause: float = PAUSE) -> None:
        self.zone, self._pause = zone, pause
        self._days: dict[date, dict[str, array[int]]] = {}
        self._first: date | None = None
        self.changes = 0

    async def learn(self, records: Arrivals, today: date, most: int = BATCH) -> None:
        """Reads the days before today that are not known, the newest first. Raises StorageUnavailable."""
        if self._first is None:
            first_ms = await records.first_arrival_ms()
            if first_ms is None:
                return
            self._first = day_of(first_ms / 1000, self.zone)
        for day in list(islice(self._missing(today), most)):
            begun = asyncio.get_running_loop().time()
            self._days[day] = await self.read(records, day)
            self.changes += 1
            await asyncio.sleep(self._pause * (asyncio.get_running_loop().time() - begun))
        for day in [day for day in self._days if day < today - timedelta(days=DEEPEST)]:
            del self._days[day]

    def _missing(self, today: date) -> Iterator[date]:
        """The first day of all is left out: nobody knows since when on it calls were recorded."""
        for back in range(1, DEEPEST + 1):
            day = today - timedelta(days=back)
            if self._first is None or day <= self._first:
                return
            if day not in self._days:
                yield day

    async def read(self, records: Arrivals, day: date) -> dict[str, array[int]]:
        """One day as it is now, by dialled number."""
        since, until = start_of(day, self.zone), start_of(day + timedelta(days=1), self.zone)
        found: dict[str, array[int]] = {}
        for number, place, calls in await records.arrivals_by(since * 1000, until * 1000, QUARTER_MS):
            counts = found.setdefault(number, array("I", bytes(4 * QUARTERS)))
            counts[quarter_of(since + place * QUARTER_S, self.zone)] += calls
        return found

    def days(self) -> Days:
        """What is known now; the caller may keep it."""
        return dict(self._days)


def of_lines(days: Days, numbers: Collection[str]) -> dict[date, Counts]:
    """The days of these lines together. A day without any call to anybody was not recorded; and a line that came later is
    known from the day after its first call on."""
    recorded = [day for day in sorted(days) if days[day]]
    began = next((place for place, day in enumerate(recorded) if not days[day].keys().isdisjoint(numbers)), None)
    if began is None:
        return {}
    return {day: together(days[day], numbers) for day in recorded[began + (began > 0) :]}


def together(counts: Mapping[str, Counts], numbers: Collection[str]) -> Counts:
    """Of these lines, by quarter of an hour."""
    ours = [counts[number] for number in numbers if number in counts]
    return array("I", map(sum, zip(*ours, strict=True))) if ours else array("I", bytes(4 * QUARTERS))


def start_of(day: date, zone: tzinfo) -> int:
    """Epoch second of the local midnight."""
    return int(datetime.combine(day, time(), zone).timestamp())


def quarter_of(at: float, zone: tzinfo) -> int:
    """By the local clock, 0 to 95."""
    local = datetime.fromtimestamp(at, zone)
    return local.hour * 4 + local.minute // 15


def day_of(at: float, zone: tzinfo) -> date:
    return datetime.fromtimestamp(at, zone).date()
