"""Any day's forecast beside what arrived on it, from the records. The sums are done beside the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

from routing.forecast import Counts, Forecast, NoForecast, forecast
from routing.model import Line
from routing.workdays import Workdays
from service.forecast_table import WHOLE, Json, names, table
from service.history import Arrivals, History, day_of, of_lines, together

FARTHEST: Final = timedelta(days=366)

Known = Forecast | NoForecast


class ForecastDays:
    """`lines` and `workdays` tell those of the moment; a forecast is made anew when they or the recorded days change."""

    def __init__(
        self,
        records: Arrivals,
        history: History,
        lines: Callable[[], Mapping[str, Line]],
        workdays: Callable[[], Workdays],
    ) -> None:
        self.records, self.history, self.zone = records, history, history.zone
        self._lines, self._workdays = lines, workdays
        self._known: dict[tuple[date, str], Known] = {}
        self._made_from: tuple[object, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(self._lines())

    async def told(self, now: float, day: date | None, line: str) -> Json | str:
        """One day of a line, or of the whole hotline (`WHOLE`), or the sentence that says why not.

        Raises StorageUnavailable.
        """
        today, known_names = day_of(now, self.zone), names(self._lines())
        wanted = day or today
        if line not in known_names:
            return f"There is no line {line}; there are {', '.join(self.numbers)}."
        if abs(wanted - today) > FARTHEST:
            return f"{wanted} is too far away: a year back or ahead at most."
        counts = await self._arrived(wanted, line) if wanted <= today else None
        return table(await self.forecast(wanted, line), line, known_names[line], counts, now, self.zone)

    async def _arrived(self, day: date, line: str) -> Counts:
        numbers = self.numbers if line == WHOLE else (line,)
        return together(await self.history.read(self.records, day), numbers)

    async def forecast(self, day: date, line: str) -> Known:
        numbers, workdays = self.numbers, self._workdays()
        made_from = (numbers, workdays, self.history.changes)
        if made_from != self._made_from:
            self._known, self._made_from = {}, made_from
        kept, days = self._known, self.history.days()
        if (day, line) not in kept:
            wanted = numbers if line == WHOLE else (line,)
            kept[day, line] = await asyncio.to_thread(lambda: forecast(day, of_lines(days, wanted), workdays))
        return kept[day, line]

    def made(self, day: date) -> dict[str, Known | None]:
        """What is known at once of a day: by line, `WHOLE` among them."""
        return {line: self._known.get((day, line)) for line in names(self._lines())}
