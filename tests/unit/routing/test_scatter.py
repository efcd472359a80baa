"""Bounds of counts, against sums that are written down."""

from __future__ import annotations

import math
from random import Random

import pytest

from routing.scatter import EXACT_UP_TO, bound
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
