"""Waiting for a condition, with a limit; never for a number of seconds.

A limit is meant for a machine on which every program runs when it wants to. On a shared one programs are kept waiting: by
each other, and by the host. That time does not count, so a limit can be near without failing for other people's work.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar, cast

T = TypeVar("T")

MOST: Final = 4  # times the limit by the clock, however busy the machine is
PRESSURE: Final = Path("/proc/pressure/cpu")
STAT: Final = Path("/proc/stat")
STEAL: Final = 8  # its column in the line `cpu` of /proc/stat (proc(5)), counted from the word
MICROSECONDS: Final = 1e6


class NeverTrue(AssertionError):
    """The condition did not come true within the limit."""


class Patience:
    """`limit_s` seconds in which no program had to wait for a processor; at most `MOST` times as long by the clock."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._began, self._held_up = time.monotonic(), held_up_s()

    @property
    def over(self) -> bool:
        passed = time.monotonic() - self._began
        if passed < self.limit_s:
            return False
        return passed >= MOST * self.limit_s or passed - (held_up_s() - self._held_up) >= self.limit_s


async def until(true: Callable[[], T | Awaitable[T]], limit_s: float = 20.0, what: str = "", poll_s: float = 0.03) -> T:
    """What `true()` gives, as soon as that is true; `true` may be a coroutine function.

    Raises:
        NeverTrue: it did not within `limit_s` (see `Patience`); the text has `what` and the last value.
    """
    last: T | None = None
    patience = Patience(limit_s)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(MOST * limit_s):
            while not patience.over:
                found = true()
                last = cast(T, await found if inspect.isawaitable(found) else found)
                if last:
                    return last
                await asyncio.sleep(poll_s)
    name = what or getattr(true, "__name__", "condition")
    raise NeverTrue(f"not true within {limit_s:g} s: {name}; last value: {last!r}")


def held_up_s(pressure: Path = PRESSURE, stat: Path = STAT) -> float:
    """Seconds since the start of the machine in which some program waited for a processor, here or at the host.

    From the kernel's pressure stall information and from the time that the host has taken away (proc(5)); 0 for what the
    kernel does not tell.
    """
    return _waited_s(pressure) + _stolen_s(stat)


def _waited_s(pressure: Path) -> float:
    try:
        found = re.search(r"^some .*total=(\d+)", pressure.read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found[1]) / MICROSECONDS if found else 0.0


def _stolen_s(stat: Path) -> float:
    """Of each processor, on the average."""
    try:
        lines = [line.split() for line in stat.read_text().splitlines() if line.startswith("cpu")]
        return int(lines[0][STEAL]) / os.sysconf("SC_CLK_TCK") / (len(lines) - 1)
    except (OSError, IndexError, ZeroDivisionError):
        return 0.0
