"""The agents in force. The database rules; the configuration fills in whom the database does not have.

Theory of operation
* Every start and every reload: agents of `hotline.toml` whom the table does not have are added, then all are read.
* Every change is one transaction first, and in force once it is written; a copy of all goes into `data_dir`.
* While the database is away nobody is changed. A start meanwhile takes the copy, and without one the agents of the
  file; `degraded` says so, and the database is asked again every few seconds.
* Two who change the same agent at once: the second is told and nothing of his is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import structlog

from console.deps import Refused
from routing.model import AgentProfile, Rules
from service import agent_csv
from service.agent_rows import Mistake, checked, keys_of, profile_of, row_of
from service.settings import Settings
from storage.agents import NEW, AgentRow, AgentsChanged
from storage.errors import StorageUnavailable
from storage.records import Records

log = structlog.get_logger("hotline")

COPY_FILE: Final = "agents.json"
AGAIN_S: Final = 5.0
NAMED_AT_MOST: Final = 10  # ids in one sentence


class Agents:
    """One per service. Reads are instant; changes wait for the database and come one after the other."""

    def __init__(self, records: Records, settings: Settings) -> None:
        self.rows: dict[str, AgentRow] = {}
        self.current = False  # read from the database, and it has those of the file
        self.on_change: Callable[[], None] = lambda: None
        self._records, self._settings = records, settings
        self._copy = settings.data_dir / COPY_FILE
        self._lock = asyncio.Lock()

    @classmethod
    async def open(cls, records: Records, settings: Settings) -> Agents:
        """Never fails: whoever can be known serves."""
        agents = cls(records, settings)
        await agents.follow(settings)
        return agents

    async def follow(self, settings: Settings) -> None:
        """The configuration was read: fills in who is new there. The caller puts the rules in force."""
        async with self._lock:
            self._settings = settings
            await self._read()
        if differing := self.differing():
            log.warning("agents differ", agents=differing, hint=hint(differing))

    def rules(self, rules: Rules) -> Rules:
        """The same rules with these agents."""
        working = (row for row in self.rows.values() if not row.disabled)
        agents: Mapping[str, AgentProfile] = {row.id: profile_of(row, rules.skills) for row in working}
        return replace(rules, agents=agents)

    def zones(self) -> dict[str, str | None]:
        """Everybody who is known, with his zone."""
        return {row.id: row.zone for row in self.rows.values()}

    def differing(self) -> list[str]:
        """Ids of agents of whom the file says something else; there the database rules."""
        return differing(self._settings, self.rows)

    async def keep(self) -> None:
        """Asks a database that was away again, until it has answered."""
        while True:
            await asyncio.sleep(AGAIN_S)
            if not self.current and self._records.reachable:
                async with self._lock:
                    await self._read()
                if self.current:
                    log.info("agents", state="from the database", agents=len(self.rows))
                    self.on_change()

    # -- changes: each raises Refused with everything that is wrong --

    async def add(self, values: Mapping[str, Any], by: str) -> AgentRow:
        async with self._changing():
            row = self._checked(values)
            if row.id in self.rows:
                raise Refused(409, f"agent {row.id} is there already; change him, or import him")
            return (await self._write([row], by))[0]

    async def change(self, agent_id: str, changes: Mapping[str, Any], by: str, revision: int | None) -> AgentRow:
        """`changes` by the keys of `[[agent]]` and `disabled`. A skill of level 0 is taken away, others stay.

        `revision`: the one that was looked at; None: whatever it is.
        """
        async with self._changing():
            old = self.rows.get(agent_id)
            if old is None:
                raise Refused(404, f"agent {agent_id} is not known")
            if revision not in (None, old.revision):
                raise _changed_meanwhile([agent_id])
            values = keys_of(old) | {key: value for key, value in changes.items() if key not in ("skills", "disabled")}
            skills = dict(old.skills) | dict(changes.get("skills") or {})
            values["skills"] = {skill: level for skill, level in skills.items() if level != 0}
            row = self._checked(values, known=old.skills)
            disabled = bool(changes.get("disabled", old.disabled))
            return (await self._write([replace(row, disabled=disabled, revision=old.revision)], by))[0]

    async def take_csv(self, data: bytes, by: str, *, dry_run: bool) -> dict[str, Any]:
        """All agents of the file, or with any mistake in it none. Tells who is new, changed, or the same."""
        async with self._changing():
            rows, mistakes = await asyncio.to_thread(agent_csv.read, data, self._settings, dict(self.rows))
            if mistakes:
                raise Refused(422, "Nothing is imported.", [_told(mistake) for mistake in mistakes])
            return await self._import(rows, by, dry_run)

    async def from_file(self, ids: Sequence[str], by: str, *, dry_run: bool) -> dict[str, Any]:
        """Agents as `hotline.toml` has them: those named, or all of them; disabled ones work again."""
        async with self._changing():
            tables = {table.id: table for table in self._settings.agents}
            if strangers := [id_ for id_ in ids if id_ not in tables]:
                errors = [_told(Mistake(f'there is no [[agent]] with id = "{id_}"')) for id_ in strangers]
                raise Refused(422, "Nothing is imported.", errors)
            revisions = {id_: row.revision for id_, row in self.rows.items()}
            rows = [row_of(tables[id_]) for id_ in ids or tables]
            rows = [replace(row, revision=revisions.get(row.id, NEW)) for row in rows]
            return await self._import(rows, by, dry_run)

    def csv(self, *, chinese: bool = False) -> bytes:
        return agent_csv.written(sorted(self.rows.values(), key=lambda row: row.id), chinese=chinese)

    # -- the parts of a change --

    def _checked(self, values: Mapping[str, Any], known: Collection[str] = ()) -> AgentRow:
        row, mistakes = checked(values, self._settings, known=known)
        if mistakes:
            raise Refused(422, "Nothing is changed.", [_told(mistake) for mistake in mistakes])
        return row

    async def _import(self, rows: Sequence[AgentRow], by: str, dry_run: bool) -> dict[str, Any]:
        new = [row for row in rows if row.revision == NEW]
        changed = [row for row in rows if row.revision != NEW and not row.same_person(self.rows[row.id])]
        if not dry_run and (new or changed):
            await self._write([*new, *changed], by)
        told: dict[str, Any] = {"added": [row.id for row in new], "changed": [row.id for row in changed]}
        return told | {"unchanged": len(rows) - len(new) - len(changed), "dry_run": dry_run}

    @contextlib.asynccontextmanager
    async def _changing(self) -> AsyncIterator[None]:
        """One change at a time, on what the database says."""
        async with self._lock:
            if not self.current and self._records.reachable:
                await self._read()
            if not self.current:
                raise Refused(503, "The database does not answer; agents cannot be changed now. Calls go on.")
            yield

    async def _write(self, rows: Sequence[AgentRow], by: str) -> list[AgentRow]:
        try:
            written = await self._records.write_agents(rows)
        except AgentsChanged as error:
            await self._read()
            self.on_change()
            raise _changed_meanwhile(error.ids) from None
        except StorageUnavailable as error:
            self.current = False  # it may have been written all the same: asked again soon
            raise Refused(503, f"{str(error)[:1].upper()}{str(error)[1:]}. Nothing is changed.") from None
        for row in written:
            _audit(self.rows.get(row.id), row, by)
            self.rows[row.id] = row
        await self._save_copy()
        self.on_change()
        return written

    # -- reading --

    async def _read(self) -> None:
        from_file = {table.id: row_of(table) for table in self._settings.agents}
        try:
            if not self._records.reachable:
                raise StorageUnavailable("the database does not answer")
            found = await self._records.filled_agents(list(from_file.values()))
        except (StorageUnavailable, ValueError) as error:
            self.current = False
            copy = {} if self.rows else _copied(self._copy)
            source = "as before" if self.rows else "from the copy" if copy else "from the file"
            self.rows = from_file | (self.rows or copy)
            log.error("agents", state=source, agents=len(self.rows), reason=str(error))
            return
        self.current, self.rows = True, {row.id: row for row in found}
        await self._save_copy()

    async def _save_copy(self) -> None:
        rows = list(self.rows.values())
        try:
            await asyncio.to_thread(_save, self._copy, rows)
        except OSError as error:
            log.error("copy of the agents not written", path=str(self._copy), problem=error.strerror)


def differing(settings: Settings, rows: Mapping[str, AgentRow]) -> list[str]:
    """Ids of agents of the file whom these rows have otherwise, or disabled."""
    tables = (row_of(table) for table in settings.agents)
    return [row.id for row in tables if row.id in rows and not row.same_person(rows[row.id])]


def hint(ids: Sequence[str]) -> str:
    """What to type when file and database say different things of these agents."""
    named = " ".join(f"--agent {id_}" for id_ in ids) if len(ids) <= NAMED_AT_MOST else ""
    command = f"hotline agents import --from-config {named}".rstrip()
    return f"the database rules; to take them as the file has them: {command}"


def _changed_meanwhile(ids: Sequence[str]) -> Refused:
    few = ", ".join(ids[:NAMED_AT_MOST]) + (", …" if len(ids) > NAMED_AT_MOST else "")
    return Refused(409, f"Somebody else changed {few} meanwhile. Nothing is changed; look at it and try again.")


def _told(mistake: Mistake) -> dict[str, Any]:
    return {"row": mistake.row, "column": mistake.column, "why": mistake.text}


def _audit(old: AgentRow | None, new: AgentRow, by: str) -> None:
    """One line: who changed what, from and to."""
    before = {} if old is None else asdict(old)
    changes = {key: value for key, value in asdict(new).items() if key not in ("id", "revision")}
    changes = {key: [before.get(key), value] for key, value in changes.items() if before.get(key) != value}
    log.info("audit", what="agent added" if old is None else "agent changed", agent=new.id, by=by, changes=changes)


def _save(path: Path, rows: Sequence[AgentRow]) -> None:
    """Replaces the copy as a whole: it is read when all else fails."""
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as out:
        json.dump([asdict(row) for row in rows], out, ensure_ascii=False)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)


def _copied(path: Path) -> dict[str, AgentRow]:
    """The copy; empty when there is none that can be read."""
    try:
        rows = [AgentRow(**values) for values in json.loads(path.read_text(encoding="utf-8"))]
        return {row.id: row for row in rows}
    except (OSError, ValueError, TypeError):
        return {}
