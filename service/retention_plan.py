"""What is over its age now, and when the nightly run is due. Time is a parameter; nothing here asks or waits.

Ages are whole local days: with 180 days everything goes that happened before the local midnight 180 days ago.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta, tzinfo
from typing import Final

from service.settings_tables import RetentionTable
from storage.forgetting import Kind

_KEYS: Final[Mapping[Kind, str]] = {
    Kind.NUMBERS: "numbers_days",
    Kind.INTAKES: "intakes_days",
    Kind.CALLBACKS: "callbacks_days",
    Kind.AGENTS: "agents_days",
    Kind.CALLS: "calls_days",
}


def befores(table: RetentionTable, now: float, zone: tzinfo) -> dict[Kind, int]:
    """Kind -> epoch ms before which it is forgotten, in the order in which that is done; without what is kept for ever."""
    today = datetime.fromtimestamp(now, zone).date()
    ages = {kind: getattr(table, key) for kind, key in _KEYS.items()}
    return {
        kind: round(datetime.combine(today - timedelta(days=days), time(), zone).timestamp() * 1000)
        for kind, days in ages.items()
        if days
    }


def next_run(last: float, at: str, zone: tzinfo) -> float:
    """When the run after one at `last` is due: the first moment with the local time `at` after it."""
    wanted = time.fromisoformat(at)
    day = datetime.fromtimestamp(last, zone).date()
    runs = (datetime.combine(day + timedelta(days=ahead), wanted, zone).timestamp() for ahead in (0, 1, 2))
    return next(run for run in runs if run > last)


def late_s(last: float, at: str, zone: tzinfo, now: float) -> float:
    """For how long the run after the one at `last` has been due; 0: it is not due yet."""
    return max(0.0, now - next_run(last, at, zone))
