"""Migrations and `storage.schema` agree, on both databases; a start migrates once and only when it must."""

from __future__ import annotations

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from storage.engine import create_engine
from storage.schema import REVISION, metadata
from storage.upgrade import upgrade
from tests.contract.storage_databases import Database, opened, until
from tests.contract.storage_stories import answered_call


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_migrations_make_exactly_the_tables_of_the_schema(database: Database) -> None:
    engine = create_engine(database.url, password_file=database.password_file)
    assert await upgrade(engine)
    assert not await upgrade(engine)
    async with engine.begin() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()
    assert await database.rows("SELECT version_num FROM alembic_version") == [(REVISION,)]


async def test_tables_of_a_newer_program_leave_records_waiting_in_the_journal(database: Database) -> None:
    async with opened(database) as records:
        records.write(*answered_call(1))
        await records.flush(20)
    await _stamp(database, "9999")
    async with opened(database, catch_up_s=0.3) as records:
        records.write(*answered_call(2))
        assert records.spooled == 14  # all that the journal has: unknown tables are not asked where they stand
        await until(lambda: records.degraded is not None)
        assert "newer than this program" in records.degraded
        await _stamp(database, REVISION)
        assert await records.flush(20)
    assert await database.rows("SELECT count(*) FROM calls") == [(2,)]


async def _stamp(database: Database, revision: str) -> None:
    engine = create_engine(database.url, password_file=database.password_file)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    await engine.dispose()


async def test_a_reader_that_writes_later_never_loses_an_update(database: Database) -> None:
    """Eight tasks read a counter and write it back: the driver's own begin would lose most of them, silently."""
    engine = create_engine(database.url, password_file=database.password_file)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE counter (value INTEGER)"))
        await connection.execute(text("INSERT INTO counter VALUES (0)"))
    read = "SELECT value FROM counter" + ("" if database.cluster is None else " FOR UPDATE")

    async def count() -> None:
        for _ in range(10):
            async with engine.begin() as connection:
                value = (await connection.execute(text(read))).scalar_one()
                await connection.execute(text("UPDATE counter SET value = :value"), {"value": value + 1})

    await asyncio.gather(*(count() for _ in range(4)))
    await engine.dispose()
    assert await database.rows("SELECT value FROM counter") == [(40,)]
