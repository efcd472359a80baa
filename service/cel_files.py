"""Asterisk's CEL files on the disk: line by line from where the last look ended, through rotations, in small portions.

A file is known by its first line, which holds a time to the microsecond: so it is the same file after a rename, a copy
that was made of it goes on where it went on, and one that was emptied is a new one. Of each a mark is remembered: from
where to read again (`done`: no call that is still open began before), and how far it was read at all (`seen`: what
follows is news). The marks are one small file, replaced whole.

A last line without its end is still being written: the next look reads it. So is what is younger than `settled_ms`: the
service may not have been told of it yet. In a file that was rotated nothing is written any more.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from telephony.cel import LONGEST_LINE, CelLine, CelLineError, parse

ASIDE_FILE: Final = "cel-refused.txt"  # in `data_dir`: lines that nobody could read
PORTION: Final = 400  # lines, some 3 ms of work
CLOCK_STEP_MS: Final = 1000  # what lies so far in the future was written before the clock was set back
_ROTATED: Final = re.compile(r"[.-][0-9][0-9TZ.-]*")  # as logrotate names them, with or without dates; none compressed


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one file was read; offsets in bytes. `line`: how many lines lie before `done`."""

    done: int = 0
    line: int = 0
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Marks:
    """How far all was read; nothing at first. `until_ms`: the youngest line that was read is not younger than this."""

    until_ms: int = 0
    files: Mapping[str, Mark] = field(default_factory=dict)  # by file: see `CelLook`


_KEYS: Final = ("done", "line", "seen")


class Place(NamedTuple):
    """Where a line begins: number of the file within this look, offset, and how many lines lie before it."""

    file: int
    offset: int
    line: int


@dataclass(frozen=True, slots=True)
class BadLine:
    """`line` counts from 1; `news`: no look has seen it before. `raw` is kept aside, and never shown."""

    file: str
    line: int
    why: str
    raw: bytes
    news: bool


@dataclass(slots=True)
class Portion:
    """`lines`: whether it is news, in the order of the files. `over`: there is nothing more."""

    lines: list[tuple[CelLine, Place, bool]] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    over: bool = False


@dataclass(slots=True)
class _File:
    """Open from the beginning of the look: its path may be another file's a moment later."""

    file: BinaryIO
    path: Path
    name: str  # sha256 of its first line
    mark: Mark
    offset: int
    line: int
    newest: bool
    read: bool = False


class CelFilesError(Exception):
    """They cannot be read; one sentence says what to do."""


