"""The records' promise, on SQLite and on PostgreSQL alike: whatever breaks, every call is there exactly once."""

from __future__ import annotations

import asyncio
import random
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from routing.commands import WriteSignIn
from routing.steps import Step, StepKind
from storage.entries import encode
from storage.errors import StorageError, StorageUnavailable
from storage.journal import Journal
from storage.records import check_database
from storage.writer import LINES_SAID
from tests.contract.storage_databases import Database, Postgres, opened, until
from tests.contract.storage_stories import FIRST_MS, abandoned_call, answered_call, call_id, offered

ROOT = Path(__file__).parents[2]
KILLS = 20


async def assert_each_call_once(database: Database, calls: int, steps: int = 7) -> None:
    assert await database.rows("SELECT count(*), count(distinct call_id) FROM calls") == [(calls, calls)]
    assert await database.rows("SELECT count(*) FROM call_steps") == [(calls * steps,)]
    whole = (
        "SELECT count(*) FROM calls WHERE outcome='answered' AND judged='in_time' AND wait_ms=2500 AND talk_ms=30000"
    )
    assert await database.rows(whole) == [(calls,)]


async def test_a_call_becomes_one_row_with_its_steps_and_presentations(database: Database) -> None:
    async with opened(database) as records:
        records.write(*answered_call(1))
        assert await records.flush(20)
        (call,) = await records.recent_calls()
        assert (call.number, call.agent_id, call.seat_id, call.outcome) == ("12345", "a1", "1001", "answered")
        assert (call.arrived_ms, call.wait_ms, call.talk_ms) == (FIRST_MS + 1, 2500, 30000)
        assert await records.call(call.call_id) == call
        assert [step.kind for step in await records.steps(call.call_id)] == [step.kind for step in answered_call(1)]
        assert records.degraded is None
    columns = "seat_id, agent_id, ring, sent_ms, ringing_ms, ended_ms, outcome"
    shown = await database.rows(f"SELECT {columns} FROM presentations")
    assert shown == [("1001", "a1", 0, FIRST_MS + 2, FIRST_MS + 201, FIRST_MS + 2501, "answered")]


async def test_the_case_that_came_with_a_call_is_in_its_row_and_remembered(database: Database) -> None:
    first = offered(1)
    with_case = replace(first, data={**first.data, "case": "A-17"})
    async with opened(database) as records:
        records.write(with_case, offered(2))
        assert await records.flush(20)
        assert [call.case for call in (await records.remembered()).calls] == ["A-17", ""]
        assert [call.case_id for call in await records.recent_calls()] == [None, "A-17"]
    assert await database.rows("SELECT case_id FROM calls ORDER BY call_id") == [("A-17",), (None,)]


async def test_the_sealed_number_is_in_one_place_only(database: Database) -> None:
    async with opened(database) as records:
        records.write(*answered_call(1))
        await records.flush(20)
    assert await database.rows("SELECT caller_sealed FROM calls") == [("v1:sealed1",)]
    assert await database.rows("SELECT count(*) FROM call_steps WHERE CAST(data AS TEXT) LIKE '%sealed1%'") == [(0,)]


async def test_entries_that_come_twice_change_nothing(database: Database) -> None:
    story = answered_call(1)
    async with opened(database) as records:
        records.write(*story)
        await records.flush(20)
        before = await database.rows("SELECT * FROM calls")
        for again in (story, story[:3], story[2:5], list(reversed(story))):
            records.write(*again)
            await records.flush(20)
        assert await database.rows("SELECT * FROM calls") == before
    await assert_each_call_once(database, 1)
    assert await database.rows("SELECT count(*) FROM presentations") == [(1,)]


async def test_agents_periods_end_where_the_next_begins_even_within_a_millisecond(database: Database) -> None:
    async with opened(database) as records:
        for state, at in (("ready", 10.0), ("ringing", 20.0), ("ready", 20.0)):
            records.write(WriteSignIn("a1", "1001", state, "", at))
            await records.flush(20)
        records.write(
            WriteSignIn("a1", "1001", "paused", "lunch", 30.0), WriteSignIn("a2", None, "signed_out", "", 30.0)
        )
        await records.flush(20)
        assert (await records.remembered()).signed_in == {"a1": "1001"}
    periods = await database.rows("SELECT agent_id, state, since_ms, until_ms FROM agent_periods ORDER BY 1, entry")
    assert periods == [
        ("a1", "ready", 10_000, 20_000),
        ("a1", "ringing", 20_000, 20_000),
        ("a1", "ready", 20_000, 30_000),
        ("a1", "paused", 30_000, None),
        ("a2", "signed_out", 30_000, None),
    ]


