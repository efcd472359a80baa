"""One picture for all: when it counts as new, and what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from console import board
from console.board import Board, lasting
from console.deps import Health, LineToday
from routing.model import DeviceState, EngineView, LineView, SeatView
from tests.unit.console.fakes import LOST, OUTLOOK, STAFFING, SUGGESTION, TODAY, VIEW, Hotline

HEALTH = Health(True, True)


def test_growing_durations_alone_are_nothing_new() -> None:
    later = replace(
        VIEW,
        lines=tuple(replace(line, longest_wait_s=line.longest_wait_s + 1) for line in VIEW.lines),
        seats=tuple(replace(seat, since_s=seat.since_s + 1) for seat in VIEW.seats),
    )
    assert lasting(later, HEALTH, (TODAY,)) == lasting(VIEW, HEALTH, (TODAY,))


@pytest.mark.parametrize(
    "change",
    [
        {"lines": (LineView("12345", "热线", 3, 7.25, 1),)},
        {"seats": (SeatView("1001", "1001", "坐席一", "wrap_up", 0.0, DeviceState.NOT_INUSE, None),)},
        {"ami_up": False},
        {"ready": False},
    ],
)
def test_everything_else_is_new(change: dict[str, object]) -> None:
    assert lasting(replace(VIEW, **change), HEALTH, ()) != lasting(VIEW, HEALTH, ())  # type: ignore[arg-type]


def test_health_and_figures_are_new_too() -> None:
    assert lasting(VIEW, Health(True, True, ("ami",)), ()) != lasting(VIEW, HEALTH, ())
    assert lasting(VIEW, HEALTH, None) != lasting(VIEW, HEALTH, ())


async def test_readers_at_the_same_time_get_one_picture_encoded_once() -> None:
    hotline = Hotline()
    shared = Board(hotline.deps())
    first, *others = await asyncio.gather(*(shared.snapshot() for _ in range(50)))
    assert all(other is first for other in others)
    assert first.text is first.text
    assert hotline.asked == 1


async def test_seats_needed_are_new_to_those_who_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "FRESH_S", 0.0)
    hotline = Hotline()
    shown = Board(hotline.deps())
    before = await shown.snapshot()
    assert before.picture["staffing"] is None
    hotline.staffing = STAFFING
    after = await shown.snapshot()
    assert (after.version, after.picture["staffing"]) == (before.version + 1, STAFFING)
    assert (await shown.snapshot()).version == after.version


async def test_citizens_not_served_are_in_the_picture_and_new_to_those_who_follow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(board, "FRESH_S", 0.0)
    hotline = Hotline()
    shown = Board(hotline.deps())
    before = await shown.snapshot()
    assert before.picture["lost_today"] is None
    hotline.lost_today = LOST
    after = await shown.snapshot()
    assert (after.version, after.picture["lost_today"]) == (before.version + 1, LOST)


@pytest.mark.parametrize("change", [{"suggested": SUGGESTION}, {"today": OUTLOOK}])
async def test_suggestion_and_forecast_are_new_to_those_who_follow(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    monkeypatch.setattr(board, "FRESH_S", 0.0)
    hotline = Hotline()
    shown = Board(hotline.deps())
    before = await shown.snapshot()
    for name, value in change.items():
        setattr(hotline.forecasts, name, value)
    after = await shown.snapshot()
    assert after.version == before.version + 1
    assert (await shown.snapshot()).version == after.version


async def test_records_that_hang_do_not_hold_up_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "TODAY_PATIENCE_S", 0.0)
    asked = 0

    async def hangs() -> Sequence[LineToday]:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()
        return ()

    stuck = Board(replace(Hotline().deps(), today=hangs))
    assert (await stuck.snapshot()).picture["today"] is None
    stuck._taken_at = float("-inf")  # as if a second had passed
    assert (await stuck.snapshot()).picture["now"]["waiting"] == 2
    assert asked == 1  # left alone for a while


async def test_an_empty_hotline_has_a_picture() -> None:
    hotline = Hotline(view=EngineView((), (), ready=False, ami_up=False), today=())
    picture = (await Board(hotline.deps()).snapshot()).picture
    assert picture["now"] == {"waiting": 0, "longest_wait_s": 0.0, "talking": 0, "seats": {}, "set_aside": []}
    assert picture["today"]["ratio"] is None
