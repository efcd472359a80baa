"""The table of restrictions, on both databases: entries come, are approved and ended, and none is changed or deleted."""

from __future__ import annotations

from dataclasses import replace

from routing.steps import Step, StepKind
from storage.restrictions import RestrictionRow, Use
from tests.contract.storage_databases import Database, opened

ROW = RestrictionRow("ref", "v1:sealed", False, "reject", "wait", None, "abuse", "case 7", "chief", "chief", 5, 9)
BLOCK = replace(ROW, ref="block", block=True, kind="short_call", talk_ms=60_000)


async def test_entries_are_added_approved_once_ended_once_and_read_again(database: Database) -> None:
    async with opened(database) as records:
        assert await records.restrictions() == []
        first, second = replace(ROW, id=1), replace(BLOCK, id=2)
        assert await records.add_restrictions([ROW, BLOCK]) == [first, second]
        assert (await records.add_restrictions([ROW]))[-1].id == 3
        approved = replace(second, second_approver="deputy")
        assert (await records.approve_restriction(2, "deputy"))[1] == approved
        assert (await records.approve_restriction(2, "another"))[1] == approved
        ended = replace(first, ended_by="chief", ended_ms=7)
        assert (await records.end_restriction(1, "chief", 7))[0] == ended
        assert (await records.end_restriction(1, "another", 8))[0] == ended
    async with opened(database) as records:
        assert (await records.restrictions())[:2] == [ended, approved]


async def test_uses_are_counted_by_calls_and_a_caller_is_found_by_his_call(database: Database) -> None:
    known = {"number": "12345", "caller_ref": "ref", "caller_sealed": "v1:sealed"}
    async with opened(database) as records:
        for number in (1, 2):
            call_id = f"179530261342{number}-{number}"
            records.write(Step(call_id, 1, 1795302613.42 + number, StepKind.OFFERED, known))
            for seq in (2, 3):  # told twice: it is one call
                records.write(Step(call_id, seq, 1.0, StepKind.RESTRICTED, {"restriction": 4, "rule": "reject"}))
        assert await records.flush(20)
        assert await records.restriction_uses() == {4: Use(2, 1795302613422)}
        assert await records.caller_of("1795302613421-1") == ("ref", "v1:sealed")
        assert await records.caller_of("1795302613429-9") is None
