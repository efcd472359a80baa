"""Stories of calls from the records, on SQLite and on PostgreSQL alike, and `hotline why` without a service."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from service.starter import write_starter
from storage.errors import StorageError
from storage.records import Records, archive_of
from tests.contract.storage_databases import Database, Postgres, opened, postgres
from tests.contract.storage_stories import FIRST_MS, abandoned_call, answered_call, call_id

__all__ = ["postgres"]
OTHER = f"{FIRST_MS + 400_000_000}"  # arrived days later


@pytest_asyncio.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "sqlite":
        path = tmp_path / "hotline.db"
        yield Database(f"sqlite+aiosqlite:///{path}", tmp_path, name=str(path))
        return
    cluster: Postgres = request.getfixturevalue("postgres")
    name = await cluster.new_database()
    url = f"postgresql+asyncpg://hotline@/{name}?host={cluster.folder}"
    yield Database(url, tmp_path, cluster.password_file, cluster, name)


async def test_a_call_is_found_by_its_id_its_beginning_and_as_the_last(database: Database) -> None:
    async with opened(database) as records:
        assert await records.call_ids("last") == []
        records.write(*answered_call(1), *answered_call(12), *abandoned_call(400_000_000))
        assert await records.flush(20)
        assert await records.call_ids(call_id(1)) == [
            call_id(1)
        ]  # though the id of call 12 begins so, but for its stamp
        assert await records.call_ids("last") == [call_id(400_000_000)]
        assert await records.call_ids(OTHER) == [call_id(400_000_000)]
        assert await records.call_ids(f"{FIRST_MS}"[:9]) == [call_id(12), call_id(1)]
        assert await records.call_ids("1") == [call_id(400_000_000), call_id(12), call_id(1)]
        for wanted in ("2", "17000000000%", "17_0000000001", "x", "'; --", ""):
            assert wanted == "" or await records.call_ids(wanted) == []


async def test_a_story_has_the_call_its_steps_and_the_old_text(database: Database) -> None:
    async with opened(database) as records:
        records.write(*answered_call(1))
        assert await records.flush(20)
        story = await records.story(call_id(1))
        assert story is not None
        assert story.call == await records.call(call_id(1))
        assert [step.kind for step in story.steps] == [step.kind for step in answered_call(1)]
        assert story.whys == {"p1": "longest idle"}
        assert await records.story("none") is None


async def test_an_archive_is_read_without_a_service_and_only_by_the_same_version(database: Database) -> None:
    with pytest.raises(StorageError, match="start the service once"):
        async with archive_of(database.url, password_file=database.password_file):
            pass
    async with opened(database) as records:
        records.write(*answered_call(1))
    async with archive_of(database.url, password_file=database.password_file) as archive:
        story = await archive.story(call_id(1))
        assert story is not None
        assert story.call.outcome == "answered"


async def _write(config: Path) -> None:
    records = await Records.open(f"sqlite+aiosqlite:///{config.parent}/var/hotline.db", config.parent / "var")
    records.write(*answered_call(1))
    await records.close()


def test_the_command_reads_the_database_of_a_service_that_does_not_run_and_says_so_first(tmp_path: Path) -> None:
    config = write_starter(tmp_path, http_port=1)
    asyncio.run(_write(config))
    command = [sys.executable, "-m", "service", "why", "last", "--config", str(config)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[0].startswith("No service answers at http://127.0.0.1:1; this is what the database has.")
    assert f"Call {call_id(1)}" in lines
    found = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout)
    assert (found["source"], found["call"]["call_id"]) == ("database", call_id(1))
    unknown = subprocess.run([*command[:4], "99", *command[5:]], capture_output=True, text=True, check=False)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == "hotline: no call begins with 99; hotline calls lists the last ones\n"
