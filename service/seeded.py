"""Rows that the configuration file fills in and the database rules: agents, departments. One transaction a change.

Theory of operation
* Every start and every reload: rows of `hotline.toml` that the table does not have are added, then all are read.
* Every change is one transaction first, and in force once it is written; a copy of all goes into `data_dir`.
* While the database is away nothing is changed. A start meanwhile takes the copy, and without one the rows of the file;
  `degraded` says so, and the database is asked again every few seconds.
* Two who change the same row at once: the second is told and nothing of his is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

import structlog

from console.deps import Refused
from service.settings import Settings
from service.sheets import Mistake
from storage.errors import StorageUnavailable
from storage.records import Records
from storage.seeded import NEW, Row, RowsChanged, SeededTable, same

log = structlog.get_logger("hotline")
R = TypeVar("R", bound=Row)

AGAIN_S: Final = 5.0
NAMED_AT_MOST: Final = 10  # ids in one sentence


class Seeded(Generic[R]):
    """One per service and table. Reads are instant; changes wait for the database and come one after the other."""

    word: ClassVar[str]  # one of them, as people and the configuration say it
    words: ClassVar[str]
    table: ClassVar[SeededTable[Any]]

    def __init__(self, records: Records, settings: Settings) -> None:
        self.rows: dict[str, R] = {}
        self.current = False  # read from the database, and it has those of the file
        self.on_change: Callable[[], None] = lambda: None
        self._records, self._settings = records, settings
        self._copy = settings.data_dir / f"{self.words}.json"
        self._lock = asyncio.Lock()

    @classmethod
    async def open(cls, records: Records, settings: Settings) -> Self:
        """Never fails: whoever can be known serves."""
        seeded = cls(records, settings)
        await seeded.follow(settings)
        return seeded

    @staticmethod
    @abstractmethod
    def in_file(settings: Settings) -> dict[str, Any]:
        """The rows of the configuration, by id."""

    @abstractmethod
    async def _filled(self, rows: Sequence[R]) -> list[R]: ...

    @abstractmethod
    async def _written(self, rows: Sequence[R]) -> list[R]: ...

    async def follow(self, settings: Settings) -> None:
        """The configuration was read: fills in who is new there. The caller puts it in force."""
        async with self._lock:
            self._settings = settings
            await self._read()
        if differing := self.differing():
            log.warning(f"{self.words} differ", **{self.words: differing}, hint=self.hint(differing))

    def differing(self) -> list[str]:
        """Ids of which the file says something else; there the database rules."""
        return self.differences(self._settings, self.rows)

    @classmethod
    def differences(cls, settings: Settings, rows: Mapping[str, R]) -> list[str]:
        """Ids of the file that these rows have otherwise, or disabled."""
        return [id_ for id_, row in cls.in_file(settings).items() if id_ in rows and not same(row, rows[id_])]

    @classmethod
    def hint(cls, ids: Sequence[str]) -> str:
        """What to type when file and database say different things of these."""
        named = " ".join(f"--{cls.word} {id_}" for id_ in ids) if len(ids) <= NAMED_AT_MOST else ""
        command = f"hotline {cls.words} import --from-config {named}".rstrip()
        return f"the database rules; to take them as the file has them: {command}"

    async def keep(self) -> None:
        """Asks a database that was away again, until it has answered."""
        while True:
            await asyncio.sleep(AGAIN_S)
            if not self.current and self._records.reachable:
                async with self._lock:
                    await self._read()
                if self.current:
                    log.info(self.words, state="from the database", **{self.words: len(self.rows)})
                    self.on_change()

    # -- changes: each raises Refused with everything that is wrong --

    async def from_file(self, ids: Sequence[str], by: str, *, dry_run: bool) -> dict[str, Any]:
        """Rows as `hotline.toml` has them: those named, or all of them; disabled ones count again."""
        async with self._changing():
            known: dict[str, R] = self.in_file(self._settings)
            if strangers := [id_ for id_ in ids if id_ not in known]:
                errors = [told(Mistake(f'there is no [[{self.word}]] with id = "{id_}"')) for id_ in strangers]
                raise Refused(422, "Nothing is imported.", errors)
            revisions = {id_: row.revision for id_, row in self.rows.items()}
            rows = [replace(known[id_], revision=revisions.get(id_, NEW)) for id_ in ids or known]
            return await self._import(rows, by, dry_run)

    async def _import(self, rows: Sequence[R], by: str, dry_run: bool) -> dict[str, Any]:
        new = [row for row in rows if row.revision == NEW]
        changed = [row for row in rows if row.revision != NEW and not same(row, self.rows[row.id])]
        if not dry_run and (new or changed):
            await self._write([*new, *changed], by)
        counts: dict[str, Any] = {"added": [row.id for row in new], "changed": [row.id for row in changed]}
        return counts | {"unchanged": len(rows) - len(new) - len(changed), "dry_run": dry_run}

    @contextlib.asynccontextmanager
    async def _changing(self) -> AsyncIterator[None]:
        """One change at a time, on what the database says."""
        async with self._lock:
            if not self.current and self._records.reachable:
                await self._read()
            if not self.current:
                raise Refused(503, f"The database does not answer; {self.words} cannot be changed now. Calls go on.")
            yield

    async def _write(self, rows: Sequence[R], by: str) -> list[R]:
        try:
            written = await self._written(rows)
        except RowsChanged as error:
            await self._read()
            self.on_change()
            raise changed_meanwhile(error.ids) from None
        except StorageUnavailable as error:
            self.current = False  # it may have been written all the same: asked again soon
            raise Refused(503, f"{str(error)[:1].upper()}{str(error)[1:]}. Nothing is changed.") from None
        for row in written:
            self._audit(self.rows.get(row.id), row, by)
            self.rows[row.id] = row
        await self._save_copy()
        self.on_change()
        return written

    def _audit(self, old: R | None, new: R, by: str) -> None:
        """One line: who changed what, from and to."""
        before = {} if old is None else asdict(old)
        changes = {key: value for key, value in asdict(new).items() if key not in ("id", "revision")}
        changes = {key: [before.get(key), value] for key, value in changes.items() if before.get(key) != value}
        what = f"{self.word} {'added' if old is None else 'changed'}"
        log.info("audit", what=what, by=by, changes=changes, **{self.word: new.id})

    # -- reading --

    async def _read(self) -> None:
        from_file: dict[str, R] = self.in_file(self._settings)
        try:
            if not self._records.reachable:
                raise StorageUnavailable("the database does not answer")
            found = await self._filled(list(from_file.values()))
        except (StorageUnavailable, ValueError) as error:
            self.current = False
            copy = {} if self.rows else self._copied()
            source = "as before" if self.rows else "from the copy" if copy else "from the file"
            self.rows = from_file | (self.rows or copy)
            log.error(self.words, state=source, reason=str(error), **{self.words: len(self.rows)})
            return
        self.current, self.rows = True, {row.id: row for row in found}
        await self._save_copy()

    async def _save_copy(self) -> None:
        rows = list(self.rows.values())
        try:
            await asyncio.to_thread(_save, self._copy, rows)
        except OSError as error:
            log.error(f"copy of the {self.words} not written", path=str(self._copy), problem=error.strerror)

    def _copied(self) -> dict[str, R]:
        """The copy; empty when there is none that can be read."""
        try:
            rows = [self.table.row_of(values) for values in json.loads(self._copy.read_text(encoding="utf-8"))]
            return {row.id: row for row in rows}
        except (OSError, ValueError, TypeError, KeyError):
            return {}


def changed_meanwhile(ids: Sequence[str]) -> Refused:
    few = ", ".join(ids[:NAMED_AT_MOST]) + (", …" if len(ids) > NAMED_AT_MOST else "")
    return Refused(409, f"Somebody else changed {few} meanwhile. Nothing is changed; look at it and try again.")


def told(mistake: Mistake) -> dict[str, Any]:
    return {"row": mistake.row, "column": mistake.column, "why": mistake.text}


def _save(path: Path, rows: Sequence[Row]) -> None:
    """Replaces the copy as a whole: it is read when all else fails."""
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as out:
        json.dump([asdict(row) for row in rows], out, ensure_ascii=False)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
