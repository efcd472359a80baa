"""How late this machine runs a program that is ready: what is right to 0.1 s may look wrong by so much more.

The tests compare stamps of several programs. On a shared machine each of them may be held up by other people's work, and
only a bound that knows of it can be tight everywhere else.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import Final

TOLERANCE_S: Final = 0.1  # what the service promises
LOOKS_EVERY_S: Final = 0.01
KEPT: Final = 120_000  # looks: at least five minutes, as long as a test may last, on four processors
STAMPS: Final = 2  # compared with each other, each of them may be late
STOOD_STILL_S: Final = 0.3  # calls lapse, decisions come too late: what is seen then says nothing about the product


class Lateness:
    """For each processor a thread that wants to wake a hundred times a second, and writes down how late it did.

    The host may take one processor away and leave the other: only a program that was on it stands still.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=self._look, args=(number,), name=f"lateness-{number}", daemon=True)
            for number in sorted(os.sched_getaffinity(0))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def worst_s(self, since: float, until: float) -> float:
        """The longest delay between two moments (Unix seconds)."""
        return max((late for at, late in self._seen.copy() if since <= at <= until), default=0.0)

    def _look(self, processor: int) -> None:
        os.sched_setaffinity(0, {processor})  # of this thread alone (sched_setaffinity(2))
        due = time.monotonic() + LOOKS_EVERY_S
        while not self._end.wait(max(0.0, due - time.monotonic())):
            late = time.monotonic() - due
            self._seen.append((time.time(), late))
            due = time.monotonic() + LOOKS_EVERY_S


lateness: Final = Lateness()


def tolerance_s(since: float, until: float | None = None) -> float:
    """How far two stamps from between these moments may be apart."""
    return TOLERANCE_S + late_s(since, time.time() if until is None else until)


def late_s(since: float, until: float) -> float:
    """How far two stamps from between these moments may be apart by the machine alone."""
    return STAMPS * lateness.worst_s(min(since, until) - 1.0, max(since, until) + 1.0)


def stood_still_s(since: float) -> float:
    """For how long at most a program that was ready did not run since then; 0 when that is no reason to doubt a result."""
    worst_s = lateness.worst_s(since, time.time())
    return worst_s if worst_s >= STOOD_STILL_S else 0.0
