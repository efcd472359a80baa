"""The timer wheel behind the lease renewals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.agi.leases import Wheel


def test_an_empty_wheel_asks_for_no_timer() -> None:
    wheel: Wheel[str] = Wheel(1.0)
    assert wheel.wake_at() is None
    wheel.join("a", 5.0)
    wheel.leave("a")
    wheel.leave("a")
    assert wheel.wake_at() is None


def test_all_who_come_in_the_same_instant_are_spread_over_the_turn() -> None:
    wheel: Wheel[int] = Wheel(1.0, slots=40)
    for item in range(2000):
        wheel.join(item, 0.0)
    assert set(wheel.load()) == {50}


def test_those_who_stay_while_others_come_and_go_are_not_left_in_a_heap() -> None:
    wheel: Wheel[int] = Wheel(1.0, slots=10)
    for item in range(100):
        wheel.join(item, 0.0)
    for item in range(100):
        if item % 10 < 5:
            wheel.leave(item)
    for item in range(100, 150):
        wheel.join(item, 0.3)
    assert max(wheel.load()) - min(wheel.load()) <= 1


@given(
    st.lists(st.floats(0.0, 3.0), min_size=1, max_size=60),
    st.floats(0.001, 0.02),
)
def test_everybody_comes_up_once_in_every_turn_the_first_time_included(pauses: list[float], step_s: float) -> None:
    wheel: Wheel[int] = Wheel(1.0, slots=20)
    now, last = 0.0, dict[int, float]()
    joins = [sum(pauses[: index + 1]) for index in range(len(pauses))]
    while now < joins[-1] + 2.0:
        for item, joined_at in enumerate(joins):
            if joined_at <= now and item not in last:
                wheel.join(item, now)
                last[item] = now
        for item, late_s in wheel.turn(now):
            assert now - last[item] <= 1.0 + 1 / 20 + step_s + 1e-6
            assert 0 <= late_s <= step_s + 1e-6
            last[item] = now
        now += step_s
    assert all(now - at <= 1.1 + step_s for at in last.values())


def test_after_a_stall_everybody_comes_up_once_and_then_in_turn() -> None:
    wheel: Wheel[int] = Wheel(1.0, slots=10)
    for item in range(10):
        wheel.join(item, 0.0)
    assert sorted(item for item, _ in wheel.turn(7.0)) == list(range(10))
    assert wheel.turn(7.0) == []
    assert sorted(item for at in range(71, 81) for item, _ in wheel.turn(at / 10 + 0.001)) == list(range(10))


def test_the_wheel_wakes_for_the_next_slot_that_holds_somebody() -> None:
    wheel: Wheel[str] = Wheel(1.0, slots=10)
    wheel.join("a", 0.0)
    wake_at = wheel.wake_at()
    assert wake_at == pytest.approx(1.0)
    assert wheel.turn(wake_at - 0.01) == []
    assert [item for item, _ in wheel.turn(wake_at)] == ["a"]
