"""A recorded day once more: what the records tell is taken, and by the same rules it comes out as it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from routing import commands as c
from routing.model import AgentProfile, Ring, Rules
from routing.need import InGroup, Skilled
from service.replay import NEVER, Estimate, Recorded, by_others, estimates, read_day
from service.settings import Settings, load
from service.simulation.callers import Caller, callers_of
from service.simulation.day import A_MONDAY, DAY_S, QUARTERS, Arrivals, Day, Habits, Kind, Person, Shift, Spread
from service.simulation.ours import Ours
from service.simulation.world import Fate, Outcome
from service.starter import write_starter
from storage.entries import Entry
from storage.records import Records

SHAPE = tuple(1.0 if 32 <= quarter < 72 else 0.0 for quarter in range(QUARTERS))  # 08:00 to 18:00
SHIFTS = (Shift(7.5 * 3600, 12 * 3600), Shift(12.5 * 3600, DAY_S))
HABITS = Habits(patience=Spread(Kind.EXPONENTIAL, 90.0), wrap_up=Spread(Kind.LOGNORMAL, 25.0, 0.5))


class Kept(Ours):
    """The simulated hotline with a recorder in the place of the service's."""

    def __init__(self, *about: Any) -> None:
        self.entries: list[Entry] = []
        super().__init__(*about)
        handle = self.engine.handle

        def handled(*event: Any) -> list[c.Command]:
            commands = handle(*event)
            self.entries += [x.step if isinstance(x, c.WriteStep) else x for x in commands if _is_kept(x)]
            return commands

        self.engine.handle = handled  # type: ignore[method-assign]


def _is_kept(command: c.Command) -> bool:
    return isinstance(command, c.WriteStep | c.WriteSignIn)


@dataclass
class Lived:
    """A day that was, and what the records have of it."""

    day: Day
    callers: list[Caller]
    outcome: Outcome
    settings: Settings
    recorded: Recorded


def settings_of(folder: Path) -> Settings:
    file = write_starter(folder, seats=8)
    file.write_text(file.read_text() + "\n[timing]\nwrap_up_s = 40\n")
    return load(file, check_secrets=False)


def day_of(rules: Rules, per_day: float = 700) -> Day:
    arrivals = (Arrivals("12345", per_day, SHAPE), Arrivals("12333", per_day / 4, SHAPE))
    people = [Person(agent, rules.seats[agent.id], SHIFTS) for agent in rules.agents.values()]
    return Day("a day", "", rules, arrivals, tuple(people), HABITS)


@asynccontextmanager
async def recording(settings: Settings, *entries: Entry) -> AsyncIterator[Records]:
    settings.data_dir.mkdir(exist_ok=True)
    records = await Records.open(settings.database_url(), settings.data_dir)
    try:
        records.write(*entries)
        assert await records.flush(60)
        yield records
    finally:
        await records.close()


async def lived(folder: Path) -> Lived:
    settings = settings_of(folder)
    day = day_of(settings.rules())
    callers = callers_of(day, 7)
    world = Kept(day, callers)
    outcome = world.run()
    async with recording(settings, *world.entries):
        recorded = await read_day(settings, A_MONDAY, A_MONDAY + 2 * DAY_S)
    assert recorded is not None
    return Lived(day, callers, outcome, settings, recorded)


