"""Questions to the records. Each opens a reading connection; `storage.records.Records` offers them with clear errors.

Intervals are `[since_ms, until_ms)` of the call's arrival: a call belongs to the interval in which it arrived.
"""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.events import LeftCall, Remembered, RememberedCall
from routing.judging import is_test
from routing.outbound import Outbound, is_outbound
from routing.probe import Probe
from routing.steps import CallOutcome, Judgement, Step, StepKind
from storage import probes
from storage.counted import CITIZENS, NO_TESTS
from storage.engine import reading
from storage.entries import KeptEntry, SignIn
from storage.fold import Row, after
from storage.outbound import outbound_of
from storage.schema import agent_periods, call_steps, calls, forgotten_days

SIGNED_OUT: Final = "signed_out"
PAUSED: Final = "paused"
_FOREVER: Final = 2**62
UNSURE_S: Final = 60.0  # what ended so long before the last thing we know may have been missed
UNSURE_MS: Final = int(UNSURE_S * 1000)
LONGEST_CALL_MS: Final = 7_200_000


class Shift(NamedTuple):
    """Where a signed-in agent sits, and the state he was in last."""

    seat_id: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One row of `calls`, without the caller's number. Times as in `storage.schema`."""

    call_id: str
    number: str
    line: str
    trunk: str
    emergency: bool
    caller_ref: str | None
    arrived_ms: int
    answered_ms: int | None
    ended_ms: int | None
    wait_ms: int | None
    talk_ms: int
    seat_id: str | None
    agent_id: str | None
    answered_by: str | None
    talking_seat_id: str | None
    presented: int
    requeued: int
    noticed: bool
    fallback_stage: str | None
    judged: str | None
    outcome: str | None
    ended_by: str | None
    cause: int | None
    flags: str
    restriction: int | None = None
    recording: str | None = None
    case_id: str | None = None
    forgotten_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LineFigures:
    """Counts of one line. `answered` by a human at all; `in_time` and `judged` as the engine judged; ms by nearest rank."""

    line: str
    offered: int = 0
    answered: int = 0
    in_time: int = 0
    abandoned: int = 0
    open: int = 0
    judged: Mapping[str, int] = field(default_factory=dict)
    p50_ms: int | None = None
    p95_ms: int | None = None
    max_ms: int | None = None


_RECORD_COLUMNS: Final = [calls.c[item.name] for item in fields(CallRecord)]


async def recent_calls(
    engine: AsyncEngine, limit: int = 50, *, number: str | None = None, before_ms: int = _FOREVER
) -> list[CallRecord]:
    """The newest calls first."""
    query = select(*_RECORD_COLUMNS).where(calls.c.arrived_ms < before_ms)
    if number is not None:
        query = query.where(calls.c.number == number)
    query = query.order_by(calls.c.arrived_ms.desc(), calls.c.call_id.desc()).limit(limit)
    async with reading(engine) as connection:
        return [CallRecord(**row) for row in (await connection.execute(query)).mappings()]


async def call(engine: AsyncEngine, call_id: str) -> CallRecord | None:
    query = select(*_RECORD_COLUMNS).where(calls.c.call_id == call_id)
    async with reading(engine) as connection:
        row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else CallRecord(**row)


async def steps(engine: AsyncEngine, call_id: str) -> list[Step]:
    """The story of one call, in order."""
    table = call_steps
    query = select(table.c.seq, table.c.at_ms, table.c.kind, table.c.data).where(table.c.call_id == call_id)
    async with reading(engine) as connection:
        rows = (await connection.execute(query.order_by(table.c.seq))).all()
    return [Step(call_id, seq, at_ms / 1000, StepKind(kind), data) for seq, at_ms, kind, data in rows]


