"""Call-backs and the calls that agents place for them, on both databases: an entry is what its last call made of it."""

from __future__ import annotations

from typing import Any

from routing.commands import WriteOutbound
from routing.outbound import Outbound, OutKind, OutOutcome, OutState
from storage.callbacks import CallbackRow
from tests.contract.storage_databases import Database, opened

MS = 1_700_000_000_000
OVER: dict[str, Any] = {"state": OutState.ENDED, "ended_at": MS / 1000 + 30}


def entry(**more: Any) -> CallbackRow:
    values: dict[str, Any] = {"ref": "r", "sealed": "v1:x", "line": "12345", "due_ms": MS + 10, "added_by": "cli"}
    return CallbackRow(**(values | {"added_ms": MS} | more))


def call(number: int, callback: int, **more: Any) -> WriteOutbound:
    at = MS / 1000 + number
    known = Outbound(f"out-{MS + number}-ab", OutKind.CALLBACK, "a1", "1001", "12345", at, "A1", callback, "cli")
    return WriteOutbound(known._replace(**more))


async def test_an_entry_says_what_its_last_call_made_of_it(database: Database) -> None:
    async with opened(database) as records:
        made = await records.add_callback(entry())
        story = (
            (call(1, made.id), ("placed", 0)),
            (call(1, made.id, **OVER, outcome=OutOutcome.AGENT_NO_ANSWER), ("open", 0)),  # the citizen was not called
            (call(2, made.id, state=OutState.DIALLING, dialled_at=MS / 1000 + 3), ("placed", 1)),
            (call(2, made.id, **OVER, dialled_at=MS / 1000 + 3, outcome=OutOutcome.BUSY), ("not_reached", 1)),
            (call(3, made.id, **OVER, dialled_at=MS / 1000 + 4, answered_at=MS / 1000 + 9), ("reached", 2)),
        )
        for told, expected in story:
            records.write(told)
            assert await records.flush(20)
            found = await records.callback(made.id)
            assert found is not None
            assert (found.state, found.attempts) == expected, told
        records.write(*(told for told, _ in story))  # once more, after a death in between
        assert await records.flush(20)
        found = await records.callback(made.id)
        listed = await records.recent_outbound(9, callback=made.id)
        assert await records.recent_outbound(9, case="other") == []
    assert found is not None
    assert (found.state, found.attempts, found.last_ms) == ("reached", 2, MS + 3000)
    assert [row["id"] for row in listed] == [f"out-{MS + number}-ab" for number in (3, 2, 1)]


async def test_what_a_person_has_closed_no_call_opens_and_a_call_under_way_keeps_its_state(database: Database) -> None:
    async with opened(database) as records:
        first, second = await records.add_callback(entry()), await records.add_callback(entry(due_ms=MS + 5))
        assert [row.id for row in await records.callbacks()] == [second.id, first.id]
        await records.change_callback(first.id, {"state": "given_up", "closed_by": "cli", "closed_ms": MS})
        records.write(call(1, first.id, **OVER, outcome=OutOutcome.BUSY), call(2, second.id))
        assert await records.flush(20)
        kept = await records.change_callback(second.id, {"state": "done"})
        closed = await records.callback(first.id)
        assert await records.count_callbacks(MS + 100) == ({"given_up": 1, "placed": 1}, 1)
    assert kept is not None
    assert closed is not None
    assert (kept.state, closed.state) == ("placed", "given_up")
