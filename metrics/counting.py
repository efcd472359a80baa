"""Calls of one period counted as they come, so that every figure of the period can be made from the count.

A count keeps the waits themselves, in whole milliseconds: any threshold, band or percentile is then exact, and two counts
together are the count of both. So a report adds its quarters of an hour up, and a line and the whole are never at odds.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from metrics.measures import Tally, Times, milliseconds, times_of
from routing.steps import Judgement

SHORT_MS: Final = 5000
BANDS_S: Final = (5, 10, 15, 20, 30, 60, 120)  # upper ends, each included; beyond the last is a band of its own
_ANSWERED: Final = frozenset({Judgement.IN_TIME, Judgement.LATE})


class JudgedCall(NamedTuple):
    """One decided call. `wait_s`: arrival to bridge or to giving up, >= 0, exact to the millisecond."""

    result: Judgement
    wait_s: float


class Band(NamedTuple):
    """Waits above `from_ms` up to and with `to_ms` (None: without an end); the first band begins with 0 itself."""

    from_ms: int
    to_ms: int | None
    answered: int
    abandoned: int


class Count:
    """Decided calls by what became of them; `waiting` are those that are not decided yet."""

    __slots__ = ("abandoned_ms", "answered_ms", "failed", "flowed_out", "restricted", "test", "waiting")

    def __init__(self) -> None:
        self.answered_ms: array[int] = array("Q")
        self.abandoned_ms: array[int] = array("Q")
        self.flowed_out = self.failed = self.restricted = self.test = self.waiting = 0

    def add(self, judged: str | None, wait_ms: int) -> None:
        """One call. `wait_ms`: arrival to bridge or to giving up; not looked at for what became of it otherwise.

        Raises:
            ValueError: the wait is negative, so clocks were paired wrongly upstream, or the judgement is none.
        """
        if judged in _ANSWERED or judged == Judgement.ABANDONED:
            if wait_ms < 0:
                raise ValueError(f"a wait must be >= 0 ms, not {wait_ms}")
            (self.abandoned_ms if judged == Judgement.ABANDONED else self.answered_ms).append(wait_ms)
        elif judged is None:
            self.waiting += 1
        else:
            name = Judgement(judged).value
            setattr(self, name, getattr(self, name) + 1)

    def tally(self, *, threshold_ms: int, short_ms: int = SHORT_MS) -> Tally:
        """What the formulas are made from. A wait equal to the threshold is in time; short is below `short_ms`."""
        return Tally(
            answered=len(self.answered_ms),
            answered_in_time=sum(wait <= threshold_ms for wait in self.answered_ms),
            abandoned=len(self.abandoned_ms),
            abandoned_in_time=sum(wait <= threshold_ms for wait in self.abandoned_ms),
            short_abandoned=sum(wait < short_ms for wait in self.abandoned_ms),
            flowed_out=self.flowed_out,
            failed=self.failed,
            restricted=self.restricted,
            test=self.test,
        )

    def times(self) -> Times | None:
        """Of the answers, exact; None without any."""
        return times_of(sorted(self.answered_ms))

    def bands(self, ends_s: Sequence[int] = BANDS_S) -> list[Band]:
        """`V7`: answers and abandons of each band of waiting, nothing left out."""
        ends: list[int | None] = [-1, *(end * 1000 for end in ends_s), None]
        return [
            Band(max(0, low or 0), high, _within(self.answered_ms, low, high), _within(self.abandoned_ms, low, high))
            for low, high in pairwise(ends)
        ]


def tally(calls: Iterable[JudgedCall], *, threshold_s: float, short_abandon_s: float = SHORT_MS / 1000) -> Tally:
    """Count decided calls of one period, by their arrival.

    Raises:
        ValueError: a wait is negative or no number, so clocks were paired wrongly upstream.
    """
    count = Count()
    for call in calls:
        count.add(call.result, milliseconds(call.wait_s))
    return count.tally(threshold_ms=milliseconds(threshold_s), short_ms=milliseconds(short_abandon_s))


def together(counts: Iterable[Count]) -> Count:
    """The count of all calls that are in any of these."""
    whole = Count()
    for one in counts:
        whole.answered_ms.extend(one.answered_ms)
        whole.abandoned_ms.extend(one.abandoned_ms)
        whole.flowed_out += one.flowed_out
        whole.failed += one.failed
        whole.restricted += one.restricted
        whole.test += one.test
        whole.waiting += one.waiting
    return whole


def _within(waits: Iterable[int], low: int | None, high: int | None) -> int:
    return sum((low is None or wait > low) and (high is None or wait <= high) for wait in waits)
