"""The table of recordings, on both databases: a row is what the steps of its call say, told in any portions."""

from __future__ import annotations

from typing import Any

from routing.commands import WriteOutbound
from routing.outbound import Outbound, OutKind, OutOutcome, OutState
from routing.steps import Step, StepKind
from tests.contract.storage_databases import Database, opened
from tests.contract.storage_stories import FIRST_MS, answered_call, call_id, offered

ENDED = {
    "what": "ended", "outcome": "kept", "file": "2023-11-15/x.wav", "sha256": "ab" * 32, "bytes": 480044, "seconds": 30.0,
    "started_at": 1700000002.5, "ended_at": 1700000032.5,
    "spans": "1700000002500-1700000010000,1700000020000-1700000032500",
}  # fmt: skip


def step(number: int, after_s: float, **data: Any) -> Step:
    at = (FIRST_MS + number) / 1000 + after_s
    return Step(call_id(number), FIRST_MS + number + int(after_s * 1000) + 100, at, StepKind.RECORDING, data)


async def test_pauses_and_the_file_of_a_call_are_one_row(database: Database) -> None:
    told = [
        step(0, 5.0, what="paused", reason="card number", by="a1"),
        step(0, 8.0, what="resumed", by="a1"),
        step(0, 9.0, what="paused", reason="again", by="a1"),
        step(0, 40.0, **ENDED),
    ]
    async with opened(database) as records:
        records.write(*answered_call(0))
        for one in told:  # each in a batch of its own, and then all of them once more
            records.write(one)
            assert await records.flush(20)
        records.write(*told)
        assert await records.flush(20)
        row = await records.recording(call_id(0))
        call = await records.call(call_id(0))
    assert row is not None
    assert call is not None
    assert (call.recording, call.outcome) == ("kept", "answered")
    assert (row.outcome, row.file, row.bytes, row.seconds) == ("kept", "2023-11-15/x.wav", 480044, 30.0)
    assert (row.started_ms, row.ended_ms, row.problem, row.deleted_ms) == (1700000002500, 1700000032500, None, None)
    assert row.spans == [[1700000002500, 1700000010000], [1700000020000, 1700000032500]]
    assert row.paused == [
        [1700000005000, 1700000008000, "card number", "a1"],
        [1700000009000, 1700000032500, "again", "a1"],  # to the end of the call
    ]


async def test_what_nobody_has_looked_at_is_asked_for_and_deleted_ones_are_told(database: Database) -> None:
    async with opened(database) as records:
        records.write(*answered_call(1), *answered_call(2), offered(3))
        records.write(*answered_call(4)[:-3])  # still ringing
        left = Step(call_id(3), FIRST_MS + 99, 1700000001.0, StepKind.ENDED, {"outcome": "abandoned", "by": "caller"})
        records.write(left, step(2, 40.0, **ENDED))
        assert await records.flush(20)
        assert await records.unsettled_recordings(0) == [(call_id(1), FIRST_MS + 1 + 32_500), (call_id(4), None)]
        assert await records.unsettled_recordings(FIRST_MS + 5) == []
        known = await records.last_steps([call_id(2), "nobody-1"])
        assert list(known) == [call_id(2)]
        records.write(step(2, 90.0, what="deleted", file="2023-11-15/x.wav", reason="kept for 180 days"))
        assert await records.flush(20)
        row, call = await records.recording(call_id(2)), await records.call(call_id(2))
        assert await records.recording("nobody-1") is None
    assert row is not None
    assert call is not None
    assert (row.outcome, call.recording) == ("kept", "deleted")
    assert row.deleted_ms == FIRST_MS + 2 + 90_000


async def test_recording_of_a_call_that_an_agent_placed_is_no_call(database: Database) -> None:
    def out(number: int, **more: Any) -> WriteOutbound:
        asked_at = FIRST_MS / 1000 + number
        return WriteOutbound(
            Outbound(f"out-{FIRST_MS + number}-ab", OutKind.FOLLOW_UP, "a1", "1001", "12345", asked_at, "A1", **more)
        )

    over = {
        "state": OutState.ENDED,
        "answered_at": 1700000002.5,
        "ended_at": 1700000032.5,
        "outcome": OutOutcome.ANSWERED,
    }
    first, second, third = out(1, **over), out(2, **over), out(3, state=OutState.TALKING, answered_at=1700000002.5)
    unheard = out(4, state=OutState.ENDED, ended_at=1700000009.0, outcome=OutOutcome.BUSY)
    data = Step(first.outbound.id, FIRST_MS + 90_000, 1700000033.0, StepKind.RECORDING, ENDED)
    async with opened(database) as records:
        records.write(first, second, third, unheard, data)
        assert await records.flush(20)
        row, shown = await records.recording(first.outbound.id), await records.outbound(first.outbound.id)
        assert await records.call(first.outbound.id) is None
        assert await records.unsettled_recordings(0) == [(second.outbound.id, 1700000032500), (third.outbound.id, None)]
        assert await records.last_steps([first.outbound.id, second.outbound.id]) == {first.outbound.id: data.seq}
        listed = await records.recent_outbound(9)
    assert row is not None
    assert shown is not None
    assert (row.outcome, row.sha256, shown["recording"]) == ("kept", "ab" * 32, "kept")
    assert {one["id"]: one["recording"] for one in listed}[second.outbound.id] is None
