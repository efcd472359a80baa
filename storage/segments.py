"""The journal's files and the reading of them.

A journal is a folder of segments `<id>-<number>.jsonl`. The id is made with the first segment and is part of every
position kept in SQL: a folder that was emptied gets a new id, so an old position never hides new records. Every start
of the service opens a new segment, so a line torn by a power cut is always the last of its file: a line like any other,
only without its newline.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

READ_BYTES: Final = 256 * 1024
_NAME: Final = re.compile(r"([0-9a-f]{8})-(\d{10})\.jsonl")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Everything before this byte of this segment is in SQL."""

    segment: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    raw: bytes  # without the newline
    end: Position  # just after the newline
    whole: bool = True  # False: it has none


def segment_path(folder: Path, journal_id: str, number: int) -> Path:
    return folder / f"{journal_id}-{number:010d}.jsonl"


def known_id(folder: Path) -> str | None:
    """The id of the newest segment, or None for a folder without any."""
    found = [(path.stat().st_mtime_ns, path.name[:8]) for path in folder.glob("*.jsonl") if _NAME.fullmatch(path.name)]
    return max(found)[1] if found else None


def segment_numbers(folder: Path, journal_id: str) -> list[int]:
    """Ascending. An unreadable folder has none."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    matches = (_NAME.fullmatch(name) for name in names)
    return sorted(int(match[2]) for match in matches if match and match[1] == journal_id)


def count_lines(folder: Path, journal_id: str, start: Position) -> int:
    """Lines from `start` to the end of the journal. What follows the last newline counts, but in the newest segment."""
    total = 0
    numbers = segment_numbers(folder, journal_id)
    for number in numbers:
        if number < start.segment:
            continue
        with segment_path(folder, journal_id, number).open("rb") as file:
            file.seek(start.offset if number == start.segment else 0)
            last = b"\n"
            while block := file.read(READ_BYTES):
                total += block.count(b"\n")
                last = block
        total += 1 if number != numbers[-1] and not last.endswith(b"\n") else 0
    return total


def line_number(folder: Path, journal_id: str, line: Line) -> int:
    """Of a line in its segment, from 1."""
    start = line.end.offset - len(line.raw) - (1 if line.whole else 0)
    with segment_path(folder, journal_id, line.end.segment).open("rb") as file:
        return file.read(start).count(b"\n") + 1


class Follower:
    """Reads whole lines in order from a position on. Not thread safe; runs on the thread that appends."""

    def __init__(self, folder: Path, journal_id: str, start: Position) -> None:
        self._folder = folder
        self._id = journal_id
        self._fd: int | None = None
        self._fd_segment = -1
        self.position = start

    def read(self, limit: int) -> list[Line]:
        """Up to `limit` lines; [] at the end of the journal. Moves on by what it returned."""
        while True:
            lines, rest = self._read_here(limit)
            later = None if lines else self._next_segment()
            if later is None:
                return lines
            end = Position(self.position.segment, self.position.offset + len(rest))
            self.position = Position(later, 0)
            if rest:
                return [Line(rest, end, whole=False)]

    def seek(self, position: Position) -> None:
        self.position = position

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd, self._fd_segment = None, -1

    def _next_segment(self) -> int | None:
        newer = (n for n in segment_numbers(self._folder, self._id) if n > self.position.segment)
        return next(newer, None)

    def _read_here(self, limit: int) -> tuple[list[Line], bytes]:
        """(whole lines, what follows without a newline when there is none)."""
        if not self._open():
            return [], b""
        assert self._fd is not None
        want, block = READ_BYTES, b""
        while True:
            block = os.pread(self._fd, want, self.position.offset)
            if b"\n" in block or len(block) < want:
                break
            want *= 2
        return self._split(block, limit), block

    def _split(self, block: bytes, limit: int) -> list[Line]:
        lines: list[Line] = []
        start = 0
        while len(lines) < limit and (newline := block.find(b"\n", start)) >= 0:
            end = Position(self.position.segment, self.position.offset + newline + 1)
            lines.append(Line(block[start:newline], end))
            start = newline + 1
        if lines:
            self.position = lines[-1].end
        return lines

    def _open(self) -> bool:
        if self._fd is not None and self._fd_segment == self.position.segment:
            return True
        self.close()
        try:
            self._fd = os.open(segment_path(self._folder, self._id, self.position.segment), os.O_RDONLY)
        except OSError:
            return False
        self._fd_segment = self.position.segment
        return True
