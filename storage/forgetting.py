"""What is over its age is forgotten, a batch at a time: people out of rows that stay, and whole days of calls.

Theory of operation
* Each function is one small transaction that takes the next rows and says how many it took; 0: nothing is left to do. Who
  dies between two of them has lost nothing, and the next run goes on: what is done is seen on the rows themselves.
* Nothing that is held is touched (`storage.holds`), and no call that lasts.
* Without its caller a call keeps its story. In place of the reference stands a word that was drawn for this caller and this
  day: so figures that tell callers apart within a day stay as they were, and it leads to nobody. What becomes of lost calls
  is found by references, so it is written down before they go.
* Of a day whose calls are deleted the figures were kept first (`storage.kept_days`). Legs to third parties stay, without
  people: departments and emergency drills are reported by them.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Table, and_, bindparam, delete, func, select, true, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.steps import StepKind
from routing.targets import TargetKind
from storage.engine import reading
from storage.facts import CALL_ENDED
from storage.holds import held_call, held_callback, held_intake, held_outbound, held_period, in_order
from storage.lost import LOST, served_by_call, served_by_call_back
from storage.outbound import CLOSED
from storage.schema import (
    agent_periods,
    call_steps,
    callbacks,
    calls,
    decisions,
    forgettings,
    handoffs,
    intake,
    outbound_calls,
    outbox,
    presentations,
    recordings,
)

_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_CHUNK: Final = 500
_STEPS_OF_PEOPLE: Final = (StepKind.OFFERED, StepKind.ACT_ASKED, StepKind.THIRD_ENDED, StepKind.ACT_ENDED)
_OF_CALL: Final[tuple[Table, ...]] = (call_steps, presentations, decisions, recordings, intake)
NOT_THEN: Final = -1  # `until_ms` of a run that has only been waited for


class Kind(StrEnum):
    """What is forgotten; label `kind` of the metrics."""

    NUMBERS = "numbers"
    INTAKES = "intakes"
    CALLBACKS = "callbacks"
    AGENTS = "agents"
    CALLS = "calls"


class Due(NamedTuple):
    """Rows over their age: those that may go, and those that are held."""

    due: int
    held: int


class Window(NamedTuple):
    """Of arrivals, epoch ms: `[since_ms, until_ms)`."""

    since_ms: int
    until_ms: int

    def of(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        return and_(at >= self.since_ms, at < self.until_ms)


# -- callers -----------------------------------------------------------------------------------------------------------

_NAMED: Final = and_(calls.c.forgotten_ms.is_(None), calls.c.ended_ms.is_not(None))


async def oldest_named_ms(engine: AsyncEngine, before_ms: int, ref: str | None = None) -> int | None:
    """Arrival of the oldest call whose caller is to be forgotten; `ref`: of this caller."""
    query = select(func.min(calls.c.arrived_ms)).where(_NAMED, calls.c.arrived_ms < before_ms, ~held_call(), _his(ref))
    async with reading(engine) as connection:
        found: int | None = (await connection.execute(query)).scalar()
    return found


def _his(ref: str | None) -> ColumnElement[bool]:
    return true() if ref is None else calls.c.caller_ref == ref


async def named_calls(engine: AsyncEngine, day: Window, ref: str) -> list[str]:
    """The calls of one caller on one day out of which he is to be forgotten."""
    query = select(calls.c.call_id).where(_NAMED, day.of(calls.c.arrived_ms), _his(ref), ~held_call())
    async with reading(engine) as connection:
        return list((await connection.execute(query)).scalars())


async def forget_callers(
    engine: AsyncEngine, day: Window, limit: int, at_ms: int, *, ref: str | None = None, call_id: str | None = None
) -> list[str]:
    """Callers out of calls of one day: of the next `limit` calls, and of all others of the same callers on that day.

    Args:
        ref: of this caller alone.
        call_id: out of this call alone, whatever else its caller did on that day.
    """
    async with engine.begin() as connection:
        await in_order(connection)
        due = select(calls.c.call_id, calls.c.caller_ref).where(_NAMED, day.of(calls.c.arrived_ms), ~held_call())
        if call_id is not None:
            rows = (await connection.execute(due.where(calls.c.call_id == call_id))).all()
        else:
            first = due.where(_his(ref)).order_by(calls.c.arrived_ms, calls.c.call_id).limit(limit)
            rows = (await connection.execute(first)).all()
            refs = {row.caller_ref for row in rows} - {None}
            more = [row for some in _chunks(refs) for row in await _all(connection, due, calls.c.caller_ref.in_(some))]
            rows = list({row.call_id: row for row in (*rows, *more)}.values())
        await _make_nameless(connection, {row.call_id: row.caller_ref for row in rows}, at_ms)
    return [row.call_id for row in rows]


async def _all(connection: AsyncConnection, query: Any, which: ColumnElement[bool]) -> Sequence[Any]:
    found: Sequence[Any] = (await connection.execute(query.where(which))).all()
    return found


async def _make_nameless(connection: AsyncConnection, refs: Mapping[str, str | None], at_ms: int) -> None:
    """`refs`: call -> reference of its caller, all of one day."""
    if not refs:
        return
    words = {ref: secrets.token_hex(16) for ref in set(refs.values()) if ref is not None}
    for some in _chunks(refs):
        await _keep_served(connection, calls.c.call_id.in_(some))
    nameless = (
        update(calls)
        .where(calls.c.call_id == bindparam("its"))
        .values(caller_ref=bindparam("word"), caller_sealed=None, forgotten_ms=at_ms)
    )
    rows = [{"its": call_id, "word": None if ref is None else words[ref]} for call_id, ref in refs.items()]
    await connection.execute(nameless, rows)
    for some in _chunks(refs):
        await _clean_steps(connection, some)
        await _clean_outbox(connection, some)
        await _clean_handoffs(connection, some)


async def _keep_served(connection: AsyncConnection, which: ColumnElement[bool]) -> None:
    """What is known by now of lost calls."""
    lost = and_(which, calls.c.judged.in_(LOST), calls.c.caller_ref.is_not(None))
    query = select(calls.c.call_id, served_by_call(), served_by_call_back()).where(lost)
    rows = [{"its": row[0], "again": row[1], "back": row[2]} for row in (await connection.execute(query)).all()]
    if rows:
        values = {
            "redialled_ms": func.coalesce(calls.c.redialled_ms, bindparam("again")),
            "called_back_ms": func.coalesce(calls.c.called_back_ms, bindparam("back")),
        }
        await connection.execute(update(calls).where(calls.c.call_id == bindparam("its")).values(**values), rows)


async def _clean_steps(connection: AsyncConnection, call_ids: Collection[str]) -> None:
    step = call_steps.c
    query = select(step.call_id, step.seq, step.data).where(step.call_id.in_(call_ids), step.kind.in_(_STEPS_OF_PEOPLE))
    found = (await connection.execute(query)).all()
    rows = [
        {"its": call_id, "number": seq, "clean": clean}
        for call_id, seq, data in found
        if (clean := without_people(data)) != data
    ]
    if rows:
        this = and_(step.call_id == bindparam("its"), step.seq == bindparam("number"))
        await connection.execute(update(call_steps).where(this).values(data=bindparam("clean")), rows)


def without_people(data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` of a step without its caller, and without a number that was dialled by hand; all else as it was."""
    clean = {key: value for key, value in data.items() if key not in ("caller_ref", "caller_sealed")}
    if clean.get("target_kind") == TargetKind.NUMBER.value:
        clean |= {key: "" for key in ("target", "name") if key in clean}
    return clean


