"""What a day ends at, by sums that can be done in the head."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.day_end import Ahead, DayEnd, SoFar, day_end
from metrics.measures import Tally, headline

counts = st.integers(0, 5000)
shares = st.floats(0, 1)


def test_what_is_to_come_is_weighed_with_what_has_been() -> None:
    """900 of 1000 so far, and 1000 more of which 96 of 100 will be in time."""
    found = day_end(SoFar(1000, 900), [Ahead(400, 0.99), Ahead(600, 0.94)], 0.95)
    assert found.expected == pytest.approx((900 + 396 + 564) / 2000)
    assert (found.to_come, found.must, found.best, found.reachable) == (1000, 1000, 0.95, True)


def test_one_call_late_more_and_the_target_cannot_be_reached_any_more() -> None:
    found = day_end(SoFar(1000, 899), [Ahead(1000, 1.0)], 0.95)
    assert (found.must, found.reachable) == (1001, False)
    assert found.best == pytest.approx(0.9495)


def test_target_that_nothing_can_endanger_asks_nothing() -> None:
    found = day_end(SoFar(1000, 1000), [Ahead(50, 0.2)], 0.95)
    assert (found.must, found.reachable) == (0, True)


def test_calls_that_are_not_decided_yet_fare_as_the_present_quarter_does() -> None:
    found = day_end(SoFar(100, 100, undecided=10), [Ahead(0.0, 0.5), Ahead(90, 1.0)], 0.95)
    assert found.to_come == 100
    assert found.expected == pytest.approx((100 + 5 + 90) / 200)


def test_day_without_a_call_has_no_ratio() -> None:
    assert day_end(SoFar(0, 0), [], 0.95) == DayEnd(None, 0, 0, None)


def test_after_the_last_call_it_is_the_headline_itself() -> None:
    tally = Tally(answered=95, answered_in_time=90, abandoned=3, flowed_out=1, failed=1)
    assert day_end(SoFar(tally.offered, tally.answered_in_time), [], 0.95).expected == headline(tally)


@given(counts, counts, counts, st.lists(st.tuples(st.floats(0, 500), shares), max_size=5), st.floats(0.01, 1))
def test_with_as_many_in_time_as_it_must_the_target_is_reached_and_with_one_fewer_not(
    judged: int, in_time: int, undecided: int, parts: list[tuple[float, float]], target: float
) -> None:
    so_far = SoFar(judged + in_time, in_time, undecided)
    found = day_end(so_far, [Ahead(*part) for part in parts], target)
    whole = so_far.judged + found.to_come
    if whole and found.reachable:
        assert (in_time + found.must) / whole >= target - 1e-6
        assert found.must == 0 or (in_time + found.must - 1) / whole < target
    if whole and not found.reachable:
        assert found.best is not None
        assert found.best < target
    if found.expected is not None:
        assert 0 <= found.expected <= 1 + 1e-9
