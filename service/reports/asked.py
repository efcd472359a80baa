"""Reports as they are asked for: what the records have of a period, read once. The service takes no part."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from metrics.working import Stay, Working
from routing.workdays import Workdays
from service import clock
from service.agent_rows import profile_of
from service.reports import people
from service.reports.counted import Counted, Tell, counted
from service.reports.periods import Period
from service.settings import Settings
from storage.engine import sqlite_file_exists
from storage.errors import StorageError, StorageUnavailable
from storage.lost import LostCall
from storage.records import Archive, agents_of, archive_of, workdays_of

T = TypeVar("T")


class Read(NamedTuple):
    """`working`: None when only calls were asked for, or where who worked when is forgotten."""

    counted: Counted
    working: Working | None


class ReportError(Exception):
    """The records cannot be read; one sentence."""


def read(settings: Settings, period: Period, tell: Tell | None = None, *, people: bool = True) -> Read:
    """Calls of the period, and who was there. Raises ReportError."""

    async def ask(archive: Archive) -> Read:
        calls = await counted(archive, period, tell)
        known = people and period.since_ms >= await archive.periods_since_ms()
        return Read(calls, await working(archive, period) if known else None)

    return with_archive(settings, ask)


def read_agents(settings: Settings, period: Period) -> list[dict[str, Any]]:
    """Each agent of the period. Raises ReportError."""
    url, rules = settings.database_url(), settings.rules()

    async def ask(archive: Archive) -> list[dict[str, Any]]:
        rows, days = await agents_of(url), await workdays_of(url)
        profiles = {row.id: profile_of(row, rules.skills) for row in rows} or dict(rules.agents)
        shown = await archive.presented(period.since_ms, period.until_ms)
        workdays = Workdays({row.day.date: row.day for row in days})
        return people.agents(await working(archive, period), period, profiles, shown, rules, workdays)

    return with_archive(settings, ask)


def read_lost(settings: Settings, period: Period) -> tuple[list[LostCall], list[str]]:
    """Lost calls of the period, and the days in it whose calls are forgotten. Raises ReportError."""

    async def ask(archive: Archive) -> tuple[list[LostCall], list[str]]:
        gone = await archive.forgotten_days(period.since_ms, period.until_ms)
        return await archive.lost_calls(period.since_ms, period.until_ms), [day.day for day in gone]

    return with_archive(settings, ask)


async def working(archive: Archive, period: Period) -> Working:
    """What people did. A state that lasts, lasts until now."""
    now_ms = round(clock.wall() * 1000)
    found = Working(period.since_ms, period.until_ms, period.step_ms)
    async for batch in archive.stays(period.since_ms, period.until_ms):
        for one in batch:
            found.add(Stay(one.agent_id, one.state, one.reason, one.since_ms, one.until_ms or now_ms))
    return found


def with_archive(settings: Settings, ask: Callable[[Archive], Awaitable[T]]) -> T:
    """The answer of the records. Raises ReportError."""
    url = settings.database_url()
    if not sqlite_file_exists(url):
        raise ReportError("there is no database yet: start the service once with `hotline serve`")

    async def whole() -> T:
        async with archive_of(url) as archive:
            return await ask(archive)

    try:
        return asyncio.run(whole())
    except (StorageError, StorageUnavailable) as error:
        raise ReportError(str(error)) from None
