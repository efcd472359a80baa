"""How late this machine runs a program that is ready: what is right to 0.1 s may look wrong by so much more.

The tests compare stamps of several programs. On a shared machine each of them may be held up by other people's work, and
only a bound that knows of it can be tight everywhere else.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final

TOLERANCE_S: Final = 0.1  # what the service promises
LOOKS_EVERY_S: Final = 0.01
KEPT: Final = 60_000  # looks: ten minutes
STAMPS: Final = 2  # compared with each other, each of them may be late


class Lateness:
    """A thread that wants to wake a hundred times a second, and writes down how late it did."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, name="lateness", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def worst_s(self, since: float, until: float) -> float:
        """The longest delay between two moments (Unix seconds)."""
        return max((late for at, late in self._seen.copy() if since <= at <= until), default=0.0)

    def _look(self) -> None:
        due = time.monotonic() + LOOKS_EVERY_S
        while not self._end.wait(max(0.0, due - time.monotonic())):
            late = time.monotonic() - due
            self._seen.append((time.time(), late))
            due = time.monotonic() + LOOKS_EVERY_S


lateness: Final = Lateness()


def tolerance_s(since: float, until: float | None = None) -> float:
    """How far two stamps from between these moments may be apart."""
    until = time.time() if until is None else until
    return TOLERANCE_S + STAMPS * lateness.worst_s(since - 1.0, until + 1.0)
