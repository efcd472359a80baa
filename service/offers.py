"""The service offers call-backs to agents: who is due first, when an agent can be spared. `routing.pacing` decides that.

Before anybody is dialled everything that was recorded is brought into the database and the entry is read again, so a call
of a moment ago counts. What the records do not have yet, the engine knows.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from console.deps import Refused
from routing import events as e
from routing import pacing
from routing.engine import Engine
from service import clock
from service.call_outs import new_id
from service.callbacks import Callbacks
from service.citizens import way_to
from service.settings import Settings
from storage.callbacks import CallbackRow
from storage.debts import TRIED
from storage.errors import StorageUnavailable
from storage.records import Records

log = structlog.get_logger("hotline")

EVERY_S: Final = 1.0
LOOKED_AT: Final = 200  # entries, the first due first
WRITTEN_WITHIN_S: Final = 1.0


class Offers:
    """One per service. `ready`: why nobody can be called now, None when they can."""

    def __init__(
        self,
        engine: Engine,
        submit: Callable[[e.Event], None],
        settings: Callable[[], Settings],
        records: Records,
        callbacks: Callbacks,
        ready: Callable[[], str | None],
    ) -> None:
        self._engine, self._submit, self._settings = engine, submit, settings
        self._records, self._callbacks, self._ready = records, callbacks, ready
        self._told: set[int] = set()  # entries of which was told why they cannot be called

    async def keep(self) -> None:
        while True:
            with contextlib.suppress(StorageUnavailable, Refused):  # told elsewhere: the records are degraded
                await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Offers what can be offered now, in the order of due times.

        Raises:
            StorageUnavailable, Refused: the database does not answer; nobody is called.
        """
        rules = self._engine.rules.pacing
        if not rules.offers or self._ready() is not None or not self._records.reachable:
            return
        if not pacing.may_call(rules, clock.wall(), self._engine.workdays):
            return
        spared = {line: self._can_be_spared(line) for line in self._engine.rules.lines}
        for entry in await self._callable([line for line, can in spared.items() if can]):
            if entry.line not in spared:
                spared[entry.line] = self._can_be_spared(entry.line)
            if spared[entry.line] and self._may_be_called(entry) and await self._records.flush(WRITTEN_WITHIN_S):
                self._offer(await self._callbacks.fresh(entry.id))
                spared.clear()

    def _can_be_spared(self, line: str) -> bool:
        return pacing.agent_for(self._engine, line, self._engine.workdays) is not None

    async def _callable(self, lines: Sequence[str]) -> list[CallbackRow]:
        """Those of these lines. Only what can be offered now counts towards the limit: the others would take the place of
        those who can."""
        pauses_ms = [round(pause_s * 1000) for pause_s in pacing.pauses_s(self._engine.rules.pacing)]
        return await self._records.callable_entries(round(clock.wall() * 1000), lines, pauses_ms, LOOKED_AT)

    def _may_be_called(self, entry: CallbackRow) -> bool:
        tried_at = None if entry.tried_ms is None else entry.tried_ms / 1000
        next_at = pacing.next_try_at(entry.attempts, tried_at, self._engine.rules.pacing)
        if entry.state not in TRIED or next_at is None or next_at > clock.wall():
            return False
        return not pacing.is_served(self._engine, entry.ref, _owed_at(entry))

    def _offer(self, entry: CallbackRow) -> None:
        """The entry as it is now. The engine decides, by the agents of this moment."""
        if not self._may_be_called(entry):
            return
        dial = self._way(entry)
        if dial is None:
            return
        out_id = new_id()
        self._submit(
            e.CallbackOffered(out_id, entry.id, entry.line, dial, entry.ref, _owed_at(entry), case=entry.case_id)
        )
        if (out := self._engine.outbound.get(out_id)) is not None:
            log.info("call-back offered", outbound=out_id, callback=entry.id, agent=out.agent_id)

    def _way(self, entry: CallbackRow) -> str | None:
        """None for a number that is not called any more: told once, and the others have their turn."""
        try:
            dial, refused = way_to(self._callbacks.number(entry), self._settings())
        except Refused as error:
            refused = error.detail
        if refused is None:
            return dial
        if entry.id not in self._told:
            log.warning("call-back cannot be offered", callback=entry.id, reason=refused)
            self._told.add(entry.id)
        return None


def _owed_at(entry: CallbackRow) -> float | None:
    return None if entry.owed_ms is None else entry.owed_ms / 1000
