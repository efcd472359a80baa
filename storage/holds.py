"""The table `holds`: legal holds. Whatever one is on is neither deleted nor made nameless until the hold is lifted.

A hold is on a call, on a citizen, on a case or on days. What it covers is asked anew for each batch of forgetting, in its
transaction (`in_order`), so a hold counts from the moment in which it is added.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.audit import AuditRow, append_in
from storage.engine import reading
from storage.schema import agent_periods, callbacks, calls, handoffs, holds, intake, outbound_calls

UNSAVED: Final = 0
_TURN: Final = 12347  # PostgreSQL advisory lock; SQLite has one writer anyway
_ASKED_AT_ONCE: Final = 500


class HoldKind(StrEnum):
    CALL = "call"
    CALLER = "caller"
    CASE = "case"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class HoldRow:
    """One hold; the columns are told in `storage.schema`."""

    kind: str
    reason: str
    added_by: str
    added_ms: int
    call_id: str = ""
    ref: str = ""
    sealed: str = ""
    case_id: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    days: str = ""
    lifted_by: str | None = None
    lifted_ms: int | None = None
    lifted_reason: str | None = None
    id: int = UNSAVED


async def in_order(connection: AsyncConnection) -> None:
    """From here to the end of the transaction nobody else holds or forgets."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TURN})


# -- what is held ------------------------------------------------------------------------------------------------------


def _on(**covered: ColumnElement[bool]) -> ColumnElement[bool]:
    """There is a hold that is not lifted: by kind, what of the row it must be on."""
    kinds = (and_(holds.c.kind == HoldKind[kind.upper()].value, which) for kind, which in covered.items())
    return exists().where(holds.c.lifted_ms.is_(None), or_(*kinds))


def held_call() -> ColumnElement[bool]:
    """Of a row of `calls`. A case is the one that came with the call, that it was handed on with, or called back for."""
    handed = exists().where(handoffs.c.call_id == calls.c.call_id, handoffs.c.case == holds.c.case_id)
    wanted = exists().where(callbacks.c.call_id == calls.c.call_id, callbacks.c.case_id == holds.c.case_id)
    return _on(
        call=holds.c.call_id == calls.c.call_id,
        caller=holds.c.ref == calls.c.caller_ref,
        case=or_(calls.c.case_id == holds.c.case_id, handed, wanted),
        days=and_(calls.c.arrived_ms >= holds.c.since_ms, calls.c.arrived_ms < holds.c.until_ms),
    )


def held_outbound() -> ColumnElement[bool]:
    """Of a row of `outbound_calls`."""
    out = outbound_calls.c
    his = exists().where(callbacks.c.id == out.callback, callbacks.c.ref == holds.c.ref)
    return _on(
        call=holds.c.call_id == out.id,
        caller=his,
        case=holds.c.case_id == out.case_id,
        days=and_(out.asked_ms >= holds.c.since_ms, out.asked_ms < holds.c.until_ms),
    )


def held_callback() -> ColumnElement[bool]:
    """Of a row of `callbacks`."""
    entry = callbacks.c
    return _on(
        call=holds.c.call_id == entry.call_id,
        caller=holds.c.ref == entry.ref,
        case=holds.c.case_id == entry.case_id,
        days=and_(entry.added_ms >= holds.c.since_ms, entry.added_ms < holds.c.until_ms),
    )


def held_intake() -> ColumnElement[bool]:
    """Of a row of `intake`: its call is held, or it was written on days that are."""
    written = and_(intake.c.at_ms >= holds.c.since_ms, intake.c.at_ms < holds.c.until_ms)
    return or_(held_id(intake.c.call_id), _on(call=holds.c.call_id == intake.c.call_id, days=written))


def held_period() -> ColumnElement[bool]:
    """Of a row of `agent_periods`."""
    at = agent_periods.c
    return _on(days=and_(at.since_ms < holds.c.until_ms, at.until_ms > holds.c.since_ms))


