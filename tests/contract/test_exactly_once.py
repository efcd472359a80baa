"""Whatever befalls the database or the service: afterwards every call is there exactly once, with all that is of it.

Every kind of record is told (`storage_day`), and in the end all tables are held against those of a database that was left
in peace.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from metrics.exporter import Exporter
from metrics.registry import Metrics
from storage.records import Records
from tests.contract.storage_databases import Database, Postgres, opened, postgres_url, until
from tests.contract.storage_day import (
    CALLS,
    assert_as_undisturbed,
    assert_reported_as_the_journal_counts,
    day,
    key_of,
    tell_days,
    written_of,
)
from tests.contract.storage_troubles import SmallDisk, line_to, small_disk

WAITING = 1000


async def test_database_that_is_locked_until_a_thousand_records_wait(database: Database) -> None:
    exporter = Exporter(Metrics(), lines={})
    days = 20
    async with opened(database, hand_over=True) as records:
        entries = [await written_of(records, number) for number in range(days)]
        async with database.locked():
            for number in range(days):
                for part in day(number, entries[number]):
                    records.write(*part)
            assert not await records.flush(0.3)
            waiting = records.spooled
            exporter.records(spooled=waiting, lost=records.stats.lost, aside=records.stats.set_aside)
            await until(lambda: records.degraded is not None)
        assert await records.flush(60)
        await until(lambda: records.degraded is None)
        assert records.spooled == 0
    assert waiting >= WAITING
    assert exporter.metrics.registry.get_sample_value("hotline_records_spooled") == waiting
    await assert_as_undisturbed(database, days)
    await assert_reported_as_the_journal_counts(database)


# -- disk full --


@pytest_asyncio.fixture(params=["all", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def cramped(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Database, SmallDisk]]:
    """On a small disk: SQLite and the journal together, SQLite alone, or a server of PostgreSQL."""
    if request.param != "postgres":
        with small_disk(16) as disk:
            path, data_dir = disk.folder / "hotline.db", disk.folder if request.param == "all" else tmp_path
            yield Database(f"sqlite+aiosqlite:///{path}", data_dir, name=str(path)), disk
        return
    with small_disk(112) as disk:
        cluster = Postgres(disk.folder, "-c min_wal_size=32MB -c max_wal_size=32MB")
        name = await cluster.new_database()
        yield Database(postgres_url(cluster.folder, name), tmp_path, cluster.password_file, cluster, name), disk
        cluster.stop()


async def back_again(records: Records, cluster: Postgres | None) -> None:
    """All is written. A server that the full disk has hit may still be on its way out at the first look."""
    async with asyncio.timeout(120):
        while True:
            if cluster is not None and not await asyncio.to_thread(lambda: cluster.runs):
                await asyncio.to_thread(cluster.start)
            if await records.flush(5):
                return


async def test_disk_that_is_full(cramped: tuple[Database, SmallDisk], tmp_path: Path) -> None:
    database, disk = cramped
    days = 3
    async with opened(database, hand_over=True) as records:
        await tell_days(records, range(days))
        assert await records.flush(60)
        entries = [await written_of(records, number) for number in range(60)]
        disk.fill()
        while records.degraded is None:
            for part in day(days, entries[days]):
                records.write(*part)
                await records.flush(0.2)
            days += 1
        told, waiting = records.degraded, records.stats
        disk.make_room()
        await back_again(records, database.cluster)
        await until(lambda: records.degraded is None)
        await tell_days(records, range(days, 60))
        assert await records.flush(60)
        assert records.stats.lost == 0
    assert told is not None
    assert waiting.spooled > 0
    if database.data_dir == disk.folder:
        assert waiting.in_memory > 0
        assert "make room" in told
    else:
        assert waiting.in_memory == 0
        assert "they wait in the journal" in told
    await assert_reported_as_the_journal_counts(database)
    database.data_dir = tmp_path  # where the twin has room
    await assert_as_undisturbed(database, 60)


# -- PostgreSQL --


@pytest.mark.postgres
async def test_postgres_that_is_restarted_in_the_middle_of_every_kind_of_record(
    postgres: Postgres, tmp_path: Path
) -> None:
    name = await postgres.new_database()
    database = Database(postgres_url(postgres.folder, name), tmp_path, postgres.password_file, postgres, name)
    async with opened(database, hand_over=True) as records:
        entries = [await written_of(records, number) for number in range(30)]
        for number in range(30):
            for part in day(number, entries[number]):
                records.write(*part)
            if number % 10 == 3:
                await until(lambda: records.stats.batches > 0)
                await asyncio.to_thread(postgres.stop)
            if number % 10 == 7:
                await until(lambda: records.degraded is not None)
                await asyncio.to_thread(postgres.start)
        assert await records.flush(60)
        await until(lambda: records.degraded is None)
    await assert_as_undisturbed(database, 30)
    await assert_reported_as_the_journal_counts(database)


@pytest.mark.postgres
@pytest.mark.parametrize("swallowed", [False, True])
async def test_line_to_postgres_that_is_cut_at_any_moment(postgres: Postgres, tmp_path: Path, swallowed: bool) -> None:
    """Also between a commit and the answer to it, when nobody can know whether it happened."""
    name = await postgres.new_database()
    direct = Database(postgres_url(postgres.folder, name), tmp_path, postgres.password_file, postgres, name)
    async with line_to(postgres.folder, tmp_path) as line:
        through = Database(postgres_url(tmp_path, name), tmp_path, postgres.password_file, postgres, name)
        async with opened(through, hand_over=True) as records:
            number = 0
            while line.cuts == number:
                callback = await written_of(records, number)
                line.cut_at(number + 1, swallowed=swallowed)
                for part in day(number, callback):
                    records.write(*part)
                assert await records.flush(60)
                number += 1
            assert records.stats.failures > 0
    assert number > 20
    await assert_as_undisturbed(direct, number)


def test_a_day_has_every_kind_of_call() -> None:
    assert len({key_of(entry)[0] for part in day(0, 1) for entry in part if "-17" in str(key_of(entry)[0])}) == CALLS
