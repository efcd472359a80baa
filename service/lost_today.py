"""Citizens not served today: those whose call of today nobody answered, and who have spoken to nobody since.

Counted from the records as `hotline report lost` counts them, by the same words; the two always agree.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import tzinfo
from typing import Any, Final

from service import clock
from service.reports.lost import citizens
from service.today import midnight_ms
from storage.errors import StorageUnavailable
from storage.records import Records

EVERY_S: Final = 5.0
SHARE: Final = 0.05  # of the database's time at most: a slow question is asked less often


class LostToday:
    """One per service."""

    def __init__(self, records: Records, zone: Callable[[], tzinfo]) -> None:
        self._records, self._zone = records, zone
        self._shown: dict[str, Any] | None = None
        self.count: Callable[[int, int], None] = lambda lost, not_served: None

    def shown(self) -> dict[str, Any] | None:
        """By the keys of `schemas.LostTodayOut`; None while the records do not answer."""
        return self._shown

    async def keep(self) -> None:
        while True:
            began = clock.now()
            await self.look()
            await asyncio.sleep(max(EVERY_S, (clock.now() - began) / SHARE))

    async def look(self) -> None:
        wall = clock.wall()
        try:
            since_ms = midnight_ms(self._zone(), wall)
            calls = (
                await self._records.lost_calls(since_ms, round(wall * 1000) + 1) if self._records.reachable else None
            )
        except StorageUnavailable:  # told elsewhere: the records are degraded
            calls = None
        if calls is None:
            self._shown = None
            return
        found = citizens(calls)
        self._shown = {"calls": len(calls), **found._asdict()}
        self.count(found.lost, found.not_served)
