"""The table of agents, on both databases: filled once, then ruled by whoever changes it, all or none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from storage.agents import AgentRow
from storage.records import agents_of
from storage.seeded import RowsChanged
from tests.contract.storage_databases import Database, opened

FIRST = AgentRow("1001", "坐席一", {"general": 5, "hrss": 8}, "hrss")
SECOND = AgentRow("1002", "坐席二", {"general": 3}, sign_in="agent")


async def test_who_is_there_already_is_not_filled_in_again(database: Database) -> None:
    async with opened(database) as records:
        (first,) = await records.filled_agents([FIRST])
        (first,) = await records.write_agents([replace(first, name="改名", skills={"tax": 1})])
        assert await records.filled_agents([FIRST, SECOND]) == [first, replace(SECOND, revision=1)]
        assert first.revision == 2


async def test_two_who_change_one_agent_the_second_is_told_and_writes_nothing(database: Database) -> None:
    async with opened(database) as records:
        first, second = await records.filled_agents([FIRST, SECOND])
        changed = (await records.write_agents([replace(first, zone="tax")]))[0]
        with pytest.raises(RowsChanged) as told:
            await records.write_agents([replace(second, zone="tax"), replace(first, zone="fund")])
        assert told.value.ids == ("1001",)
        assert await records.filled_agents([]) == [changed, second]


async def test_a_new_agent_whose_id_is_taken_is_refused(database: Database) -> None:
    async with opened(database) as records:
        await records.filled_agents([FIRST])
        with pytest.raises(RowsChanged):
            await records.write_agents([SECOND, replace(FIRST, name="another")])
        assert [row.id for row in await records.filled_agents([])] == ["1001"]


async def test_two_thousand_agents_are_one_change(database: Database) -> None:
    many = [replace(FIRST, id=str(number)) for number in range(10_000, 12_000)]
    async with opened(database) as records:
        await records.filled_agents(many[:1000])
        await records.write_agents([*(replace(row, name="x", revision=1) for row in many[:1000]), *many[1000:]])
        found = await records.filled_agents([])
    assert len(found) == 2000
    assert {row.name for row in found[:1000]} == {"x"}


async def test_what_somebody_wrote_by_hand_and_makes_no_sense_is_left_out(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    async with opened(database) as records:
        await records.filled_agents([FIRST])
        async with records.engine.begin() as connection:
            await connection.exec_driver_sql(
                """UPDATE agents SET skills = '{"hrss": 8, "tax": "many"}', sign_in = 'x'"""
            )
        (found,) = await records.filled_agents([])
    assert (found.skills, found.sign_in) == ({"hrss": 8}, "phone")


async def test_asking_a_database_that_is_not_there_does_not_make_it(tmp_path: Path) -> None:
    assert await agents_of(f"sqlite+aiosqlite:///{tmp_path}/none/h.db") == []
    assert not (tmp_path / "none").exists()


async def test_agents_are_seen_without_a_service(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    async with opened(database) as records:
        written = await records.filled_agents([FIRST])
    assert await agents_of(database.url) == written
