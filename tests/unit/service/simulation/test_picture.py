"""The picture of a day: what is in it, and what is said when it cannot be drawn."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from service.simulation.callers import callers_of
from service.simulation.day import Day
from service.simulation.figures import Found, simulate
from service.simulation.picture import PictureError, answered_within, calls_by_hour, draw, people_by_hour, ready


@pytest.fixture
def found(morning: Day) -> dict[str, Found]:
    callers = callers_of(morning, 1)
    return {scheme: simulate(morning, callers, scheme) for scheme in ("ours", "one pool")}


def test_a_picture_is_drawn_in_both_kinds_and_names_every_scheme(
    morning: Day, found: dict[str, Found], tmp_path: Path
) -> None:
    for name in ("day.svg", "day.png"):
        draw(tmp_path / name, morning, callers_of(morning, 1), found)
    svg = (tmp_path / "day.svg").read_text()
    assert all(f"<!-- {label}" in svg for label in found)
    assert (tmp_path / "day.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_figures_are_the_same_file(morning: Day, found: dict[str, Found], tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        draw(tmp_path / name, morning, callers_of(morning, 1), found)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_the_hours_hold_all_calls_and_all_shifts(morning: Day, found: dict[str, Found]) -> None:
    callers = callers_of(morning, 1)
    assert sum(calls_by_hour(callers)) == len(callers)
    assert sum(calls_by_hour(callers)[8:12]) == len(callers)
    people = people_by_hour(morning)
    assert people[8] == len(morning.people)
    assert people[9] == len(morning.people) - 0.5  # one has half an hour off
    assert people[6] == people[13] == 0


def test_the_share_answered_within_the_target_is_the_ratio(found: dict[str, Found]) -> None:
    ours = found["ours"]
    assert answered_within(ours, [15]) == [pytest.approx(ours.total.ratio)]
    assert answered_within(ours, [10**6]) == [ours.total.answered / ours.total.offered]


@pytest.mark.parametrize(
    ("name", "told"), [("day.pdf", "ends in .svg or .png"), ("day", "ends in"), ("no/day.svg", "is no folder")]
)
def test_what_cannot_be_drawn_is_said_before_the_work(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(PictureError, match=told):
        ready(tmp_path / name)


def test_without_matplotlib_it_is_said_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PictureError, match=r"type pip install 'hotline12345\[picture\]'"):
        ready(tmp_path / "day.svg")
