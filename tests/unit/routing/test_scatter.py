"""Bounds of counts, against sums that are written down."""

from __future__ import annotations

import math
from random import Random

import pytest

from routing.scatter import EXACT_UP_TO, bound, level
from tests.unit.routing.days import poisson


def poisson_share(mean: float, calls: int) -> float:
    return sum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(calls + 1))


@pytest.mark.parametrize("mean", [0.02, 0.5, 4.4, 17.0, 99.0])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95, 0.98])
def test_bound_of_plain_chance_is_poissons(mean: float, share: float) -> None:
    found = bound(mean, 0.0, share)
    assert poisson_share(mean, found) >= share
    assert found == 0 or poisson_share(mean, found - 1) < share


@pytest.mark.parametrize("mean", [4.4, 60.0, 400.0])
def test_two_of_a_hundred_lie_above_when_days_differ(mean: float) -> None:
    chance, limit = Random(7), bound(mean, 0.1, 0.98)
    means = (mean * chance.gammavariate(100, 1 / 100) for _ in range(20_000))
    above = sum(poisson(chance, one) > limit for one in means) / 20_000
    assert 0.008 < above < 0.026


def test_bound_has_no_step_where_the_normal_curve_takes_over() -> None:
    below, above = bound(EXACT_UP_TO, 0.1, 0.98), bound(EXACT_UP_TO + 0.001, 0.1, 0.98)
    assert abs(below - above) <= 2


def test_of_nothing_expected_nothing_is_the_bound() -> None:
    assert bound(0.0, 0.1, 0.98) == 0


def test_day_is_above_its_forecast_by_so_much_as_chance_does_not_explain() -> None:
    assert level(0.0, 0.06, 0.0) == 1.0
    assert level(800.0, 0.06, 800.0) == 1.0
    few, many = level(8.0, 0.06, 16.0), level(800.0, 0.06, 1600.0)
    assert 1.0 < few < 1.05, "eight callers more say little"
    assert 1.7 < many < 2.0, "eight hundred say nearly all"


def test_where_days_do_not_differ_none_is_above() -> None:
    assert level(800.0, 0.0, 1600.0) == 1.0


def test_level_is_the_mean_of_days_that_were_seen_so() -> None:
    """Of many days of a hotline that scatters, those that had 60 calls where 50 were expected."""
    chance, spread = Random(3), 0.2
    like = [
        one
        for one in (chance.gammavariate(spread**-2, spread**2) for _ in range(60_000))
        if poisson(chance, 50 * one) == 60
    ]
    assert level(50.0, spread, 60.0) == pytest.approx(sum(like) / len(like), abs=0.02)
