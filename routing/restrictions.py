"""Restricted numbers (clause T14): what may be done with the calls of a number, and until when.

The engine knows numbers by keyed references alone: of the number itself, and of the blocks it lies in (all numbers that
begin alike). A caller who withholds his number has no reference, and calls of emergency centres are never looked up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    REJECT = "reject"  # hears a notice with the emergency numbers; who stays is served after the others
    LOW_PRIORITY = "low_priority"  # served after the others
    SHORT_CALL = "short_call"  # served like the others, but the talk is limited


class Afterwards(StrEnum):
    """What follows the notice to a rejected caller who stays on the line."""

    WAIT = "wait"
    END = "end"


SERVED_LAST = frozenset({Kind.REJECT, Kind.LOW_PRIORITY})


@dataclass(frozen=True, slots=True)
class Restriction:
    """One entry in force. `ref` is that of a number, or of a block; `until` is epoch seconds."""

    id: int
    ref: str
    kind: Kind
    until: float
    reason: str = ""  # its code
    afterwards: Afterwards = Afterwards.WAIT
    talk_s: float | None = None  # of a short call; None: as in the rules

    @property
    def serves_last(self) -> bool:
        return self.kind in SERVED_LAST

    def limit_s(self, usual_s: float) -> float | None:
        """How long its caller may talk; None: as long as he likes."""
        if self.kind is not Kind.SHORT_CALL:
            return None
        return usual_s if self.talk_s is None else self.talk_s


class Book:
    """All entries, by what they refer to. Who is in it for how long is asked with the time of asking."""

    def __init__(self, entries: Iterable[Restriction] = ()) -> None:
        self._entries = {entry.ref: entry for entry in entries}

    def find(self, caller_ref: str | None, blocks: Sequence[str], at: float) -> Restriction | None:
        """The entry of the number itself, else of the smallest block it lies in (`blocks`: the largest first)."""
        if not self._entries or caller_ref is None:
            return None
        found = (self._entries.get(ref) for ref in (caller_ref, *reversed(blocks)))
        return next((entry for entry in found if entry is not None and at < entry.until), None)

    def next_expiry(self, at: float) -> float:
        """When the next one expires; never: infinity."""
        return min((entry.until for entry in self._entries.values() if entry.until > at), default=math.inf)
