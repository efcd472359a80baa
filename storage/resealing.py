"""What is sealed under older keys is sealed anew under the one in force, a batch at a time, beside the running service.

Nothing is remembered of it: a row says itself under which key it is. A batch reads rows behind a cursor, opens and
seals them on a thread, and writes each only if it is still as it was read, all in one transaction; so whoever is
killed at any point has lost one batch of work and nothing else, and two who work at once do no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.engine import reading
from storage.errors import StorageError
from storage.keys import Keyring
from storage.schema import callbacks, calls, holds, intake, restrictions
from storage.sealing import Seal, intake_seal, mark, number_seal

BATCH: Final = 200
LOOKED_AT: Final = 1000  # so many old rows are opened to see whether any key of the file opens them


@dataclass(frozen=True, slots=True)
class Place:
    """One sealed column; null or empty: nothing is there. `owner`: the column that names whose it is."""

    key: Column[Any]
    sealed: Column[Any]
    owner: Column[Any] | None = None

    @property
    def name(self) -> str:
        return f"{self.sealed.table.name}.{self.sealed.name}"


PLACES: Final = (
    Place(calls.c.call_id, calls.c.caller_sealed),
    Place(restrictions.c.id, restrictions.c.sealed),
    Place(callbacks.c.id, callbacks.c.sealed),
    Place(holds.c.id, holds.c.sealed),
    Place(intake.c.id, intake.c.name_sealed, intake.c.call_id),
    Place(intake.c.id, intake.c.text_sealed, intake.c.call_id),
)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a batch ended: which place, and the key of its last row; None: before the first."""

    place: int = 0
    key: str | int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """`resealed` rows; `unreadable`: no key there opens them, so they stay as they are. `after`: None when all is done."""

    resealed: int
    unreadable: int
    after: Cursor | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Sealed texts by the key that sealed them; "" of those that do not say it."""

    by_key: dict[str, int]

    def old(self, newest: str) -> int:
        """Those not under the key in force."""
        return sum(count for id_, count in self.by_key.items() if id_ != newest)


async def standing(engine: AsyncEngine) -> Standing:
    """Reads every row: minutes for years of calls."""
    found: dict[str, int] = {}
    async with reading(engine) as connection:
        for place in PLACES:
            begins = func.substr(place.sealed, 1, len(mark("0" * 8)))
            query = select(begins, func.count()).where(place.sealed != "").group_by(begins)
            for text, count in (await connection.execute(query)).all():
                parts = text.split(":")
                id_ = parts[1] if parts[0] == "v2" and len(parts) == 3 else ""
                found[id_] = found.get(id_, 0) + count
    return Standing(found)


async def reseal(engine: AsyncEngine, keyring: Keyring, after: Cursor | None = None) -> Batch:
    """The next batch behind `after`."""
    cursor = after or Cursor()
    place = PLACES[cursor.place]
    newest = keyring.newest
    rows = await _older(engine, place, newest, cursor.key, BATCH)
    new = await asyncio.to_thread(_sealed_anew, _seal_of(place, keyring), rows)
    done = 0
    async with engine.begin() as connection:
        for key, was, now in new:
            change = update(place.sealed.table).where(place.key == key, place.sealed == was)
            done += (await connection.execute(change.values({place.sealed.name: now}))).rowcount
    if len(rows) == BATCH:
        following: Cursor | None = Cursor(cursor.place, rows[-1][0])
    else:
        following = Cursor(cursor.place + 1) if cursor.place + 1 < len(PLACES) else None
    return Batch(done, len(rows) - len(new), following)


async def unreadable(engine: AsyncEngine, keyring: Keyring) -> int | None:
    """How many of the rows under older keys no key there opens; None as soon as one can be opened, or when they are too
    many to be looked at."""
    found = 0
    for place in PLACES:
        rows = await _older(engine, place, keyring.newest, None, LOOKED_AT + 1)
        opened = await asyncio.to_thread(_sealed_anew, _seal_of(place, keyring), rows)
        if opened or len(rows) > LOOKED_AT:
            return None
        found += len(rows)
    return found


async def _older(
    engine: AsyncEngine, place: Place, newest: str, after: str | int | None, limit: int
) -> Sequence[tuple[Any, str, str]]:
    """(key, sealed, owner) of rows under other keys than the newest, in the order of their key."""
    query = select(place.key, place.sealed, *([] if place.owner is None else [place.owner]))
    query = query.where(place.sealed != "", place.sealed.not_like(f"{mark(newest)}%"))
    if after is not None:
        query = query.where(place.key > after)
    async with reading(engine) as connection:
        found = (await connection.execute(query.order_by(place.key).limit(limit))).all()
    return [(row[0], row[1], "" if place.owner is None else row[2]) for row in found]


def _sealed_anew(seal: Seal, rows: Sequence[tuple[Any, str, str]]) -> list[tuple[Any, str, str]]:
    """(key, as it was, as it is to be) of those that open."""
    new = []
    for key, was, owner in rows:
        try:
            new.append((key, was, seal.seal(seal.open_sealed(was, owner), owner)))
        except StorageError:
            continue
    return new


def _seal_of(place: Place, keyring: Keyring) -> Seal:
    return number_seal(keyring) if place.owner is None else intake_seal(keyring)
