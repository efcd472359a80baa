"""Outbox and intake, on both databases: told in the transaction of what is told of, and delivered in order per call."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from routing.commands import WriteOutbound
from routing.outbound import Outbound, OutKind, OutOutcome, OutState
from storage import rows
from storage.deliveries import Tried
from storage.intake import IntakeRow, RevisedSince
from storage.outbox import Counts, OutboxRow, State
from storage.records import Records
from tests.contract.storage_databases import Database, opened, until
from tests.contract.storage_stories import FIRST_MS, abandoned_call, answered_call, call_id, offered, recorded

NOW = FIRST_MS + 3_600_000
TOLD = "SELECT id, call_id, type FROM outbox ORDER BY id"
ENDED, RECORDING, INTAKE = "hotline.call.ended", "hotline.call.recording", "hotline.intake.recorded"


def intake(number: int, **more: Any) -> IntakeRow:
    row = IntakeRow(call_id(number), "投诉", "路灯不亮", None, False, "v1:x", "天宁区", "a1", FIRST_MS)
    return replace(row, **more)


async def settle(records: Records, row: OutboxRow, state: State, next_ms: int = NOW) -> None:
    await records.settle_deliveries([Tried(row, state, NOW, next_ms, None if state is State.DELIVERED else "500")])


async def due(records: Records, now_ms: int = NOW, limit: int = 100) -> list[OutboxRow]:
    return [one.row for one in await records.due_deliveries(now_ms, limit)]


async def test_a_call_is_told_once_when_it_has_ended_and_its_recording_after_it(database: Database) -> None:
    story = answered_call(1)
    async with opened(database, hand_over=True) as records:
        for step in [*story, recorded(story), *abandoned_call(2), offered(3)]:
            records.write(step)
            assert await records.flush(20)
        records.write(*story, recorded(story))  # once more, after a death in between
        assert await records.flush(20)
        first, _ = await due(records)
    assert await database.rows(TOLD) == [
        (1, call_id(1), ENDED), (2, call_id(1), RECORDING), (3, call_id(2), ENDED),
    ]  # fmt: skip
    assert (first.body["outcome"], first.body["wait_ms"], first.body["agent_id"]) == ("answered", 2500, "a1")
    assert "." not in first.event
    assert "sealed" not in str(first.body)


async def test_a_call_whose_steps_come_in_one_batch_is_told_in_the_same_way(database: Database) -> None:
    story = answered_call(1)
    async with opened(database, hand_over=True) as records:
        records.write(*story, recorded(story))
        assert await records.flush(20)
    assert await database.rows(TOLD) == [(1, call_id(1), ENDED), (2, call_id(1), RECORDING)]


async def test_recording_that_is_known_before_the_end_is_told_after_it(database: Database) -> None:
    story = answered_call(1)
    early = replace(recorded(story), seq=story[-1].seq)
    async with opened(database, hand_over=True) as records:
        for step in (*story[:-1], early, replace(story[-1], seq=early.seq + 1)):
            records.write(step)
            assert await records.flush(20)
    assert await database.rows(TOLD) == [(1, call_id(1), ENDED), (2, call_id(1), RECORDING)]


async def test_nothing_is_told_where_nobody_is_to_be_told(database: Database) -> None:
    async with opened(database) as records:
        records.write(*answered_call(1))
        await records.flush(20)
        await records.add_intake(intake(1))
        assert await database.rows(TOLD) == []
        records.hand_over(True)
        records.write(*answered_call(2))
        await records.flush(20)
    assert await database.rows(TOLD) == [(1, call_id(2), ENDED)]


async def test_a_call_that_an_agent_placed_is_told_when_it_is_over(database: Database) -> None:
    out = Outbound("out-1-ab", OutKind.FOLLOW_UP, "a1", "1001", "12345", FIRST_MS / 1000, "A1", None, "cli")
    over = out._replace(state=OutState.ENDED, ended_at=FIRST_MS / 1000 + 9, outcome=OutOutcome.BUSY)
    async with opened(database, hand_over=True) as records:
        records.write(WriteOutbound(out), WriteOutbound(over), WriteOutbound(over))
        await records.flush(20)
        (row,) = await due(records)
        assert not any(records.stats.set_aside.values())
    assert (row.type, row.call_id, row.body["case_id"], row.body["outcome"]) == (
        "hotline.outbound.ended", "out-1-ab", "A1", "busy",
    )  # fmt: skip


async def test_when_the_outbox_cannot_be_written_the_call_is_not_written_either(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A death between the two writes: both come with the next try."""

    async def dies(*_: object) -> None:
        raise OSError("here the process would be gone")

    story = answered_call(1)
    async with opened(database, hand_over=True) as records:
        with monkeypatch.context() as patched:
            patched.setattr(rows, "add_events", dies)
            records.write(*story)
            await until(lambda: records.stats.failures > 1)
            assert await database.rows("SELECT count(*) FROM calls") == [(0,)]
        assert await records.flush(20)
    assert await database.rows("SELECT outcome FROM calls") == [("answered",)]
    assert await database.rows(TOLD) == [(1, call_id(1), ENDED)]


