"""The agents in force. The database rules; the configuration fills in whom the database does not have: see `seeded`."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from console.deps import Refused
from routing.model import AgentProfile, Rules
from service import agent_csv
from service.agent_rows import checked, keys_of, profile_of, row_of
from service.seeded import Seeded, changed_meanwhile, told
from service.settings import Settings
from storage.agents import AGENTS, AgentRow


class Agents(Seeded[AgentRow]):
    word, words, table = "agent", "agents", AGENTS

    @staticmethod
    def in_file(settings: Settings) -> dict[str, AgentRow]:
        return {table.id: row_of(table) for table in settings.agents}

    async def _filled(self, rows: Sequence[AgentRow]) -> list[AgentRow]:
        return await self._records.filled_agents(rows)

    async def _written(self, rows: Sequence[AgentRow]) -> list[AgentRow]:
        return await self._records.write_agents(rows)

    def rules(self, rules: Rules) -> Rules:
        """The same rules with these agents."""
        working = (row for row in self.rows.values() if not row.disabled)
        agents: Mapping[str, AgentProfile] = {row.id: profile_of(row, rules.skills) for row in working}
        return replace(rules, agents=agents)

    def zones(self) -> dict[str, str | None]:
        """Everybody who is known, with his zone."""
        return {row.id: row.zone for row in self.rows.values()}

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
                raise changed_meanwhile([agent_id])
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
                raise Refused(422, "Nothing is imported.", list(map(told, mistakes)))
            return await self._import(rows, by, dry_run)

    def csv(self, *, chinese: bool = False) -> bytes:
        return agent_csv.written(sorted(self.rows.values(), key=lambda row: row.id), chinese=chinese)

    def _checked(self, values: Mapping[str, Any], known: Collection[str] = ()) -> AgentRow:
        row, mistakes = checked(values, self._settings, known=known)
        if mistakes:
            raise Refused(422, "Nothing is changed.", list(map(told, mistakes)))
        return row
