"""How long calls were talked and waited for, as both databases count it: by serving line and interval."""

from __future__ import annotations

from sqlalchemy import insert

from storage.engine import create_engine
from storage.fold import EMPTY_CALL
from storage.handling import Handled
from storage.schema import calls
from tests.contract.storage_databases import Database, opened

START_MS = 1_795_302_000_000
HOUR_MS = 3_600_000


async def keep(database: Database, *rows: dict[str, object]) -> None:
    engine = create_engine(database.url, password_file=database.password_file)
    async with engine.begin() as connection:
        for place, row in enumerate(rows):
            known = {"call_id": f"c{place}", "number": "12345", "line": "12345", "arrived_ms": START_MS}
            await connection.execute(
                insert(calls).values({**EMPTY_CALL, **known, "ended_ms": START_MS + 900_000, **row})
            )
    await engine.dispose()


def answered(talk_ms: int, **row: object) -> dict[str, object]:
    return {"answered_ms": START_MS + 4000, "wait_ms": 4000, "talk_ms": talk_ms, "outcome": "answered"} | row


ABANDONED: dict[str, object] = {"wait_ms": 30_000, "outcome": "abandoned", "judged": "abandoned"}


async def test_talk_and_waiting_are_added_up_by_serving_line_and_hour(database: Database) -> None:
    async with opened(database) as records:
        assert await records.handled_by(START_MS, START_MS + HOUR_MS, HOUR_MS) == []
        await keep(
            database,
            answered(200_000),
            answered(100_000, arrived_ms=START_MS + HOUR_MS - 1, number="12336"),
            answered(50_000, arrived_ms=START_MS + HOUR_MS, line="12333"),
            ABANDONED,
            answered(1, arrived_ms=START_MS - 1),
            answered(1, arrived_ms=START_MS + 2 * HOUR_MS),
        )
        found = await records.handled_by(START_MS, START_MS + 2 * HOUR_MS, HOUR_MS)
        assert sorted(found) == [Handled("12333", 1, 1, 50_000, 0, 4000), Handled("12345", 0, 2, 300_000, 1, 38_000)]


async def test_calls_that_go_on_tests_and_restricted_callers_are_not_counted(database: Database) -> None:
    async with opened(database) as records:
        await keep(
            database, answered(1, ended_ms=None), answered(1, judged="test"), {**ABANDONED, "judged": "restricted"}
        )
        assert await records.handled_by(START_MS, START_MS + HOUR_MS, HOUR_MS) == []


async def test_talk_of_a_caller_who_was_never_answered_is_no_handling(database: Database) -> None:
    async with opened(database) as records:
        await keep(database, {**ABANDONED, "talk_ms": 777})
        assert await records.handled_by(START_MS, START_MS + HOUR_MS, HOUR_MS) == [Handled("12345", 0, 0, 0, 1, 30_000)]
