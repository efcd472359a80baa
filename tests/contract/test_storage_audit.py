"""The table `audit`, on both databases: rows come and stay."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from storage.audit import Act, AuditRow, append_in
from storage.errors import StorageUnavailable
from tests.contract.storage_databases import Database, opened


def row(at_ms: int, **changes: object) -> AuditRow:
    values: dict = {
        "at_ms": at_ms, "actor": "chief", "role": "supervisor", "act": Act.READ, "subject_kind": "call",
        "subject_id": "1-1", "reason": "the fire brigade asks", "details": {"what": ["number"]},
    }  # fmt: skip
    return AuditRow(**values | changes)


async def test_rows_are_kept_in_their_order_and_found_by_each_word(database: Database) -> None:
    async with opened(database) as records:
        first = await records.append_audit(row(1000))
        second = await records.append_audit(row(2000, act=Act.HIDE, actor="deputy", subject_kind="caller"))
        assert first.id < second.id
        assert await records.audit_rows() == [second, first]
        assert await records.audit_rows(act="hide") == await records.audit_rows(actor="deputy") == [second]
        assert await records.audit_rows(subject_kind="caller") == await records.audit_rows(since_ms=1001) == [second]
        assert await records.audit_rows(until_ms=2000) == await records.audit_rows(before_id=second.id) == [first]
        assert await records.audit_rows(subject_id="1-2") == []
        assert await records.audit_rows(limit=1) == [second]
    async with opened(database) as records:
        assert await records.audit_rows() == [second, first], "after a restart"
    assert (first.reason, first.details) == ("the fire brigade asks", {"what": ["number"]})


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"])
async def test_the_database_itself_refuses_to_change_or_delete_a_row(database: Database, change: str) -> None:
    async with opened(database) as records:
        kept = await records.append_audit(row(1000))
        with pytest.raises(SQLAlchemyError, match="rows of audit are never changed"):
            async with records.engine.begin() as connection:
                await connection.execute(text(change))
        assert await records.audit_rows() == [kept]


async def test_a_row_goes_with_the_transaction_that_does_what_it_tells_of(database: Database) -> None:
    async with opened(database) as records, records.engine.connect() as connection:
        transaction = await connection.begin()
        await append_in(connection, row(1000))
        await transaction.rollback()
        assert await records.audit_rows() == []


async def test_a_row_that_cannot_be_kept_is_an_error_and_never_passed_over(database: Database) -> None:
    async with opened(database) as records:
        async with records.engine.begin() as connection:
            await connection.execute(text("DROP TABLE audit"))
        with pytest.raises(StorageUnavailable):
            await records.append_audit(row(1000))
