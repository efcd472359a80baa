"""Erlang A and Erlang C: what one pool of equal agents does with a steady stream of callers, in the steady state.

Poisson arrivals, exponential handling, exponential patience (M/M/n+M); callers are served in their order.

Source: A. Mandelbaum, S. Zeltyn, "Service Engineering in Call Centers: The Palm/Erlang-A Queue, with Applications to Call
Centers", 2005/2007, section on the M/M/n+G queue: with G the chance to be still patient,

    H(x) = integral of G from 0 to x,   j(x) = exp(rate H(x) - n mu x),   J = integral of j from 0 to infinity,
    E = (sum over k < n of (rate/mu)^k / k!) / ((rate/mu)^(n-1) / (n-1)!)

the offered wait is 0 with the chance E / (E + rate J) and else has the density rate j(x) / (E + rate J).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

STEPS: Final = 4000  # of Simpson's rule, even


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

    def density(x: float) -> float:
        patient_s = x if math.isinf(patience_s) else -math.expm1(-x / patience_s) * patience_s
        return math.exp(rate * patient_s - agents / handle_s * x)

    def still_there(x: float) -> float:
        return math.exp(-x / patience_s)

    free = _ways_to_be_free(rate * handle_s, agents)
    end = _negligible_after(density, handle_s / agents)
    total = free + rate * _integral(density, end)
    answered_late = rate * _integral(lambda x: density(x) * still_there(x), end) / total
    soon = min(within_s, end)
    in_time = free / total + rate * _integral(lambda x: density(x) * still_there(x), soon) / total
    abandons = 1 - free / total - answered_late
    wait_s = _mean_wait(density, rate, total, end, patience_s)
    return ErlangA(1 - free / total, abandons, wait_s, in_time, rate * (1 - abandons) * handle_s / agents)


def _mean_wait(density: Callable[[float], float], rate: float, total: float, end: float, patience_s: float) -> float:
    """Of everybody: the smaller one of offered wait and patience."""

    def waited(x: float) -> float:
        return x if math.isinf(patience_s) else -math.expm1(-x / patience_s) * patience_s

    return rate * _integral(lambda x: density(x) * waited(x), end) / total


def _ways_to_be_free(load: float, agents: int) -> float:
    """E above, by a recurrence that never overflows: the inverse of Erlang B with one agent less."""
    inverse = 1.0
    for busy in range(1, agents):
        inverse = 1.0 + inverse * busy / load
    return inverse


def _negligible_after(density: Callable[[float], float], step: float) -> float:
    """A point after which the density adds nothing any more: doubled until it is as good as nothing."""
    end = step
    while density(end) > 1e-14 * max(1.0, density(end / 2)) and end < 1e7:
        end *= 2
    return end


def _integral(what: Callable[[float], float], end: float) -> float:
    """Simpson's rule from 0 to `end`."""
    if end <= 0:
        return 0.0
    h = end / STEPS
    inner = sum((4 if k % 2 else 2) * what(k * h) for k in range(1, STEPS))
    return (what(0.0) + inner + what(end)) * h / 3
