"""One ordered queue with one consumer: whatever comes off the wire is acted on in the order in which it came.

Reading must be quick and must not run other people's code; acting may take its time. A flood does not stop the loop:
after a slice of work the consumer lets others run, and when the queue is long, reading pauses until it is short again
(Asterisk then drops a client that does not read, which costs a rebuild and no caller).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final

SLICE_S: Final = 0.005
FULL: Final = 20_000
EASED: Final = 5_000

log = logging.getLogger("hotline.ami")


class Intake:
    """`on_full` and `on_eased` stop and resume the source."""

    def __init__(self, on_full: Callable[[], None], on_eased: Callable[[], None]) -> None:
        self._on_full, self._on_eased = on_full, on_eased
        self._steps: deque[Callable[[], object]] = deque()
        self._wake = asyncio.Event()
        self._paused = False
        self.failures = 0
        self.longest = 0

    @property
    def depth(self) -> int:
        return len(self._steps)

    def put(self, step: Callable[[], object]) -> None:
        self._steps.append(step)
        self._wake.set()
        self.longest = max(self.longest, len(self._steps))
        if len(self._steps) >= FULL and not self._paused:
            self._paused = True
            self._on_full()

    def clear(self) -> None:
        """Forget what nobody will act on any more."""
        self._steps.clear()

    async def run(self) -> None:
        """The one consumer; cancel it to stop."""
        while True:
            await self._wake.wait()
            self._slice()
            await asyncio.sleep(0)

    def _slice(self) -> None:
        until = time.monotonic() + SLICE_S
        while self._steps and time.monotonic() < until:
            self._act(self._steps.popleft())
        if not self._steps:
            self._wake.clear()
        if self._paused and len(self._steps) < EASED:
            self._paused = False
            self._on_eased()

    def _act(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception:  # a bug is confined to one event; the next reconcile repairs the picture
            self.failures += 1
            log.exception("an AMI event could not be acted on")
