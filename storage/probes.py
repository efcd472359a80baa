"""The table `probes`: test calls, written behind the journal. A journal entry is the whole test call as it was then, so the
last one stands. Nothing here is a citizen's: the number is a line of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.probe import Probe, ProbeOutcome, ProbeState
from storage.engine import reading
from storage.fold import Row, milliseconds
from storage.schema import probes

_WORDS: Final = ("number", "slot", "call_id", "seat_id", "agent_id", "answered_by")
TIMES: Final = ("dialled_at", "ringing_at", "answered_at", "ended_at", "arrived_at", "in_answered_at")


def row_of(probe: Probe) -> Row:
    return {
        "id": probe.id, "asked_by": probe.by, "state": probe.state.value, "asked_ms": milliseconds(probe.asked_at) or 0,
        "outcome": None if probe.outcome is None else probe.outcome.value, "cause": probe.cause, "sip": probe.sip,
        **{word: getattr(probe, word) for word in _WORDS},
        **{_column(time): milliseconds(getattr(probe, time)) for time in TIMES},
    }  # fmt: skip


def probe_of(row: Mapping[str, Any]) -> Probe:
    """Raises ValueError: a state or outcome that this version does not know."""
    times: dict[str, Any] = {time: None if row[_column(time)] is None else row[_column(time)] / 1000 for time in TIMES}
    return Probe(
        id=row["id"], by=row["asked_by"], state=ProbeState(row["state"]), asked_at=row["asked_ms"] / 1000,
        outcome=None if row["outcome"] is None else ProbeOutcome(row["outcome"]), cause=row["cause"], sip=row["sip"],
        **{word: row[word] for word in _WORDS}, **times,
    )  # fmt: skip


def _column(time: str) -> str:
    return time.removesuffix("_at") + "_ms"


async def open_probes(engine: AsyncEngine) -> list[Row]:
    """Those that are not known to have ended."""
    return await _rows(engine, select(probes).where(probes.c.ended_ms.is_(None)))


async def recent_probes(engine: AsyncEngine, limit: int, *, number: str = "") -> list[Row]:
    """The newest first."""
    query = select(probes).order_by(probes.c.asked_ms.desc(), probes.c.id.desc()).limit(limit)
    return await _rows(engine, query.where(probes.c.number == number) if number else query)


async def last_probes(engine: AsyncEngine) -> list[Row]:
    """The last of each line that is over."""
    over = select(func.max(probes.c.asked_ms)).where(probes.c.ended_ms.is_not(None)).group_by(probes.c.number)
    return await _rows(engine, select(probes).where(probes.c.asked_ms.in_(over), probes.c.ended_ms.is_not(None)))


async def slots_since(engine: AsyncEngine, since_ms: int) -> set[str]:
    """The moments of the schedule for which a test call was asked since then."""
    query = select(probes.c.slot).where(probes.c.asked_ms >= since_ms, probes.c.slot != "")
    async with reading(engine) as connection:
        return set((await connection.execute(query)).scalars())


async def _rows(engine: AsyncEngine, query: Any) -> list[Row]:
    async with reading(engine) as connection:
        return [dict(row) for row in (await connection.execute(query)).mappings()]


def known(rows: Iterable[Mapping[str, Any]]) -> dict[str, Probe]:
    """By id; rows of another version are left out."""
    found: dict[str, Probe] = {}
    for row in rows:
        try:
            found[row["id"]] = probe_of(row)
        except ValueError:
            continue
    return found
