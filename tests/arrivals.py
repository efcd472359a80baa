"""Calls as rows of the database, so that a test has a past."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta, tzinfo

from sqlalchemy import insert

from routing.forecast import QUARTER_S
from service.history import start_of
from storage.engine import create_engine
from storage.fold import EMPTY_CALL
from storage.schema import calls
from storage.upgrade import upgrade


async def keep(url: str, arrivals: Iterable[tuple[str, float]], **columns: object) -> int:
    """Calls that are long over: (dialled number, when), each of a withheld number. Makes missing tables."""
    rows = [_row(place, number, at) | columns for place, (number, at) in enumerate(arrivals)]
    engine = create_engine(url)
    try:
        await upgrade(engine)
        async with engine.begin() as connection:
            await connection.execute(insert(calls), rows)
    finally:
        await engine.dispose()
    return len(rows)


def _row(place: int, number: str, at: float) -> dict[str, object]:
    ms = round(at * 1000)
    known = {"call_id": f"{ms}-{number}.{place}", "number": number, "line": "12345", "arrived_ms": ms, "last_seq": ms}
    return {**EMPTY_CALL, **known, "ended_ms": ms + 20_000, "judged": "in_time", "outcome": "answered"}


def even_days(number: str, first: date, last: date, zone: tzinfo, a_quarter: int = 1) -> Iterator[tuple[str, float]]:
    """So many calls in each quarter of an hour of each day, the last day included."""
    day = first
    while day <= last:
        for at in range(start_of(day, zone), start_of(day + timedelta(days=1), zone), QUARTER_S):
            for nth in range(a_quarter):
                yield number, at + (nth + 0.5) * QUARTER_S / a_quarter
        day += timedelta(days=1)


def crowd(number: str, until: float, minutes: int, a_minute: int) -> Iterator[tuple[str, float]]:
    """So many calls in each of the last full minutes."""
    last = until // 60 * 60
    for nth in range(minutes * a_minute):
        yield number, last - (nth + 0.5) * 60 / a_minute
