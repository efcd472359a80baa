"""Seats for any stream of callers: what holds whatever the numbers are."""

from __future__ import annotations

import math

from hypothesis import example, given, settings
from hypothesis import strategies as st

from metrics.erlang import erlang_a, seats_needed

rates = st.floats(1e-4, 0.5)  # to 1,800 calls an hour
handlings_s = st.floats(20, 600)
patiences_s = st.one_of(st.floats(5, 3600), st.just(math.inf))
thresholds_s = st.floats(0, 60)
ratios = st.floats(0.5, 0.99)


@settings(max_examples=40, deadline=None)
@given(rates, handlings_s, patiences_s, thresholds_s, ratios)
def test_the_seats_reach_the_target_and_one_fewer_misses_it(
    rate: float, handle_s: float, patience_s: float, within_s: float, ratio: float
) -> None:
    seats = seats_needed(rate, handle_s, patience_s, within_s, ratio)
    assert erlang_a(rate, handle_s, seats, patience_s, within_s).in_time >= ratio - 1e-8
    stable = not math.isinf(patience_s) or rate * handle_s < seats - 1
    if seats > 1 and stable:
        assert erlang_a(rate, handle_s, seats - 1, patience_s, within_s).in_time < ratio


@settings(max_examples=30, deadline=None)
@given(rates, st.floats(1.0, 2.0), handlings_s, patiences_s, thresholds_s, ratios)
def test_more_callers_never_need_fewer_seats(
    rate: float, more: float, handle_s: float, patience_s: float, within_s: float, ratio: float
) -> None:
    few = seats_needed(rate, handle_s, patience_s, within_s, ratio)
    assert seats_needed(rate * more, handle_s, patience_s, within_s, ratio) >= few


@settings(max_examples=30, deadline=None)
@given(rates, handlings_s, patiences_s, thresholds_s, ratios, ratios)
def test_a_higher_target_never_needs_fewer_seats(
    rate: float, handle_s: float, patience_s: float, within_s: float, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    few = seats_needed(rate, handle_s, patience_s, within_s, low)
    assert seats_needed(rate, handle_s, patience_s, within_s, high) >= few


@settings(max_examples=40, deadline=None)
@given(rates, handlings_s, st.integers(1, 1000), st.floats(5, 3600), thresholds_s)
@example(0.5, 348.0, 1, 5.0, 0.0)  # far too few agents, and nobody waits for long
def test_whatever_the_crew_everybody_is_answered_or_gives_up(
    rate: float, handle_s: float, agents: int, patience_s: float, within_s: float
) -> None:
    found = erlang_a(rate, handle_s, agents, patience_s, within_s)
    assert -1e-9 <= found.abandons <= 1
    assert -1e-9 <= found.in_time <= 1 - found.abandons + 1e-6
    assert -1e-9 <= found.occupancy <= 1 + 1e-6