async def line_figures(
    engine: AsyncEngine, since_ms: int = 0, until_ms: int = _FOREVER, *, by: Literal["number", "line"] = "number"
) -> list[LineFigures]:
    """Counts and answer times of each dialled number (`by="number"`) or serving line (`by="line"`), sorted."""
    key = {"number": calls.c.number, "line": calls.c.line}[by]
    window = and_(calls.c.arrived_ms >= since_ms, calls.c.arrived_ms < until_ms, NO_TESTS)
    counts = select(
        key.label("line"),
        calls.c.judged,
        func.count().label("offered"),
        func.count(calls.c.answered_ms).label("answered"),
        func.count().filter(calls.c.outcome == CallOutcome.ABANDONED.value).label("abandoned"),
        func.count().filter(calls.c.ended_ms.is_(None)).label("open"),
    )
    async with reading(engine) as connection:
        counted = (await connection.execute(counts.where(window).group_by(key, calls.c.judged))).mappings().all()
        ranked = (await connection.execute(_ranks(key, window))).all()
    return _figures([dict(row) for row in counted], [tuple(row) for row in ranked])


async def arrivals(engine: AsyncEngine, since_ms: int, until_ms: int) -> list[tuple[str, int]]:
    """(dialled number, arrived_ms) of the real calls of an interval, in the order of arrival."""
    query = select(calls.c.number, calls.c.arrived_ms).where(
        calls.c.arrived_ms >= since_ms, calls.c.arrived_ms < until_ms, NO_TESTS
    )
    async with reading(engine) as connection:
        return [tuple(row) for row in (await connection.execute(query.order_by(calls.c.arrived_ms))).all()]


async def first_arrival_ms(engine: AsyncEngine) -> int | None:
    """When the first call that is known arrived."""
    async with reading(engine) as connection:
        found: int | None = (await connection.execute(select(func.min(calls.c.arrived_ms)).where(NO_TESTS))).scalar()
    return found


