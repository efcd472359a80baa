"""Test calls in the records: written down on their own, and in no figure, by both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeVar

from routing.commands import WriteProbe, WriteSignIn
from routing.probe import TESTED, Probe, ProbeOutcome, ProbeState
from routing.steps import Step
from storage import figures, queries
from storage.outbox import State
from storage.probes import known, probe_of, row_of
from storage.records import Records
from tests.contract.storage_databases import Database, opened
from tests.contract.storage_stories import FIRST_MS, abandoned_call, answered_call

T = TypeVar("T")
WHOLE = FIRST_MS, FIRST_MS + 1_000_000
FIRST = FIRST_MS / 1000


async def every(batches: AsyncIterator[list[T]]) -> list[T]:
    return [one async for batch in batches for one in batch]


def as_test(story: list[Step], *, steps: int | None = None) -> list[Step]:
    """The same call as a test: so many of its steps, all without `steps`."""
    personal = ("caller_ref", "caller_sealed")
    made = [
        Step(s.call_id, s.seq, s.at, s.kind, {k: v for k, v in s.data.items() if k not in personal} | {"test": True})
        for s in story
    ]
    return [
        Step(s.call_id, s.seq, s.at, s.kind, s.data | ({"result": "test"} if "result" in s.data else {}))
        for s in made[:steps]
    ]


async def all_figures(records: Records) -> dict[str, Any]:
    """Everything that the records are asked for by whoever counts, adds up or hands over."""
    engine, since, until = records.engine, *WHOLE
    counted = [call for call in await every(records.figured_calls(since, until)) if call.judged != "test"]
    remembered = await records.remembered(since, since)
    return {
        "reports": sorted(counted),
        "recounted": sorted(call for call in await every(records.recounted_calls(*WHOLE)) if call.judged != "test"),
        "today": await queries.line_figures(engine),
        "by line": await queries.line_figures(engine, by="line"),
        "arrivals": await queries.arrivals(engine, since, until),
        "forecast": await records.arrivals_by(0, until, 900_000),
        "callers": await records.callers_by(0, until, 900_000, ["12345", "12333"]),
        "first": await records.first_arrival_ms(),
        "handled": await records.handled_by(0, until, 900_000),
        "lost": await records.lost_calls(*WHOLE),
        "day": list((await records.day(*WHOLE))[:2]),
        "presented": sorted(await records.presented(*WHOLE)),
        "talks": [stay for stay in await every(figures.stays(engine, since, until)) if stay.state != "ready"],
        "spoke": remembered.spoke,
        "left": remembered.left,
        "outbox": [(row.call_id, row.type) for row in await records.outbox_rows(State.PENDING, 100)],
        "intake": await records.last_call_of("a1", 0),
    }


async def test_no_figure_sees_test_calls_answered_given_up_or_open(database: Database) -> None:
    async with opened(database, hand_over=True) as records:
        citizens = [answered_call(20), abandoned_call(21), answered_call(22, wait_s=20.0, line="12333")]
        records.write(*(step for story in citizens for step in story))
        records.write(
            WriteSignIn("a1", "1001", "talking", "", FIRST), WriteSignIn("a1", "1001", "ready", "", FIRST + 30)
        )
        assert await records.flush(20)
        before = await all_figures(records)
        assert [name for name, figure in before.items() if not figure] == []
        records.write(
            *as_test(answered_call(1)), *as_test(abandoned_call(30)), *as_test(answered_call(31, wait_s=40.0))
        )
        records.write(*as_test(answered_call(32), steps=1), *as_test(answered_call(33), steps=5))
        records.write(WriteSignIn("a1", "1001", "talking", TESTED, FIRST + 40))
        records.write(WriteSignIn("a1", "1001", "ready", "", FIRST + 44))
        assert await records.flush(20)
        after = await all_figures(records)
        for name, figure in before.items():
            assert after[name] == figure, name
        rows = await database.rows("SELECT judged FROM calls WHERE judged = 'test'")
        assert len(rows) == 5, "each is one from its first step on"


PROBE = Probe(
    "test-1-a", "12345", "cli", FIRST, "12345@2026-11-24T09:00", ProbeState.ENDED, FIRST + 0.1, FIRST + 1.2, FIRST + 5,
    FIRST + 9, ProbeOutcome.ANSWERED, None, None, "c1", FIRST + 0.5, FIRST + 4.9, "1001", "a1", "engine",
)  # fmt: skip


def test_row_of_a_test_call_is_the_test_call() -> None:
    assert probe_of(row_of(PROBE)) == PROBE
    assert known([row_of(PROBE) | {"outcome": "of another version"}]) == {}


async def test_last_entry_of_a_test_call_stands_and_open_ones_are_remembered(database: Database) -> None:
    async with opened(database) as records:
        begun = PROBE._replace(state=ProbeState.RINGING, answered_at=None, ended_at=None, outcome=None)
        records.write(WriteProbe(begun))
        records.write(WriteProbe(begun._replace(id="test-2-b", number="12333", slot="")))
        assert await records.flush(20)
        assert {probe.id for probe in (await records.remembered()).probes} == {"test-1-a", "test-2-b"}
        records.write(WriteProbe(PROBE))
        assert await records.flush(20)
        assert [probe.id for probe in (await records.remembered()).probes] == ["test-2-b"]
        assert known(await records.recent_probes(5, number="12345")) == {PROBE.id: PROBE}
        assert [row["id"] for row in await records.last_probes()] == [PROBE.id]
        assert await records.probed_slots(0) == {"12345@2026-11-24T09:00"}
        assert await records.probed_slots(FIRST_MS + 1) == set()


async def test_test_calls_of_the_journal_are_remembered_without_a_database(database: Database) -> None:
    async with opened(database) as records:
        assert await records.flush(20)
        async with database.locked():
            records.write(WriteProbe(PROBE._replace(ended_at=None, outcome=None, state=ProbeState.ANSWERED)))
            (probe,) = (await records.remembered()).probes
    assert (probe.id, probe.call_id, probe.seat_id) == (PROBE.id, "c1", "1001")
