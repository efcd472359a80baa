"""CEL files are read once, line by line, through rotations, halves of lines, and whatever else befalls a log file."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from service.cel_files import (
    BadLine,
    CelFilesError,
    CelLook,
    Mark,
    Marks,
    Place,
    keep_aside,
    read_marks,
    write_marks,
)
from telephony.cel import LONGEST_LINE
from tests.unit.telephony.cel_lines import BASE_MS, abandoned_call, answered_call, begun, ended

LATE = BASE_MS + 10_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "cel-custom"
    folder.mkdir()
    return folder / "hotline.csv"


class Reader:
    """Looks again and again, and remembers like the service does."""

    def __init__(self, file: Path) -> None:
        self.file, self.marks, self.bad = file, Marks(), list[BadLine]()

    def look(
        self, settled_ms: int = LATE, now_ms: int = LATE, since_ms: int | None = None, open_: int | None = None
    ) -> list[str]:
        """Kind and uniqueid's end of each line that is news; `open_`: number of the line where an open call began."""
        look = CelLook(self.file, self.marks, now_ms=now_ms, settled_ms=settled_ms, since_ms=since_ms)
        found, places = [], []
        while True:
            portion = look.portion()
            self.bad += [bad for bad in portion.bad if bad.news]
            found += [f"{line.kind[5:]}{line.uniqueid.partition('.')[2]}" for line, _, news in portion.lines if news]
            places += [place for _, place, _ in portion.lines]
            if portion.over:
                break
        self.marks = look.marks([] if open_ is None else [places[open_]])
        look.close()
        return found


def put_aside(file: Path, name: str, at_s: float) -> None:
    os.utime(file, (at_s, at_s))
    file.rename(file.with_name(name))


def test_each_line_is_news_once(file: Path) -> None:
    reader = Reader(file)
    file.write_bytes(abandoned_call(1))
    assert reader.look() == ["START1", "END1"]
    assert reader.look() == []
    with file.open("ab") as more:
        more.write(abandoned_call(2))
    assert reader.look() == ["START2", "END2"]


def test_file_cut_at_any_byte_is_read_whole_in_the_end(file: Path) -> None:
    text = abandoned_call(1) + abandoned_call(2)
    for cut in range(len(text) + 1):
        reader = Reader(file)
        file.write_bytes(text[:cut])
        found = reader.look()
        file.write_bytes(text)
        assert [*found, *reader.look()] == ["START1", "END1", "START2", "END2"], cut
        assert reader.bad == []


@pytest.mark.parametrize("name", ["hotline.csv.1", "hotline.csv-20261123", "hotline.csv-2026-11-23.1"])
def test_file_that_was_renamed_goes_on_where_it_went_on(file: Path, name: str) -> None:
    reader = Reader(file)
    file.write_bytes(abandoned_call(1))
    reader.look()
    with file.open("ab") as more:
        more.write(abandoned_call(2))
    put_aside(file, name, 1000)
    assert reader.look() == ["START2", "END2"]  # before the next file begins
    file.write_bytes(abandoned_call(3))
    assert reader.look() == ["START3", "END3"]


def test_several_files_are_read_from_the_oldest(file: Path) -> None:
    for number, name in ((1, "hotline.csv.3"), (2, "hotline.csv.2"), (3, "hotline.csv.1")):
        file.write_bytes(abandoned_call(number))
        put_aside(file, name, 1000 + number)
    file.write_bytes(abandoned_call(4))
    assert Reader(file).look() == ["START1", "END1", "START2", "END2", "START3", "END3", "START4", "END4"]


def test_copy_of_a_file_that_is_emptied_then_is_no_second_file(file: Path) -> None:
    reader = Reader(file)
    file.write_bytes(abandoned_call(1))
    reader.look()
    shutil.copy(file, file.with_name("hotline.csv.1"))
    assert reader.look() == []
    assert Reader(file).look() == ["START1", "END1"]
    file.write_bytes(b"")
    assert reader.look() == []
    file.write_bytes(abandoned_call(2))
    assert reader.look() == ["START2", "END2"]


