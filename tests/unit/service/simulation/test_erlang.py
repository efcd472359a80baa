"""Erlang A and C against published values."""

from __future__ import annotations

import math

import pytest

from service.simulation.erlang import erlang_a


def test_erlang_a_is_that_of_garnett_mandelbaum_and_reiman() -> None:
    """Designing a Call Center with Impatient Customers, M&SOM 4 (2002) 208-227, introduction: 3.1 %, 3.7 s, 93 %."""
    found = erlang_a(48 / 60, 60, 50, 120, 0)
    assert found.abandons == pytest.approx(0.031, abs=0.0005)
    assert found.mean_wait_s == pytest.approx(3.7, abs=0.05)
    assert found.occupancy == pytest.approx(0.93, abs=0.005)


def test_without_giving_up_it_is_erlang_c_of_the_same_page() -> None:
    """Same table: 20.8 s on average, occupancy 96 %."""
    found = erlang_a(48 / 60, 60, 50, math.inf, 0)
    assert found.mean_wait_s == pytest.approx(20.8, abs=0.05)
    assert found.occupancy == pytest.approx(0.96)
    assert found.abandons == pytest.approx(0, abs=1e-9)


def test_one_agent_without_giving_up_is_the_textbook_queue() -> None:
    """M/M/1 with load 1/2: half wait, the wait of those is exponential with mean 2 x handling."""
    found = erlang_a(1 / 20, 10, 1, math.inf, 15)
    assert found.waits == pytest.approx(0.5)
    assert found.mean_wait_s == pytest.approx(10.0)
    assert found.in_time == pytest.approx(1 - 0.5 * math.exp(-15 / 20))


@pytest.mark.parametrize(("agents", "calls_an_hour"), [(8, 45), (10, 60), (28, 240)])
def test_the_seats_of_the_requirements_reach_95_percent_in_15_seconds(agents: int, calls_an_hour: int) -> None:
    """8 specialist seats carry 45 calls/h of 300 s; four pools of 60 calls/h need 40 seats where one of 240 needs 28."""
    rate = calls_an_hour / 3600
    assert erlang_a(rate, 300, agents, math.inf, 15).in_time >= 0.95
    assert erlang_a(rate, 300, agents - 1, math.inf, 15).in_time < 0.95


def test_who_waits_gives_up_in_the_proportion_of_wait_to_patience() -> None:
    """P(abandon) = mean wait / mean patience, for every exponential patience."""
    found = erlang_a(0.5, 100, 45, 90, 15)
    assert found.abandons == pytest.approx(found.mean_wait_s / 90, rel=1e-4)


@pytest.mark.parametrize(
    "wrong", [(0, 60, 5, 60, 0), (1, 0, 5, 60, 0), (1, 60, 0, 60, 0), (1, 60, 5, 0, 0), (1, 60, 5, 60, -1)]
)
def test_what_makes_no_sense_is_refused(wrong: tuple[float, float, int, float, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        erlang_a(*wrong)
    with pytest.raises(ValueError, match="for ever"):
        erlang_a(1, 60, 60, math.inf, 0)
