"""Agents as console and commands see them: what the database says of them, and what they are doing now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from routing.agent_state import AgentState
from routing.engine import Engine
from service import clock
from service.agents import Agents
from storage.agents import AgentRow


class Staff:
    """Implements `console.deps.Staff`."""

    def __init__(self, agents: Agents, engine: Engine) -> None:
        self._agents, self._engine = agents, engine

    def listed(self) -> Sequence[Mapping[str, Any]]:
        return [self._shown(row) for row in sorted(self._agents.rows.values(), key=lambda row: row.id)]

    def csv(self, *, chinese: bool) -> bytes:
        return self._agents.csv(chinese=chinese)

    async def add(self, values: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        return self._shown(await self._agents.add(values, by))

    async def change(
        self, agent_id: str, changes: Mapping[str, Any], by: str, revision: int | None
    ) -> Mapping[str, Any]:
        return self._shown(await self._agents.change(agent_id, changes, by, revision))

    async def take_csv(self, data: bytes, by: str, *, dry_run: bool) -> Mapping[str, Any]:
        return await self._agents.take_csv(data, by, dry_run=dry_run)

    async def from_file(self, ids: Sequence[str], by: str, *, dry_run: bool) -> Mapping[str, Any]:
        return await self._agents.from_file(ids, by, dry_run=dry_run)

    def _shown(self, row: AgentRow) -> Mapping[str, Any]:
        """`name` is the one shown: the id for who has none."""
        now = self._engine.floor.agents.get(row.id)
        there = now is not None and now.state is not AgentState.SIGNED_OUT
        return asdict(row) | {
            "name": row.name or row.id,
            "state": now.state.value if now else AgentState.SIGNED_OUT.value,
            "seat": now.seat_id if now else None,
            "since_s": round(max(0.0, clock.now() - now.since), 1) if now and there else None,
            "reason": now.reason if now else "",
        }
