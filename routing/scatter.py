"""How far a count of calls lies from what was expected, by chance alone.

Callers come independently of each other, so a count scatters around its mean as Poisson found. The mean itself differs from
day to day by more than we know; that is `spread`, its relative standard deviation. Both together are a negative binomial.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import count
from statistics import NormalDist
from typing import Final

EXACT_UP_TO: Final = 100.0  # above this the normal curve is near enough
_STANDARD: Final = NormalDist()


@lru_cache(maxsize=8192)
def bound(mean: float, spread: float, share: float) -> int:
    """The smallest count that is not exceeded with probability `share` at least.

    Args:
        mean: calls expected, >= 0.
        spread: relative standard deviation of the mean, >= 0; 0 is plain Poisson.
        share: within (0, 1).
    """
    if mean > EXACT_UP_TO:
        deviation = math.sqrt(mean + (spread * mean) ** 2)
        return max(0, math.ceil(mean + _STANDARD.inv_cdf(share) * deviation - 0.5))
    variance = spread * spread
    chance = math.exp(-mean) if variance * mean < 1e-9 else (1 + variance * mean) ** (-1 / variance)
    total = 0.0
    for calls in count():
        total += chance
        if total >= share or (calls > mean and chance < 1e-15):
            return calls
        chance *= mean * (1 + variance * calls) / ((1 + variance * mean) * (calls + 1))
    raise AssertionError("a distribution has an end")


def level(expected: float, spread: float, seen: float) -> float:
    """By how much a day lies above its forecast, from what was seen of it so far: near 1.0 while that may be chance.

    The mean of a negative binomial, seen once: a Gamma of mean 1 and deviation `spread` before, `seen` calls instead of
    `expected` after.
    """
    if spread == 0:
        return 1.0
    sure = 1 / (spread * spread)
    return (sure + seen) / (sure + expected)
