"""When a delivery is tried again, and when it is given up. Time and chance are parameters; nothing here waits or asks.

A row that failed waits for `first_pause_s`, then twice as long each time, at most `longest_pause_s`; of each pause the last
half is left to chance, so that what failed together does not come back together. After `most_tries`, or when the first
attempt was `give_up_after_s` ago, it is dead: a person looks at it, and the later rows of its call wait behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """Of one attempt; label `result` of `hotline_outbox_deliveries_total`."""

    DELIVERED = "delivered"  # answered 2xx
    REFUSED = "refused"  # answered anything else
    TIMED_OUT = "timed_out"  # no answer in time: it may have arrived all the same
    UNREACHED = "unreached"  # no connection, no certificate that we trust, or an answer that is no HTTP


@dataclass(frozen=True, slots=True)
class Answer:
    result: Result
    error: str | None = None  # one sentence; never what the other side wrote


@dataclass(frozen=True, slots=True)
class Patience:
    first_pause_s: float
    longest_pause_s: float
    most_tries: int
    give_up_after_s: float


@dataclass(frozen=True, slots=True)
class Again:
    """Not before so many seconds from now."""

    after_s: float


def after_failure(tries: int, since_first_s: float, patience: Patience, chance: float) -> Again | None:
    """What follows a failed attempt; None: it is dead.

    Args:
        tries: attempts so far, this one included.
        since_first_s: since the first of them.
        chance: 0..1, evenly spread.
    """
    if tries >= patience.most_tries or since_first_s >= patience.give_up_after_s:
        return None
    return Again(pause_s(tries, patience) * (0.5 + 0.5 * chance))


def pause_s(tries: int, patience: Patience) -> float:
    """The longest pause after so many attempts in vain."""
    doublings = min(tries - 1, 64)  # beyond it a float is no better known, and the longest pause is long reached
    return min(patience.first_pause_s * 2.0**doublings, patience.longest_pause_s)
