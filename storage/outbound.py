"""The table `outbound_calls`, written behind the journal, and what it makes of the entry of a call-back.

A journal entry is the whole call as it was then, so the last one stands. Each is written together with the state of its
call-back, in one transaction: whoever reads one of them finds the other to fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.outbound import Outbound, OutKind, OutOutcome, OutState
from storage.engine import reading
from storage.fold import Row, milliseconds
from storage.schema import callbacks, outbound_calls, recordings

CLOSED: Final = frozenset({"done", "given_up", "served"})  # no call that is placed for an entry changes these
_WITH_RECORDING: Final = select(outbound_calls, recordings.c.outcome.label("recording")).outerjoin(
    recordings, recordings.c.call_id == outbound_calls.c.id
)


def row_of(out: Outbound) -> Row:
    return {
        "id": out.id, "kind": out.kind.value, "case_id": out.case, "callback": out.callback, "agent_id": out.agent_id,
        "seat_id": out.seat_id, "line": out.line, "asked_by": out.by, "state": out.state.value,
        "asked_ms": milliseconds(out.asked_at) or 0, "agent_answered_ms": milliseconds(out.agent_answered_at),
        "dialled_ms": milliseconds(out.dialled_at), "citizen_ringing_ms": milliseconds(out.citizen_ringing_at),
        "answered_ms": milliseconds(out.answered_at), "ended_ms": milliseconds(out.ended_at),
        "outcome": None if out.outcome is None else out.outcome.value, "cause": out.cause,
        "caller_ref": out.caller_ref, "paced": out.paced,
    }  # fmt: skip


def outbound_of(row: Mapping[str, Any]) -> Outbound:
    """Raises ValueError: a state or outcome that this version does not know."""

    def at(key: str) -> float | None:
        return None if row[key] is None else row[key] / 1000

    return Outbound(
        row["id"], OutKind(row["kind"]), row["agent_id"], row["seat_id"], row["line"], row["asked_ms"] / 1000,
        row["case_id"], row["callback"], row["asked_by"], OutState(row["state"]), at("agent_answered_ms"),
        at("dialled_ms"), at("citizen_ringing_ms"), at("answered_ms"), at("ended_ms"),
        None if row["outcome"] is None else OutOutcome(row["outcome"]), row["cause"], caller_ref=row["caller_ref"],
        paced=row["paced"],
    )  # fmt: skip


async def settle_callbacks(connection: AsyncConnection, outs: Sequence[Outbound]) -> None:
    """After `outs` were written: what they make of the entries that they belong to, in order."""
    out = outbound_calls.c
    tried, last = (
        select(what).where(out.callback == bindparam("entry"), out.dialled_ms.is_not(None)).scalar_subquery()
        for what in (func.count(), func.max(out.dialled_ms))
    )
    statement = (
        update(callbacks)
        .where(callbacks.c.id == bindparam("entry"), *(callbacks.c.state != state for state in CLOSED))
        .values(state=bindparam("now"), attempts=tried, tried_ms=last, last_ms=bindparam("at"))
    )
    rows = [
        {"entry": out.callback, "now": state_of(out), "at": milliseconds(out.asked_at)}
        for out in outs
        if out.callback is not None
    ]
    if rows:
        await connection.execute(statement, rows)


def state_of(out: Outbound) -> str:
    """Of a call-back, by its last call. Who was not dialled was not called: the entry is as open as before. Of a call that
    ended unseen the dialplan's note tells whether he was."""
    if out.ended_at is None:
        return "placed"
    if out.answered_at is not None:
        return "reached"
    return "open" if out.dialled_at is None else "not_reached"


async def open_outbound(engine: AsyncEngine) -> list[Row]:
    """Those that are not known to have ended."""
    async with reading(engine) as connection:
        found = await connection.execute(select(outbound_calls).where(outbound_calls.c.ended_ms.is_(None)))
        return [dict(row) for row in found.mappings()]


async def recent_outbound(engine: AsyncEngine, limit: int, *, callback: int | None, case: str) -> list[Row]:
    """The newest first; of one entry, or of one case, where asked for. `recording` is the outcome in `recordings`."""
    query = _WITH_RECORDING
    if callback is not None:
        query = query.where(outbound_calls.c.callback == callback)
    if case:
        query = query.where(outbound_calls.c.case_id == case)
    async with reading(engine) as connection:
        found = await connection.execute(query.order_by(outbound_calls.c.asked_ms.desc()).limit(limit))
        return [dict(row) for row in found.mappings()]


async def outbound(engine: AsyncEngine, out_id: str) -> Row | None:
    async with reading(engine) as connection:
        found = await connection.execute(_WITH_RECORDING.where(outbound_calls.c.id == out_id))
        row = found.mappings().one_or_none()
    return None if row is None else dict(row)
