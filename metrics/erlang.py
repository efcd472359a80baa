"""Erlang A and Erlang C: what one pool of equal agents does with a steady stream of callers, in the steady state.

Poisson arrivals, exponential handling, exponential patience (M/M/n+M); callers are served in their order.

Source: A. Mandelbaum, S. Zeltyn, "Service Engineering in Call Centers: The Palm/Erlang-A Queue, with Applications to Call
Centers", 2005/2007, section on the M/M/n+G queue: with G the chance to be still patient,

    H(x) = integral of G from 0 to x,   j(x) = exp(rate H(x) - n mu x),   J = integral of j from 0 to infinity,
    E = (sum over k < n of (rate/mu)^k / k!) / ((rate/mu)^(n-1) / (n-1)!)

the offered wait is 0 with the chance E / (E + rate J) and else has the density rate j(x) / (E + rate J). Here B = 1 / E,
Erlang's B of n - 1 agents, which no number of agents makes too large for a float; and j is held against its highest value,
which with far too few agents is beyond all floats.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

STEPS: Final = 1000  # of Simpson's rule, even
PATIENT_FOR: Final = 37  # times his mean patience nobody waits: exp(-37)
NEAR_ENOUGH: Final = 1e-9  # a share that misses its target by less has reached it


@dataclass(frozen=True, slots=True)
class ErlangA:
    """`waits`: share who find no agent free. `in_time`: share of all who are answered within the threshold.

    `mean_wait_s`: until answered or given up, over all callers.
    """

    waits: float
    abandons: float
    mean_wait_s: float
    in_time: float
    occupancy: float


@lru_cache(maxsize=4096)
def erlang_a(rate: float, handle_s: float, agents: int, patience_s: float, within_s: float) -> ErlangA:
    """The steady state.

    Args:
        rate: callers a second, > 0.
        handle_s: mean time that a call keeps an agent, > 0.
        agents: at least 1.
        patience_s: mean; `math.inf` gives Erlang C, which needs rate * handle_s < agents.
        within_s: the threshold, >= 0.

    Raises:
        ValueError: a value outside of these bounds.
    """
    if not (rate > 0 and handle_s > 0 and agents >= 1 and patience_s > 0 and within_s >= 0):
        raise ValueError("rate, handling and patience must be above 0, agents at least 1, the threshold not below 0")
    if math.isinf(patience_s) and rate * handle_s >= agents:
        raise ValueError("without giving up the queue grows for ever")

    def log_density(x: float) -> float:
        patient_s = x if math.isinf(patience_s) else -math.expm1(-x / patience_s) * patience_s
        return rate * patient_s - agents / handle_s * x

    def density(x: float) -> float:
        return math.exp(log_density(x) - highest)

    def served(x: float) -> float:
        return density(x) * math.exp(-x / patience_s)

    peak = _peak(rate * handle_s / agents, patience_s)
    highest = log_density(peak)
    blocked = rate * _erlang_b(rate * handle_s, agents - 1)
    end = _negligible_after(density, peak, handle_s / agents)
    begin = max(0.0, 2 * peak - end)  # before its peak the density falls faster than after it
    free = math.exp(-highest)
    nobody_left = min(end, begin + PATIENT_FOR * patience_s)
    # in two parts: the density bends within some patiences and falls for some handlings, which may be far longer
    waiting = _integral(density, begin, nobody_left) + _integral(density, nobody_left, end)
    total = free + blocked * waiting
    abandons = blocked * max(0.0, waiting - _integral(served, begin, nobody_left)) / total
    in_time = (free + blocked * _integral(served, begin, min(within_s, nobody_left))) / total
    if math.isinf(patience_s):
        wait_s = blocked * _integral(lambda x: x * density(x), begin, end) / total
    else:
        wait_s = patience_s * abandons  # so it is with exponential patience, whatever else
    return ErlangA(1 - free / total, abandons, wait_s, in_time, rate * (1 - abandons) * handle_s / agents)


def seats_needed(rate: float, handle_s: float, patience_s: float, within_s: float, ratio: float) -> int:
    """The fewest agents with whom this share of all callers is answered within the threshold; nobody for no callers.

    Args:
        rate: callers a second, >= 0.
        handle_s: mean time that a call keeps an agent, > 0.
        patience_s: mean, > 0; `math.inf`: nobody gives up (Erlang C).
        within_s: the threshold, >= 0.
        ratio: above 0, at most 1.

    Raises:
        ValueError: a value outside of these bounds.
    """
    if not (rate >= 0 and 0 < ratio <= 1):
        raise ValueError("the rate must not be below 0, the share to be answered in time not 0 or above 1")
    if rate == 0:
        return 0

    def enough(agents: int) -> bool:
        return erlang_a(rate, handle_s, agents, patience_s, within_s).in_time >= ratio - NEAR_ENOUGH

    too_few = math.floor(rate * handle_s) if math.isinf(patience_s) else 0
    plenty = max(1, math.floor(rate * handle_s) + 1)
    while not enough(plenty):
        too_few, plenty = plenty, 2 * plenty
    while plenty - too_few > 1:
        middle = (too_few + plenty) // 2
        too_few, plenty = (too_few, middle) if enough(middle) else (middle, plenty)
    return plenty


def _peak(load: float, patience_s: float) -> float:
    """The likeliest wait of those who wait; 0 unless there are too few agents for all. `load`: by agent."""
    return patience_s * math.log(load) if load > 1 else 0.0


def _erlang_b(load: float, agents: int) -> float:
    """The chance that all agents are busy when nobody waits."""
    blocked = 1.0
    for busy in range(1, agents + 1):
        blocked = load * blocked / (busy + load * blocked)
    return blocked


def _negligible_after(density: Callable[[float], float], peak: float, step: float) -> float:
    """A point after which the density adds nothing any more: its distance is doubled until it is as good as nothing."""
    while density(peak + step) > 1e-14 and step < 1e7:
        step *= 2
    return peak + step


def _integral(what: Callable[[float], float], begin: float, end: float) -> float:
    """Simpson's rule; 0 when the end comes before the beginning."""
    if end <= begin:
        return 0.0
    h = (end - begin) / STEPS
    inner = sum((4 if k % 2 else 2) * what(begin + k * h) for k in range(1, STEPS))
    return (what(begin) + inner + what(end)) * h / 3