async def _clean_handoffs(connection: AsyncConnection, call_ids: Collection[str]) -> None:
    """A number that was dialled by hand may be anybody's."""
    by_hand = handoffs.c.call_id.in_(call_ids), handoffs.c.target_kind == TargetKind.NUMBER.value
    await connection.execute(update(handoffs).where(*by_hand).values(target="", name=""))


async def _clean_outbox(connection: AsyncConnection, call_ids: Collection[str]) -> None:
    """What is still to be told is told without the caller."""
    query = select(outbox.c.id, outbox.c.body).where(outbox.c.call_id.in_(call_ids), outbox.c.type == CALL_ENDED)
    rows = [
        {"its": row.id, "clean": {**row.body, "caller_ref": None}} for row in (await connection.execute(query)).all()
    ]
    if rows:
        statement = update(outbox).where(outbox.c.id == bindparam("its")).values(body=bindparam("clean"))
        await connection.execute(statement, rows)


# -- what was written down ---------------------------------------------------------------------------------------------

_WRITTEN: Final = intake.c.text_sealed != ""
_BARE_INTAKE: Final = {"name_sealed": None, "text_sealed": "", "subject": ""}
_KNOWN: Final = callbacks.c.sealed != ""
_OVER: Final = callbacks.c.state.in_([*CLOSED, "reached"])
_LAST_MS: Final = func.coalesce(callbacks.c.closed_ms, callbacks.c.last_ms, callbacks.c.added_ms)
_BARE_CALLBACK: Final = {"ref": "", "sealed": "", "note": ""}


