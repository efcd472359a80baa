"""Questions about legs to third parties: those of a call, how departments answer, what became of emergencies.

An interval `[since_ms, until_ms)` is that of the asking. An attempt is one number that was dialled, or one that was not
because it was out of hours; an act is one asking, which may try several numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.steps import ThirdOutcome
from routing.targets import TargetKind
from storage.engine import reading
from storage.schema import handoffs

IN_DIRECTORY: Final = (TargetKind.DEPARTMENT.value, TargetKind.HOTLINE.value)
NOT_THEIRS: Final = (ThirdOutcome.CANCELLED.value, ThirdOutcome.OUT_OF_HOURS.value)  # says nothing about who was called


@dataclass(frozen=True, slots=True)
class Handoff:
    """One row of `handoffs`; see `storage.schema`."""

    call_id: str
    act: int
    leg: int
    verb: str | None
    target_kind: str | None
    target: str | None
    name: str | None
    by: str | None
    via: str | None
    case: str | None
    route: int | None
    way: str | None
    seat: str | None
    asked_ms: int | None
    dialled_ms: int | None
    ringing_ms: int | None
    answered_ms: int | None
    joined_ms: int | None
    ended_ms: int | None
    outcome: str | None
    cause: int | None
    act_outcome: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class DepartmentFigures:
    """How a department answered. `asked`: acts; `judged`: those among them that say something about it (not taken back by
    us, not out of hours, not lasting); `reached`: those that somebody answered. `attempts` by outcome, null is "open".
    `p50_ms`, `p95_ms`: asking until somebody answered, by nearest rank."""

    id: str
    name: str
    asked: int
    judged: int
    reached: int
    attempts: dict[str, int] = field(default_factory=dict)
    p50_ms: int | None = None
    p95_ms: int | None = None


_COLUMNS: Final = [handoffs.c[item.name] for item in fields(Handoff)]
_TRIED: Final = or_(handoffs.c.leg > 0, handoffs.c.outcome.is_not(None))


async def handoffs_of(engine: AsyncEngine, call_id: str) -> list[Handoff]:
    """The legs of one call, in order."""
    return await _rows(engine, handoffs.c.call_id == call_id)


async def emergency_legs(engine: AsyncEngine, since_ms: int, until_ms: int) -> list[Handoff]:
    """Every leg to an emergency centre, and the acts that had none, by the moment of asking."""
    return await _rows(engine, and_(_asked(since_ms, until_ms), handoffs.c.target_kind == TargetKind.EMERGENCY.value))


async def department_figures(engine: AsyncEngine, since_ms: int, until_ms: int) -> list[DepartmentFigures]:
    """Every department and hotline that was asked for in the interval, by id."""
    window = and_(_asked(since_ms, until_ms), handoffs.c.target_kind.in_(IN_DIRECTORY), _TRIED)
    attempts = select(handoffs.c.target, handoffs.c.outcome, func.count()).where(window)
    async with reading(engine) as connection:
        counted = (await connection.execute(attempts.group_by(handoffs.c.target, handoffs.c.outcome))).all()
        summed = (await connection.execute(_sums(window))).mappings().all()
        ranked = (await connection.execute(_ranks(window))).all()
    return _figures(counted, [dict(row) for row in summed], ranked)


async def _rows(engine: AsyncEngine, which: ColumnElement[bool]) -> list[Handoff]:
    columns = handoffs.c
    query = select(*_COLUMNS).where(which).order_by(columns.asked_ms, columns.call_id, columns.act, columns.leg)
    async with reading(engine) as connection:
        return [Handoff(**row) for row in (await connection.execute(query)).mappings()]


def _asked(since_ms: int, until_ms: int) -> ColumnElement[bool]:
    return and_(handoffs.c.asked_ms >= since_ms, handoffs.c.asked_ms < until_ms)


def _acts(window: ColumnElement[bool]) -> Any:
    """One row an act: who was asked for, how long until somebody answered, and how many attempts say something."""
    columns = handoffs.c
    telling = or_(columns.answered_ms.is_not(None), columns.outcome.not_in(NOT_THEIRS))
    query = select(
        columns.target,
        func.max(columns.name).label("name"),
        (func.min(columns.answered_ms) - func.min(columns.asked_ms)).label("took_ms"),
        func.count().filter(telling).label("telling"),
    )
    return query.where(window).group_by(columns.target, columns.call_id, columns.act).subquery()


def _sums(window: ColumnElement[bool]) -> Any:
    acts = _acts(window)
    query = select(
        acts.c.target,
        func.max(acts.c.name).label("name"),
        func.count().label("asked"),
        func.count().filter(acts.c.telling > 0).label("judged"),
        func.count(acts.c.took_ms).label("reached"),
    )
    return query.group_by(acts.c.target).order_by(acts.c.target)


def _ranks(window: ColumnElement[bool]) -> Any:
    """(target, rank, how many, took_ms) of the middle and the 95th percentile of each."""
    acts = _acts(window)
    rank = func.row_number().over(partition_by=acts.c.target, order_by=acts.c.took_ms)
    total = func.count().over(partition_by=acts.c.target)
    query = select(acts.c.target, rank.label("rank"), total.label("total"), acts.c.took_ms)
    answered = query.where(acts.c.took_ms.is_not(None)).subquery()
    at, n = answered.c.rank, answered.c.total
    return select(answered.c.target, at, n, answered.c.took_ms).where(or_(at == _place(n, 50), at == _place(n, 95)))


def _place(n: Any, percent: int) -> Any:
    """The nearest rank, in numbers and in SQL."""
    return (n * percent + 99) // 100


def _figures(
    counted: Iterable[Any], summed: Iterable[dict[str, Any]], ranked: Iterable[Any]
) -> list[DepartmentFigures]:
    attempts: dict[str, dict[str, int]] = {}
    for target, outcome, count in counted:
        attempts.setdefault(target, {})[outcome or "open"] = count
    ranks: dict[str, dict[str, int]] = {}
    for target, rank, total, took_ms in ranked:
        places = {"p50_ms": _place(total, 50), "p95_ms": _place(total, 95)}
        ranks.setdefault(target, {}).update({name: took_ms for name, place in places.items() if place == rank})
    return [
        DepartmentFigures(
            row["target"] or "", row["name"] or row["target"] or "", row["asked"], row["judged"], row["reached"],
            attempts.get(row["target"], {}), **ranks.get(row["target"], {}),
        )
        for row in summed
    ]  # fmt: skip
