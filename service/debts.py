"""Lost calls become entries of the list of call-backs, where a city has decided so, and tried entries come to an end.

A caller whom nobody answered has not agreed to be called: `lost_calls` of a line is off until `lost_calls_decision` says
who decided otherwise, and the entry says that there is no consent. What is owed is looked up in the records, so a call that
was told late, or while the service was away, makes its debt as any other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from service import clock
from service.callbacks import Callbacks
from service.citizens import way_to
from service.settings import Settings
from storage.callbacks import CallbackRow
from storage.debts import BY_SERVICE, UncoveredCall
from storage.errors import StorageError, StorageUnavailable
from storage.keys import Keyring
from storage.numbers import NumberVault
from storage.records import Records

log = structlog.get_logger("hotline")

EVERY_S: Final = 2.0
NOT_CALLABLE_KEPT: Final = 5000
CLOSING_CALLS: Final = 10


class Debts:
    """One per service."""

    def __init__(
        self, records: Records, settings: Callable[[], Settings], callbacks: Callbacks, keyring: Keyring
    ) -> None:
        self._records, self._settings, self._callbacks = records, settings, callbacks
        self._vault = NumberVault(keyring)
        self._not_callable: deque[str] = deque(maxlen=NOT_CALLABLE_KEPT)  # calls whose number is not dialled

    async def keep(self) -> None:
        """As long as the database answers."""
        while True:
            if self._records.reachable:
                with contextlib.suppress(StorageUnavailable):  # told elsewhere: the records are degraded
                    await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Writes down who is owed a call, who no more, and whom nobody reached.

        Raises:
            StorageUnavailable: what was not done is done the next time.
        """
        await self._records.settle_debts()
        await self._give_up()
        settings = self._settings()
        numbers = [line.number for line in settings.lines if line.lost_calls]
        if not numbers:
            return
        table = settings.callbacks
        since_ms = round((clock.wall() - table.lost_within_h * 3600) * 1000)
        wait_ms = round(table.lost_after_s * 1000)
        found = await self._records.uncovered_calls(since_ms, numbers, wait_ms=wait_ms, but=self._not_callable)
        for lost in {call.caller_ref: call for call in reversed(found)}.values():
            await self._owe(lost, settings)

    async def _owe(self, lost: UncoveredCall, settings: Settings) -> None:
        if not self._is_callable(lost, settings):
            self._not_callable.append(lost.call_id)
            return
        row = CallbackRow(
            ref=lost.caller_ref, sealed=lost.caller_sealed, line=lost.number, consent=False, added_by=BY_SERVICE,
            due_ms=self._callbacks.due_ms(lost.arrived_ms / 1000, None), added_ms=round(clock.wall() * 1000),
            case_id=lost.case_id or "", call_id=lost.call_id, owed_ms=lost.arrived_ms,
        )  # fmt: skip
        added = await self._records.add_debt(row)
        if added is not None:
            log.info("call-back of a lost call", callback=added.id, call_id=lost.call_id, due=added.due_ms / 1000)

    def _is_callable(self, lost: UncoveredCall, settings: Settings) -> bool:
        try:
            number = self._vault.open_sealed(lost.caller_sealed)
        except StorageError:
            return False
        return way_to(number, settings)[1] is None

    async def _give_up(self) -> None:
        for entry in await self._records.exhausted_entries(self._settings().callbacks.tries):
            reason = await self._why_not_reached(entry)
            if await self._records.give_up_callback(entry, reason, round(clock.wall() * 1000)):
                log.warning("call-back given up", callback=entry.id, reason=reason)

    async def _why_not_reached(self, entry: CallbackRow) -> str:
        """`not reached in 3 tries: busy, no answer, no answer`, the first try first."""
        placed = await self._records.recent_outbound(CLOSING_CALLS, callback=entry.id)
        tries = [row["outcome"] or "unknown" for row in reversed(placed) if row["dialled_ms"] is not None]
        return f"not reached in {entry.attempts} tries: {', '.join(tries).replace('_', ' ')}"
