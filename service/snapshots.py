"""Keeps the routing snapshot fresh: who would take which line, for the dialplan's own script when we are out of reach.

A short pause of ours (busy, no answer) is over long before the file is read, so it only costs the place; who paused of
his own will is left out. Before the first picture of Asterisk we know of no phone, and an old file is worth more.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import structlog

from routing.choice import SeatNow, Waiting, first_ring, rank
from routing.engine import Engine
from routing.floor import AWAY
from service import clock
from telephony.agi.snapshot import Snapshot, write_snapshot

log = structlog.get_logger("hotline")

SNAPSHOT_FILE: Final = "snapshot.json"
EVERY_S: Final = 2.0
SOON_S: Final = 0.1


class Snapshots:
    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine, self._path = engine, path
        self._failed = False

    def lines(self) -> dict[str, tuple[str, ...]]:
        """Dialled number -> seats in order of choice: who is there and belongs to any ring of the line.

        Remote seats come last: a script rings one after the other, and each of them takes long.
        """
        seats = [seat for seat in self._engine.floor.all_seats() if _there(seat)]
        found = {}
        for number in self._engine.rules.lines:
            line = self._engine.serving(number)
            if line is not None:
                call = Waiting("", line, 0.0, len(line.rings))
                fit = [seat for seat in seats if first_ring(call, seat) is not None]
                fit.sort(key=lambda seat: (seat.agent.state in AWAY, seat.seat.remote, *rank(call, seat, {})))
                found[number] = tuple(seat.seat.id for seat in fit)
        return found

    async def write(self) -> None:
        """Replaces the file. A folder that cannot be written is said once, not every two seconds.

        On a thread: a file system that has to free the old file's blocks was seen to hold a rename up for 0.4 s.
        """
        try:
            await asyncio.to_thread(write_snapshot, str(self._path), Snapshot(clock.wall(), self.lines()))
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.error("snapshot not written", path=str(self._path), problem=error.strerror)
            self._failed = True

    def _only_remote(self) -> bool:
        """Asterisk has no phone to tell of."""
        return all(seat.remote for seat in self._engine.rules.seats.values())

    async def keep(self) -> None:
        while True:
            known = self._engine.deciding and (bool(self._engine.floor.devices) or self._only_remote())
            if known:
                await self.write()
            await asyncio.sleep(EVERY_S if known else SOON_S)


def _there(seat: SeatNow) -> bool:
    """Signed in, and not paused until some act of the agent."""
    return seat.agent.state not in AWAY or seat.agent.wake_at is not None