async def forget_intakes(engine: AsyncEngine, before_ms: int, limit: int) -> int:
    """Names, texts and subjects; that there was an intake, of which kind and in which district, stays."""
    old = select(intake.c.id).where(intake.c.at_ms < before_ms, _WRITTEN, ~held_intake()).order_by(intake.c.at_ms)
    async with engine.begin() as connection:
        await in_order(connection)
        done = await connection.execute(update(intake).where(intake.c.id.in_(old.limit(limit))).values(**_BARE_INTAKE))
    return done.rowcount


async def forget_intakes_of(engine: AsyncEngine, call_ids: Collection[str]) -> int:
    """The same of these calls, however new."""
    gone = 0
    async with engine.begin() as connection:
        await in_order(connection)
        for some in _chunks(call_ids):
            theirs = intake.c.call_id.in_(some), _WRITTEN, ~held_intake()
            gone += (await connection.execute(update(intake).where(*theirs).values(**_BARE_INTAKE))).rowcount
    return gone


async def forget_callbacks(engine: AsyncEngine, before_ms: int, limit: int) -> int:
    """Number and note of entries that were over before then."""
    old = select(callbacks.c.id, callbacks.c.ref).where(_KNOWN, _OVER, before_ms > _LAST_MS, ~held_callback())
    async with engine.begin() as connection:
        await in_order(connection)
        rows = (await connection.execute(old.order_by(callbacks.c.id).limit(limit))).all()
        return await _empty_callbacks(connection, rows)


async def forget_callbacks_of(engine: AsyncEngine, ref: str, by: str, at_ms: int) -> int:
    """All entries of a citizen. Whom nobody reached yet nobody calls any more: such an entry is given up. One whose call is
    under way stays as it is."""
    async with engine.begin() as connection:
        await in_order(connection)
        rows = (await connection.execute(select(callbacks.c.id, callbacks.c.ref).where(_entries_of(ref)))).all()
        still = callbacks.c.id.in_([row.id for row in rows]), ~_OVER
        given_up = {"state": "given_up", "closed_by": by, "closed_ms": at_ms}
        await connection.execute(update(callbacks).where(*still).values(**given_up))
        return await _empty_callbacks(connection, rows)


async def placed_for(engine: AsyncEngine, ref: str) -> list[str]:
    """The calls that agents placed for these entries."""
    entries = select(callbacks.c.id).where(_entries_of(ref))
    query = select(outbound_calls.c.id).where(outbound_calls.c.callback.in_(entries), ~held_outbound())
    async with reading(engine) as connection:
        return list((await connection.execute(query)).scalars())


def _entries_of(ref: str) -> ColumnElement[bool]:
    return and_(callbacks.c.ref == ref, _KNOWN, callbacks.c.state != "placed", ~held_callback())


async def _empty_callbacks(connection: AsyncConnection, rows: Sequence[Any]) -> int:
    for some in _chunks({row.ref for row in rows}):
        await _keep_served(connection, calls.c.caller_ref.in_(some))
    ids = [row.id for row in rows]
    done = await connection.execute(update(callbacks).where(callbacks.c.id.in_(ids)).values(**_BARE_CALLBACK))
    return done.rowcount


# -- who worked when ---------------------------------------------------------------------------------------------------


async def forget_periods(engine: AsyncEngine, before_ms: int, limit: int) -> int:
    """States of agents that were over before then."""
    key = agent_periods.c.agent_id, agent_periods.c.entry
    async with engine.begin() as connection:
        await in_order(connection)
        old = (
            select(*key).where(agent_periods.c.until_ms < before_ms, ~held_period()).order_by(agent_periods.c.until_ms)
        )
        rows = [tuple(row) for row in (await connection.execute(old.limit(limit))).all()]
        if rows:
            await connection.execute(delete(agent_periods).where(tuple_(*key).in_(rows)))
    return len(rows)


# -- whole days of calls -----------------------------------------------------------------------------------------------


_BARE_HANDOFF: Final[dict[str, Any]] = {"by": None, "seat": None, "case": None}


