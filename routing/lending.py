"""Which zones lend their seats to callers of other lines now, and which keep them for their own.

A zone's own figures decide: the share of its own calls that were answered in time within the last quarter of an hour, and
how long somebody waits in its own lines now. A zone without such a bound always lends; so does one with too few calls for
a share to mean anything. Who has waited for longer than the target of his line is lent to by everybody: a seat is kept
for calls that can still be in time, not from people who wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from routing.model import Zone

WINDOW_S: Final = 900.0
ENOUGH: Final = 20  # calls in the window


class Lending:
    """Mutable, private to the engine. Times are its monotonic clock."""

    def __init__(self, zones: Mapping[str, Zone]) -> None:
        self.kept: frozenset[str] = frozenset()
        self._judged: dict[str, deque[tuple[float, bool]]] = {}
        self.replace(zones)

    def replace(self, zones: Mapping[str, Zone]) -> None:
        self._zones = {zone.id: zone for zone in zones.values() if zone.lend_ratio > 0 or zone.lend_wait_s > 0}
        self._judged = {id_: self._judged.get(id_, deque()) for id_ in self._zones}
        self.kept &= self._zones.keys()

    def learn(self, other: Lending) -> None:
        """What another one knows of the same zones' calls, as of now."""
        self._judged = {id_: deque(other._judged.get(id_, ())) for id_ in self._zones}

    def __bool__(self) -> bool:
        """Whether any zone has a bound."""
        return bool(self._zones)

    def judged(self, zone_id: str | None, in_time: bool, now: float) -> None:
        """One of its own calls was answered, in time or not, or given up."""
        if zone_id in self._judged:
            self._judged[zone_id].append((now, in_time))

    def look(self, longest_wait_s: Callable[[str], float], now: float) -> bool:
        """Whether another zone keeps its seats, or lends them again, since it was asked before."""
        before = self.kept
        self.kept = frozenset(id_ for id_, zone in self._zones.items() if self._keeps(zone, longest_wait_s(id_), now))
        return self.kept != before

    def next_change(self, now: float) -> float | None:
        """When a zone may lend again though nothing happens: its oldest call leaves the window."""
        oldest = (judged[0][0] for id_, judged in self._judged.items() if id_ in self.kept and judged)
        return min((at + WINDOW_S for at in oldest if at + WINDOW_S > now), default=None)

    def _keeps(self, zone: Zone, longest_wait_s: float, now: float) -> bool:
        if 0 < zone.lend_wait_s <= longest_wait_s:
            return True
        judged = self._judged[zone.id]
        while judged and judged[0][0] <= now - WINDOW_S:
            judged.popleft()
        return len(judged) >= ENOUGH and sum(in_time for _, in_time in judged) < zone.lend_ratio * len(judged)
