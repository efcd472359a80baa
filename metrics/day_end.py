"""What the headline of a day (`V2-all`) will end at, from what is decided and what is still to come. Pure.

Every call that is still to come, and every one that is not decided yet, is in the denominator, as the formula has it: who
gives up or is not served has not been answered in time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

ALMOST: Final = 1e-6  # calls: 95 of 100 reach 0.95, whatever floats make of it


class SoFar(NamedTuple):
    """Calls of the day: decided ones, tests and restricted callers left out; of them in time; and those not decided yet."""

    judged: int
    in_time: int
    undecided: int = 0


class Ahead(NamedTuple):
    """A part of the day that is still to come. `in_time`: share of its calls, 0..1."""

    calls: float
    in_time: float


@dataclass(frozen=True, slots=True)
class DayEnd:
    """`expected`: the ratio at the end of the day, None when nobody calls. `to_come`: calls, the undecided ones among them.

    `must`: so many of them must be in time for the target; 0: it is reached whatever becomes of them. `best`: the ratio if
    all of them were.
    """

    expected: float | None
    to_come: int
    must: int
    best: float | None

    @property
    def reachable(self) -> bool:
        return self.must <= self.to_come


def day_end(so_far: SoFar, ahead: Iterable[Ahead], target: float) -> DayEnd:
    """The end of the day.

    Args:
        ahead: the undecided calls are taken to fare as its first part does.
        target: the ratio to be reached, 0..1.
    """
    parts = list(ahead)
    undecided = Ahead(so_far.undecided, parts[0].in_time if parts else 0.0)
    to_come = round(sum(part.calls for part in (undecided, *parts)))
    in_time = so_far.in_time + sum(part.calls * part.in_time for part in (undecided, *parts))
    whole = so_far.judged + sum(part.calls for part in (undecided, *parts))
    must = max(0, math.ceil(target * (so_far.judged + to_come) - so_far.in_time - ALMOST))
    counted = so_far.judged + to_come
    return DayEnd(
        in_time / whole if whole else None, to_come, must, (so_far.in_time + to_come) / counted if counted else None
    )
