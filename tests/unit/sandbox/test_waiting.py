"""A limit counts the time in which programs ran; what the machine keeps them waiting is not counted, up to a bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import waiting
from sandbox.waiting import MOST, NeverTrue, Patience, held_up_s, until

PRESSURE = (
    "some avg10=70.02 avg60=65.16 avg300=47.34 total=21783479614\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"
)
STAT = """cpu  3374888 2525228 579000 6450265 28061 0 48519 1109410 0 0
cpu0 1687444 1262614 289500 3225132 14030 0 24259 554705 0 0
cpu1 1687444 1262614 289500 3225133 14031 0 24260 554705 0 0
intr 1 2 3
"""


class Machine:
    """A clock, and how long this machine has kept programs waiting."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = self.held_up = 100.0
        monkeypatch.setattr(waiting.time, "monotonic", lambda: self.at)
        monkeypatch.setattr(waiting, "held_up_s", lambda: self.held_up)

    def passes(self, seconds: float, held_up: float = 0.0) -> None:
        self.at += seconds
        self.held_up += held_up


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_on_a_quiet_machine_a_limit_is_as_long_as_it_says(machine: Machine) -> None:
    patience = Patience(10)
    machine.passes(9.9)
    assert not patience.over
    machine.passes(0.1)
    assert patience.over


def test_time_in_which_programs_were_kept_waiting_does_not_count(machine: Machine) -> None:
    patience = Patience(10)
    machine.passes(19, held_up=10)
    assert not patience.over
    machine.passes(1)
    assert patience.over


def test_a_limit_ends_however_busy_the_machine_is(machine: Machine) -> None:
    patience = Patience(10)
    machine.passes(MOST * 10 - 1, held_up=1000)
    assert not patience.over
    machine.passes(1, held_up=1)
    assert patience.over


async def test_what_never_comes_true_is_told_with_its_last_value() -> None:
    with pytest.raises(NeverTrue, match=r"not true within 0 s: the moon; last value: None"):
        await until(lambda: [], 0, "the moon")


async def test_the_value_is_given_as_soon_as_it_is_true() -> None:
    values = iter([0, "", 7])
    assert await until(lambda: next(values), poll_s=0) == 7


async def test_a_coroutine_function_is_asked_again_and_again() -> None:
    values = iter([False, True])

    async def so() -> bool:
        return next(values)

    assert await until(so, poll_s=0) is True


def test_waiting_and_stolen_time_are_what_the_kernel_tells(tmp_path: Path) -> None:
    (tmp_path / "pressure").write_text(PRESSURE)
    (tmp_path / "stat").write_text(STAT)
    assert held_up_s(tmp_path / "pressure", tmp_path / "none") == pytest.approx(21783.48, abs=0.01)
    assert held_up_s(tmp_path / "none", tmp_path / "stat") == pytest.approx(1109410 / 100 / 2)
    assert held_up_s(tmp_path / "none", tmp_path / "none") == 0.0
