"""Callers come as the profile says, and chance is theirs alone."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from random import Random
from statistics import mean

import pytest

from service.simulation.callers import PICK_UPS, arrival_times, callers_of, poisson
from service.simulation.day import QUARTER_S, Arrivals, Day, Habits, Kind, Spread

SHAPE = tuple(float(1 + quarter % 7) for quarter in range(96))


def test_the_same_seed_gives_the_same_callers_and_another_gives_others(morning: Day) -> None:
    assert callers_of(morning, 7) == callers_of(morning, 7)
    assert callers_of(morning, 7) != callers_of(morning, 8)


def test_every_quarter_of_an_hour_gets_its_share() -> None:
    profile = Arrivals("12345", 50_000, SHAPE)
    counts = [0] * 96
    for at in arrival_times(profile, Random(3)):
        counts[int(at // QUARTER_S)] += 1
    for quarter, count in enumerate(counts):
        expected = 50_000 * SHAPE[quarter] / sum(SHAPE)
        assert abs(count - expected) < 5 * math.sqrt(expected), quarter


def test_the_counts_scatter_as_poisson_does() -> None:
    chance = Random(5)
    counts = [poisson(9.0, chance) for _ in range(20_000)]
    average = mean(counts)
    variance = mean((count - average) ** 2 for count in counts)
    assert average == pytest.approx(9.0, abs=0.1)
    assert variance == pytest.approx(9.0, abs=0.4)


def test_callers_stand_in_the_order_of_arrival_and_know_their_place(morning: Day) -> None:
    callers = callers_of(morning, 1)
    assert [caller.nth for caller in callers] == list(range(len(callers)))
    assert all(one.at <= other.at for one, other in pairwise(callers))


def test_a_number_more_leaves_the_callers_of_the_others_as_they_were(morning: Day) -> None:
    def of(day: Day, number: str) -> list[tuple[object, ...]]:
        return [tuple(caller)[1:] for caller in callers_of(day, 1) if caller.number == number]

    without = replace(morning, arrivals=morning.arrivals[:2])
    assert of(morning, "12345") == of(without, "12345")
    assert of(morning, "12333") == of(without, "12333")


def test_a_recorded_day_has_the_arrivals_that_it_had(morning: Day) -> None:
    recorded = replace(morning, recorded={"12345": (5.0, 1.5), "12333": (2.0,), "12348": ()})
    assert [(caller.number, caller.at) for caller in callers_of(recorded, 1)] == [
        ("12345", 1.5),
        ("12333", 2.0),
        ("12345", 5.0),
    ]
    with pytest.raises(ValueError, match="recorded"):
        recorded.with_load(2)


@pytest.mark.parametrize("kind", list(Kind))
def test_durations_have_the_mean_that_they_are_given(kind: Kind) -> None:
    chance = Random(11)
    drawn = [Spread(kind, 150.0, 0.77).draw(chance) for _ in range(40_000)]
    assert mean(drawn) == pytest.approx(150.0, rel=0.02)
    assert min(drawn) > 0


def test_the_longest_of_a_years_talks_is_the_one_that_was_published() -> None:
    """Changzhou 2021: 962,151 talks of 150 s on average, the longest 4,751 s."""
    talk = Habits().talk
    z = 4.75  # one in 962,151 is beyond it
    longest = math.exp(math.log(talk.mean_s) - talk.sigma**2 / 2 + z * talk.sigma)
    assert longest == pytest.approx(4751, rel=0.1)


def test_who_is_presented_often_begins_again_with_his_first_draw(morning: Day) -> None:
    caller = callers_of(morning, 1)[0]
    assert caller.pick_up_s(PICK_UPS + 1) == caller.pick_ups[1]
