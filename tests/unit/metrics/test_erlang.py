"""Erlang A and C against published values, and the seats that follow from them."""

from __future__ import annotations

import math

import pytest

from metrics.erlang import erlang_a, seats_needed


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


# agents, share who wait, for how long these on average, mean wait of all, share within 20 s: an hour with 20 hours of work
PLANNERS = [
    (21, 0.76, 180, 137, 0.32),
    (22, 0.57, 90, 51, 0.55),
    (23, 0.42, 60, 25, 0.70),
    (24, 0.30, 45, 13, 0.81),
    (25, 0.21, 36, 8, 0.88),
    (26, 0.14, 30, 4, 0.93),
    (27, 0.09, 26, 2, 0.96),
    (28, 0.06, 23, 1, 0.97),
]


@pytest.mark.parametrize(("agents", "waits", "wait_s", "mean_s", "share"), PLANNERS)
def test_erlang_c_is_the_table_that_planners_learn_from(
    agents: int, waits: float, wait_s: float, mean_s: float, share: float
) -> None:
    """ "Calculating Call Center Staff", The Call Center School, with the Society of Workforce Planning Professionals
    (swpp.org, certification articles). That calls take three minutes is said by the column of those who wait."""
    found = erlang_a(400 / 3600, 180, agents, math.inf, 20)
    assert found.waits == pytest.approx(waits, abs=0.007), "the table cuts 9.6 % to 9 %"
    assert found.mean_wait_s / found.waits == pytest.approx(wait_s, abs=0.6)
    assert found.mean_wait_s == pytest.approx(mean_s, abs=0.6)
    assert found.in_time == pytest.approx(share, abs=0.006)


def test_seats_are_read_from_the_same_table_backwards() -> None:
    for agents, _, _, _, share in PLANNERS:
        assert seats_needed(400 / 3600, 180, math.inf, 20, share - 0.006) == agents


@pytest.mark.parametrize("agents", [3, 10, 14])
def test_who_is_as_patient_as_he_is_served_makes_the_queue_of_infinitely_many(agents: int) -> None:
    """With patience as long as handling callers leave at the same rate wherever they are: M/M/infinity, a Poisson count."""
    load = 10.0
    found = erlang_a(load / 200, 200, agents, 200, 0)
    poisson = [math.exp(-load + k * math.log(load) - math.lgamma(k + 1)) for k in range(120)]
    assert found.waits == pytest.approx(sum(poisson[agents:]), abs=1e-6)
    queue = sum((k - agents) * share for k, share in enumerate(poisson) if k > agents)
    assert found.abandons == pytest.approx(queue / load, abs=1e-6)
    assert found.mean_wait_s == pytest.approx(queue / (load / 200), rel=1e-4), "Little's law"


# busy hour = calls of an hour, 95 % within 15 s, nobody gives up: seats at 210 s and at 300 s a call
SCALES = [(264, 22, 30), (980, 69, 96), (2740, 176, 249), (3800, 240, 339)]


@pytest.mark.parametrize(("calls", "short", "long"), SCALES)
def test_seats_of_real_cities_are_those_of_the_scale_references(calls: int, short: int, long: int) -> None:
    assert seats_needed(calls / 3600, 210, math.inf, 15, 0.95) == short
    assert seats_needed(calls / 3600, 300, math.inf, 15, 0.95) == long


@pytest.mark.parametrize(("calls", "share"), [(264, 0.86), (980, 0.70)])
def test_a_tenth_more_callers_cost_the_small_hotline_a_tenth_and_the_large_one_a_quarter(
    calls: int, share: float
) -> None:
    seats = seats_needed(calls / 3600, 300, math.inf, 15, 0.95)
    assert erlang_a(1.1 * calls / 3600, 300, seats, math.inf, 15).in_time == pytest.approx(share, abs=0.006)


# of the manual, docs/staffing.md: calls an hour of 300 s, patience 600 s; seats, and with 5 s of ringing in both
MANUAL = [(264, 30, 31), (980, 94, 97), (2740, 246, 252), (3800, 335, 344)]


@pytest.mark.parametrize(("calls", "seats", "with_ringing"), MANUAL)
def test_what_the_manual_says_of_ringing_is_so(calls: int, seats: int, with_ringing: int) -> None:
    assert seats_needed(calls / 3600, 300, 600, 15, 0.95) == seats
    assert seats_needed(calls / 3600, 305, 600, 10, 0.95) == with_ringing


def test_who_gives_up_leaves_his_place_to_others_so_seats_are_fewer_than_without_giving_up() -> None:
    assert seats_needed(2740 / 3600, 300, 120, 15, 0.95) < seats_needed(2740 / 3600, 300, math.inf, 15, 0.95)


def test_quiet_night_with_many_agents_and_a_crowd_before_a_few_are_numbers_too() -> None:
    assert erlang_a(0.05 / 300, 300, 400, 600, 15).in_time == pytest.approx(1.0)
    crowd = erlang_a(10, 300, 5, 3600, 15)
    assert crowd.abandons == pytest.approx(1 - 5 / 3000, abs=1e-6)
    assert crowd.in_time == pytest.approx(0.0, abs=1e-9)
    assert crowd.occupancy == pytest.approx(1.0)


def test_no_callers_need_nobody_and_a_thousand_seats_are_found() -> None:
    assert seats_needed(0, 300, 600, 15, 0.95) == 0
    assert 990 < seats_needed(1000 / 300, 300, 600, 15, 0.95) < 1100


@pytest.mark.parametrize("wrong", [(-1, 0.95), (1, 0), (1, 1.01)])
def test_seats_for_what_makes_no_sense_are_refused(wrong: tuple[float, float]) -> None:
    rate, ratio = wrong
    with pytest.raises(ValueError, match="must not"):
        seats_needed(rate, 300, 600, 15, ratio)


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


@pytest.mark.parametrize(
    "wrong", [(0, 60, 5, 60, 0), (1, 0, 5, 60, 0), (1, 60, 0, 60, 0), (1, 60, 5, 0, 0), (1, 60, 5, 60, -1)]
)
def test_what_makes_no_sense_is_refused(wrong: tuple[float, float, int, float, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        erlang_a(*wrong)
    with pytest.raises(ValueError, match="for ever"):
        erlang_a(1, 60, 60, math.inf, 0)
