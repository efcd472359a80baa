"""Stories of calls from the records, on SQLite and on PostgreSQL alike, and `hotline why` without a service."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from routing import events as e
from routing.candidates import pack
from routing.model import Rules
from routing.steps import Step, StepKind
from service import why
from service.starter import write_starter
from storage.decisions import delete_editions, write_decisions, write_editions
from storage.entries import KeptEdition
from storage.errors import StorageError
from storage.records import Records, archive_of
from storage.story import Story
from tests.contract.storage_databases import Database, opened
from tests.contract.storage_stories import FIRST_MS, abandoned_call, answered_call, call_id
from tests.unit.routing.floor_plan import Drive, rules

K = StepKind
OTHER = f"{FIRST_MS + 400_000_000}"  # arrived days later


async def test_a_call_is_found_by_its_id_its_beginning_and_as_the_last(database: Database) -> None:
    async with opened(database) as records:
        assert await records.call_ids("last") == []
        records.write(*answered_call(1), *answered_call(12), *abandoned_call(400_000_000))
        assert await records.flush(20)
        assert await records.call_ids(call_id(1)) == [
            call_id(1)
        ]  # though the id of call 12 begins so, but for its stamp
        assert await records.call_ids("last") == [call_id(400_000_000)]
        assert await records.call_ids(OTHER) == [call_id(400_000_000)]
        assert await records.call_ids(f"{FIRST_MS}"[:9]) == [call_id(12), call_id(1)]
        assert await records.call_ids("1") == [call_id(400_000_000), call_id(12), call_id(1)]
        for wanted in ("2", "17000000000%", "17_0000000001", "x", "'; --", ""):
            assert wanted == "" or await records.call_ids(wanted) == []


async def test_a_whole_id_is_that_call_though_another_id_begins_so(database: Database) -> None:
    async with opened(database) as records:
        longer = [replace(step, call_id=call_id(1) + "2") for step in answered_call(1)]
        records.write(*answered_call(1), *longer)
        assert await records.flush(20)
        assert await records.call_ids(call_id(1)) == [call_id(1)]
        assert await records.call_ids(call_id(1)[:-1]) == [call_id(1) + "2", call_id(1)]


async def test_a_story_has_the_call_its_steps_and_the_old_text(database: Database) -> None:
    async with opened(database) as records:
        records.write(*answered_call(1))
        assert await records.flush(20)
        story = await records.story(call_id(1))
        assert story is not None
        assert story.call == await records.call(call_id(1))
        assert [step.kind for step in story.steps] == [step.kind for step in answered_call(1)]
        assert story.whys == {"p1": "longest idle"}
        assert await records.story("none") is None


async def test_an_archive_is_read_without_a_service_and_only_by_the_same_version(database: Database) -> None:
    with pytest.raises(StorageError, match="start the service once"):
        async with archive_of(database.url, password_file=database.password_file):
            pass
    async with opened(database) as records:
        records.write(*answered_call(1))
    async with archive_of(database.url, password_file=database.password_file) as archive:
        story = await archive.story(call_id(1))
        assert story is not None
        assert story.call.outcome == "answered"


# -- what every seat was to a decision ---------------------------------------------------------------------------------


def fewer_seats() -> Rules:
    return replace(rules(), seats={id_: rules().seats[id_] for id_ in ("1003", "1001")})


async def test_decisions_are_explained_though_seats_were_removed_and_reordered_since(database: Database) -> None:
    drive = Drive("1001", "1002")
    drive.call("a")
    drive.send(e.RulesChanged(fewer_seats()))
    drive.answer("a", "1001")
    drive.call("b")
    async with opened(database) as records:
        records.write(*drive.steps)
        assert await records.flush(20)
        assert await database.rows("SELECT count(*) FROM editions") == [(2,)]
        before, after = await records.story("a"), await records.story("b")
    (decided,), (waits,) = groups(before), groups(after)
    assert decided == [("lower_level", ["1002"]), ("out", ["1003", "1004"])]
    assert waits == [("out", ["1003"]), ("talking", ["1001"])]


def groups(story: Story | None) -> list[list[tuple[str, list[str]]]]:
    """Of each moment with candidates: (reason, seats)."""
    assert story is not None
    moments = why.explained(story, rules())["story"]
    return [[(g["reason"], g["seats"]) for g in part["candidates"]] for part in moments if part["candidates"]]


async def test_an_edition_is_written_once_a_run_and_kept_once(database: Database) -> None:
    drive = Drive("1001", "1002", "1003")
    for call in "abc":
        drive.call(call)
    for _ in range(2):
        async with opened(database) as records:
            records.write(*drive.steps)
            assert records.stats.appended == len(drive.steps) + 1
            assert await records.flush(20)
    assert await database.rows("SELECT count(*) FROM editions") == [(1,)]
    assert await database.rows("SELECT count(*) FROM decisions") == [(3,)]


async def test_codes_are_in_no_step_and_in_no_row_of_presentations(database: Database) -> None:
    drive = Drive("1001")
    drive.call("a")
    kept = str(drive.last("a", StepKind.PRESENTED).candidates)
    async with opened(database) as records:
        records.write(*drive.steps)
        assert await records.flush(20)
    assert await database.rows(f"SELECT count(*) FROM call_steps WHERE CAST(data AS TEXT) LIKE '%{kept[:16]}%'") == [
        (0,)
    ]
    assert await database.rows("SELECT why FROM presentations") == [(None,)]


@pytest.mark.parametrize("text", ["", ":", "nonsense", "abc:!", "abc:é", ":eJw="])
async def test_candidates_that_make_no_sense_cost_nothing_but_themselves(database: Database, text: str) -> None:
    story = [replace(step, candidates=text) for step in answered_call(1)]
    async with opened(database) as records:
        records.write(*story)
        assert await records.flush(20)
        assert not any(records.stats.set_aside.values())
        assert len(await records.steps(call_id(1))) == len(story)
    assert await database.rows("SELECT count(*) FROM decisions") == [(0,)]


async def test_codes_that_cannot_be_unpacked_leave_the_rest_of_the_story(database: Database) -> None:
    async with opened(database) as records:
        records.write(*[replace(step, candidates="abc:AAAA") for step in answered_call(1)])
        assert await records.flush(20)
        story = await records.story(call_id(1))
    assert groups(story) == []


async def test_explanations_are_deleted_when_they_are_old_and_calls_and_steps_stay(database: Database) -> None:
    now = time.time()
    old = [Step(f"old{n}", 1, now - 91 * 86400 + n / 1000, K.NOBODY, {}, f"old:{pack(b'a')}") for n in range(1200)]
    new = Step("new", 1, now - 89 * 86400, K.NOBODY, {}, f"new:{pack(b'b')}")
    drive = Drive("1001")
    drive.call("a")
    async with opened(database) as records:  # that keeps everything
        records.write(*drive.steps, *old, new)
        assert await records.flush(20)
    assert await database.rows("SELECT count(*) FROM decisions") == [(1202,)]
    async with opened(database, explanations_days=90.0) as records:
        async with asyncio.timeout(20):
            while await database.rows("SELECT count(*) FROM decisions WHERE edition = 'old'") != [(0,)]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert records.degraded is None
    assert await database.rows("SELECT call_id FROM decisions WHERE edition = 'new'") == [("new",)]
    assert await database.rows("SELECT count(*) FROM call_steps WHERE kind = 'nobody'") == [(1201,)]
    assert await database.rows("SELECT count(*) FROM calls WHERE call_id LIKE 'old%'") == [(1200,)]
    assert await database.rows("SELECT count(*) FROM editions") == [(1,)]  # the last, whoever refers to it


async def test_editions_to_which_nobody_refers_any_more_are_deleted_but_for_the_last(database: Database) -> None:
    day = 86_400_000
    async with opened(database) as records:
        told = [KeptEdition("gone", day / 1000, b"{}"), KeptEdition("used", day / 1000, b"{}")]
        told += [KeptEdition("last", 3 * day / 1000, b"{}")]
        async with records.engine.begin() as connection:
            await write_editions(connection, told)
            await write_decisions(connection, [Step("a", 1, 2.0, K.NOBODY, {}, f"used:{pack(b'a')}")])
            await delete_editions(connection, 9 * day)
    assert await database.rows("SELECT edition FROM editions ORDER BY edition") == [("last",), ("used",)]


# -- the command -------------------------------------------------------------------------------------------------------


async def _write(config: Path) -> None:
    records = await Records.open(f"sqlite+aiosqlite:///{config.parent}/var/hotline.db", config.parent / "var")
    records.write(*answered_call(1))
    await records.close()


def test_the_command_reads_the_database_of_a_service_that_does_not_run_and_says_so_first(tmp_path: Path) -> None:
    config = write_starter(tmp_path, http_port=1)
    asyncio.run(_write(config))
    command = [sys.executable, "-m", "service", "why", "last", "--config", str(config)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[0].startswith("No service answers at http://127.0.0.1:1; this is what the database has.")
    assert f"Call {call_id(1)}" in lines
    found = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout)
    assert (found["source"], found["call"]["call_id"]) == ("database", call_id(1))
    unknown = subprocess.run([*command[:4], "99", *command[5:]], capture_output=True, text=True, check=False)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == "hotline: no call begins with 99; hotline calls lists the last ones\n"
