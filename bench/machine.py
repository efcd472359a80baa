"""What other machines on the same host took from this one: turns in which it was much are done again.

A shared host takes processors away for seconds at a time. The kernel accounts for it as stolen time; figures from such
seconds are the host's. Whether a turn counts is decided by that account alone, never by what the turn found. Patience
ends after five minutes in one bench (a smoke has none): then turns are taken as they come, and the report says how
disturbed they were.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

QUIET: Final = 0.02  # share of the processors' time
TRIES: Final = 6
PATIENCE_S: Final = 300.0  # for waiting and doing again, in one bench
WORK: Final = "import time; end = time.monotonic() + 1\nwhile time.monotonic() < end: pass"
_STOLEN: Final = 7  # field of the line "cpu" in /proc/stat, proc(5)
_counted: Final[list[float]] = []  # stolen shares of the turns that count
_left_s: Final = [PATIENCE_S]  # of the patience: waiting costs it, and turns that do not count


def ticks() -> tuple[int, int]:
    """Stolen, and all, since the machine's start."""
    line = Path("/proc/stat").read_text().partition("\n")[0]
    fields = [int(field) for field in line.split()[1:9]]
    return fields[_STOLEN], sum(fields)


async def _watched(turn: Callable[[], Awaitable[T]]) -> tuple[T, float]:
    """What it found, and the stolen share of its time."""
    before = ticks()
    found = await turn()
    after = ticks()
    return found, (after[0] - before[0]) / max(1, after[1] - before[1])


async def _quiet() -> None:
    """Returns after a second in which nothing was stolen, or out of patience: only who works is robbed."""
    while _left_s[0] > 0 and (await _watched(_work))[1] > QUIET:
        _left_s[0] -= 1


async def _work() -> None:
    """A second of work on all processors."""
    workers = [await asyncio.create_subprocess_exec(sys.executable, "-c", WORK) for _ in range(os.cpu_count() or 1)]
    await asyncio.gather(*(worker.wait() for worker in workers))


async def undisturbed(turn: Callable[[], Awaitable[T]], tries: int = TRIES) -> T:
    """What the first quiet turn found; where none is quiet, the quietest."""
    best: tuple[float, T] | None = None
    for _ in range(tries):
        await _quiet()
        began = time.monotonic()
        found, stolen = await _watched(turn)
        if best is None or stolen < best[0]:
            best = stolen, found
        if stolen <= QUIET or _left_s[0] <= 0:
            break
        _left_s[0] -= time.monotonic() - began
    assert best is not None
    _counted.append(best[0])
    return best[1]


def begin(patience_s: float = PATIENCE_S) -> None:
    """A bench begins: its patience is its own."""
    _left_s[0] = patience_s


def report() -> str:
    """One line about the turns that count."""
    worst, loud = max(_counted, default=0.0), sum(share > QUIET for share in _counted)
    took = f"the host took {worst:.0%} of the processors at most in the turns that count"
    return f"{took}; {loud} of {len(_counted)} above {QUIET:.0%}"
