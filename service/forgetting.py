"""One run of forgetting: kind by kind and day by day, in small batches, with a rest after each.

A batch is one short transaction, and the rest after it is as long as it took: writer and callers have at least every other
moment to themselves. Nothing is remembered here of what was done: a run that was killed is simply run again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

from service import clock
from service.reports import periods
from service.reports.counted import Keeping
from service.reports.periods import HOUR_MS, Period
from service.settings import Settings
from storage import forgetting
from storage.faults import asked
from storage.forgetting import Due, Kind, Window
from storage.holds import forget_lifted_before
from storage.kept_days import ForgottenDay, keep_day
from storage.records import Records

T = TypeVar("T")

AT_ONCE: Final = 100  # calls: some thousand steps, some hundredths of a second
ROWS_AT_ONCE: Final = 500  # of tables without others that hang on them


class Forgetting:
    """`done`: rows by kind so far, of the run that goes on or was the last. `told` is called after each batch."""

    def __init__(self, records: Records, settings: Callable[[], Settings]) -> None:
        self._records, self._settings = records, settings
        self.rest: Callable[[float], Awaitable[None]] = asyncio.sleep
        self.told: Callable[[Kind, int], None] = lambda kind, rows: None
        self.done: dict[Kind, int] = {}
        self.doing: Kind | None = None

    async def due(self, befores: Mapping[Kind, int]) -> dict[Kind, Due]:
        """How many rows are over their age. Raises StorageUnavailable."""
        return {kind: await self.counted(kind, before_ms) for kind, before_ms in befores.items()}

    async def counted(self, kind: Kind, before_ms: int) -> Due:
        return await asked(forgetting.count_due(self._records.engine, kind, before_ms))

    async def run(self, befores: Mapping[Kind, int]) -> None:
        """All that is over its age. Raises StorageUnavailable; what was done until then is done."""
        self.done = dict.fromkeys(befores, 0)
        try:
            for kind, before_ms in befores.items():
                self.doing = kind
                await self._all(kind, before_ms)
                now_ms = round(clock.wall() * 1000)
                await asked(forgetting.note_forgetting(self._records.engine, kind, before_ms, now_ms))
            numbers = befores.get(Kind.NUMBERS, befores.get(Kind.CALLS))
            if numbers is not None:
                await asked(forget_lifted_before(self._records.engine, numbers))
                await asyncio.to_thread(self._records.forget_refused, numbers / 1000)
        finally:
            self.doing = None

    async def _all(self, kind: Kind, before_ms: int) -> None:
        engine = self._records.engine
        if kind is Kind.NUMBERS:
            await self._callers(before_ms)
        elif kind is Kind.CALLS:
            await self._days(before_ms)
        elif kind is Kind.INTAKES:
            await self._batches(kind, lambda: forgetting.forget_intakes(engine, before_ms, ROWS_AT_ONCE))
        elif kind is Kind.CALLBACKS:
            await self._batches(kind, lambda: forgetting.forget_callbacks(engine, before_ms, ROWS_AT_ONCE))
        else:
            await self._batches(kind, lambda: forgetting.forget_periods(engine, before_ms, ROWS_AT_ONCE))

    async def _batches(self, kind: Kind, batch: Callable[[], Awaitable[int]]) -> None:
        """Until nothing is left."""
        while rows := await self.one(batch()):
            self._count(kind, rows)

    async def one(self, batch: Awaitable[T]) -> T:
        """A batch and the rest after it."""
        begun = asyncio.get_running_loop().time()
        found = await asked(batch)
        await self.rest(asyncio.get_running_loop().time() - begun)
        return found

    def _count(self, kind: Kind, rows: int) -> None:
        self.done[kind] = self.done.get(kind, 0) + rows
        self.told(kind, rows)

    # -- callers, day by day -------------------------------------------------------------------------------------------

    async def _callers(self, before_ms: int) -> None:
        engine = self._records.engine
        while (oldest_ms := await asked(forgetting.oldest_named_ms(engine, before_ms))) is not None:
            window, now_ms = self.window(oldest_ms), round(clock.wall() * 1000)
            while gone := await self.one(forgetting.forget_callers(engine, window, AT_ONCE, now_ms)):
                self._count(Kind.NUMBERS, len(gone))

    def window(self, at_ms: int) -> Window:
        day = self._day(at_ms)
        return Window(day.since_ms, day.until_ms)

    def _day(self, at_ms: int) -> Period:
        zone = self._settings().zone_info
        return periods.day(datetime.fromtimestamp(at_ms / 1000, zone).date().isoformat(), zone, clock.wall())

    # -- whole days ----------------------------------------------------------------------------------------------------

    async def _days(self, before_ms: int) -> None:
        engine = self._records.engine
        while (oldest_ms := await asked(forgetting.oldest_call_ms(engine, before_ms))) is not None:
            window = await self._kept_window(oldest_ms)
            while rows := await self.one(forgetting.forget_calls(engine, window, AT_ONCE)):
                self._count(Kind.CALLS, rows)

    async def _kept_window(self, at_ms: int) -> Window:
        """A day with that moment in it, of which the figures are kept now. It ends where a day that was kept before begins:
        that one may have been counted by another time zone."""
        day = self._day(at_ms)
        since_ms, until_ms = day.since_ms, day.until_ms
        for kept in await self._records.forgotten_days(since_ms, until_ms):
            if kept.since_ms <= at_ms < kept.until_ms:
                return Window(kept.since_ms, kept.until_ms)
            if kept.until_ms <= at_ms:
                since_ms = kept.until_ms
            else:
                until_ms = min(until_ms, kept.since_ms)
        whole = (since_ms, until_ms) == (day.since_ms, day.until_ms)
        await self._keep(day if whole else replace(day, since_ms=since_ms, until_ms=until_ms, days=()))
        return Window(since_ms, until_ms)

    async def _keep(self, day: Period) -> None:
        """The figures of a day, before its first call goes; read by the hour, with a rest after each."""
        kept = Keeping(day)
        for since_ms in range(day.since_ms, day.until_ms, HOUR_MS):
            until_ms = min(since_ms + HOUR_MS, day.until_ms)
            begun = asyncio.get_running_loop().time()
            async for calls in self._records.figured_calls(since_ms, until_ms):
                kept.add(calls)
            await self.rest(asyncio.get_running_loop().time() - begun)
        now_ms = round(clock.wall() * 1000)
        row = ForgottenDay(day.title, day.since_ms, day.until_ms, kept.calls, kept.data, now_ms)
        await asked(keep_day(self._records.engine, row, kept.bodies()))
