"""Lost calls as debts: entries of `callbacks` that were made of one, from the lost call to its end.

One citizen is owed one call, however often nobody answered him: a lost call is covered by any entry of his number that is
open, or was closed after the call arrived. A debt ends as `served` when the same number speaks to a person. That is looked
up in the calls themselves, whoever told of them, so it is true after any restart; it is asked again before anybody is
dialled.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.steps import Judgement
from storage.callbacks import CallbackRow, added
from storage.engine import reading
from storage.lost import LOST, served_by_call, served_by_call_back
from storage.outbound import CLOSED
from storage.schema import callbacks, calls, outbound_calls

BY_SERVICE: Final = "service"
CALLED_AGAIN: Final = "called again and spoke to a person"
CALLED_BACK: Final = "reached by another call-back"
TRIED: Final = ("open", "not_reached")  # somebody still has to call, and nobody does just now
OWED: Final = (*TRIED, "placed")
MOST: Final = 200


class UncoveredCall(NamedTuple):
    """A lost call whose caller is owed one. Epoch ms."""

    call_id: str
    number: str
    caller_ref: str
    caller_sealed: str
    arrived_ms: int
    case_id: str | None


async def uncovered_calls(
    engine: AsyncEngine, since_ms: int, numbers: Collection[str], *, wait_ms: int, but: Collection[str] = ()
) -> list[UncoveredCall]:
    """Lost calls to these numbers whose callers were not served since and are on no entry, the oldest first.

    No test calls, no restricted callers, no withheld numbers, nobody who hung up within `wait_ms`; nor the calls `but`.
    """
    a = calls.c
    waited = or_(a.judged != Judgement.ABANDONED.value, a.wait_ms >= wait_ms)
    known = a.caller_ref.is_not(None), a.caller_sealed.is_not(None), a.restriction.is_(None)
    lost = a.arrived_ms >= since_ms, a.judged.in_(LOST), a.number.in_(numbers), a.call_id.not_in(but), waited
    owed = served_by_call().is_(None), served_by_call_back().is_(None), ~_covered(a.caller_ref, a.arrived_ms)
    columns = [a[name] for name in UncoveredCall._fields]
    query = select(*columns).where(*lost, *known, *owed).order_by(a.arrived_ms, a.call_id).limit(MOST)
    async with reading(engine) as connection:
        return [UncoveredCall._make(row) for row in (await connection.execute(query)).all()]


def _covered(ref: ColumnElement[str | None] | str, arrived_ms: ColumnElement[int] | int) -> ColumnElement[bool]:
    """By an entry of the same number."""
    c = callbacks.c
    still_open = c.state.not_in(CLOSED | {"reached"})
    return exists().where(and_(c.ref == ref, or_(still_open, c.closed_ms >= arrived_ms)))


async def add_debt(engine: AsyncEngine, row: CallbackRow) -> CallbackRow | None:
    """The entry with its id; None when his number has one meanwhile."""
    assert row.owed_ms is not None
    async with engine.begin() as connection:
        if (await connection.execute(select(_covered(row.ref, row.owed_ms)))).scalar_one():
            return None
        return await added(connection, row)


async def settle_debts(engine: AsyncEngine) -> int:
    """Whose caller has spoken to a person since is owed nothing more; how many."""
    owed = callbacks.c.state.in_(OWED)
    async with reading(engine) as connection:  # there are seldom any, and who writes waits for the writer
        served = or_(*(at.is_not(None) for at, _ in _SERVED))
        if (await connection.execute(select(callbacks.c.id).where(owed, served).limit(1))).first() is None:
            return 0
    settled = 0
    async with engine.begin() as connection:
        for at, why in _SERVED:
            closed = {"state": "served", "closed_by": BY_SERVICE, "closed_ms": at, "reason": why}
            found = await connection.execute(update(callbacks).where(owed, at.is_not(None)).values(**closed))
            settled += found.rowcount
    return settled


def _by_call() -> ScalarSelect[int | None]:
    """When the citizen of a debt spoke to a person, having called again, on whichever line. Null for what was promised, as
    below: nothing is later than no lost call."""
    later = calls.c.caller_ref == callbacks.c.ref, calls.c.arrived_ms > callbacks.c.owed_ms
    return select(func.min(calls.c.answered_ms)).where(*later).correlate(callbacks).scalar_subquery()


def _by_call_back() -> ScalarSelect[int | None]:
    """When he was reached by another entry of his number."""
    other, out = callbacks.alias(), outbound_calls.c
    his = other.c.ref == callbacks.c.ref, other.c.id != callbacks.c.id, out.answered_ms > callbacks.c.owed_ms
    joined = outbound_calls.join(other, other.c.id == out.callback)
    return select(func.min(out.answered_ms)).select_from(joined).where(*his).correlate(callbacks).scalar_subquery()


_SERVED: Final = ((_by_call(), CALLED_AGAIN), (_by_call_back(), CALLED_BACK))


async def callable_entries(
    engine: AsyncEngine, now_ms: int, lines: Collection[str], pauses_ms: Sequence[int], limit: int
) -> list[CallbackRow]:
    """Entries of these lines that the service may try now, whose wanted time has come; the first due first.

    `pauses_ms`: after the last try, by how many tries there were; there are no more tries than these.
    """
    c = callbacks.c
    wanted = or_(c.wanted_ms.is_(None), c.wanted_ms <= now_ms)
    rested = (
        and_(c.attempts == tried, or_(c.tried_ms.is_(None), c.tried_ms <= now_ms - pause_ms))
        for tried, pause_ms in enumerate(pauses_ms)
    )
    query = select(callbacks).where(c.line.in_(lines), c.state.in_(TRIED), or_(*rested), wanted)
    async with reading(engine) as connection:
        found = await connection.execute(query.order_by(c.due_ms, c.id).limit(limit))
        return [CallbackRow(**row) for row in found.mappings()]


async def exhausted_entries(engine: AsyncEngine, tries: int) -> list[CallbackRow]:
    """Entries whose citizen was not reached in so many tries."""
    query = select(callbacks).where(callbacks.c.state == "not_reached", callbacks.c.attempts >= tries)
    async with reading(engine) as connection:
        found = await connection.execute(query.order_by(callbacks.c.id).limit(MOST))
        return [CallbackRow(**row) for row in found.mappings()]


async def give_up(engine: AsyncEngine, entry: CallbackRow, reason: str, at_ms: int) -> bool:
    """False when the entry is not as it was any more."""
    same = callbacks.c.id == entry.id, callbacks.c.state == entry.state, callbacks.c.attempts == entry.attempts
    closed = {"state": "given_up", "closed_by": BY_SERVICE, "closed_ms": at_ms, "reason": reason}
    async with engine.begin() as connection:
        return (await connection.execute(update(callbacks).where(*same).values(**closed))).rowcount == 1