async def test_a_process_killed_at_any_moment_loses_nothing_and_doubles_nothing(database: Database) -> None:
    chance = random.Random(12345)
    kept: set[tuple[str, int]] = set()
    for run in range(KILLS):
        kept |= await _run_and_kill(database, run, chance.randrange(1, 400))
    async with opened(database, hand_over=True) as records:
        assert await records.flush(30)
        assert not any(records.stats.set_aside.values())
    rows = await database.rows("SELECT call_id, seq FROM call_steps")
    assert kept <= set(rows)
    assert len(rows) == len(set(rows))
    whole = await database.rows("SELECT call_id FROM call_steps GROUP BY call_id HAVING count(*) = 7")
    calls = await database.rows("SELECT call_id FROM calls WHERE outcome='answered' AND wait_ms=2500 AND talk_ms=30000")
    assert sorted(whole) == sorted(calls)
    begun = await database.rows("SELECT count(distinct call_id) FROM call_steps")
    assert await database.rows("SELECT count(*) FROM calls") == begun
    told = await database.rows("SELECT call_id FROM outbox WHERE type='hotline.call.ended'")
    assert sorted(told) == sorted(whole)  # each call that has ended is told once, and no other


async def _run_and_kill(database: Database, run: int, after: int) -> set[tuple[str, int]]:
    """Kills the child as soon as it said that `after` entries are kept; returns all that it said until then."""
    password = str(database.password_file or "")
    arguments = ["-m", "tests.contract.storage_child", database.url, str(database.data_dir), password, str(run)]
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdout=pipe)
    assert child.stdout is not None
    said = [await child.stdout.readline() for _ in range(after)]
    child.kill()
    said += (await child.stdout.read()).splitlines(keepends=True)
    await child.wait()
    entries = (line.decode().split() for line in said if line.endswith(b"\n"))
    return {(call, int(seq)) for call, seq in entries}


async def test_a_locked_database_lets_a_thousand_entries_wait_and_takes_them_all(database: Database) -> None:
    async with opened(database) as records:
        async with database.locked():
            for number in range(150):
                records.write(*answered_call(number))
            assert records.spooled == 1050
            assert not await records.flush(0.3)
        assert await records.flush(40)
        assert records.spooled == 0
    await assert_each_call_once(database, 150)