def test_compressed_and_foreign_files_are_left_alone(file: Path) -> None:
    file.write_bytes(abandoned_call(1))
    for name in ("hotline.csv.2.gz", "hotline.csv.bak", "other.csv.1"):
        file.with_name(name).write_bytes(abandoned_call(9))
    assert Reader(file).look() == ["START1", "END1"]


def test_file_that_was_replaced_by_a_shorter_one_is_read_anew(file: Path) -> None:
    reader = Reader(file)
    file.write_bytes(abandoned_call(1) + abandoned_call(2))
    reader.look()
    file.write_bytes(abandoned_call(1))
    assert reader.look() == []  # known, though it is read
    assert reader.marks.files[next(iter(reader.marks.files))].done == len(abandoned_call(1))


def test_open_call_is_read_again_from_its_beginning_and_is_no_news(file: Path) -> None:
    reader = Reader(file)
    file.write_bytes(abandoned_call(1) + begun(2))
    assert reader.look(open_=2) == ["START1", "END1", "START2"]
    mark = next(iter(reader.marks.files.values()))
    assert (mark.done, mark.line) == (len(abandoned_call(1)), 2)
    assert mark.seen == len(abandoned_call(1) + begun(2))
    put_aside(file, "hotline.csv.1", 1000)
    file.write_bytes(ended(9, 2))
    with closing(CelLook(file, reader.marks, now_ms=LATE, settled_ms=LATE)) as look:
        assert [(line.kind, place, news) for line, place, news in look.portion().lines] == [
            ("CHAN_START", Place(0, len(abandoned_call(1)), 2), False),
            ("CHAN_END", Place(1, 0, 0), True),
        ]


def test_call_open_since_an_older_file_holds_all_younger_ones(file: Path) -> None:
    file.write_bytes(begun(1))
    put_aside(file, "hotline.csv.1", 1000)
    file.write_bytes(abandoned_call(2))
    reader = Reader(file)
    assert reader.look(open_=0) == ["START1", "START2", "END2"]
    assert sorted((mark.done, mark.seen) for mark in reader.marks.files.values()) == [
        (0, len(begun(1))),
        (0, len(abandoned_call(2))),
    ]


def test_what_is_young_is_read_later(file: Path) -> None:
    file.write_bytes(abandoned_call(1) + abandoned_call(5))
    reader = Reader(file)
    assert reader.look(settled_ms=BASE_MS + 4_000, now_ms=BASE_MS + 9_000) == ["START1", "END1"]
    assert reader.look(settled_ms=BASE_MS + 6_000, now_ms=BASE_MS + 11_000) == ["START5"]
    assert reader.look() == ["END5"]


def test_clock_that_was_set_back_does_not_stop_the_reading(file: Path) -> None:
    file.write_bytes(abandoned_call(3000) + abandoned_call(1))
    assert Reader(file).look(settled_ms=BASE_MS + 5_000, now_ms=BASE_MS + 15_000) == [
        "START3000",
        "END3000",
        "START1",
        "END1",
    ]


def test_lines_that_nobody_can_read_are_named_once_and_stop_nothing(file: Path) -> None:
    long = b'"' + b"x" * 3 * LONGEST_LINE + b'"\n'
    file.write_bytes(abandoned_call(1) + b'"CHAN_STA\n' + long + abandoned_call(2) + b"\n")
    reader = Reader(file)
    assert reader.look() == ["START1", "END1", "START2", "END2"]
    assert [(bad.file, bad.line, bad.why) for bad in reader.bad] == [
        ("hotline.csv", 3, "not whole"), ("hotline.csv", 4, "too long"), ("hotline.csv", 7, "not whole"),
    ]  # fmt: skip
    assert len(reader.bad[1].raw) <= LONGEST_LINE + 2
    reader.look()
    assert len(reader.bad) == 3


