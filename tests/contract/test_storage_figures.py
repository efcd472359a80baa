"""What reports are made from, as both databases tell it: calls, the same from their steps, people, lost calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

import pytest
from sqlalchemy import insert

from routing.commands import WriteOutbound, WriteSignIn
from routing.outbound import Outbound, OutKind, OutOutcome, OutState
from routing.steps import Step, StepKind
from storage import figures
from storage.callbacks import CallbackRow
from storage.engine import create_engine
from storage.fold import EMPTY_CALL
from storage.records import Records
from storage.schema import calls
from tests.contract.storage_databases import Database, opened
from tests.contract.storage_stories import FIRST_MS, abandoned_call, answered_call, call_id

T = TypeVar("T")
ALWAYS = 0, 2**62


async def every(batches: AsyncIterator[list[T]]) -> list[T]:
    return [one async for batch in batches for one in batch]


async def some_calls(records: Records, count: int = 12) -> None:
    for number in range(count):
        story = abandoned_call(number) if number % 3 == 2 else answered_call(number, wait_s=number * 2.5, line="12333")
        records.write(*story)
    assert await records.flush(20)


async def test_calls_come_by_arrival_and_in_the_interval_only(database: Database) -> None:
    async with opened(database) as records:
        await some_calls(records)
        found = await every(records.figured_calls(FIRST_MS + 1, FIRST_MS + 11))
        assert [call.call_id for call in found] == [call_id(number) for number in range(1, 11)]
        first = found[0]
        assert (first.number, first.line, first.judged, first.wait_ms, first.talk_ms) == (
            "12333",
            "12345",
            "in_time",
            2500,
            30_000,
        )


async def test_calls_from_their_steps_are_the_same_to_the_last_field(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database) as records:
        await some_calls(records)
        monkeypatch.setattr(figures, "BATCH", 5)  # less than the steps of one call
        recorded = await every(records.figured_calls(*ALWAYS))
        window = FIRST_MS, FIRST_MS + 100
        assert sorted(await every(records.recounted_calls(*window))) == recorded
        assert [call.text for call in recorded] == [
            call.text for call in sorted(await every(records.recounted_calls(*window)))
        ]


async def test_calls_of_the_neighbouring_intervals_are_not_recounted(database: Database) -> None:
    async with opened(database) as records:
        await some_calls(records)
        found = await every(records.recounted_calls(FIRST_MS + 3, FIRST_MS + 5))
        assert sorted(call.call_id for call in found) == [call_id(3), call_id(4)]


async def test_a_call_whose_id_is_of_another_time_is_recounted_by_its_name(database: Database) -> None:
    """Its clock was wrong when it arrived; the record knows better."""
    late = FIRST_MS + 10 * 60_000
    async with opened(database) as records:
        records.write(*answered_call(1))
        records.write(
            Step(call_id(2), 1, late / 1000, StepKind.OFFERED, {"number": "12345", "arrived_at": late / 1000})
        )
        assert await records.flush(20)
        assert await every(records.recounted_calls(late, late + 1)) == []
        assert await records.recounted([call_id(2), "nobody"]) == await every(records.figured_calls(late, late + 1))


async def test_stays_and_presentations_of_agents(database: Database) -> None:
    at = FIRST_MS / 1000
    async with opened(database) as records:
        for after, state in ((0, "ready"), (10, "talking"), (50, "wrap_up"), (60, "signed_out")):
            records.write(WriteSignIn("a1", "1001", state, "", at + after))
        await some_calls(records, 2)
        found = await every(records.stays(FIRST_MS + 10_000, FIRST_MS + 50_000))
        assert [(one.state, one.until_ms) for one in found] == [("talking", FIRST_MS + 50_000)]
        assert await records.presented(*ALWAYS) == [("a1", "answered", 2)]
        assert await records.presented(FIRST_MS + 2, 2**62) == [("a1", "answered", 1)]


async def lost_and_found(database: Database, *rows: dict[str, object]) -> None:
    engine = create_engine(database.url, password_file=database.password_file)
    async with engine.begin() as connection:
        full = [
            {**EMPTY_CALL, "number": "12345", "line": "12345", "call_id": f"c{n}", **row} for n, row in enumerate(rows)
        ]
        for row in full:
            await connection.execute(insert(calls), row)
    await engine.dispose()


async def test_a_lost_call_is_open_until_the_same_number_speaks_to_somebody(database: Database) -> None:
    async with opened(database) as records:
        await lost_and_found(
            database,
            {"arrived_ms": 50, "caller_ref": "a", "judged": "in_time", "answered_ms": 60},  # before: pays nothing
            {"arrived_ms": 100, "caller_ref": "a", "judged": "abandoned", "wait_ms": 9000},
            {"arrived_ms": 200, "caller_ref": "a", "judged": "abandoned", "wait_ms": 1000},
            {"arrived_ms": 300, "caller_ref": "a", "judged": "late", "answered_ms": 340},
            {"arrived_ms": 310, "caller_ref": "b", "judged": "failed"},
            {"arrived_ms": 320, "judged": "abandoned"},
            {"arrived_ms": 330, "caller_ref": "c", "judged": "restricted"},
            {"arrived_ms": 900, "caller_ref": "b", "judged": "abandoned"},
        )
        found = await records.lost_calls(100, 900)
        assert [(call.call_id, call.served_ms, call.withheld) for call in found] == [
            ("c1", 340, False), ("c2", 340, False), ("c4", None, False), ("c5", None, True),
        ]  # fmt: skip


async def test_a_call_back_that_reached_the_citizen_pays_the_debt(database: Database) -> None:
    async with opened(database) as records:
        await lost_and_found(database, {"arrived_ms": 1000, "caller_ref": "a", "judged": "abandoned"})
        entry = await records.add_callback(CallbackRow("a", "sealed", "12345", 9000, "desk", 1500))
        tried = Outbound("out-1", OutKind.CALLBACK, "a1", "1001", "12345", 2.0, "", entry.id, "desk", OutState.ENDED)
        records.write(WriteOutbound(tried._replace(dialled_at=2.1, ended_at=2.5, outcome=OutOutcome.NO_ANSWER)))
        assert await records.flush(20)
        assert [call.served_ms for call in await records.lost_calls(0, 2000)] == [None]
        spoke = tried._replace(id="out-2", dialled_at=3.1, answered_at=3.5, ended_at=9.0, outcome=OutOutcome.ANSWERED)
        records.write(WriteOutbound(spoke))
        assert await records.flush(20)
        (call,) = await records.lost_calls(0, 2000)
        assert (call.called_back_ms, call.redialled_ms, call.served_ms) == (3500, None, 3500)
