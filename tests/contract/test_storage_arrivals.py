"""Arrivals by interval, as both databases count them: by dialled number, without tests and restricted callers."""

from __future__ import annotations

from sqlalchemy import insert

from storage.engine import create_engine
from storage.fold import EMPTY_CALL
from storage.schema import calls
from tests.contract.storage_databases import Database, opened

START_MS = 1_795_302_000_000
QUARTER_MS = 900_000


async def arrive(database: Database, *arrivals: tuple[int, str, str | None, str | None]) -> None:
    """(ms after the start, dialled number, caller, judgement) of each call."""
    rows = [
        {**EMPTY_CALL, "call_id": f"c{place}", "arrived_ms": START_MS + ms, "number": number, "line": "12345"}
        | {"caller_ref": caller, "judged": judged}
        for place, (ms, number, caller, judged) in enumerate(arrivals)
    ]
    engine = create_engine(database.url, password_file=database.password_file)
    async with engine.begin() as connection:
        await connection.execute(insert(calls), rows)
    await engine.dispose()


async def test_calls_are_counted_by_number_and_interval_and_open_ones_too(database: Database) -> None:
    async with opened(database) as records:
        assert await records.first_arrival_ms() is None
        await arrive(
            database,
            (-1, "12345", "a", None),
            (0, "12345", "a", None),
            (QUARTER_MS - 1, "12345", "a", "abandoned"),
            (QUARTER_MS, "12336", "b", "in_time"),
            (2 * QUARTER_MS - 1, "12345", "c", "failed"),
            (2 * QUARTER_MS, "12345", "c", "in_time"),
        )
        found = await records.arrivals_by(START_MS, START_MS + 2 * QUARTER_MS, QUARTER_MS)
        assert sorted(found) == [("12336", 1, 1), ("12345", 0, 2), ("12345", 1, 1)]
        assert await records.first_arrival_ms() == START_MS - 1


async def test_tests_and_restricted_callers_are_not_counted(database: Database) -> None:
    async with opened(database) as records:
        await arrive(
            database, (1, "12345", "a", "test"), (2, "12345", "b", "restricted"), (3, "12345", "c", "flowed_out")
        )
        assert await records.arrivals_by(START_MS, START_MS + QUARTER_MS, QUARTER_MS) == [("12345", 0, 1)]
        assert await records.callers_by(START_MS, START_MS + QUARTER_MS, QUARTER_MS, ["12345"]) == {0: 1}


async def test_who_calls_again_and_again_in_a_minute_is_one_caller_and_withheld_numbers_are_each_one(
    database: Database,
) -> None:
    async with opened(database) as records:
        storm = [(n * 1000, "12345", "the same", None) for n in range(20)]
        await arrive(database, *storm, (5, "12345", None, None), (6, "12345", None, None), (7, "10000", "b", None))
        assert await records.callers_by(START_MS, START_MS + 60_000, 60_000, ["12345", "12333"]) == {0: 3}
        assert await records.callers_by(START_MS, START_MS + 60_000, 10_000, ["12345"]) == {0: 3, 1: 1}