def test_half_a_line_at_the_end_of_an_older_file_is_never_finished(file: Path) -> None:
    file.write_bytes(abandoned_call(1)[:-20])
    put_aside(file, "hotline.csv.1", 1000)
    file.write_bytes(abandoned_call(2))
    reader = Reader(file)
    assert reader.look() == ["START1", "START2", "END2"]
    assert [(bad.file, bad.line) for bad in reader.bad] == [("hotline.csv.1", 2)]


def test_look_that_begins_anew_leaves_out_files_that_are_too_old(file: Path) -> None:
    file.write_bytes(abandoned_call(1))
    put_aside(file, "hotline.csv.1", 1000)
    file.write_bytes(abandoned_call(2))
    os.utime(file, (2000, 2000))
    reader = Reader(file)
    assert reader.look(since_ms=1_500_000) == ["START2", "END2"]
    assert reader.look(since_ms=1_500_000) == []  # read again, no news
    assert reader.look() == ["START1", "END1"]


def test_period_begins_when_the_files_do(file: Path) -> None:
    file.write_bytes(abandoned_call(1))
    put_aside(file, "hotline.csv.1", 1000)
    file.write_bytes(abandoned_call(2))
    with closing(CelLook(file, Marks(), now_ms=LATE, settled_ms=LATE, since_ms=1_500_000)) as look:
        assert look.covered_ms(0, LATE) == BASE_MS + 1000
        assert look.covered_ms(BASE_MS + 7, LATE) == BASE_MS + 1000
        assert look.covered_ms(BASE_MS + 1700, LATE) == BASE_MS + 1700


def test_large_file_is_read_in_portions(file: Path) -> None:
    file.write_bytes(b"".join(answered_call(number) for number in range(1, 400)))
    sizes = []
    with closing(CelLook(file, Marks(), now_ms=LATE, settled_ms=LATE)) as look:
        while not (portion := look.portion()).over:
            sizes.append(len(portion.lines))
    assert set(sizes) == {400}
    assert sum(sizes) + len(portion.lines) == 5 * 399


def test_file_that_is_not_there_is_one_sentence(file: Path) -> None:
    with pytest.raises(CelFilesError, match=r"there is no .*hotline\.csv: name Asterisk's CEL file by `cel_file`"):
        CelLook(file, Marks(), now_ms=LATE, settled_ms=LATE)
    file.mkdir()
    with pytest.raises(CelFilesError, match="cannot be read"):
        CelLook(file, Marks(), now_ms=LATE, settled_ms=LATE)


def test_marks_survive_and_nonsense_is_none(tmp_path: Path) -> None:
    path = tmp_path / "marks.json"
    assert read_marks(path) == Marks()
    marks = Marks(17, {"ab": Mark(1, 2, 3)})
    write_marks(path, marks)
    assert read_marks(path) == marks
    for nonsense in (
        b"",
        b"[]",
        b'{"until_ms": "x", "files": {}}',
        b'{"until_ms": 1, "files": {"a": {"done": 1}}}',
        b"\xff",
    ):
        path.write_bytes(nonsense)
        assert read_marks(path) == Marks()


def test_files_that_are_gone_are_forgotten(file: Path) -> None:
    file.write_bytes(abandoned_call(1))
    reader = Reader(file)
    reader.look()
    file.write_bytes(abandoned_call(2))
    reader.look()
    assert len(reader.marks.files) == 1


def test_what_is_kept_aside_has_an_end(tmp_path: Path) -> None:
    path = tmp_path / "aside.txt"
    bad = BadLine("hotline.csv", 3, "not whole", b'"torn\r\n', news=True)
    keep_aside(path, [bad], 1000)
    assert path.read_bytes() == b'hotline.csv:3\tnot whole\t"torn\n'
    assert path.stat().st_mode & 0o007 == 0
    keep_aside(path, [bad] * 1000, 1000)
    assert path.stat().st_size < 1000 + 100
