"""Calls to counts, in one pass: by dialled number and quarter of an hour, and what a reader of figures should know.

The sum (`data`) is over every call that was counted, in the order of arrival: who has the same sum has the same calls, with
the same times, outcomes and flags. It is the version of the data that a report names. Of several whole days it is the sum
over the sums of the days, so it stays the same when a day's calls are deleted and its figures are kept.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from datetime import datetime, time
from typing import Any, Final, Protocol

from metrics.counting import Count, together
from service.reports.periods import QUARTER_MS, Period
from service.reports.remarks import Quarter, Remarks, quarter_of
from storage.figures import FiguredCall
from storage.kept_days import Body, ForgottenDay

Tell = Callable[[int], None]
NOT_KNOWN: Final = "not known: a part of a forgotten day"


class Archive(Protocol):
    """Of `storage.records.Archive`."""

    def figured_calls(self, since_ms: int, until_ms: int) -> AsyncIterator[list[FiguredCall]]: ...
    async def forgotten_days(self, since_ms: int, until_ms: int) -> list[ForgottenDay]: ...
    async def kept_figures(self, since_ms: int) -> Mapping[str, Body]: ...


class Sums:
    """The version of the data, of each whole day for itself when the period has several."""

    def __init__(self, period: Period) -> None:
        several = len(period.days) > 1
        days = [datetime.combine(day, time(), period.zone) for day in period.days] if several else []
        self._whole = (period.since_ms, period.until_ms) if period.days else None
        self._starts = [round(day.timestamp() * 1000) for day in days] or [period.since_ms]
        self._sums = [hashlib.sha256() for _ in self._starts]
        self._kept: dict[int, str] = {}
        self._known = True

    def add(self, call: FiguredCall) -> None:
        place = 0 if len(self._starts) == 1 else bisect_right(self._starts, call.arrived_ms) - 1
        self._sums[place].update(call.text.encode())

    def add_kept(self, day: ForgottenDay) -> None:
        """One day of the period, or the one that the period is; of a part of a day nobody knows the sum any more."""
        one_of_them = len(self._starts) > 1 and day.since_ms in self._starts
        if one_of_them or self._whole == (day.since_ms, day.until_ms):
            self._kept[self._starts.index(day.since_ms)] = day.data.removeprefix("sha256:")
        else:
            self._known = False

    @property
    def data(self) -> str:
        if not self._known:
            return NOT_KNOWN
        digests = [self._kept.get(place, one.hexdigest()) for place, one in enumerate(self._sums)]
        whole = digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()
        return f"sha256:{whole}"


class Counted:
    """The calls of a period. `places`: (dialled number, place of the quarter or hour from 0) -> count. `forgotten`: days
    of which nothing but the figures is left."""

    def __init__(self, period: Period) -> None:
        self.period = period
        self.calls = 0
        self.places: dict[tuple[str, int], Count] = {}
        self.remarks = Remarks()
        self.forgotten: list[ForgottenDay] = []
        self._sums = Sums(period)

    @property
    def data(self) -> str:
        """Version of the data: `sha256:` and 64 digits."""
        return self._sums.data

    def add(self, call: FiguredCall) -> None:
        """The next call, in the order of arrival and id."""
        self._sums.add(call)
        self.calls += 1
        place = self._place(call.number, call.arrived_ms)
        count = self.places.get(place)
        if count is None:
            count = self.places[place] = Count()
        self.remarks.count_in(count, call)
        self.remarks.add(call)

    def add_kept(self, day: ForgottenDay, figures: Mapping[str, Body]) -> None:
        """A day whose calls were deleted, as far as it lies in the period."""
        self._sums.add_kept(day)
        self.forgotten.append(day)
        for number, body in figures.items():
            for at, told in body.items():
                if self.period.since_ms <= int(at) < self.period.until_ms:
                    self._join(self._place(number, int(at)), quarter_of(told))

    def _join(self, place: tuple[str, int], quarter: Quarter) -> None:
        self.places[place] = together([self.places.get(place, Count()), quarter.count])
        self.remarks.join(quarter.remarks)
        self.calls += quarter.calls

    def _place(self, number: str, at_ms: int) -> tuple[str, int]:
        return number, (at_ms - self.period.since_ms) // self.period.step_ms


class Keeping:
    """A day as it is counted once more, to be kept without its calls."""

    def __init__(self, day: Period) -> None:
        self._day, self._sums = day, Sums(day)
        self._quarters: dict[str, dict[int, Quarter]] = {}
        self.calls = 0

    @property
    def data(self) -> str:
        return self._sums.data

    def add(self, calls: Collection[FiguredCall]) -> None:
        """The next ones, in the order of arrival and id."""
        for call in calls:
            self._sums.add(call)
            at = call.arrived_ms - (call.arrived_ms - self._day.since_ms) % QUARTER_MS
            self._quarters.setdefault(call.number, {}).setdefault(at, Quarter()).add(call)
        self.calls += len(calls)

    def bodies(self) -> dict[str, dict[str, Any]]:
        """Dialled number -> what is kept."""
        return {
            number: {str(at): quarter.body() for at, quarter in its.items()} for number, its in self._quarters.items()
        }


async def counted(archive: Archive, period: Period, tell: Tell | None = None) -> Counted:
    """All calls of the period, of forgotten days as they were kept. `tell`: how many there are by now, after each batch."""
    found = Counted(period)
    at = period.since_ms
    for day in await archive.forgotten_days(period.since_ms, period.until_ms):
        await _add_all(found, archive.figured_calls(at, day.since_ms), tell)
        found.add_kept(day, await archive.kept_figures(day.since_ms))
        at = day.until_ms
    await _add_all(found, archive.figured_calls(at, period.until_ms), tell)
    return found


async def _add_all(found: Counted, batches: AsyncIterator[Iterable[FiguredCall]], tell: Tell | None) -> None:
    async for batch in batches:
        for call in batch:
            found.add(call)
        if tell is not None:
            tell(found.calls)
