"""Who waits for another writer of SQLite, and how often he asks: real files, real locks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import ExceptionContext, event

from storage.callbacks import CallbackRow
from storage.errors import StorageUnavailable
from storage.records import Records
from tests.contract.storage_databases import Database, opened, until
from tests.contract.storage_stories import FIRST_MS, answered_call


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")


def refused(records: Records) -> list[str]:
    """What SQLite refuses from now on."""
    told: list[str] = []

    def note(context: ExceptionContext) -> None:
        told.append(str(context.original_exception))

    event.listen(records.engine.sync_engine, "handle_error", note)
    return told


def promised() -> CallbackRow:
    return CallbackRow("r", "v1:x", "12345", FIRST_MS, "cli", FIRST_MS)


async def test_what_a_person_writes_waits_for_one_who_has_the_disk_longer_than_one_try(database: Database) -> None:
    async with opened(database) as records:
        told = refused(records)
        async with database.locked():
            written = asyncio.create_task(records.add_callback(promised()))
            await until(lambda: bool(told))
        row = await written
        assert told[0] == "database is locked"
        assert await records.callbacks() == [row]


async def test_a_lock_that_never_goes_is_told_by_its_name(database: Database) -> None:
    async with opened(database) as records:
        async with database.locked():
            with pytest.raises(StorageUnavailable, match="database is locked"):
                await records.add_callback(promised())
        assert await records.callbacks() == []


async def test_the_writer_of_the_journal_says_at_the_first_refusal_why_records_wait(database: Database) -> None:
    async with opened(database) as records:
        told = refused(records)
        async with database.locked():
            for step in answered_call(1):
                records.write(step)
            await until(lambda: records.degraded is not None)
            assert len(told) <= records.stats.failures + 1, "the next may have been refused already"
        assert await records.flush(20)
