from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.commands import WriteSignIn
from routing.steps import Step, StepKind
from storage.entries import SignIn, decode, encode
from storage.errors import EntryError, StorageError
from storage.journal import Journal
from storage.segments import Position


def step(seq: int, **data: str) -> Step:
    return Step("1700000000000-1.1", seq, 1700000000.25, StepKind.FLAG, data)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal", segment_bytes=2000)
    yield made
    made.close()


def entries(journal: Journal, start: Position | None = None) -> list[int]:
    """The seq of every step from `start` on."""
    follower = journal.follow(start or Position())
    found: list[int] = []
    while lines := follower.read(7):
        kept = [decode(line.raw) for line in lines if line.whole]
        found += [entry.seq for entry in kept if isinstance(entry, Step)]
    follower.close()
    return found


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_an_entry_reads_back_as_it_was() -> None:
    one = Step(
        "c", 7, 1.125, StepKind.ENDED, {"by": "caller", "cause": 16, "talk_s": None, "lost": False, "why": "坐席"}
    )
    assert decode(encode(one, 1)) == one
    sign = WriteSignIn("a1", None, "signed_out", "午休", 2.5)
    assert decode(encode(sign, 99)) == SignIn(99, sign)


def test_a_value_of_an_unknown_type_is_kept_as_text() -> None:
    read = decode(encode(step(1, why=Path("/x")), 1))  # type: ignore[arg-type]
    assert isinstance(read, Step)
    assert read.data == {"why": "/x"}


@given(
    st.binary() | st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x)).map(repr).map(str.encode)
)
def test_any_bytes_are_an_entry_or_an_entry_error(raw: bytes) -> None:
    with pytest.raises(EntryError):
        decode(raw)


@pytest.mark.parametrize(
    "line",
    [
        b'{"call":"","seq":1,"at":1,"kind":"flag","data":{}}',
        b'{"call":"c","seq":-1,"at":1,"kind":"flag","data":{}}',
        b'{"call":"c","seq":9223372036854775808,"at":1,"kind":"flag","data":{}}',
        b'{"call":"c","seq":true,"at":1,"kind":"flag","data":{}}',
        b'{"call":"c","seq":1,"at":NaN,"kind":"flag","data":{}}',
        b'{"call":"c","seq":1,"at":1,"kind":"sung","data":{}}',
        b'{"call":"c","seq":1,"at":1,"kind":"flag","data":[]}',
        b'{"agent":"a","seat":7,"state":"ready","at":1,"number":1}',
        b'{"agent":"a","seat":null,"state":"ready","at":1}',
    ],
)
def test_a_line_with_a_wrong_field_names_it(line: bytes) -> None:
    with pytest.raises(EntryError):
        decode(line)


def test_entries_come_back_in_order_over_many_segments(journal: Journal) -> None:
    for seq in range(0, 100, 2):
        journal.append(step(seq), step(seq + 1))
    assert entries(journal) == list(range(100))
    assert len(list(journal.folder.glob("*.jsonl"))) > 3


def test_reading_goes_on_exactly_where_it_stopped(journal: Journal) -> None:
    for seq in range(50):
        journal.append(step(seq))
    follower = journal.follow(Position())
    for done in range(50):
        (line,) = follower.read(1)
        assert entries(journal, line.end) == list(range(done + 1, 50))
    follower.close()


def test_a_reader_at_the_end_sees_what_is_appended_later(journal: Journal) -> None:
    follower = journal.follow(Position())
    assert follower.read(10) == []
    for seq in range(60):
        journal.append(step(seq))
        assert len(follower.read(10)) == 1
    follower.close()


def test_an_entry_longer_than_a_read_is_read_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(step(1, why="x" * 1_000_000), step(2))
    assert entries(journal) == [1, 2]
    journal.close()


def test_a_restart_opens_a_new_segment_and_a_torn_line_stays_behind(tmp_path: Path) -> None:
    for run in range(3):
        journal = Journal(tmp_path)
        journal.append(step(run))
        journal.close()
        with max(tmp_path.glob("*.jsonl")).open("ab") as file:
            file.write(b'{"call":')
    journal = Journal(tmp_path)
    assert entries(journal) == [0, 1, 2]
    assert journal.lines_after(Position()) == 6, "whoever waits for all of them waits for the torn ones, too"
    with max(tmp_path.glob("*.jsonl")).open("ab") as file:
        file.write(b'{"call":')
    assert journal.lines_after(Position()) == 6, "but not for one that is being written"
    journal.close()


@given(st.lists(st.integers(1, 3), max_size=12), st.integers(0, 3000), st.integers(200, 4000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_disk_that_fills_up_anywhere_costs_no_entry(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], limit: int, segment_bytes: int
) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal"), segment_bytes=segment_bytes)
    seq = 0
    with no_file_beyond(limit):
        for size in batches:
            journal.append(*(step(seq + n) for n in range(size)))
            seq += size
        journal.retry()
    journal.retry()
    assert (journal.in_memory, journal.lost, journal.failure) == (0, 0, None)
    assert list(dict.fromkeys(entries(journal))) == list(range(seq))
    journal.close()


def test_memory_is_bounded_and_what_goes_beyond_is_counted(tmp_path: Path) -> None:
    journal = Journal(tmp_path, memory_limit=10)
    with no_file_beyond(0):
        for seq in range(25):
            journal.append(step(seq))
        assert (journal.in_memory, journal.lost, journal.on_disk) == (10, 15, 0)
        assert journal.failure is not None
        assert "make room" in journal.failure
    journal.retry()
    assert entries(journal) == list(range(10))
    assert (journal.failure, journal.on_disk) == (None, 10)
    journal.close()


def test_a_full_disk_leaves_no_litter_of_empty_segments(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with no_file_beyond(0):
        journal.append(step(1))
        for _ in range(50):
            journal.retry()
        assert len(list(tmp_path.glob("*.jsonl"))) <= 1
    journal.close()


def test_only_old_segments_that_are_wholly_in_sql_are_forgotten(journal: Journal) -> None:
    for seq in range(200):
        journal.append(step(seq))
    paths = sorted(journal.folder.glob("*.jsonl"))
    for path in paths[:-2]:
        os.utime(path, (1.0, 1.0))
    done = Position(3, 10)
    assert journal.forget(done) == 2
    assert sorted(journal.folder.glob("*.jsonl")) == paths[2:]
    assert journal.forget(Position(10_000, 0)) == len(paths) - 4


def test_files_to_sync_are_handed_out_once(journal: Journal) -> None:
    assert journal.take_unsynced() == []
    journal.append(step(1))
    files = journal.take_unsynced()
    assert len(files) == 1
    assert journal.take_unsynced() == []
    journal.sync_files(files)
    for seq in range(40):
        journal.append(step(seq))
    files = journal.take_unsynced()
    assert len(files) > 1
    journal.sync_files(files)


def test_one_owner_at_a_time(journal: Journal) -> None:
    with pytest.raises(StorageError, match="another service"):
        Journal(journal.folder)
