"""What other machines on the same host took from this one: turns in which it was much are done again.

A shared host takes processors away for seconds at a time. The kernel accounts for it as stolen time; figures from such
seconds are the host's. Whether a turn counts is decided by that account alone, never by what the turn found.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

QUIET: Final = 0.02  # share of the processors' time
TRIES: Final = 6
_STOLEN: Final = 7  # field of the line "cpu" in /proc/stat, proc(5)
_counted: Final[list[float]] = []  # stolen shares of the turns that count


def ticks() -> tuple[int, int]:
    """Stolen, and all, since the machine's start."""
    line = Path("/proc/stat").read_text().partition("\n")[0]
    fields = [int(field) for field in line.split()[1:9]]
    return fields[_STOLEN], sum(fields)


async def undisturbed(turn: Callable[[], Awaitable[T]], tries: int = TRIES) -> T:
    """What the first quiet turn found; where none is quiet, the quietest."""
    best: tuple[float, T] | None = None
    for _ in range(tries):
        before = ticks()
        found = await turn()
        after = ticks()
        stolen = (after[0] - before[0]) / max(1, after[1] - before[1])
        if best is None or stolen < best[0]:
            best = stolen, found
        if stolen <= QUIET:
            break
    assert best is not None
    _counted.append(best[0])
    return best[1]


def report() -> str:
    """One line about the turns that count."""
    worst, loud = max(_counted, default=0.0), sum(share > QUIET for share in _counted)
    took = f"the host took {worst:.0%} of the processors at most in the turns that count"
    return f"{took}; {loud} of {len(_counted)} above {QUIET:.0%}"