async def test_an_intake_and_what_tells_of_it_are_written_together_or_not_at_all(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object) -> None:
        raise ZeroDivisionError

    async with opened(database, hand_over=True) as records:
        with monkeypatch.context() as patched:
            patched.setattr("storage.intake.add_events", dies)
            with pytest.raises(ZeroDivisionError):
                await records.add_intake(intake(1))
        assert await database.rows("SELECT count(*) FROM intake") == [(0,)]
        kept = await records.add_intake(intake(1))
        (row,) = await due(records)
    assert (kept.id, kept.root, kept.revision) == (1, 1, 1)
    assert (row.type, row.intake, row.body["kind"], row.body["subject"]) == (INTAKE, 1, "投诉", "路灯不亮")


async def test_corrections_are_rows_of_their_own_and_of_two_at_once_one_is_refused(database: Database) -> None:
    async with opened(database, hand_over=True) as records:
        first = await records.add_intake(intake(1))
        again = intake(1, kind="举报", root=first.root, revision=2)
        done = await asyncio.gather(*(records.add_intake(again) for _ in range(2)), return_exceptions=True)
        assert {type(one) for one in done} == {IntakeRow, RevisedSince}
        rows = await records.intakes_of(call_id(1))
    assert [(row.root, row.revision, row.kind) for row in rows] == [(1, 1, "投诉"), (1, 2, "举报")]


async def test_intakes_and_ends_of_calls_that_come_at_once_all_find_a_place_in_the_order(database: Database) -> None:
    async with opened(database, hand_over=True) as records:
        for number in range(20):
            records.write(*answered_call(number))
        await asyncio.gather(*(records.add_intake(intake(number)) for number in range(10)))
        assert await records.flush(40)
        assert not any(records.stats.set_aside.values())
    found = await database.rows(TOLD)
    assert [row[0] for row in found] == list(range(1, 31))
    assert sorted(row[2] for row in found) == [ENDED] * 20 + [INTAKE] * 10


async def test_only_the_first_open_row_of_a_call_may_go_and_others_calls_do_not_wait_for_it(
    database: Database,
) -> None:
    async with opened(database, hand_over=True) as records:
        for number in (1, 1, 2, 1):
            await records.add_intake(intake(number))
        one, other = await due(records)
        assert (one.id, other.id) == (1, 3)
        await settle(records, one, State.PENDING, NOW + 5000)
        assert [row.id for row in await due(records)] == [3]
        assert [row.id for row in await due(records, NOW + 5000)] == [3, 1]
        await settle(records, one, State.DEAD)
        assert [row.id for row in await due(records, NOW + 10**9)] == [3]
        assert await records.count_outbox() == Counts(3, 1)
        assert await records.retry_outbox(None) == 1
        again, _ = await due(records)
        assert (again.id, again.attempts, again.first_ms) == (1, 0, None)
        await settle(records, again, State.DELIVERED)
        assert sorted(row.id for row in await due(records)) == [2, 3]


async def test_what_is_dropped_holds_nothing_up_and_is_not_delivered_by_an_attempt_under_way(
    database: Database,
) -> None:
    async with opened(database, hand_over=True) as records:
        for _ in range(2):
            await records.add_intake(intake(1))
        (row,) = await due(records)
        await settle(records, row, State.PENDING, NOW + 5000)
        assert await records.drop_outbox(row, "cli", "test", NOW)
        assert not await records.drop_outbox(row, "other", "again", NOW)
        assert [row.id for row in await due(records)] == [2]  # at once, not when its turn would have been
        await settle(records, row, State.DELIVERED)
        found = await records.outbox_row(1)
        assert await records.retry_outbox(1) == 0
    assert found is not None
    assert (found.state, found.closed_by, found.reason) == ("dropped", "cli", "test")


async def test_closed_rows_go_after_their_time_and_the_order_never_begins_anew(database: Database) -> None:
    async with opened(database, hand_over=True) as records:
        for number in (1, 2, 3):
            await records.add_intake(intake(number))
        for row in await due(records):
            await settle(records, row, State.DELIVERED)
        assert await records.delete_deliveries(NOW, 10) == 0
        assert await records.delete_deliveries(NOW + 1, 1) == 1
        assert await records.delete_deliveries(NOW + 1, 10) == 1
        await records.add_intake(intake(4))
    assert await database.rows("SELECT id, state FROM outbox ORDER BY id") == [(3, "delivered"), (4, "pending")]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_the_receiver_does_every_call_is_told_in_order(database: Database, seed: int) -> None:
    """Failures, deaths and people who retry and drop, at random; held against the rule itself."""
    chance = random.Random(seed)
    delivered: list[int] = []
    async with opened(database, hand_over=True) as records:
        for _ in range(30):
            await records.add_intake(intake(chance.randrange(6)))
        for turn in range(60):
            now = NOW + turn * 1000
            for row in await due(records, now, 4):
                state = chance.choice([State.DELIVERED, State.DELIVERED, State.PENDING, State.DEAD])
                await records.settle_deliveries([Tried(row, state, now, now + chance.randrange(3000), "500")])
                delivered += [row.id] if state is State.DELIVERED else []
            for row in (await records.outbox_rows(State.DEAD, 9))[:1]:
                if chance.random() < 0.2:
                    await records.drop_outbox(row, "cli", "test", now)
                else:
                    await records.retry_outbox(row.id)
    closed = await database.rows("SELECT id, call_id, state FROM outbox ORDER BY id")
    assert {row[2] for row in closed} <= {"delivered", "dropped"}
    assert sorted(delivered) == [row[0] for row in closed if row[2] == "delivered"]
    for call in {row[1] for row in closed}:
        its = {row[0] for row in closed if row[1] == call}
        in_turn = [row_id for row_id in delivered if row_id in its]
        assert in_turn == sorted(in_turn)
