"""A timer wheel: everything on it comes up once per turn, evenly spread, however it arrived.

After a restart of the service 1,000 callers come back within a second, and all would be renewed in that same instant of
every turn; so a newcomer goes to the emptiest slot, never further away than one turn. One timer serves them all.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T", bound=Hashable)

SLOTS: Final = 40  # a turn of 1 s in steps of 25 ms; 2,000 sessions are 50 writes a step


class Wheel(Generic[T]):
    """`turn_s`: how often each item comes up, in seconds. Times are of any one monotonic clock, in seconds."""

    def __init__(self, turn_s: float, slots: int = SLOTS) -> None:
        self._step_s = turn_s / slots
        self._slots: list[dict[T, None]] = [{} for _ in range(slots)]
        self._slot_of: dict[T, int] = {}
        self._next = 0  # the slot that comes up next ...
        self._next_at = 0.0  # ... and when

    def __len__(self) -> int:
        return len(self._slot_of)

    def join(self, item: T, now: float) -> None:
        """Puts the item where it comes up within one turn, in the slot with the fewest; of equals the latest."""
        if not self._slot_of:
            self._next_at = now + self._step_s
        count = len(self._slots)
        latest_first = ((self._next + offset) % count for offset in range(count - 1, -1, -1))
        slot = min(latest_first, key=lambda index: len(self._slots[index]))
        self._slots[slot][item] = None
        self._slot_of[item] = slot

    def leave(self, item: T) -> None:
        """Takes the item off; one that is not on it is no error."""
        slot = self._slot_of.pop(item, None)
        if slot is not None:
            del self._slots[slot][item]

    def wake_at(self) -> float | None:
        """When the next item comes up, or None when the wheel is empty."""
        if not self._slot_of:
            return None
        ahead = next(n for n in range(len(self._slots)) if self._slots[(self._next + n) % len(self._slots)])
        return self._next_at + ahead * self._step_s

    def turn(self, now: float) -> list[tuple[T, float]]:
        """Everything due by `now` with its lateness in seconds; after a stall each item once, not once per missed turn."""
        due: list[tuple[T, float]] = []
        for _ in self._slots:
            if self._next_at > now or not self._slot_of:
                return due
            due.extend((item, now - self._next_at) for item in self._slots[self._next])
            self._next = (self._next + 1) % len(self._slots)
            self._next_at += self._step_s
        if self._next_at <= now:  # missed turns are gone
            self._next_at = now + self._step_s
        return due

    def load(self) -> tuple[int, ...]:
        """Items per slot, for the measure of how even the spread is."""
        return tuple(map(len, self._slots))
