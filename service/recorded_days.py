"""A recorded day for `hotline simulate`: who dialled which number when, from the records; the people of today's rules."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from routing.model import Rules
from service.settings import Settings, SettingsError, SettingsProblem
from service.simulation.day import DAY_S, Day, Person, Shift
from storage.engine import create_engine
from storage.queries import arrivals

ALL_DAY: Final = (Shift(0.0, DAY_S),)


def load_recorded(settings: Settings, day: str, like: Day | None) -> Day:
    """The callers of a local day. `like`: whose people, habits and rules; None: the configuration's, all day long.

    Raises:
        SettingsError: not a date, no call on it, or one to a number that nobody serves any more.
        StorageError: the database is out of reach.
    """
    try:
        begin = datetime.combine(date.fromisoformat(day), datetime.min.time(), settings.zone_info)
    except ValueError:
        raise _problem(f'"{day}" is no day: write it like 2026-11-20') from None
    since_s = begin.timestamp()
    found = asyncio.run(_arrivals(settings, since_s))
    if not found:
        raise _problem(f"no call was recorded on {day}")
    rules = settings.rules() if like is None else like.rules
    if gone := sorted(set(found) - set(rules.lines)):
        raise _problem(f"calls of {day} went to {', '.join(gone)}, for which there is no [[line]]")
    title = f"The calls of {day}"
    recorded = {number: tuple(times) for number, times in found.items()}
    if like is None:
        return Day(day, title, rules, (), tuple(_people(rules)), recorded=recorded, midnight=since_s)
    title = f"{title}, people of {like.name}"
    return replace(like, name=day, title=title, recorded=recorded, sources=(), midnight=since_s)


async def _arrivals(settings: Settings, since_s: float) -> dict[str, list[float]]:
    engine = create_engine(settings.database_url())
    found: defaultdict[str, list[float]] = defaultdict(list)
    try:
        for number, arrived_ms in await arrivals(engine, int(since_s * 1000), int((since_s + DAY_S) * 1000)):
            found[number].append(arrived_ms / 1000 - since_s)
    finally:
        await engine.dispose()
    return found


def _people(rules: Rules) -> Iterator[Person]:
    """Everybody, at the seat of the same name or else the next that is left."""
    left = [seat for seat in rules.seats.values() if seat.id not in rules.agents]
    for agent in rules.agents.values():
        seat = rules.seats.get(agent.id) or (left.pop(0) if left else None)
        if seat is not None:
            yield Person(agent, seat, ALL_DAY)


def _problem(text: str) -> SettingsError:
    return SettingsError([SettingsProblem("", None, text)])
