"""One task that follows the journal into SQL.

Theory of operation
* A batch is up to 250 lines, or what came within 0.5 s. Rows and the new journal position are one transaction, so
  after any death the next start goes on exactly there; rows that come twice all the same change nothing.
* After any failure the position is read again from SQL: a commit whose answer was lost may have happened.
* Locked, full, restarted, gone: wait (0.1 s, doubling up to 1 s) and try again, for ever. Nothing is skipped.
* Content that the database refuses for its own sake: the batch is halved until the one entry is found; that one is set
  aside in the journal's folder, counted and named in the log, the rest goes on. So is a line that is no entry.
* Once a day, and only when a batch was not full, what every seat was to old decisions is deleted, a batch at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from storage.decisions import DELETED_AT_ONCE, delete_decisions, delete_editions
from storage.engine import asking_once, reading
from storage.entries import KeptEntry, decode
from storage.errors import EntryError
from storage.faults import is_refusal, sentence
from storage.journal import ASIDE_FILE, Journal
from storage.rows import read_position, write_entries, write_position
from storage.segments import Follower, Line, Position
from storage.upgrade import upgrade

BATCH_LINES: Final = 250  # rows/s hardly grow beyond it, the pauses of the event loop do
BATCH_S: Final = 0.5  # at 20 calls/s a batch every 0.1 s took three times the CPU
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 1.0
EXPLANATIONS_DAYS: Final = 90.0
CLEAN_EVERY_S: Final = 86400.0
IDLE_CHECK_S: Final = 5.0  # without new entries the database is asked so often whether it is there
LINES_SAID: Final = 10  # of a batch

log = logging.getLogger(__name__)


class Aside(StrEnum):
    """Why a line is set aside."""

    CUT = "cut"  # its end was never written: the process or the machine died
    UNREADABLE = "unreadable"  # it is no entry
    REFUSED = "refused"  # the database takes everything else


class Writer:
    """Owns the position. `run` is the task; the rest are its figures, to be read at any time."""

    def __init__(
        self,
        engine: AsyncEngine,
        journal: Journal,
        explanations_days: float = EXPLANATIONS_DAYS,
        *,
        hand_over: bool = False,
    ) -> None:
        self._engine = asking_once(engine)
        self._journal = journal
        self._follower: Follower | None = None
        self._upgraded = False
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._stop = asyncio.Event()
        self.explanations_days = explanations_days
        self.hand_over = hand_over  # calls are told to the work-order platform
        self._clean_at = 0.0  # monotonic
        self._aside: set[Position] = set()  # ends of lines of the batch in hand that have been set aside
        self.failure: str | None = None
        self.position: Position | None = None  # None: not known yet
        self.backlog = 0  # entries found in the journal at the start
        self.written = 0  # entries that went through: in SQL, or set aside
        self.set_aside = dict.fromkeys(Aside, 0)
        self.batches = 0
        self.failures = 0
        self.passes = 0  # how often the database did what it was asked

    @property
    def spooled(self) -> int:
        """Entries kept but not in SQL yet."""
        return max(0, self.backlog + self._journal.appended - self._journal.lost - self.written)

    def notice(self) -> None:
        """Something was appended."""
        self._wake.set()

    def hurry(self) -> None:
        """Do not wait for a batch to fill."""
        self._hurry.set()
        self._wake.set()

    def stop(self) -> None:
        """Ends `run` after the batch in hand."""
        self._stop.set()
        self.hurry()

    async def run(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                busy = await self._pass()
            except Exception as error:  # whatever it is, records must go on being written when it is over
                self._failed(error)
                await _wait(self._stop, pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
                continue
            pause = FIRST_PAUSE_S
            if not busy:
                await self._next_batch()

    def close(self) -> None:
        if self._follower is not None:
            self._follower.close()

    # -- one pass --

    async def _pass(self) -> bool:
        """Writes one batch; False when the batch was not full, so waiting for more is right."""
        follower = await self._ready()
        lines = follower.read(BATCH_LINES)
        if lines:
            await self._write(lines)
            self.batches += 1
            self._aside.clear()
        else:
            self.written = self.backlog + self._journal.on_disk  # exact again after answers that were lost
            async with reading(self._engine) as connection:
                await read_position(connection, self._journal.id)
        self.failure = None
        self.passes += 1
        if len(lines) < BATCH_LINES and time.monotonic() >= self._clean_at:
            await self._clean()
        return len(lines) == BATCH_LINES

    async def _clean(self) -> None:
        """One batch; the next comes with the next pass until nothing old is left, then tomorrow."""
        before_ms = int((time.time() - self.explanations_days * 86400) * 1000)
        async with self._engine.begin() as connection:
            if await delete_decisions(connection, before_ms) < DELETED_AT_ONCE:
                await delete_editions(connection, before_ms)
                self._clean_at = time.monotonic() + CLEAN_EVERY_S

    async def _ready(self) -> Follower:
        """The follower, at the position that SQL knows."""
        if not self._upgraded:
            await upgrade(self._engine)
            self._upgraded = True
        if self.position is None:
            async with reading(self._engine) as connection:
                position = await read_position(connection, self._journal.id)
            self._resume(position)
        assert self._follower is not None
        return self._follower

    def _resume(self, position: Position) -> None:
        if self._follower is None:
            self._follower = self._journal.follow(position)
            self.backlog = self._journal.lines_after(position) - self._journal.on_disk
        self._follower.seek(position)
        self.position = position

    async def _write(self, lines: Sequence[Line]) -> None:
        entries = [entry for entry in map(self._decoded, lines) if entry is not None]
        try:
            async with self._engine.begin() as connection:
                await write_entries(connection, entries, hand_over=self.hand_over)
                await write_position(connection, self._journal.id, lines[-1].end)
        except Exception as error:
            if not is_refusal(error):
                raise
            await self._write_halves(lines, error)
            return
        self._through(lines)

    async def _write_halves(self, lines: Sequence[Line], error: Exception) -> None:
        if len(lines) == 1:
            await self._prove_healthy()
            self._put_aside(lines[0], Aside.REFUSED, type(error).__name__)
            self._through(lines)
            return
        middle = len(lines) // 2
        await self._write(lines[:middle])
        await self._write(lines[middle:])

    def _through(self, lines: Sequence[Line]) -> None:
        self.position = lines[-1].end
        self.written += len(lines)

    async def _prove_healthy(self) -> None:
        """Raises unless the database takes a harmless write now: only then a refusal is about the content."""
        assert self.position is not None
        async with self._engine.begin() as connection:
            await write_position(connection, self._journal.id, self.position)

    def _decoded(self, line: Line) -> KeptEntry | None:
        try:
            return decode(line.raw)
        except EntryError as error:
            self._put_aside(line, Aside.UNREADABLE if line.whole else Aside.CUT, str(error))
            return None

    def _put_aside(self, line: Line, kind: Aside, why: str) -> None:
        if line.end in self._aside:
            return  # a batch that is tried again
        place = self._journal.set_aside(line, f"{kind}, {why}")
        self._aside.add(line.end)
        self.set_aside[kind] += 1
        if len(self._aside) <= LINES_SAID:
            log.warning("a line of the journal is %s: %s (%s); kept in %s", kind, place, why, ASIDE_FILE)

    # -- waiting --

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        self.failure = sentence(error)
        self.position = None  # ask SQL again: the commit may have happened

    async def _next_batch(self) -> None:
        await _wait(self._wake, IDLE_CHECK_S)
        self._wake.clear()
        await _wait(self._hurry, BATCH_S)
        self._hurry.clear()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