async def test_a_lock_is_told_in_one_sentence_and_forgotten_after_it(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    async with opened(database) as records:
        async with database.locked():
            records.write(*answered_call(1))
            await until(lambda: records.degraded is not None)
            assert (
                records.degraded == "the database does not take records (database is locked); they wait in the journal"
            )
            assert await records.recent_calls() == []  # reading goes on
        await records.flush(20)
        await until(lambda: records.degraded is None)


@pytest.mark.postgres
async def test_postgres_restarted_in_the_middle_gets_every_call_once(postgres: Postgres, tmp_path: Path) -> None:
    name = await postgres.new_database()
    url = f"postgresql+asyncpg://hotline@/{name}?host={postgres.folder}"
    database = Database(url, tmp_path, postgres.password_file, postgres, name)
    async with opened(database) as records:
        for number in range(400):
            records.write(*answered_call(number))
            if number == 200:
                await until(lambda: records.stats.batches > 1)
                await asyncio.to_thread(postgres.stop)
                with pytest.raises(StorageUnavailable):
                    await records.recent_calls()
            if number == 300:
                await until(lambda: records.degraded is not None)
                await asyncio.to_thread(postgres.start)
        assert await records.flush(60)
        assert records.degraded is None
    await assert_each_call_once(database, 400)


@pytest.mark.postgres
async def test_without_the_database_at_the_start_the_journal_tells_what_was_open(
    postgres: Postgres, tmp_path: Path
) -> None:
    name = await postgres.new_database()
    url = f"postgresql+asyncpg://hotline@/{name}?host={postgres.folder}"
    database = Database(url, tmp_path, postgres.password_file, postgres, name)
    async with opened(database) as records:
        records.write(*answered_call(1), *answered_call(2)[:5], offered(3), WriteSignIn("a1", "1001", "ready", "", 1.0))
        await records.flush(20)
    await asyncio.to_thread(postgres.stop)
    try:
        async with opened(database, catch_up_s=0.3) as records:
            await until(lambda: records.degraded is not None)
            remembered = await records.remembered()
            assert [call.call_id for call in remembered.calls] == [call_id(2), call_id(3)]
            assert remembered.signed_in == {"a1": "1001"}
            records.write(*answered_call(2)[5:], *answered_call(3)[1:])
            await asyncio.to_thread(postgres.start)
            assert await records.flush(60)
    finally:
        if not (postgres.folder / "data" / "postmaster.pid").exists():
            await asyncio.to_thread(postgres.start)
    await assert_each_call_once(database, 3)


@contextmanager
def no_file_may_grow_beyond(size: int) -> Iterator[None]:
    """What a full disk does to us: short writes, then refusals, for journal and SQLite alike."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_keeps_entries_in_memory_until_there_is_room(database: Database) -> None:
    async with opened(database) as records:
        records.write(*answered_call(0))
        await records.flush(20)
        with no_file_may_grow_beyond(700):
            for number in range(1, 100):
                records.write(*answered_call(number))
            stats, told = records.stats, records.degraded
        assert stats.in_memory > 0
        assert stats.lost == 0
        assert told is not None
        assert "make room" in told
        assert await records.flush(40)
        assert records.stats.in_memory == 0
        await until(lambda: records.degraded is None)
    await assert_each_call_once(database, 100)


async def test_a_bug_in_looking_after_the_journal_is_told_and_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")

    def broken(journal: Journal) -> None:
        raise ZeroDivisionError

    async with opened(database) as records:
        with monkeypatch.context() as patched:
            patched.setattr(Journal, "take_unsynced", broken)
            await until(lambda: records.degraded is not None)
            assert records.degraded == "the journal is not looked after (ZeroDivisionError); see the log"
        await until(lambda: records.degraded is None)


async def test_a_torn_last_line_is_left_out_and_the_rest_goes_on(database: Database) -> None:
    async with opened(database) as records:
        records.write(*answered_call(1))
        await records.flush(20)
    newest = max((database.data_dir / "journal").glob("*.jsonl"))
    with newest.open("ab") as file:
        file.write(b'{"call":"1700000000002-17000')
    async with opened(database) as records:
        records.write(*answered_call(2))
        assert await records.flush(20)
        assert records.stats.set_aside == {"cut": 1, "unreadable": 0, "refused": 0}
    await assert_each_call_once(database, 2)


async def test_what_the_database_refuses_for_its_own_sake_is_set_aside_alone(database: Database) -> None:
    unwritable = Step("1700000000009-\ud800", 1, 1.0, StepKind.OFFERED, {})  # half a character: no database takes it
    async with opened(database) as records:
        records.write(*answered_call(1), unwritable, *answered_call(2))
        assert await records.flush(40)
        assert records.stats.set_aside == {"cut": 0, "unreadable": 0, "refused": 1}
        assert records.spooled == 0
        assert records.degraded is None
    await assert_each_call_once(database, 2)
    assert (database.data_dir / "journal" / "refused.txt").read_bytes().count(b"\n") == 1


async def test_a_damaged_line_in_the_middle_is_set_aside_alone(database: Database) -> None:
    async with opened(database) as records:
        records.write(*answered_call(1))
        await records.flush(20)
        newest = max((database.data_dir / "journal").glob("*.jsonl"))
        with newest.open("ab") as file:
            file.write(b"\0\0\0\n[]\n")
        records.write(*answered_call(2))
        assert await records.flush(20)
        assert records.stats.set_aside == {"cut": 0, "unreadable": 2, "refused": 0}
    await assert_each_call_once(database, 2)


CORRUPT: dict[str, bytes] = {
    "nothing": b"",
    "cut": b'{"call":"1700000000002-17000',
    "binary": bytes(range(11, 256)),
    "NUL": b"\0" * 5000,
    "no UTF-8": b'{"call":"\xff\xfe","seq":1,"at":1,"kind":"flag","data":{}}',
    "half a character": b'{"call":"\xe5\x9d","seq":1,"at":1,"kind":"flag","data":{}}',
    "text": "坐席".encode(),
    "two in one": b'{"call":"c","seq":1,"at":1,"kind":"flag","data":{}}{"call":"c"',
    "not an object": b'["call"]',
    "empty object": b"{}",
    "deep": b"[" * 200_000,
    "deep inside": b'{"call":"c","seq":1,"at":1,"kind":"flag","data":' + b'{"a":' * 200_000,
    "huge": b'{"call":"' + b"9" * 3_000_000 + b'"}',
    "endless number": b'{"call":"c","seq":' + b"9" * 5000 + b',"at":1,"kind":"flag","data":{}}',
    "no number": b'{"call":"c","seq":1,"at":NaN,"kind":"flag","data":{}}',
    "wrong kind": b'{"call":"c","seq":1,"at":1,"kind":{"x":1},"data":{}}',
    "wrong types": b'{"call":7,"seq":"1","at":[],"kind":"flag","data":"x"}',
    "edition of nothing": b'{"edition":"e","at":1,"body":"////"}',
    "outbound in no state": b'{"outbound":"out-1","kind":"callback","state":"flying","agent_id":"a","asked_at":1}',
    "agent nobody": b'{"number":1,"agent":"","seat":null,"state":"ready","at":1}',
}


@pytest.mark.parametrize("raw", CORRUPT.values(), ids=CORRUPT)
async def test_a_corrupt_line_is_skipped_kept_aside_counted_and_named(
    database: Database, raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(database) as records:
        records.write(*answered_call(1))
        await records.flush(20)
        newest = max((database.data_dir / "journal").glob("*.jsonl"))
        with newest.open("ab") as file:
            file.write(raw + b"\n")
        records.write(*answered_call(2))
        assert await records.flush(20)
        assert records.stats.set_aside == {"cut": 0, "unreadable": 1, "refused": 0}
        assert (records.spooled, records.degraded) == (0, None)
        calls = (await records.remembered()).calls
    place, why, kept = (database.data_dir / "journal" / "refused.txt").read_bytes().split(b"\t", 2)
    assert (place.decode(), kept) == (f"{newest.name}:8", raw + b"\n")
    assert why.startswith(b"unreadable, ")
    assert f"unreadable: {newest.name}:8" in caplog.text
    assert calls == ()
    await assert_each_call_once(database, 2)


async def test_a_corrupt_line_does_not_keep_a_start_without_a_database_from_its_open_calls(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/h.db"
    journal = Journal(tmp_path / "journal")
    journal.append(offered(1))
    with max(journal.folder.glob("*.jsonl")).open("ab") as file:
        file.write(b"\n".join(CORRUPT.values()) + b"\n")
    journal.append(offered(2))
    journal.close()
    (tmp_path / "h.db").write_bytes(b"no database at all, but long enough to be read as one" * 40)
    async with opened(Database(url, tmp_path, name=str(tmp_path / "h.db")), catch_up_s=0.2) as records:
        assert records.degraded is not None
        assert [call.call_id for call in (await records.remembered()).calls] == [call_id(1), call_id(2)]


async def test_a_line_that_lacks_nothing_but_its_end_is_a_record(database: Database) -> None:
    """Of a write that a power cut ended just before the newline."""
    async with opened(database) as records:
        records.write(*answered_call(1))
        assert await records.flush(20)
    newest = max((database.data_dir / "journal").glob("*.jsonl"))
    with newest.open("ab") as file:
        file.write(encode(offered(2), 1).rstrip())
    async with opened(database) as records:
        records.write(*answered_call(2)[1:])
        assert await records.flush(20)
        assert not any(records.stats.set_aside.values())
        assert records.spooled == 0
    await assert_each_call_once(database, 2)


async def test_a_refused_line_before_an_unreadable_one_is_kept_aside_too(database: Database) -> None:
    """Both in one batch: the second is found first."""
    unwritable = Step("1700000000009-\ud800", 1, 1.0, StepKind.OFFERED, {})
    async with opened(database) as records:
        newest = max((database.data_dir / "journal").glob("*.jsonl"))
        async with database.locked():
            records.write(*answered_call(1), unwritable)
            with newest.open("ab") as file:
                file.write(b"[]\n")
            records.write(*answered_call(2))
        assert await records.flush(40)
        assert records.stats.set_aside == {"cut": 0, "unreadable": 1, "refused": 1}
    aside = (database.data_dir / "journal" / "refused.txt").read_bytes().splitlines()
    assert sorted(line.split(b"\t")[0].decode() for line in aside) == [f"{newest.name}:{n}" for n in (8, 9)]
    await assert_each_call_once(database, 2)


async def test_many_corrupt_lines_are_all_kept_aside_and_a_few_are_said(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(database) as records:
        newest = max((database.data_dir / "journal").glob("*.jsonl"))
        async with database.locked():
            with newest.open("ab") as file:
                file.write(b"{}\n" * 200)
            records.write(*answered_call(1))
        assert await records.flush(40)
        assert records.stats.set_aside["unreadable"] == 200
    assert (database.data_dir / "journal" / "refused.txt").read_bytes().count(b"\n") == 200
    assert caplog.text.count("a line of the journal is") == LINES_SAID
    await assert_each_call_once(database, 1)


@pytest.mark.parametrize(
    "value", ["", "'; DROP TABLE calls; --", "二\x00三", "\ud83d", "${SHELL(id)}\r\n", "9" * 10_000]
)
async def test_values_of_any_kind_are_text_in_the_row(database: Database, value: str) -> None:
    story = [*answered_call(1)]
    story[0] = Step(story[0].call_id, story[0].seq, story[0].at, StepKind.OFFERED, {**story[0].data, "trunk": value})
    async with opened(database) as records:
        records.write(*story)
        assert await records.flush(20)
        assert not any(records.stats.set_aside.values())
    await assert_each_call_once(database, 1)


async def test_open_calls_are_remembered_with_the_entries_that_sql_does_not_have_yet(database: Database) -> None:
    async with opened(database) as records:
        records.write(offered(1), *answered_call(2)[:5], offered(3))
        await records.flush(20)
        async with database.locked():
            records.write(*abandoned_call(1)[1:], WriteSignIn("a1", "1001", "ready", "", 1.0))
            if database.cluster is None:  # PostgreSQL's table lock stops readers too: the journal alone answers
                remembered = await records.remembered()
                assert [call.call_id for call in remembered.calls] == [call_id(2), call_id(3)]
        await records.flush(40)
    async with opened(database) as records:
        talking, waiting = (await records.remembered()).calls
        assert (talking.seat_id, talking.answered_at, talking.judged) == ("1001", (FIRST_MS + 2502) / 1000, False)
        assert (waiting.seat_id, waiting.arrived_at, waiting.last_seq) == (None, (FIRST_MS + 3) / 1000, FIRST_MS + 3)
        assert (await records.remembered()).signed_in == {"a1": "1001"}


async def test_who_spoke_with_whom_is_remembered_when_it_is_asked_for(database: Database) -> None:
    async with opened(database) as records:
        hours_later = 20_000_000
        records.write(*answered_call(1), *abandoned_call(2), *answered_call(hours_later))
        await records.flush(20)
        early, late = (str(answered_call(number)[0].data["caller_ref"]) for number in (1, hours_later))
        found = (await records.remembered(FIRST_MS)).spoke
        assert list(found.items()) == [
            (early, ("a1", (FIRST_MS + 2501) / 1000)),
            (late, ("a1", (FIRST_MS + hours_later + 2500) / 1000)),
        ]
        assert early not in (await records.remembered(FIRST_MS + 10_000)).spoke


async def test_who_gave_up_is_remembered_when_it_is_asked_for(database: Database) -> None:
    async with opened(database) as records:
        hours_later = 20_000_000
        records.write(*abandoned_call(1), *answered_call(2), *abandoned_call(hours_later))
        await records.flush(20)
        both = (await records.remembered(None, FIRST_MS)).left
        early, late = (abandoned_call(number)[0].data["caller_ref"] for number in (1, hours_later))
        assert [(left.caller_ref, left.left_at) for left in both] == [
            (early, (FIRST_MS + 8001) / 1000),
            (late, (FIRST_MS + hours_later + 8000) / 1000),
        ]
        assert (both[0].number, both[0].trunk, both[0].arrived_at) == ("12345", "carrier", (FIRST_MS + 1) / 1000)
        assert [left.caller_ref for left in (await records.remembered(None, FIRST_MS + 9000)).left] == [late]


@pytest.mark.parametrize("optional", ["spoken", "left"])
async def test_open_calls_are_remembered_when_a_question_beside_them_fails(
    database: Database, optional: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In SQL alone: the journal of another folder knows nothing of them."""

    async def refused(engine: object, since_ms: int) -> None:
        raise OSError

    async with opened(database) as records:
        records.write(*answered_call(1), *abandoned_call(2), offered(3))
        await records.flush(20)
    monkeypatch.setattr(f"storage.queries.{optional}", refused)
    async with opened(replace(database, data_dir=database.data_dir / "other")) as records:
        remembered = await records.remembered(0, 0)
    assert [call.call_id for call in remembered.calls] == [call_id(3)]


@pytest.mark.postgres
async def test_database_that_does_not_answer_lets_a_start_wait_once(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await postgres.new_database()
    url = f"postgresql+asyncpg://hotline@/{name}?host={postgres.folder}"
    database = Database(url, tmp_path, postgres.password_file, postgres, name)
    async with opened(database) as records:
        records.write(offered(1))
        assert await records.flush(20)
        async with database.standing_still():
            with monkeypatch.context() as patch:
                patch.setattr("storage.records.CATCH_UP_S", 0.5)
                with pytest.raises(StorageUnavailable):
                    await records.workdays()
            assert not records.reachable
            for question in (records.filled_agents([]), records.restrictions()):
                with pytest.raises(StorageUnavailable, match="does not answer"):
                    question.send(None)  # not even begun to wait
            with pytest.raises(StopIteration) as told:
                records.remembered(0, 0).send(None)
            assert [call.call_id for call in told.value.value.calls] == [call_id(1)], "from the journal"
        records.write(offered(2))
        await until(lambda: records.reachable)
        assert await records.workdays() == []


async def test_figures_count_each_number_and_rank_its_answer_times(database: Database) -> None:
    async with opened(database) as records:
        for number in range(20):
            records.write(*answered_call(number, wait_s=float(number + 1)))
        records.write(*abandoned_call(20), *answered_call(21, line="12336", wait_s=3.0), offered(22, "12336"))
        await records.flush(20)
        merged, own = await records.line_figures()
        assert (own.line, own.offered, own.answered, own.in_time, own.abandoned) == ("12345", 21, 20, 15, 1)
        assert (own.p50_ms, own.p95_ms, own.max_ms, own.open) == (10_000, 19_000, 20_000, 0)
        assert own.judged == {"in_time": 15, "late": 5, "abandoned": 1}
        assert (merged.line, merged.offered, merged.open, merged.p50_ms) == ("12336", 2, 1, 3000)
        (both,) = await records.line_figures(by="line")
        assert (both.offered, both.answered, both.open) == (23, 21, 1)
        assert await records.line_figures(FIRST_MS + 1000) == []
        assert [call.call_id for call in await records.recent_calls(2)] == [call_id(22), call_id(21)]


async def test_an_emptied_data_dir_does_not_hide_new_records(database: Database) -> None:
    async with opened(database) as records:
        records.write(*answered_call(1))
        await records.flush(20)
    for path in (database.data_dir / "journal").iterdir():
        path.unlink()
    async with opened(database) as records:
        records.write(*answered_call(2))
        assert await records.flush(20)
    await assert_each_call_once(database, 2)


async def test_a_new_database_gets_what_the_journal_still_has(tmp_path: Path) -> None:
    for name in ("first.db", "second.db"):
        database = Database(f"sqlite+aiosqlite:///{tmp_path}/{name}", tmp_path, name=f"{tmp_path}/{name}")
        async with opened(database) as records:
            records.write(*answered_call(1))
            await records.flush(20)
        await assert_each_call_once(database, 1)


async def test_a_second_service_on_the_same_data_dir_is_refused(database: Database) -> None:
    async with opened(database):
        with pytest.raises(StorageError, match="another service"):
            await database.open()


@pytest.mark.postgres
async def test_each_mistake_in_the_address_of_postgres_has_its_sentence(postgres: Postgres, tmp_path: Path) -> None:
    good, wrong = f"postgresql+asyncpg://hotline@/postgres?host={postgres.folder}", tmp_path / "wrong"
    wrong.write_text("wrong")
    await check_database(good, password_file=postgres.password_file)
    for url, password_file, says in [
        (good, wrong, "wrong user or password"),
        (good.replace("/postgres?", "/nowhere?"), postgres.password_file, "no database of this name"),
        (good.replace(str(postgres.folder), "/nowhere"), postgres.password_file, "nothing listens"),
        (good, tmp_path / "none", "cannot be read"),
    ]:
        with pytest.raises(StorageError, match=says):
            await check_database(url, password_file=password_file)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite+aiosqlite:////proc/nowhere/hotline.db", "cannot be made"),
        ("sqlite+aiosqlite:///", "needs a file"),
        ("mysql://root@localhost/x", "not supported"),
        ("hotline.db", "not a database address"),
    ],
)
async def test_an_unusable_database_address_is_one_clear_sentence(url: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=says) as told:
        await Database(url, tmp_path).open()
    assert "\n" not in str(told.value)


async def test_an_unwritable_data_dir_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="data_dir"):
        await Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", Path("/proc/nowhere")).open()
