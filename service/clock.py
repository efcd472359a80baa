"""The one place that reads the time."""

from __future__ import annotations

import time


def now() -> float:
    """Monotonic seconds: what the engine counts with."""
    return time.monotonic()


def wall() -> float:
    """Seconds since the epoch: what is written down."""
    return time.time()


def spent() -> float:
    """Seconds of processor that this thread has had: what work costs, whoever else the machine serves."""
    return time.thread_time()
