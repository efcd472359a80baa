"""Old rows under a new key, on both databases: in batches, broken off and begun again, beside somebody who writes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from storage import resealing
from storage.audit import Act, AuditRow
from storage.callbacks import CallbackRow
from storage.holds import HoldKind, HoldRow, add_hold
from storage.intake import IntakeRow
from storage.keys import Keyring, KeySet, key_id
from storage.numbers import NumberVault
from storage.records import Records
from storage.resealing import Cursor
from storage.restrictions import RestrictionRow
from storage.schema import callbacks
from storage.sealing import intake_seal, mark
from tests.contract.storage_databases import Database, opened
from tests.contract.storage_stories import answered_call, call_id
from tests.unit.storage.test_keys import NEW, NUMBER, OLD, sealed_before_keys_had_ids

TABLES = (
    "calls.caller_sealed",
    "restrictions.sealed",
    "callbacks.sealed",
    "holds.sealed",
    "intake.name_sealed",
    "intake.text_sealed",
)
CALLS = 5


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "BATCH", 2)


async def rows_under_the_old_key(records: Records) -> Keyring:
    """Some of each table; one call is from before keys had ids. The new key is in force."""
    ring = Keyring.of(OLD)
    vault, seal = NumberVault(ring), intake_seal(ring)
    for number in range(1, CALLS + 1):
        sealed = sealed_before_keys_had_ids(NUMBER, OLD) if number == 3 else vault.seal(NUMBER)
        story = answered_call(number)
        records.write(replace(story[0], data={**story[0].data, "caller_sealed": sealed}), *story[1:])
    await records.add_callback(CallbackRow("r", vault.seal(NUMBER), "12345", 1, "cli", 1))
    terms: dict[str, Any] = {"block": False, "kind": "reject", "afterwards": "wait", "talk_ms": None, "reason": "abuse"}
    terms |= {"evidence": "x", "approver": "a", "added_by": "a", "added_ms": 1, "until_ms": 2}
    await records.add_restrictions([RestrictionRow("r", vault.seal(NUMBER), **terms)])
    told = AuditRow(1, "a", "supervisor", Act.HOLD, "hold", "")
    await add_hold(records.engine, HoldRow(HoldKind.CALLER, "court", "a", 1, ref="r", sealed=vault.seal(NUMBER)), told)
    for number in (1, 2):
        call = call_id(number)
        name = seal.seal("张三", call) if number == 1 else None
        await records.add_intake(IntakeRow(call, "投诉", "路灯", name, False, seal.seal("坏了", call), "", "a1", 1))
    assert await records.flush(20)
    ring.take(ring.keys.renewed(NEW))
    return ring


async def sealed_texts(database: Database) -> dict[str, list[str]]:
    found = {}
    for place in TABLES:
        table, column = place.split(".")
        rows = await database.rows(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")
        found[place] = [row[0] for row in rows]
    return found


async def to_the_end(records: Records, ring: Keyring, after: Cursor | None = None) -> tuple[int, int]:
    done = lost = 0
    while True:
        batch = await records.reseal(ring, after)
        done, lost, after = done + batch.resealed, lost + batch.unreadable, batch.after
        if after is None:
            return done, lost


async def test_every_sealed_column_is_under_the_new_key_and_says_what_it_said(database: Database) -> None:
    async with opened(database) as records:
        ring = await rows_under_the_old_key(records)
        standing = await records.sealed_by_key()
        assert standing.by_key == {key_id(OLD): CALLS - 1 + 6, "": 1}
        assert standing.old(ring.newest) == CALLS + 6
        assert await records.unreadable(ring) is None
        assert await to_the_end(records, ring) == (CALLS + 6, 0)
        assert (await records.sealed_by_key()).by_key == {key_id(NEW): CALLS + 6}
        assert await records.unreadable(ring) == 0
        assert await to_the_end(records, ring) == (0, 0)
        rows = await records.intakes_of(call_id(1))
    texts = await sealed_texts(database)
    assert {place: len(found) for place, found in texts.items()} == dict(zip(TABLES, (5, 1, 1, 1, 1, 2), strict=True))
    ring.take(ring.keys.newest_alone())
    vault, seal = NumberVault(ring), intake_seal(ring)
    for place in TABLES[:3]:
        assert {vault.open_sealed(text) for text in texts[place]} == {NUMBER}
    assert rows[0].name_sealed is not None
    assert seal.open_sealed(rows[0].name_sealed, call_id(1)) == "张三"
    assert seal.open_sealed(rows[0].text_sealed, call_id(1)) == "坏了"


async def test_broken_off_anywhere_it_is_begun_again_and_loses_nothing(database: Database) -> None:
    async with opened(database) as records:
        ring = await rows_under_the_old_key(records)
    for _ in range(3):  # killed after each batch: nothing is remembered but the rows
        async with opened(database) as records:
            assert (await records.reseal(ring, None)).resealed in (1, 2)
    async with opened(database) as records:
        assert await to_the_end(records, ring) == (6, 0)
    ring.take(ring.keys.newest_alone())
    texts = await sealed_texts(database)
    assert {NumberVault(ring).open_sealed(text) for place in TABLES[:4] for text in texts[place]} == {NUMBER}


async def test_a_batch_that_dies_in_its_transaction_has_changed_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database) as records:
        ring = await rows_under_the_old_key(records)
        before = await sealed_texts(database)
        made, written = resealing.update, []

        def dying(table: Any) -> Any:
            written.append(table)
            if len(written) == 2:
                raise RuntimeError("killed")
            return made(table)

        monkeypatch.setattr(resealing, "update", dying)
        with pytest.raises(RuntimeError, match="killed"):
            await records.reseal(ring, None)
    assert await sealed_texts(database) == before


async def test_who_writes_a_row_meanwhile_is_not_overwritten(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database) as records:
        ring = await rows_under_the_old_key(records)
        theirs = NumberVault(ring).seal("+8613800000001")
        to_thread = resealing.asyncio.to_thread

        async def meanwhile(*what: Any) -> Any:
            async with records.engine.begin() as connection:
                await connection.execute(update(callbacks).values(sealed=theirs))
            return await to_thread(*what)

        monkeypatch.setattr(resealing.asyncio, "to_thread", meanwhile)
        assert (await records.reseal(ring, Cursor(2))).resealed == 0
    assert await database.rows("SELECT sealed FROM callbacks") == [(theirs,)]


async def test_what_no_key_opens_stays_as_it_is_and_is_counted(database: Database) -> None:
    async with opened(database) as records:
        ring = await rows_under_the_old_key(records)
        foreign = NumberVault(Keyring.of(bytes(32))).seal(NUMBER)
        await records.add_callback(CallbackRow("r", foreign, "12345", 1, "cli", 1))
        await records.add_callback(CallbackRow("r", "", "12345", 1, "cli", 1))  # nothing is there any more
        assert await to_the_end(records, ring) == (CALLS + 6, 1)
        assert await records.unreadable(ring) == 1
        assert (await records.sealed_by_key()).by_key[key_id(bytes(32))] == 1
        assert foreign.startswith(mark(key_id(bytes(32))))
    assert (foreign,) in await database.rows("SELECT sealed FROM callbacks")


async def test_a_key_from_before_opens_steps_that_the_journal_brings_late(database: Database) -> None:
    """The record of a call that arrived before the renewal, written after it."""
    async with opened(database) as records:
        ring = await rows_under_the_old_key(records)
        late = NumberVault(Keyring(KeySet.of(OLD))).seal(NUMBER)
        story = answered_call(9)
        records.write(replace(story[0], data={**story[0].data, "caller_sealed": late}), *story[1:])
        assert await records.flush(20)
        assert (await records.sealed_by_key()).by_key[key_id(OLD)] == CALLS + 6
        assert await to_the_end(records, ring) == (CALLS + 7, 0)
