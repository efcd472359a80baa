"""Service level, connect ratio and answer times: plain functions of plain numbers, each with its formula's id.

The same day has several answers: 89 % or 94 % in time is a matter of the formula alone. So no figure leaves the service
without its `formula` id, and the headline is the strictest honest one, which nobody improves by making callers give up.

    A    answered by a person          A15  of them within the threshold (15 s)
    B    abandoned                     B15  of them within the threshold      Bs  of them short, "changed their mind"
    F    flowed out                    X    failed: the system lost them
    O    all real calls = A + B + F + X; test calls and restricted callers are counted apart and never silently dropped

A call belongs to the interval of its arrival, numerator and denominator alike.

Calls are counted by `metrics.counting`; `V7`, answers and abandons of each band of waiting, is there. Each formula with its
source and a worked example: docs/figures.md.

Source: GB/T 33358-2016 (15 s).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Final

HEADLINE: Final = "V2-all"


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one period; all >= 0, `..._in_time` and `short_abandoned` are parts of the count before them."""

    answered: int = 0
    answered_in_time: int = 0
    abandoned: int = 0
    abandoned_in_time: int = 0
    short_abandoned: int = 0
    flowed_out: int = 0
    failed: int = 0
    restricted: int = 0
    test: int = 0

    @property
    def offered(self) -> int:
        """All real calls (O)."""
        return self.answered + self.abandoned + self.flowed_out + self.failed

    def __add__(self, other: Tally) -> Tally:
        """Both periods, or both lines, each by its own threshold."""
        return Tally(*map(sum, zip(astuple(self), astuple(other), strict=True)))


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, as times are stored and compared. Raises ValueError for what is no time."""
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"a time must be a number of seconds >= 0, not {seconds}")
    return round(seconds * 1000)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def headline(t: Tally) -> float | None:
    """`V2-all`, the 15秒接通率: A15 / O. Flow-outs and failures are in the denominator: the caller did not get a person.

    Returns: a ratio in [0, 1], or None when there is nothing to judge; so do all formulas here.
    """
    return _ratio(t.answered_in_time, t.offered)


def answered_basis(t: Tally) -> float | None:
    """`V1` A15 / A. Blind to everybody who gave up; app_queue's ServicelevelPerf."""
    return _ratio(t.answered_in_time, t.answered)


def offered_basis(t: Tally) -> float | None:
    """`V2` A15 / (A + B)."""
    return _ratio(t.answered_in_time, t.answered + t.abandoned)


def with_flow_outs(t: Tally) -> float | None:
    """`V3` A15 / (A + B + F)."""
    return _ratio(t.answered_in_time, t.answered + t.abandoned + t.flowed_out)


def late_abandons_only(t: Tally) -> float | None:
    """`V4` A15 / (A + B - B15): who gave up within the threshold was not failed yet."""
    return _ratio(t.answered_in_time, t.answered + t.abandoned - t.abandoned_in_time)


def without_short_abandons(t: Tally) -> float | None:
    """`V5` A15 / (A + B - Bs): who hung up at once changed their mind."""
    return _ratio(t.answered_in_time, t.answered + t.abandoned - t.short_abandoned)


def early_abandons_credited(t: Tally) -> float | None:
    """`V6` (A15 + B15) / (A + B). Rewards quick giving up; app_queue's ServicelevelPerf2."""
    return _ratio(t.answered_in_time + t.abandoned_in_time, t.answered + t.abandoned)


def connect_ratio(t: Tally) -> float | None:
    """`connect`, the 接通率: A / O, answered at all. Of a whole local day it is the 24-hour connect rate."""
    return _ratio(t.answered, t.offered)


FORMULAS: Final[Mapping[str, Callable[[Tally], float | None]]] = {
    HEADLINE: headline,
    "V1": answered_basis,
    "V2": offered_basis,
    "V3": with_flow_outs,
    "V4": late_abandons_only,
    "V5": without_short_abandons,
    "V6": early_abandons_credited,
    "connect": connect_ratio,
}


@dataclass(frozen=True, slots=True)
class Times:
    """Answer times of one period, seconds. `mean_s` is the 平均接通时长."""

    mean_s: float
    p50_s: float
    p95_s: float
    max_s: float


def times(waits_s: Iterable[float]) -> Times | None:
    """Mean, percentiles and maximum of the waits, None without any. Raises ValueError for a wait that is none."""
    return times_of(sorted(map(milliseconds, waits_s)))


def times_of(ordered_ms: Sequence[int]) -> Times | None:
    """As `times`, of waits in milliseconds that are sorted."""
    if not ordered_ms:
        return None
    mean_s = sum(ordered_ms) / len(ordered_ms) / 1000
    p50_ms, p95_ms = (_at_rank(ordered_ms, q) for q in (0.5, 0.95))
    return Times(mean_s, p50_ms / 1000, p95_ms / 1000, ordered_ms[-1] / 1000)


def percentile(values: Iterable[float], q: float) -> float | None:
    """The smallest value that at least the share `q` (0..1) of all values does not exceed, None without any.

    Nearest rank: the answer is always a wait that a caller really had. Raises ValueError when q is outside 0..1.
    """
    if not 0 <= q <= 1:
        raise ValueError("a percentile is asked for as a ratio 0..1")
    ordered = sorted(values)
    return _at_rank(ordered, q) if ordered else None


def _at_rank(ordered: Sequence[float], q: float) -> float:
    return ordered[max(0, math.ceil(q * len(ordered) - 1e-9) - 1)]