async def oldest_call_ms(engine: AsyncEngine, before_ms: int) -> int | None:
    """Arrival of the oldest call that is to go."""
    arrived = select(func.min(calls.c.arrived_ms)).where(calls.c.arrived_ms < before_ms, ~held_call())
    placed = select(func.min(outbound_calls.c.asked_ms)).where(outbound_calls.c.asked_ms < before_ms, ~held_outbound())
    async with reading(engine) as connection:
        found = [(await connection.execute(query)).scalar() for query in (arrived, placed)]
    return min((at for at in found if at is not None), default=None)


async def forget_calls(engine: AsyncEngine, day: Window, limit: int) -> int:
    """The next calls of a day whose figures are kept, whoever began them, with all that is theirs."""
    arrived = select(calls.c.call_id).where(day.of(calls.c.arrived_ms), ~held_call()).limit(limit)
    placed = select(outbound_calls.c.id).where(day.of(outbound_calls.c.asked_ms), ~held_outbound()).limit(limit)
    async with engine.begin() as connection:
        await in_order(connection)
        ids = list((await connection.execute(arrived)).scalars())
        ids += list((await connection.execute(placed)).scalars())
        if ids:
            for table in _OF_CALL:
                await connection.execute(delete(table).where(table.c.call_id.in_(ids)))
            await _clean_handoffs(connection, ids)
            await _clean_outbox(connection, ids)
            await connection.execute(update(handoffs).where(handoffs.c.call_id.in_(ids)).values(**_BARE_HANDOFF))
            await connection.execute(delete(calls).where(calls.c.call_id.in_(ids)))
            await connection.execute(delete(outbound_calls).where(outbound_calls.c.id.in_(ids)))
    return len(ids)


# -- how much, and how far ---------------------------------------------------------------------------------------------


async def count_due(engine: AsyncEngine, kind: Kind, before_ms: int) -> Due:
    """Rows of a kind that are older."""
    table, old, held = _DUE[kind](before_ms)
    async with reading(engine) as connection:
        counts = [
            (await connection.execute(select(func.count()).select_from(table).where(old, which))).scalar_one()
            for which in (~held, held)
        ]
    return Due(*counts)


_DUE: Final[Mapping[Kind, Any]] = {
    Kind.NUMBERS: lambda before_ms: (calls, and_(_NAMED, calls.c.arrived_ms < before_ms), held_call()),
    Kind.INTAKES: lambda before_ms: (intake, and_(intake.c.at_ms < before_ms, _WRITTEN), held_intake()),
    Kind.CALLBACKS: lambda before_ms: (callbacks, and_(_KNOWN, _OVER, before_ms > _LAST_MS), held_callback()),
    Kind.AGENTS: lambda before_ms: (agent_periods, agent_periods.c.until_ms < before_ms, held_period()),
    Kind.CALLS: lambda before_ms: (calls, calls.c.arrived_ms < before_ms, held_call()),
}


async def count_of(engine: AsyncEngine, ref: str) -> dict[str, int]:
    """What there is of a citizen: calls, calls that are held or last, call-backs, restrictions."""
    his = calls.c.caller_ref == ref, calls.c.forgotten_ms.is_(None)
    queries = {
        "calls": select(func.count()).select_from(calls).where(*his, calls.c.ended_ms.is_not(None), ~held_call()),
        "held": select(func.count()).select_from(calls).where(*his, held_call()),
        "open": select(func.count()).select_from(calls).where(*his, calls.c.ended_ms.is_(None), ~held_call()),
        "callbacks": select(func.count()).select_from(callbacks).where(callbacks.c.ref == ref, _KNOWN, ~held_callback()),
    }  # fmt: skip
    async with reading(engine) as connection:
        return {name: (await connection.execute(query)).scalar_one() for name, query in queries.items()}


async def read_forgettings(engine: AsyncEngine) -> dict[str, tuple[int, int]]:
    """Kind -> (what is older is forgotten, when that was done)."""
    async with reading(engine) as connection:
        return {row.kind: (row.until_ms, row.at_ms) for row in (await connection.execute(select(forgettings))).all()}


async def note_forgetting(engine: AsyncEngine, kind: str, until_ms: int, at_ms: int) -> None:
    """A kind is done up to there."""
    async with engine.begin() as connection:
        new = _INSERT[connection.dialect.name](forgettings).values(kind=kind, until_ms=until_ms, at_ms=at_ms)
        new = new.on_conflict_do_update(index_elements=["kind"], set_={"until_ms": until_ms, "at_ms": at_ms})
        await connection.execute(new)


def _chunks(values: Iterable[str]) -> Iterable[list[str]]:
    known = list(values)
    return (known[first : first + _CHUNK] for first in range(0, len(known), _CHUNK))
