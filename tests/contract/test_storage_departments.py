"""The directory and the legs to third parties, on both databases."""

from __future__ import annotations

import random
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from routing.steps import Step, StepKind
from storage.departments import DepartmentRow
from storage.engine import create_engine
from storage.handoff_figures import DepartmentFigures
from storage.handoffs import handoff_rows
from storage.records import departments_of
from storage.seeded import RowsChanged
from storage.upgrade import upgrade
from tests.contract.storage_databases import Database, opened
from tests.contract.storage_stories import FIRST_MS, call_id, consulted_call, emergency_call

WATER = DepartmentRow("water", "供水公司", "department", 1, "", ("80001", "80002@county"), note="值班", code="31")
WUXI = DepartmentRow("wuxi", "无锡12345", "hotline", 1, "daily 00:00-24:00", ("051012345",), shows_caller=True)
MOMENTS = "asked_ms, dialled_ms, ringing_ms, answered_ms, joined_ms, ended_ms"
COLUMNS = f"act, leg, verb, target, way, {MOMENTS}, outcome, act_outcome"
LEGS = f"SELECT call_id, {COLUMNS} FROM handoffs ORDER BY 1, 2, 3"


def expected(*stories: list[Step]) -> list[tuple]:
    names = ["call_id", *COLUMNS.split(", ")]
    rows = [row for story in stories for row in handoff_rows(story)]
    return sorted((tuple(row[name] for name in names) for row in rows), key=lambda row: row[:3])


async def test_departments_are_filled_once_and_ruled_by_whoever_changes_them(database: Database) -> None:
    async with opened(database) as records:
        (water,) = await records.filled_departments([WATER])
        assert water == replace(WATER, revision=1)
        (changed,) = await records.write_departments([replace(water, numbers=("80009",), disabled=True)])
        assert await records.filled_departments([WATER, WUXI]) == [changed, replace(WUXI, revision=1)]
        with pytest.raises(RowsChanged):
            await records.write_departments([replace(water, name="x")])


async def test_two_departments_change_their_short_numbers_in_one_go(database: Database) -> None:
    async with opened(database) as records:
        water, wuxi = await records.filled_departments([WATER, replace(WUXI, code="32")])
        changed = await records.write_departments([replace(water, code="32"), replace(wuxi, code="31")])
        assert await records.filled_departments([]) == changed


def _back_to(connection: Connection, revision: str) -> None:
    with as_file(files("storage") / "migrations") as scripts:
        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


async def test_directory_that_is_there_already_gets_short_numbers_and_loses_nothing(database: Database) -> None:
    engine = create_engine(database.url, password_file=database.password_file)
    await upgrade(engine)
    async with engine.begin() as connection:
        await connection.run_sync(_back_to, "0008")
        await connection.exec_driver_sql(
            "INSERT INTO departments VALUES ('water', '供水公司', 'department', 1, '', '[\"80001\"]', false, '', false, 3)"
        )
    await engine.dispose()
    async with opened(database) as records:
        assert await records.filled_departments([WATER]) == [
            DepartmentRow("water", "供水公司", "department", 1, "", ("80001",), revision=3)
        ]


async def test_what_somebody_wrote_by_hand_and_makes_no_sense_does_not_stop_a_start(database: Database) -> None:
    async with opened(database) as records:
        await records.filled_departments([WATER])
        async with records.engine.begin() as connection:
            await connection.exec_driver_sql("UPDATE departments SET level = 7, kind = 'x', numbers = '\"80001\"'")
        (found,) = await records.filled_departments([])
    assert (found.level, found.kind, found.numbers) == (3, "department", ())


async def test_the_directory_is_seen_without_a_service(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    assert await departments_of(database.url) == []
    async with opened(database) as records:
        written = await records.filled_departments([WATER])
    assert await departments_of(database.url) == written


async def test_every_leg_is_a_row_with_every_moment(database: Database) -> None:
    stories = consulted_call(1), emergency_call(2)
    async with opened(database) as records:
        records.write(*stories[0], *stories[1])
        assert await records.flush(20)
    found = await database.rows(LEGS)
    assert found == expected(*stories)
    assert len(found) == 4


async def test_rows_are_the_same_however_steps_are_cut_and_in_any_order(database: Database) -> None:
    story = consulted_call(1, second="no_answer")
    mixed = random.Random(5).sample(story, len(story))
    async with opened(database) as records:
        for step in mixed:
            records.write(step)
            assert await records.flush(20)
        assert await database.rows(LEGS) == expected(story)
        records.write(*story, *mixed)
        assert await records.flush(20)
    assert await database.rows(LEGS) == expected(story)


async def test_a_leg_that_lasts_over_a_restart_is_finished_after_it(database: Database) -> None:
    story = emergency_call(1)
    cut = next(n for n, step in enumerate(story) if step.kind is StepKind.THIRD_JOINED)
    async with opened(database) as records:
        records.write(*story[:cut])
        await records.flush(20)
    assert await database.rows("SELECT outcome, act_outcome FROM handoffs ORDER BY leg") == [(None, None), (None, None)]
    async with opened(database) as records:
        records.write(*story[cut:])
        await records.flush(20)
    assert await database.rows(LEGS) == expected(story)


async def test_a_leg_dialled_after_its_act_seemed_over_takes_the_place_of_the_row_without_one(
    database: Database,
) -> None:
    """Steps may come in any order; the row that says nobody was dialled must not stay."""
    story = emergency_call(1)
    act = [step for step in story if step.kind in (StepKind.ACT_ASKED, StepKind.ACT_ENDED)]
    async with opened(database) as records:
        records.write(*act)
        await records.flush(20)
        assert await database.rows("SELECT leg, outcome, act_outcome FROM handoffs") == [(0, None, "done")]
        records.write(*story)
        await records.flush(20)
    assert await database.rows(LEGS) == expected(story)


async def test_how_departments_answer_is_counted_by_asking_and_by_number(database: Database) -> None:
    async with opened(database) as records:
        for number in range(20):
            records.write(*consulted_call(number, second="answered" if number % 4 else "no_answer"))
        records.write(*emergency_call(30))
        assert await records.flush(20)
        found = await records.department_figures(FIRST_MS, FIRST_MS + 60_000)
        later = await records.department_figures(FIRST_MS + 60_000, FIRST_MS + 120_000)
    attempts = {"busy": 20, "answered": 15, "no_answer": 5}
    assert found == [DepartmentFigures("zjj", "市住建局", 20, 20, 15, attempts, 4000, 4000)]
    assert later == []


async def test_legs_are_told_by_call_and_emergencies_by_the_moment_of_asking(database: Database) -> None:
    async with opened(database) as records:
        records.write(*emergency_call(2, "119", after_ms=70_000), *consulted_call(1), *emergency_call(3))
        assert await records.flush(20)
        legs = await records.handoffs(call_id(1))
        assert [(leg.act, leg.leg, leg.outcome, leg.case) for leg in legs] == [
            (1, 1, "busy", "C-7"),
            (1, 2, "answered", "C-7"),
        ]
        both = await records.emergency_legs(FIRST_MS, FIRST_MS + 100_000)
        assert [(leg.target, leg.route) for leg in both] == [("110", 1), ("110", 2), ("119", 1), ("119", 2)]
        assert [leg.target for leg in await records.emergency_legs(FIRST_MS, FIRST_MS + 60_000)] == ["110", "110"]
