"""What the end-to-end tests know of the machine they run on."""

from __future__ import annotations

import os
import threading

import pytest

from tests.e2e import machine


def test_each_processor_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, there = [], threading.Barrier(len(os.sched_getaffinity(0)) + 1)

    def pinned(thread: int, processors: set[int]) -> None:
        asked.append((thread, processors))
        there.wait()

    before = os.sched_getaffinity(0)
    monkeypatch.setattr(os, "sched_setaffinity", pinned)
    lateness = machine.Lateness()
    lateness.start()
    there.wait()
    lateness.stop()
    assert sorted(asked, key=str) == sorted(((0, {number}) for number in before), key=str)


@pytest.mark.parametrize(("late_s", "told_s"), [(0.29, 0.0), (0.31, 0.31)])
def test_a_machine_stood_still_from_three_tenths_on(
    late_s: float, told_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    lateness = machine.Lateness()
    lateness._seen.extend([(100.0, 5.0), (200.0, late_s)])
    monkeypatch.setattr(machine, "lateness", lateness)
    assert machine.stood_still_s(150.0) == told_s
