"""When a delivery is tried again: pauses that double up to a bound, and an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.registry import DELIVERY_RESULTS
from service.outbox_plan import Again, Patience, Result, after_failure, pause_s

PATIENCE = Patience(first_pause_s=5.0, longest_pause_s=300.0, most_tries=100, give_up_after_s=3600.0)


@pytest.mark.parametrize(("tries", "pause"), [(1, 5), (2, 10), (3, 20), (6, 160), (7, 300), (8, 300), (10_000, 300)])
def test_pauses_double_and_grow_no_longer_than_the_longest(tries: int, pause: float) -> None:
    assert pause_s(tries, PATIENCE) == pause


def test_half_of_a_pause_is_left_to_chance() -> None:
    assert [after_failure(2, 9.0, PATIENCE, chance) for chance in (0.0, 0.5, 1.0)] == [
        Again(5.0), Again(7.5), Again(10.0),
    ]  # fmt: skip


def test_it_is_given_up_after_so_many_attempts_or_so_long_and_not_before() -> None:
    assert after_failure(99, 0.0, PATIENCE, 0.0) is not None
    assert after_failure(100, 0.0, PATIENCE, 0.0) is None
    assert after_failure(1, 3599.9, PATIENCE, 0.0) is not None
    assert after_failure(1, 3600.0, PATIENCE, 0.0) is None


@given(st.integers(1, 99), st.floats(0, 3599), st.floats(0, 1))
def test_a_pause_is_never_nothing_and_never_longer_than_the_longest(tries: int, since: float, chance: float) -> None:
    again = after_failure(tries, since, PATIENCE, chance)
    assert again is not None
    assert 2.5 <= again.after_s <= 300.0


def test_every_result_has_its_series_from_the_start() -> None:
    assert set(DELIVERY_RESULTS) == set(Result)
