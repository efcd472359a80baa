"""The forecast of today, kept up to date minute by minute, and the suggestion of a surge that comes from it.

Nothing here acts: what is found is shown, logged and counted. Everything is made from the records, so a restart loses
nothing: the last six hours are looked through again. While the database is away nothing is said of arrivals.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from datetime import date
from typing import Final, Protocol

import structlog

from routing.forecast import QUARTER_S, Forecast
from routing.model import Surge
from routing.suggesting import MINUTE_S, Minute, Watch, after
from service import clock
from service.forecast_days import ForecastDays
from service.forecast_table import WHOLE, Json, outlook, suggested
from service.history import day_of, quarter_of
from storage.errors import StorageUnavailable

log = structlog.get_logger("hotline")

BACK_S: Final = 6 * 3600  # so far a start looks back for a suggestion that lasts
SETTLE_S: Final = 2.0  # after a minute its last call is recorded
WRITTEN_WITHIN_S: Final = 5.0
MINUTES_OF_QUARTER: Final = QUARTER_S // MINUTE_S


class Recorded(Protocol):
    """Of `storage.records.Records`."""

    @property
    def reachable(self) -> bool: ...
    async def flush(self, timeout: float) -> bool: ...
    async def callers_by(
        self, since_ms: int, until_ms: int, every_ms: int, numbers: Iterable[str]
    ) -> dict[int, int]: ...


async def _nobody(now: float, today: Json | None) -> None:
    """Nobody follows."""


class Forecasts:
    """One per service; implements `console.deps.Forecasts`."""

    def __init__(self, records: Recorded, days: ForecastDays, surge: Callable[[], Surge | None]) -> None:
        self._records, self._days, self._surge = records, days, surge
        self._outlook: Json | None = None
        self.on_look: Callable[[float, Json | None], Awaitable[None]] = _nobody  # after each, with the outlook
        self._watch = Watch()
        self._watched_until: int | None = None
        self._away = False  # the records did not answer

    # -- for the console and the metrics --

    async def day(self, day: date | None, line: str) -> Json | str:
        return await self._days.told(clock.wall(), day, line)

    def outlook(self) -> Json | None:
        """Today in short; None while the records do not answer."""
        return self._outlook

    def suggestion(self) -> Json | None:
        """None while a surge lasts, for then it is done, and while the records do not answer."""
        quiet = self._outlook is None or self._surge() is not None
        return None if quiet else suggested(self._watch.suggestion, self._days.zone)

    def expected_now(self, now: float) -> dict[str, float]:
        """Calls of the present quarter of an hour by line, `WHOLE` among them; not a number without a forecast."""
        made, quarter = self._days.made(day_of(now, self._days.zone)), quarter_of(now, self._days.zone)
        return {line: one.quarters[quarter] if isinstance(one, Forecast) else math.nan for line, one in made.items()}

    # -- life --

    async def keep(self) -> None:
        """A look after each full minute."""
        while True:
            try:
                await self.look(clock.wall())
                self._away = False
            except StorageUnavailable as error:
                self._outlook = None
                await self.on_look(clock.wall(), None)
                if not self._away:
                    log.warning("forecast", state="without arrivals", reason=str(error))
                self._away = True
            await asyncio.sleep(MINUTE_S - clock.wall() % MINUTE_S + SETTLE_S)

    async def look(self, now: float) -> None:
        """Takes what was recorded until now. Raises StorageUnavailable."""
        today = day_of(now, self._days.zone)
        if not await self._records.flush(WRITTEN_WITHIN_S) or not self._records.reachable:
            raise StorageUnavailable("the database does not take the records")
        await self._days.history.learn(self._days.records, today)
        for line in (WHOLE, *self._days.numbers):
            await self._days.forecast(today, line)
        await self._watch_minutes(now)
        found = await self._days.told(now, today, WHOLE)
        self._outlook = None if isinstance(found, str) else outlook(found)
        await self.on_look(now, self._outlook)

    async def _watch_minutes(self, now: float) -> None:
        """The whole minutes since the last look, none while a surge lasts: afterwards it begins anew."""
        until, before = int(now // MINUTE_S) * MINUTE_S, self._watch.suggestion
        since, self._watched_until = self._watched_until, until
        if since is None or not until - BACK_S <= since <= until:
            since = until - BACK_S
        if self._surge() is not None:
            self._watch = Watch()
        else:
            await self._look_through(since, until)
        self._tell(before is not None)

    async def _look_through(self, since: int, until: int) -> None:
        numbers, zone = self._days.numbers, self._days.zone
        callers = await self._records.callers_by(since * 1000, until * 1000, MINUTE_S * 1000, numbers)
        for place, at in enumerate(range(since, until, MINUTE_S)):
            made = await self._days.forecast(day_of(at, zone), WHOLE)
            minute = Minute(at, callers.get(place, 0), None)
            if isinstance(made, Forecast):
                expected = made.quarters[quarter_of(at, zone)] / MINUTES_OF_QUARTER
                minute = Minute(at, minute.callers, expected, made.spread)
            self._watch = after(self._watch, minute)

    def _tell(self, before: bool) -> None:
        """Once when it begins and once when it is over."""
        found = suggested(self._watch.suggestion, self._days.zone)
        if found is not None and not before:
            log.warning("surge suggested", since=found["at"], percent=found["percent"], text=found["text"])
        elif found is None and before:
            log.info("surge no longer suggested")