@pytest.fixture(scope="module")
def was(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return asyncio.run(lived(tmp_path_factory.mktemp("day")))


def by_number(found: list[Estimate]) -> dict[str, Estimate]:
    return {one.number: one for one in found}


def test_a_day_once_more_by_the_same_rules_is_nearly_the_day_that_was(was: Lived) -> None:
    """What is drawn anew is only how much longer people would have waited."""
    recorded = was.recorded
    assert len(recorded.callers) == len(was.callers)
    found = by_number(estimates(recorded, was.settings.rules()))
    total = found["all"]
    assert total.actual is not None
    assert 0.5 < total.actual < 0.97, "a day on which something is at stake"
    for one in found.values():
        assert one.actual is not None
        assert one.live == pytest.approx(one.actual, abs=0.005)
        assert one.other == one.live, "the same rules, the same day"


def test_what_the_records_know_of_a_caller_is_taken_as_it_was(was: Lived) -> None:
    alike = {"wrap_up": 0, "pick_up": 0, "answered": 0}
    for caller, again, fate, wait_s in zip(
        was.callers, was.recorded.callers, was.outcome.fates, was.outcome.waits_s, strict=True
    ):
        assert (again.number, again.at) == (caller.number, pytest.approx(caller.at, abs=0.002))
        if fate is Fate.ABANDONED:
            assert again.patience_s == pytest.approx(wait_s, abs=0.002)
        else:
            assert again.patience_s > wait_s - 0.002
        if fate is Fate.ANSWERED:
            assert again.talk_s == pytest.approx(caller.talk_s, abs=0.002)
            alike["answered"] += 1
            alike["wrap_up"] += again.wrap_up_s == (
                pytest.approx(caller.wrap_up_s, abs=0.01) if caller.wrap_up_s < 39.4 else NEVER
            )
            alike["pick_up"] += again.pick_ups[0] == (
                pytest.approx(caller.pick_ups[0], abs=0.01) if caller.pick_ups[0] <= 6 else NEVER
            )
    assert min(alike.values()) > 0.97 * alike["answered"] > 0, "but for those whose agent went to lunch after the call"


def test_people_are_there_when_they_were(was: Lived) -> None:
    assert {person.agent.id for person in was.recorded.day.people} == set(was.settings.rules().agents)
    for person in was.recorded.day.people:
        assert [round(shift.from_at / 60) for shift in person.shifts] == [450, 750]
        assert abs(person.shifts[0].until_at - 12 * 3600) < 900, "who talks at noon finishes first"
        assert person.shifts[1].until_at == DAY_S


def test_rules_that_turn_callers_away_from_people_show_in_the_figures(was: Lived) -> None:
    rules = was.settings.rules()
    lines = {**rules.lines, "12345": replace(rules.lines["12345"], rings=(Ring(0, Skilled("general", 6)),))}
    found = by_number(estimates(was.recorded, replace(rules, lines=lines)))
    live, other = found["12345"].live, found["12345"].other
    assert live is not None
    assert other is not None
    assert other < live - 0.1
    assert (found["12333"].other or 0) > (found["12333"].live or 0), "whose people have less to do"


def test_groups_of_seats_are_those_of_the_other_rules(was: Lived) -> None:
    rules = was.settings.rules()
    seats = {**rules.seats, "1006": replace(rules.seats["1006"], groups=frozenset({"night"}))}
    line = replace(rules.lines["12345"], rings=(Ring(0, InGroup("night")),))
    changed = by_others(was.recorded.day, replace(rules, seats=seats, lines={**rules.lines, "12345": line}))
    assert [person.agent.id for person in changed.people if "night" in person.seat.groups] == ["1006"]
    assert changed.unserved() == []


async def test_a_day_without_calls_or_without_a_database_is_none(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert await read_day(settings, A_MONDAY, A_MONDAY + DAY_S) is None
    async with recording(settings):
        assert await read_day(settings, A_MONDAY, A_MONDAY + DAY_S) is None


async def test_agents_who_left_since_are_not_there_and_calls_to_lines_that_are_gone_are_counted(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    rules = settings.rules()
    stranger = AgentProfile("9999", "x", {"general": 9})
    agents = {**rules.agents, "9999": stranger}
    line = replace(rules.lines["12345"], number="12300")
    known = replace(rules, agents=agents, lines={**rules.lines, "12300": line})
    day = replace(day_of(rules), rules=known, arrivals=(Arrivals("12345", 60, SHAPE), Arrivals("12300", 20, SHAPE)))
    people = (*day.people[:-1], replace(day.people[0], agent=stranger, seat=replace(day.people[0].seat, id="9999")))
    world = Kept(replace(day, people=people), callers_of(day, 3))
    world.run()
    async with recording(settings, *world.entries):
        recorded = await read_day(settings, A_MONDAY, A_MONDAY + 2 * DAY_S)
    assert recorded is not None
    assert recorded.left_out == sum(caller.number == "12300" for caller in world.callers) > 0
    assert "9999" not in {person.agent.id for person in recorded.day.people}