def held_id(call_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Of a row that names a call, whoever began it."""
    return or_(
        exists().where(calls.c.call_id == call_id, held_call()),
        exists().where(outbound_calls.c.id == call_id, held_outbound()),
    )


async def held_of(engine: AsyncEngine, call_ids: Collection[str]) -> set[str]:
    """Those of the calls that are held."""
    names, found = list(call_ids), set[str]()
    async with reading(engine) as connection:
        for first in range(0, len(names), _ASKED_AT_ONCE):
            some = names[first : first + _ASKED_AT_ONCE]
            arrived = select(calls.c.call_id).where(calls.c.call_id.in_(some), held_call())
            placed = select(outbound_calls.c.id).where(outbound_calls.c.id.in_(some), held_outbound())
            for query in (arrived, placed):
                found.update((await connection.execute(query)).scalars())
    return found


# -- the table ---------------------------------------------------------------------------------------------------------


async def add_hold(engine: AsyncEngine, row: HoldRow, told: AuditRow) -> HoldRow:
    """The hold with its id, in force; ids grow with time. `told` is kept with it, under that id."""
    async with engine.begin() as connection:
        await in_order(connection)
        newest = (await connection.execute(select(func.coalesce(func.max(holds.c.id), 0)))).scalar_one()
        values = {**asdict(row), "id": newest + 1}
        await append_in(connection, replace(told, subject_id=str(values["id"])))
        await connection.execute(insert(holds), [values])
    return HoldRow(**values)


async def lift_hold(engine: AsyncEngine, hold_id: int, told: AuditRow) -> bool:
    """As `told`, which is kept with it. False when there is none, or it is lifted already: then nothing is kept."""
    values = {"lifted_by": told.actor, "lifted_reason": told.reason, "lifted_ms": told.at_ms}
    async with engine.begin() as connection:
        await in_order(connection)
        found = update(holds).where(holds.c.id == hold_id, holds.c.lifted_ms.is_(None)).values(**values)
        lifted = (await connection.execute(found)).rowcount == 1
        if lifted:
            await append_in(connection, told)
    return lifted


async def read_holds(engine: AsyncEngine) -> list[HoldRow]:
    """All that there ever were, oldest first."""
    async with reading(engine) as connection:
        found = await connection.execute(select(holds).order_by(holds.c.id))
        return [HoldRow(**row) for row in found.mappings()]


async def forget_lifted_before(engine: AsyncEngine, before_ms: int) -> None:
    """Takes the citizen out of holds that were lifted before then: that somebody was held, by whom and why, stays."""
    await _forget_lifted(engine, holds.c.lifted_ms < before_ms)


async def forget_lifted_on(engine: AsyncEngine, ref: str) -> None:
    """Takes this citizen out of every hold that is lifted."""
    await _forget_lifted(engine, holds.c.ref == ref)


async def _forget_lifted(engine: AsyncEngine, which: ColumnElement[bool]) -> None:
    lifted = holds.c.kind == HoldKind.CALLER.value, holds.c.lifted_ms.is_not(None)
    async with engine.begin() as connection:
        await in_order(connection)
        await connection.execute(update(holds).where(*lifted, which).values(ref="", sealed=""))


async def covered(engine: AsyncEngine, hold_id: int) -> int:
    """How many calls a hold is on now, whoever began them."""
    this = holds.c.id == hold_id
    async with reading(engine) as connection:
        arrived = select(func.count()).select_from(calls).where(_by(held_call(), this))
        placed = select(func.count()).select_from(outbound_calls).where(_by(held_outbound(), this))
        return sum([(await connection.execute(query)).scalar_one() for query in (arrived, placed)])


def _by(held: Any, which: ColumnElement[bool]) -> ColumnElement[bool]:
    """`held`, by this hold alone."""
    return held.where(which)  # type: ignore[no-any-return]
