"""What every seat was to a decision: written beside the steps, read for `hotline why`, deleted after some months.

Calls and steps stay for ever; these are the large part of an explanation. An edition of the rules stays as long as a
decision refers to it, and the one that was told last stays in any case.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, exists, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.candidates import read_edition
from routing.steps import Step
from storage.entries import KeptEdition
from storage.fold import Row, milliseconds
from storage.holds import held_id
from storage.schema import decisions, editions

_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
DELETED_AT_ONCE: Final = 500  # a batch of deletions holds the other records up as little as one of theirs


@dataclass(frozen=True, slots=True)
class Decision:
    """`codes`: one `routing.codes.Code` a seat of the edition, in its order."""

    edition: str
    codes: bytes


@dataclass(frozen=True, slots=True)
class KnownEdition:
    """`rings`: line -> (after_s, need) of each ring."""

    seats: Sequence[str]
    rings: dict[str, list[tuple[float, str]]]


async def write_decisions(connection: AsyncConnection, steps: Iterable[Step]) -> None:
    rows = [row for step in steps if (row := _decision_row(step))]
    if rows:
        await connection.execute(_INSERT[connection.dialect.name](decisions).on_conflict_do_nothing(), rows)


def _decision_row(step: Step) -> Row | None:
    """None for a step without candidates; also for text that is none, for the step is worth more than they are."""
    edition, _, packed = str(step.candidates or "").partition(":")
    try:
        codes = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not edition or not codes:
        return None
    at = milliseconds(step.at) or 0
    return {"call_id": step.call_id, "seq": step.seq, "at_ms": at, "edition": edition[:64], "codes": codes}


async def write_editions(connection: AsyncConnection, told: Iterable[KeptEdition]) -> None:
    rows = [{"edition": one.id, "told_ms": milliseconds(one.at) or 0, "body": zlib.compress(one.body)} for one in told]
    if not rows:
        return
    statement = _INSERT[connection.dialect.name](editions)
    newer = {"told_ms": statement.excluded.told_ms}
    await connection.execute(statement.on_conflict_do_update(index_elements=[editions.c.edition], set_=newer), rows)


# -- reading --


async def read_decisions(connection: AsyncConnection, call_id: str) -> dict[int, Decision]:
    """By the number of the step. One that cannot be read is left out."""
    table = decisions
    query = select(table.c.seq, table.c.edition, table.c.codes).where(table.c.call_id == call_id)
    found = {}
    for seq, edition, packed in await connection.execute(query):
        try:
            found[seq] = Decision(edition, zlib.decompress(packed))
        except zlib.error:
            continue
    return found


async def read_editions(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, KnownEdition]:
    query = select(editions.c.edition, editions.c.body).where(editions.c.edition.in_(sorted(set(ids))))
    found = {}
    for id_, body in await connection.execute(query):
        told = read_edition(zlib.decompress(body))
        lines = told["lines"].items()
        rings = {number: [(after_s, need) for after_s, need in line["rings"]] for number, line in lines}
        found[id_] = KnownEdition(told["seats"], rings)
    return found


# -- deleting --


async def delete_decisions(connection: AsyncConnection, before_ms: int) -> int:
    """Deletes one batch of those older than `before_ms`, oldest first, but for what is held; returns how many. 0: none is
    left."""
    key = tuple_(decisions.c.call_id, decisions.c.seq)
    oldest = select(decisions.c.call_id, decisions.c.seq).where(
        decisions.c.at_ms < before_ms, ~held_id(decisions.c.call_id)
    )
    oldest = oldest.order_by(decisions.c.at_ms).limit(DELETED_AT_ONCE)
    return (await connection.execute(delete(decisions).where(key.in_(oldest)))).rowcount


async def delete_editions(connection: AsyncConnection, before_ms: int) -> None:
    """Deletes those to which no decision refers, but for the last."""
    last = select(func.max(editions.c.told_ms)).scalar_subquery()
    used: ColumnElement[bool] = exists().where(decisions.c.edition == editions.c.edition)
    old = (editions.c.told_ms < before_ms) & (editions.c.told_ms < last) & ~used
    await connection.execute(delete(editions).where(old))
