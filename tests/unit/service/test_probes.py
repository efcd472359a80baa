"""Test calls as the service places them: by hand, by the schedule, never twice for one moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from console.deps import Refused
from routing import commands as c
from routing import events as e
from routing.model import Surge
from routing.probe import Probe, ProbeEvent, ProbeOutcome
from routing.slots import LATE_S
from service import clock
from service.probes import Probes
from service.settings import Settings, load
from storage.errors import StorageUnavailable
from storage.probes import row_of
from tests.unit.routing.floor_plan import Drive
from tests.unit.service.test_settings_probe import PROBE, TRUNK

SCHEDULE = '\n[[probe_schedule]]\nnumbers = ["12345"]\nevery_min = 60\njitter_min = 0\n'


class Book:
    """Stands for the records: test calls that were written, by id."""

    def __init__(self) -> None:
        self.rows: dict[str, Mapping[str, Any]] = {}
        self.away = False

    def write(self, probe: Probe) -> None:
        self.rows[probe.id] = row_of(probe)

    def _asked(self) -> list[Mapping[str, Any]]:
        if self.away:
            raise StorageUnavailable("away")
        return list(self.rows.values())

    async def last_probes(self) -> list[Mapping[str, Any]]:
        return [row for row in self._asked() if row["ended_ms"] is not None]

    async def recent_probes(self, limit: int, *, number: str = "") -> list[Mapping[str, Any]]:
        return [row for row in self._asked() if number in ("", row["number"])][:limit]

    async def probed_slots(self, since_ms: int) -> set[str]:
        return {row["slot"] for row in self._asked() if row["slot"]}


class World:
    """A hotline, its clock, and the test calls of one service after the other."""

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings, self.book, self.drive = settings, Book(), Drive("1001")
        self.dialled: list[c.DialProbe] = []
        self.missed: Mapping[str, float] = {}
        self.counted: list[tuple[str, str]] = []
        self.shown: list[tuple[str, bool]] = []
        self.why: str | None = None
        monkeypatch.setattr(clock, "wall", lambda: self.drive.wall)
        self.start()

    def start(self) -> None:
        """The service, again."""
        records: Any = self.book
        self.probes = Probes(
            self.drive.engine, self.submit, lambda: self.settings, records, lambda: self.why, b"k" * 32
        )
        self.probes.count = lambda number, outcome: self.counted.append((number, outcome))
        self.probes.show = lambda probe, good: self.shown.append((probe.number, good))
        self.probes.missed = lambda seconds: setattr(self, "missed", seconds)

    def submit(self, event: e.Event) -> None:
        for command in self.drive.send(event):
            if isinstance(command, c.DialProbe):
                self.dialled.append(command)
            elif isinstance(command, c.WriteProbe):
                self.book.write(command.probe)
                if command.probe.ended_at is not None:
                    self.probes.over(command.probe)

    def end(self, *before: ProbeEvent, cause: int = 34) -> None:
        (probe_id,) = self.drive.engine.probes
        for what in before:
            self.submit(e.ProbeMoved(probe_id, what, self.drive.wall))
        self.submit(e.ProbeMoved(probe_id, ProbeEvent.GONE, self.drive.wall, cause))

    async def look(self, seconds: float = 0.0) -> int:
        """Time passes, and the schedule is looked at: how many were dialled by it altogether."""
        self.drive.after(seconds)
        if self.probes._done is None:
            await self.probes._read_done()
        if self.probes._done is not None:
            self.probes._look(self.probes._done)
        return len(self.dialled)

    def seconds_to_the_hour(self) -> float:
        at = datetime.fromtimestamp(self.drive.wall, self.settings.zone_info)
        return 3600 - at.minute * 60 - at.second


@pytest.fixture
def world(folder: Path, sample_text: str, monkeypatch: pytest.MonkeyPatch) -> World:
    file = folder / "hotline.toml"
    file.write_text(f"{sample_text}{TRUNK}{PROBE}{SCHEDULE}")
    return World(load(file, known_agents={}), monkeypatch)


async def test_test_call_is_dialled_through_its_trunk_and_told(world: World) -> None:
    told = await world.probes.place("12345", "cli")
    assert (told["state"], told["number"], told["by"], told["faults"]) == ("asked", "12345", "cli", [])
    assert world.dialled[0].dial == "PJSIP/12345@outside"
    world.end(ProbeEvent.DIALLED)
    found = await world.probes.shown(told["id"])
    assert (found["outcome"], found["faults"]) == ("refused", ["not_reached"])
    assert (world.counted, world.shown) == ([("12345", "refused")], [("12345", False)])


async def test_nothing_is_dialled_that_cannot_be(world: World) -> None:
    async def refused(number: str = "12345") -> tuple[int, str]:
        with pytest.raises(Refused) as error:
            await world.probes.place(number, "cli")
        return error.value.status, error.value.detail

    assert (await refused("99999"))[0] == 404
    world.why = "Asterisk Manager is not connected"
    assert (await refused())[0] == 503
    world.why = None
    world.drive.call("a")
    world.drive.call("b")
    assert await refused() == (409, "No test call now: 1 callers wait.")
    world.settings = world.settings.model_copy(
        update={"probe": world.settings.probe.model_copy(update={"trunk": None})}
    )
    assert "There is no trunk for test calls" in (await refused())[1]
    assert not world.dialled


async def test_unknown_test_call_is_a_sentence_and_known_ones_come_from_memory_without_a_database(world: World) -> None:
    told = await world.probes.place("12345", "cli")
    world.book.away = True
    assert (await world.probes.shown(told["id"]))["id"] == told["id"]
    with pytest.raises(Refused) as error:
        await world.probes.shown("test-0-x")
    assert error.value.status == 404


async def test_schedule_calls_once_for_each_moment(world: World) -> None:
    await world.look()
    before = len(world.dialled)
    if before:
        world.end()
    assert await world.look(world.seconds_to_the_hour() + 1) == before + 1
    world.end(ProbeEvent.DIALLED)
    assert await world.look(60) == before + 1
    assert await world.look(3540) == before + 2


async def test_service_that_restarts_twice_in_a_row_calls_nobody_again(world: World) -> None:
    await world.look(world.seconds_to_the_hour() + 1)
    many = len(world.dialled)
    world.end()
    for _ in range(2):
        world.start()
        assert await world.look(10) == many


async def test_after_a_start_nothing_is_called_before_the_records_answer(world: World) -> None:
    world.book.away = True
    assert await world.look(world.seconds_to_the_hour() + 1) == 0
    world.book.away = False
    assert await world.look(5) == 1


@pytest.mark.parametrize("what", ["waiting", "surge"])
async def test_moment_waits_while_citizens_wait_or_a_surge_lasts(world: World, what: str) -> None:
    await world.look(world.seconds_to_the_hour() - 5)
    many = len(world.dialled)
    if many:
        world.end()
    if what == "surge":
        world.drive.send(e.SurgeDeclared(Surge(world.drive.wall, world.drive.wall + 300, "storm", "cli")))
    else:
        world.drive.call("a")
        world.drive.answer("a", "1001")
        world.drive.call("b")
    assert await world.look(10) == many
    if what == "surge":
        world.drive.send(e.SurgeEnded("cli"))
    else:
        world.drive.send(e.CallEnded("b", world.drive.wall, 16, "caller"))
    assert await world.look(10) == many + 1


async def test_moment_that_waits_too_long_is_left_out_and_told(world: World) -> None:
    await world.look(world.seconds_to_the_hour() - 5)
    many = len(world.dialled)
    if many:
        world.end()
    world.why = "Asterisk Manager is not connected"
    await world.look(10 + LATE_S)
    world.why = None
    assert await world.look(1) == many
    assert LATE_S <= world.missed["12345"] < LATE_S + 30 + 3600
    assert await world.look(world.seconds_to_the_hour() + 1) == many + 1
    assert "12345" not in world.missed


async def test_last_results_are_shown_again_after_a_restart(world: World) -> None:
    await world.probes.place("12345", "cli")
    world.end(ProbeEvent.DIALLED)
    world.shown.clear()
    world.start()
    await world.probes._recall()
    assert world.shown == [("12345", False)]


async def test_end_that_says_nothing_about_the_number_is_counted_and_not_shown(world: World) -> None:
    await world.probes.place("12345", "cli")
    world.drive.engine.probes = {
        id_: probe._replace(dropped=ProbeOutcome.GAVE_WAY) for id_, probe in world.drive.engine.probes.items()
    }
    world.end(ProbeEvent.DIALLED)
    assert (world.counted, world.shown) == ([("12345", "gave_way")], [])
