"""The forecast without a service: from the database alone, only read."""

from __future__ import annotations

from datetime import date

from routing.workdays import Workdays
from service import clock
from service.forecast_days import ForecastDays
from service.forecast_table import Json
from service.history import DEEPEST, History, day_of
from service.settings import Settings
from storage.records import archive_of, workdays_of


async def from_database(settings: Settings, day: date | None, line: str) -> Json | str:
    """As `Forecasts.day`. Raises StorageError, StorageUnavailable."""
    url, now = settings.database_url(), clock.wall()
    workdays = Workdays({row.day.date: row.day for row in await workdays_of(url)})
    history, lines = History(settings.zone_info, pause=0.0), settings.rules().lines
    async with archive_of(url) as archive:
        await history.learn(archive, day_of(now, settings.zone_info), DEEPEST)
        return await ForecastDays(archive, history, lambda: lines, lambda: workdays).told(now, day, line)
