"""A surge outlives the service, and a broken note of one does no harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from routing import commands as c
from routing.engine import Engine
from routing.model import Surge
from service import clock
from service.cli.output import CommandError
from service.cli.surge import seconds
from service.surge import NAME, Surges
from tests.unit.routing.floor_plan import rules


def surges(folder: Path) -> Surges:
    """An engine, and its surges wired as the switchboard wires them."""
    engine = Engine(rules())
    found: list[Surges] = []

    def submit(event: object) -> None:
        for command in engine.handle(event, clock.now(), clock.wall()):  # type: ignore[arg-type]
            if isinstance(command, c.TellSurge):
                found[0].told(command)

    found.append(Surges(engine, submit, folder))
    return found[0]


def surge_of(known: Surges) -> Surge | None:
    return known._engine.surge


def test_declared_surge_is_there_after_a_restart(tmp_path: Path) -> None:
    first = surges(tmp_path)
    first.declare(600, "暴雨", "supervisor")
    second = surges(tmp_path)
    second.recall()
    assert surge_of(first) is not None
    assert surge_of(second) == surge_of(first)


def test_ended_surge_is_not(tmp_path: Path) -> None:
    first = surges(tmp_path)
    first.declare(600, "暴雨", "supervisor")
    assert first.end("boss") is None
    second = surges(tmp_path)
    second.recall()
    assert surge_of(second) is None
    assert "hotline surge start" in str(second.end("boss"))


def test_surge_that_expired_meanwhile_is_over(tmp_path: Path) -> None:
    now = clock.wall()
    (tmp_path / NAME).write_text(json.dumps({"since": now - 60, "until": now - 1, "reason": "x", "by": "y"}))
    known = surges(tmp_path)
    known.recall()
    assert surge_of(known) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"since": "x", "until": 1, "reason": 1, "by": 1}'])
def test_note_that_makes_no_sense_is_no_surge(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    known = surges(tmp_path)
    known.recall()
    assert surge_of(known) is None


@pytest.mark.parametrize(("text", "length_s"), [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("5min", 300)])
def test_length_of_time_is_read(text: str, length_s: float) -> None:
    assert seconds(text) == length_s


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2 h", "soon", "1d"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(CommandError):
        seconds(text)
