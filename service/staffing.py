"""How many seats the next hour needs, and what today's ratio will end at: looked at once a minute, after the forecast.

Everything is made from the records and from who is signed in at that moment; the sums are done beside the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple, Protocol

from metrics.day_end import SoFar
from routing.agent_state import AgentState
from routing.forecast import Forecast, NoForecast
from routing.model import EngineView, Rules
from routing.scatter import level
from routing.workdays import Workdays
from service.forecast_days import ForecastDays
from service.forecast_table import WHOLE, Json, Known, until, why_none
from service.handling import Handling, Recorded
from service.history import day_of
from service.on_roster import on_roster
from service.staffing_table import Situation, staffing, without
from service.today import LEFT_OUT, midnight_ms
from storage.queries import LineFigures

AT_WORK = frozenset({AgentState.READY, AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP})


class Records(Recorded, Protocol):
    """Of `storage.records.Records`."""

    async def line_figures(self, since_ms: int = 0) -> list[LineFigures]: ...


class Wanted(NamedTuple):
    """The target of the hotline, and what is taken while too few calls are known. As configured."""

    ratio: float
    answer_within_s: float
    handle_s: float
    patience_s: float


class Here(NamedTuple):
    """The hotline as it is now. `signed_in`: people not paused."""

    signed_in: int
    rules: Rules
    workdays: Workdays

    def wrap_up_s(self, number: str) -> float:
        line = self.rules.lines.get(number)
        return self.rules.timing.wrap_up_s if line is None or line.wrap_up_s is None else line.wrap_up_s


class Staffing:
    def __init__(
        self,
        records: Records,
        days: ForecastDays,
        here: Callable[[], Here],
        wanted: Callable[[], Wanted],
        pause: float = 1.0,
    ) -> None:
        self._records, self._days, self._here, self._wanted = records, days, here, wanted
        self._handling = Handling(days.zone, pause)
        self._shown: Json | None = None

    def shown(self) -> Json | None:
        """By the keys of `schemas.StaffingOut`; None while the records do not answer."""
        return self._shown

    async def look(self, now: float, today: Json | None) -> None:
        """`today`: the forecast's outlook of this moment, None while the records do not answer.

        Raises StorageUnavailable; nothing old is shown then.
        """
        try:
            self._shown = None if today is None else await self._told(now, today)
        except Exception:
            self._shown = None
            raise

    async def _told(self, now: float, today: Json) -> Json:
        await self._handling.learn(self._records, day_of(now, self._days.zone))
        figures = await self._records.line_figures(midnight_ms(self._days.zone, now))
        known, tomorrow = await self._forecasts(day_of(now, self._days.zone))
        wanted, here = self._wanted(), self._here()
        so_far = so_far_of(row for row in figures if row.line in here.rules.lines)
        if isinstance(known, NoForecast):
            return without(now, why_none(known), here.signed_in, so_far, wanted.ratio)
        above = round(level(until(known, now, self._days.zone), known.spread, today["arrived"]), 2)  # sums are kept
        made = {one.day: one for one in (known, tomorrow) if isinstance(one, Forecast)}
        return await asyncio.to_thread(staffing, self._situation(now, made, above, wanted, here), so_far)

    async def _forecasts(self, today: date) -> tuple[Known, Known]:
        """Of today and of tomorrow: an hour may reach over midnight."""
        return await self._days.forecast(today, WHOLE), await self._days.forecast(today + timedelta(days=1), WHOLE)

    def _situation(self, now: float, made: dict[date, Forecast], above: float, wanted: Wanted, here: Here) -> Situation:
        return Situation(
            now=now,
            zone=self._days.zone,
            made=made,
            level=above,
            signed_in=here.signed_in,
            rostered=on_roster(here.rules, here.workdays),
            handle_s=cache(lambda hour: self._handling.handle_s(hour, here.wrap_up_s, wanted.handle_s)),
            patience_s=self._handling.patience_s(wanted.patience_s),
            ratio=wanted.ratio,
            answer_within_s=wanted.answer_within_s,
        )


def at_work(view: EngineView) -> int:
    """People who are signed in and not paused."""
    return sum(seat.state in AT_WORK for seat in view.seats)


def so_far_of(rows: Iterable[LineFigures]) -> SoFar:
    """All calls of today, as `today.figures` counts them line by line."""
    judged = in_time = undecided = 0
    for row in rows:
        judged += sum(calls for result, calls in row.judged.items() if result not in LEFT_OUT)
        in_time += row.in_time
        undecided += row.offered - sum(row.judged.values())
    return SoFar(judged, in_time, undecided)