class CelLook:
    """One look at the files. Blocking: `portion` belongs on a thread.

    `since_ms`: begin anew, with the files in which something was written since then; None: where the last look ended.
    """

    def __init__(self, path: Path, marks: Marks, *, now_ms: int, settled_ms: int, since_ms: int | None = None) -> None:
        """Raises CelFilesError."""
        self.path = path
        self._marks, self._settled_ms, self._future_ms = marks.files, settled_ms, now_ms + CLOCK_STEP_MS
        self._there: set[str] = set()
        self._files: list[_File] = []
        self._at = 0
        self._first_ms: int | None = None  # of the oldest line
        try:
            for found in _files(path):
                self._take(found, since_ms)
        except OSError as error:
            self.close()
            raise CelFilesError(_sentence(path, error)) from None

    def _take(self, path: Path, since_ms: int | None) -> None:
        file = path.open("rb")
        (first, _), state = _read(file), os.fstat(file.fileno())
        name = hashlib.sha256(first).hexdigest()[:16]
        old = since_ms is not None and state.st_mtime_ns // 1_000_000 < since_ms
        known = name in self._there  # a copy that is just being made
        if first.endswith(b"\n"):
            self._there.add(name)
            self._began(first, file)
        if old or known or not first.endswith(b"\n"):
            file.close()
            return
        mark = self._marks.get(name, Mark())
        begin = Mark() if since_ms is not None or mark.done > state.st_size else mark
        file.seek(begin.done)
        self._files.append(_File(file, path, name, mark, begin.done, begin.line, newest=path == self.path))

    def _began(self, raw: bytes, file: BinaryIO) -> None:
        """By the first line that can be read."""
        for _ in range(PORTION):
            with contextlib.suppress(CelLineError):
                began_ms = parse(raw.rstrip(b"\r\n")).at_ms
                self._first_ms = began_ms if self._first_ms is None else min(self._first_ms, began_ms)
                return
            raw, _length = _read(file)

    def close(self) -> None:
        """Marks can still be asked for."""
        for file in self._files:
            file.file.close()

    # -- reading ------------------------------------------------------------------------------------------------------

    def portion(self) -> Portion:
        """The next lines. Raises CelFilesError."""
        found = Portion()
        try:
            while len(found.lines) + len(found.bad) < PORTION and not found.over:
                self._next_line(found)
        except OSError as error:
            raise CelFilesError(f"{self.path} cannot be read ({error.strerror}): look at the disk") from None
        return found

    def _next_line(self, found: Portion) -> None:
        if self._at == len(self._files):
            found.over = True
            return
        file = self._files[self._at]
        file.read = True
        raw, length = _read(file.file)
        if not raw or (file.newest and not raw.endswith(b"\n")):
            self._at += 1
        elif self._keep(found, file, raw, length):
            file.offset += length
            file.line += 1
        else:
            found.over = True

    def _keep(self, found: Portion, file: _File, raw: bytes, length: int) -> bool:
        """False: the line is too young, and nothing behind it is read."""
        news = file.offset >= file.mark.seen
        try:
            line = parse(raw.rstrip(b"\r\n"))
        except CelLineError as error:
            found.bad.append(BadLine(file.path.name, file.line + 1, str(error), raw, news))
            return True
        if self._settled_ms < line.at_ms < self._future_ms:
            file.file.seek(file.offset)
            return False
        found.lines.append((line, Place(self._at, file.offset, file.line), news))
        return True

    def covered_ms(self, since_ms: int, until_ms: int) -> int:
        """From when on the files tell of calls: `since_ms`, or later when they begin later."""
        if self._first_ms is None:
            return until_ms
        return max(since_ms, self._first_ms)

    # -- remembering --------------------------------------------------------------------------------------------------

    def marks(self, open_calls: Sequence[Place]) -> Marks:
        """What to remember of this look. `open_calls`: where the calls that are still open began."""
        kept = {name: mark for name, mark in self._marks.items() if name in self._there}
        first = min(open_calls, default=None)
        for number, file in enumerate(self._files):
            if not file.read:
                continue
            done = Place(number, file.offset, file.line)
            if first is not None and first < done:
                done = first if first.file == number else Place(number, 0, 0)
            kept[file.name] = Mark(done.offset, done.line, max(file.offset, file.mark.seen))
        return Marks(self._settled_ms, kept)


def _read(file: BinaryIO) -> tuple[bytes, int]:
    """The next line, cut to a little more than the longest that is read, and how long it is in the file."""
    raw = last = file.readline(LONGEST_LINE + 1)
    length = len(raw)
    while last and not last.endswith(b"\n"):
        last = file.readline(LONGEST_LINE)
        length += len(last)
    cut = last.endswith(b"\n") and not raw.endswith(b"\n")
    return raw + b"\n" if cut else raw, length


def _sentence(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no {path}: name Asterisk's CEL file by `cel_file` of [[pbx]], and type: hotline asterisk diff"
    return f"{path} cannot be read ({error.strerror}): give the user of the service the group of Asterisk's log folder"


def _files(path: Path) -> list[Path]:
    """The older ones beside it, the oldest first, and itself, unless it has just been put aside. Raises OSError."""
    old = []
    for other in path.parent.iterdir():
        if other.name.startswith(path.name) and _ROTATED.fullmatch(other.name[len(path.name) :]):
            old.append((other.stat().st_mtime_ns, other))
    there = [other for _, other in sorted(old)]
    return there if there and not path.exists() else [*there, path]


def read_marks(path: Path) -> Marks:
    """Raises OSError; a file that makes no sense is none: everything is read once more, which changes no record."""
    try:
        said = json.loads(path.read_bytes())
        files = {str(name): Mark(*(int(mark[key]) for key in _KEYS)) for name, mark in said["files"].items()}
        return Marks(int(said["until_ms"]), files)
    except (FileNotFoundError, ValueError, TypeError, LookupError, AttributeError):
        return Marks()


def write_marks(path: Path, marks: Marks) -> None:
    """Raises OSError."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(marks)))
    os.replace(fresh, path)


def keep_aside(path: Path, bad: Sequence[BadLine], most_bytes: int) -> None:
    """Adds lines that nobody could read to a file, as `<file>:<line>`, why, and the line itself. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        for line in bad:
            if os.fstat(fd).st_size < most_bytes:
                os.write(fd, f"{line.file}:{line.line}\t{line.why}\t".encode() + line.raw.rstrip(b"\r\n") + b"\n")
    finally:
        os.close(fd)
