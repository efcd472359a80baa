"""The table `handoffs`: every leg that was dialled to a third party, made from the steps of its call.

A row is a sum over all steps of one act and leg, so whatever comes with the next batch, late or twice, the rows of that
call are made anew from the steps that SQL has: the same steps make the same rows, in any order and however they were cut.

An act that ended before anything was dialled (refused, out of hours, no trunk alive) leaves one row with leg 0: the drill
report must show an emergency that nobody was called for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.steps import Step, StepKind
from storage.fold import Row, milliseconds, text, whole
from storage.schema import call_steps, handoffs

_ASKED: Final = ("verb", "target_kind", "target", "name", "by", "via", "case")
_MOMENTS: Final = ("asked_ms", "dialled_ms", "ringing_ms", "answered_ms", "joined_ms", "ended_ms")
Key = tuple[int, int]  # act, leg


def handoff_rows(steps: Iterable[Step]) -> list[Row]:
    """The rows of one call, of all its steps in any order; of each column the first known value stays."""
    in_order = sorted({step.seq: step for step in steps}.values(), key=lambda step: step.seq)
    askings: dict[int, list[_Asking]] = {}
    for step in in_order:
        act, leg = whole(step.data.get("act")), whole(step.data.get("leg"))
        if act is None:
            continue
        its = askings.setdefault(act, [_Asking()])
        if step.kind is StepKind.ACT_ASKED and its[-1].act.get("act_outcome"):
            its.append(_Asking())
        if step.kind in _OF_ACT:
            _add(its[-1].act, _OF_ACT[step.kind](step))
        elif step.kind in _OF_LEG and leg is not None:
            _add(its[-1].legs.setdefault(leg, {}), _OF_LEG[step.kind](step))
    call_id = in_order[0].call_id if in_order else ""
    return [row for act, its in sorted(askings.items()) for row in _rows_of_act(call_id, act, its)]


@dataclass(slots=True)
class _Asking:
    """One asking of one act. Numbers of acts come again when the service was restarted after one that was refused."""

    act: Row = field(default_factory=dict)
    legs: dict[int, Row] = field(default_factory=dict)

    def rows(self) -> dict[int, Row]:
        """By leg; 0 stands for an act that is over and had none."""
        if not self.legs and self.act.get("target_kind") and self.act.get("act_outcome"):
            return {0: {"ended_ms": self.act["act_ended_ms"]}}
        return self.legs


def _rows_of_act(call_id: str, act: int, askings: Sequence[_Asking]) -> list[Row]:
    """Legs of the last asking have their numbers; earlier ones with the same number go below 0."""
    rows: dict[int, Row] = {}
    for asking in reversed(askings):
        for leg, row in sorted(asking.rows().items()):
            number = leg if leg not in rows else min(0, *rows) - 1
            rows[number] = _row(call_id, (act, number), asking.act, row)
    return [rows[number] for number in sorted(rows)]


async def write_handoffs(connection: AsyncConnection, steps: Iterable[Step]) -> None:
    """The rows of the calls that these steps are of; the steps themselves are in `call_steps` already."""
    ids = {step.call_id for step in steps if step.kind in KINDS}
    if not ids:
        return
    table = call_steps
    query = select(table.c.call_id, table.c.seq, table.c.at_ms, table.c.kind, table.c.data)
    found = await connection.execute(query.where(table.c.call_id.in_(ids), table.c.kind.in_(KINDS)))
    by_call: dict[str, list[Step]] = {}
    for call_id, seq, at_ms, kind, data in found.all():
        by_call.setdefault(call_id, []).append(Step(call_id, seq, at_ms / 1000, StepKind(kind), data))
    rows = [row for its_steps in by_call.values() for row in handoff_rows(its_steps)]
    await connection.execute(delete(handoffs).where(handoffs.c.call_id.in_(ids)))
    if rows:
        await connection.execute(insert(handoffs), rows)


def _row(call_id: str, key: Key, act: Row, leg: Row) -> Row:
    told = {**act, **leg, "call_id": call_id, "act": key[0], "leg": key[1]}
    if told.get("asked_ms") is None:  # the beginning of the act is not known: what is known first
        told["asked_ms"] = min((told[name] for name in _MOMENTS if told.get(name) is not None), default=None)
    return {column.name: told.get(column.name) for column in handoffs.c}


def _add(row: Row, more: Row) -> None:
    for key, value in more.items():
        if row.get(key) is None:
            row[key] = value


def _asked(step: Step) -> Row:
    return {"asked_ms": milliseconds(step.at)} | {key: text(step.data.get(key)) for key in _ASKED}


def _act_ended(step: Step) -> Row:
    data = step.data
    ended = {"act_outcome": text(data.get("outcome")), "act_ended_ms": milliseconds(step.at)}
    return {"verb": text(data.get("verb")), "reason": text(data.get("reason")), **ended}


def _dialed(step: Step) -> Row:
    data = step.data
    way = {"way": text(data.get("way")), "seat": text(data.get("seat"))}
    return {"dialled_ms": milliseconds(step.at), "route": whole(data.get("route")), **way}


def _at(column: str) -> Callable[[Step], Row]:
    return lambda step: {column: milliseconds(step.at)}


def _ended(step: Step) -> Row:
    data = step.data
    return {"ended_ms": milliseconds(step.at), "outcome": text(data.get("outcome")), "cause": whole(data.get("cause"))}


_OF_ACT: Final[Mapping[StepKind, Callable[[Step], Row]]] = {
    StepKind.ACT_ASKED: _asked,
    StepKind.ACT_ENDED: _act_ended,
}
_OF_LEG: Final[Mapping[StepKind, Callable[[Step], Row]]] = {
    StepKind.THIRD_DIALED: _dialed,
    StepKind.THIRD_RINGING: _at("ringing_ms"),
    StepKind.THIRD_ANSWERED: _at("answered_ms"),
    StepKind.THIRD_JOINED: _at("joined_ms"),
    StepKind.THIRD_ENDED: _ended,
}
KINDS: Final = frozenset({*_OF_ACT, *_OF_LEG})
