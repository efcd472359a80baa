"""Calls that nobody answered, and what became of their callers: a debt until the same number has spoken to a person."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.steps import Judgement
from storage.engine import reading
from storage.schema import callbacks, calls, outbound_calls

LOST: Final = (Judgement.ABANDONED.value, Judgement.FAILED.value)


class LostCall(NamedTuple):
    """Epoch ms. `withheld`: nobody can tell whether the caller was served later. `caller` tells callers apart, and is no
    number. `redialled_ms`: answered when he called again; `called_back_ms`: an agent reached him."""

    call_id: str
    number: str
    arrived_ms: int
    wait_ms: int | None
    judged: str
    caller: str | None
    redialled_ms: int | None
    called_back_ms: int | None

    @property
    def withheld(self) -> bool:
        return self.caller is None

    @property
    def served_ms(self) -> int | None:
        """When the debt was paid; None: it is open."""
        return min((at for at in (self.redialled_ms, self.called_back_ms) if at is not None), default=None)


async def lost_calls(engine: AsyncEngine, since_ms: int, until_ms: int) -> list[LostCall]:
    """Those that arrived in the interval, oldest first, with what has happened up to now."""
    a = calls.c
    columns = a.call_id, a.number, a.arrived_ms, a.wait_ms, a.judged, a.caller_ref
    served = func.coalesce(a.redialled_ms, served_by_call()), func.coalesce(a.called_back_ms, served_by_call_back())
    query = select(*columns, *served).where(a.arrived_ms >= since_ms, a.arrived_ms < until_ms, a.judged.in_(LOST))
    async with reading(engine) as connection:
        found = await connection.execute(query.order_by(a.arrived_ms, a.call_id))
        return [LostCall._make(row) for row in found.all()]


def served_by_call() -> ScalarSelect[Any]:
    """When the caller of this row of `calls` spoke to a person, having called again."""
    later = calls.alias()
    again = later.c.caller_ref == calls.c.caller_ref, later.c.arrived_ms > calls.c.arrived_ms
    return select(func.min(later.c.answered_ms)).where(*again).correlate(calls).scalar_subquery()


def served_by_call_back() -> ScalarSelect[Any]:
    """When an agent reached him, by the call-back entries of his number, whatever line they are of."""
    out = outbound_calls.c
    his = callbacks.c.ref == calls.c.caller_ref, out.answered_ms > calls.c.arrived_ms
    joined = outbound_calls.join(callbacks, callbacks.c.id == out.callback)
    return select(func.min(out.answered_ms)).select_from(joined).where(*his).correlate(calls).scalar_subquery()