async def arrivals_by(engine: AsyncEngine, since_ms: int, until_ms: int, every_ms: int) -> list[tuple[str, int, int]]:
    """(dialled number, place of the interval from 0, calls) of each that has any; no tests, no restricted callers."""
    place = ((calls.c.arrived_ms - since_ms) // every_ms).label("place")
    window = calls.c.arrived_ms >= since_ms, calls.c.arrived_ms < until_ms, ~_of_forgotten_day()
    query = select(calls.c.number, place, func.count()).where(*window, CITIZENS).group_by(calls.c.number, place)
    async with reading(engine) as connection:
        return [(number, int(at), count) for number, at, count in (await connection.execute(query)).all()]


def _of_forgotten_day() -> ColumnElement[bool]:
    """What is left of such a day is held; it is in the figures that were kept."""
    day = forgotten_days.c
    return exists().where(day.since_ms <= calls.c.arrived_ms, day.until_ms > calls.c.arrived_ms)


async def callers_by(
    engine: AsyncEngine, since_ms: int, until_ms: int, every_ms: int, numbers: Iterable[str]
) -> dict[int, int]:
    """Callers to these numbers by the place of the interval: who calls twice in one counts once, each withheld number."""
    place = ((calls.c.arrived_ms - since_ms) // every_ms).label("place")
    window = calls.c.arrived_ms >= since_ms, calls.c.arrived_ms < until_ms, calls.c.number.in_(list(numbers))
    callers = func.count(func.distinct(func.coalesce(calls.c.caller_ref, calls.c.call_id)))
    query = select(place, callers).where(*window, CITIZENS).group_by(place)
    async with reading(engine) as connection:
        return {int(at): count for at, count in (await connection.execute(query)).all()}


def _ranks(key: ColumnElement[Any], window: ColumnElement[bool]) -> Any:
    """(line, rank, how many, wait_ms) of the middle, the 95th percentile and the last answer of each line."""
    rank = func.row_number().over(partition_by=key, order_by=calls.c.wait_ms)
    total = func.count().over(partition_by=key)
    answered = (
        select(key.label("line"), rank.label("rank"), total.label("total"), calls.c.wait_ms)
        .where(window, calls.c.answered_ms.is_not(None), calls.c.wait_ms.is_not(None))
        .subquery()
    )
    at, n = answered.c.rank, answered.c.total
    wanted = or_(at == n, at == (n * 50 + 99) // 100, at == (n * 95 + 99) // 100)
    return select(answered.c.line, at, n, answered.c.wait_ms).where(wanted)


def _figures(counted: Sequence[Row], ranked: Iterable[tuple[Any, ...]]) -> list[LineFigures]:
    sums: defaultdict[str, dict[str, Any]] = defaultdict(lambda: {"judged": {}})
    for row in counted:
        figures = sums[row["line"]]
        for name in ("offered", "answered", "abandoned", "open"):
            figures[name] = figures.get(name, 0) + row[name]
        if row["judged"] is not None:
            figures["judged"][row["judged"]] = row["offered"]
    for line, rank, total, wait_ms in ranked:
        places = {"p50_ms": (total * 50 + 99) // 100, "p95_ms": (total * 95 + 99) // 100, "max_ms": total}
        sums[line].update({name: wait_ms for name, place in places.items() if place == rank})
    return [
        LineFigures(line, in_time=figures["judged"].get(Judgement.IN_TIME.value, 0), **figures)
        for line, figures in sorted(sums.items())
    ]


# -- what the engine is told at the start --


async def open_rows(engine: AsyncEngine, also: Iterable[str] = ()) -> tuple[dict[str, Row], dict[str, Shift]]:
    """(rows of `calls` not ended or ended last, and of those named in `also`; agent -> shift of those signed in)."""
    table = agent_periods
    open_periods = select(table.c.agent_id, table.c.seat_id, table.c.state, table.c.reason)
    signed_in = open_periods.where(table.c.until_ms.is_(None), table.c.state != SIGNED_OUT)
    rows: dict[str, Row] = {}
    async with reading(engine) as connection:
        queries = [select(calls).where(calls.c.ended_ms.is_(None))]
        names = list(also)
        queries += [select(calls).where(calls.c.call_id.in_(names[i : i + 500])) for i in range(0, len(names), 500)]
        queries.append(_just_ended((await connection.execute(select(func.max(calls.c.arrived_ms)))).scalar()))
        for query in queries:
            rows |= {row["call_id"]: dict(row) for row in (await connection.execute(query)).mappings()}
        agents = {row[0]: Shift(*row[1:]) for row in (await connection.execute(signed_in)).all() if row[1] is not None}
    return rows, agents


async def left(engine: AsyncEngine, since_ms: int) -> list[Row]:
    """The calls that were given up since then, as rows of `calls`."""
    gave_up = calls.c.outcome == CallOutcome.ABANDONED.value, calls.c.ended_ms >= since_ms
    async with reading(engine) as connection:
        found = await connection.execute(
            select(calls).where(*gave_up, calls.c.arrived_ms >= since_ms - LONGEST_CALL_MS)
        )
        return [dict(row) for row in found.mappings()]


async def spoken(engine: AsyncEngine, since_ms: int) -> list[Row]:
    """Who spoke with whom: `caller_ref`, `agent_id`, `answered_ms` of the calls answered since then."""
    columns = calls.c.caller_ref, calls.c.agent_id, calls.c.answered_ms
    known = (column.is_not(None) for column in columns)
    async with reading(engine) as connection:
        found = await connection.execute(select(*columns).where(calls.c.arrived_ms >= since_ms, *known))
        return [dict(row) for row in found.mappings()]


def _just_ended(newest_ms: int | None) -> Select[Any]:
    """Calls that ended when the last run did, by the newest arrival or end there is."""
    lately = calls.c.arrived_ms >= (newest_ms or 0) - LONGEST_CALL_MS
    last_end = select(func.coalesce(func.max(calls.c.ended_ms), 0)).where(lately).scalar_subquery()
    return select(calls).where(lately, calls.c.ended_ms >= last_end - 2 * UNSURE_MS)


def remembered(
    rows: Mapping[str, Row],
    agents: Mapping[str, Shift],
    tail: Iterable[KeptEntry],
    talks: Iterable[Row] = (),
    given_up: Iterable[Row] = (),
    outs: Iterable[Row] = (),
    tests: Iterable[Row] = (),
) -> Remembered:
    """The open calls and signed-in agents after `tail`, the entries that SQL does not have yet, in order.

    `talks`: as `spoken` tells them, when somebody wants to know who spoke with whom. `given_up`: as `left` does. `outs`:
    outbound calls that are not known to have ended; `tests`: test calls likewise.
    """
    found: dict[str, Row] = dict(rows)
    shifts, outbound, tested = dict(agents), dict(_outbound(outs)), probes.known(tests)
    for entry in tail:
        if isinstance(entry, SignIn):
            told = entry.entry
            shifts.pop(told.agent_id, None)
            if told.state != SIGNED_OUT and told.seat_id is not None:
                shifts[told.agent_id] = Shift(told.seat_id, told.state, told.reason)
        elif isinstance(entry, Outbound):
            outbound[entry.id] = entry
        elif isinstance(entry, Probe):
            tested[entry.id] = entry
        elif isinstance(entry, Step) and not is_outbound(entry.call_id):
            found[entry.call_id] = after(found.get(entry.call_id), entry)
    still_open = [row for row in found.values() if row["ended_ms"] is None and row["number"]]
    return Remembered(
        tuple(map(_remembered_call, sorted(still_open, key=lambda row: row["arrived_ms"]))),
        {agent: shift.seat_id for agent, shift in shifts.items()},
        {agent: shift.reason for agent, shift in shifts.items() if shift.state == PAUSED},
        _spoke([*talks, *found.values()]),
        _left([*given_up, *found.values()]),
        since=max((row["ended_ms"] or row["arrived_ms"] for row in found.values()), default=math.inf) / 1000 - UNSURE_S,
        ended=frozenset(row["call_id"] for row in found.values() if row["ended_ms"] is not None),
        outbound=tuple(out for out in outbound.values() if out.ended_at is None),
        probes=tuple(probe for probe in tested.values() if probe.ended_at is None),
    )


def _outbound(rows: Iterable[Row]) -> Iterator[tuple[str, Outbound]]:
    for row in rows:
        with contextlib.suppress(ValueError):  # of another version
            yield row["id"], outbound_of(row)


def _spoke(rows: Iterable[Row]) -> dict[str, tuple[str, float]]:
    """caller_ref -> (agent, epoch seconds), the newest last."""
    told = [row for row in rows if row["caller_ref"] and row["agent_id"] and row["answered_ms"] is not None]
    found: dict[str, tuple[str, float]] = {}
    for row in sorted(told, key=lambda row: int(row["answered_ms"])):
        found.pop(row["caller_ref"], None)
        found[row["caller_ref"]] = row["agent_id"], row["answered_ms"] / 1000
    return found


def _left(rows: Iterable[Row]) -> tuple[LeftCall, ...]:
    told = {row["call_id"]: row for row in rows if row["outcome"] == CallOutcome.ABANDONED and row["caller_ref"]}
    in_order = sorted(told.values(), key=lambda row: int(row["arrived_ms"]))
    return tuple(
        LeftCall(row["caller_ref"], row["number"], row["trunk"], row["arrived_ms"] / 1000, row["ended_ms"] / 1000)
        for row in in_order
    )


def _remembered_call(row: Row) -> RememberedCall:
    return RememberedCall(
        call_id=row["call_id"],
        number=row["number"],
        arrived_at=row["arrived_ms"] / 1000,
        last_seq=row["last_seq"],
        judged=row["judged"] is not None,
        answered_at=None if row["answered_ms"] is None else row["answered_ms"] / 1000,
        seat_id=row["talking_seat_id"],
        trunk=row["trunk"],
        emergency=row["emergency"],
        caller_ref=row["caller_ref"],
        case=row["case_id"] or "",
        test=is_test(row["judged"]),
    )
