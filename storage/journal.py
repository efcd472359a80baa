"""The append-only journal: where a record is safe, microseconds after it happened.

Theory of operation
* One event of the engine = one `append` = one `os.write` to the page cache. That survives the death of this process at
  any instant. It does not survive a power cut by itself: the keeper task of `Records` calls fsync off the loop every
  0.2 s, so a power cut costs at most that much. Nothing here ever waits for a database.
* A disk that is full or broken never raises into the call's path. What could not be written is kept in memory, in
  order, up to `memory_limit` entries (about 50 MB), `failure` says so in one sentence, and `retry` tries again. Beyond
  the limit the newest entries are dropped and counted in `lost`.
* After a short write the file is cut back to its last whole line; when even that fails the segment is left as it is,
  its torn tail is set aside by the reader, and the entries go into a new one. Lines written twice by this are harmless:
  SQL knows each by its key.
* Only one process at a time owns a journal: it holds a lock on the file `lock` in the folder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import time
from collections import deque
from pathlib import Path
from typing import Final

from storage.entries import Entry, encode
from storage.errors import StorageError
from storage.segments import (
    Follower,
    Line,
    Position,
    count_lines,
    known_id,
    line_number,
    segment_numbers,
    segment_path,
)

SEGMENT_BYTES: Final = 8 * 1024 * 1024
MEMORY_LIMIT: Final = 100_000
ASIDE_FILE: Final = "refused.txt"
KEEP_S: Final = 24 * 3600.0  # a database restored from yesterday's backup catches up by itself
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class Journal:
    """Appending side. All methods run on one thread, except `sync_files`."""

    def __init__(self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES, memory_limit: int = MEMORY_LIMIT) -> None:
        """Opens a new segment; the folder is made when it is missing.

        Raises:
            StorageError: no right to write there, or another process owns the journal. A full disk does not raise.
        """
        self.folder = folder
        self.appended = 0  # entries given to this object, in whatever state
        self.lost = 0
        self.failure: str | None = None
        self._segment_bytes = segment_bytes
        self._memory_limit = memory_limit
        self._waiting: deque[tuple[bytes, int]] = deque()  # (lines, how many) that the disk did not take
        self.in_memory = 0
        self._retired: list[int] = []  # files to fsync and close
        self._last_number = 0
        self._dirty = False
        self._fd: int | None = None
        self._size = 0
        self._lock_fd = _own(folder)
        self.id = known_id(folder) or secrets.token_hex(4)
        self._number = max(segment_numbers(folder, self.id), default=0)
        self._open_next()

    @property
    def on_disk(self) -> int:
        """How many of `appended` are in the file."""
        return self.appended - self.lost - self.in_memory

    # -- appending --

    def append(self, *entries: Entry) -> None:
        """Keeps the entries, in order, by one write. Never raises, never waits for anything but the page cache."""
        number = max(self._last_number + 1, time.time_ns() // 1000)
        lines = b"".join([encode(entry, number + place) for place, entry in enumerate(entries)])
        self._last_number = number + len(entries)
        self.appended += len(entries)
        if self._waiting or not self._put(lines):
            self._keep_in_memory(lines, len(entries))

    def retry(self) -> None:
        """Writes what the disk refused before, as far as it goes."""
        while self._waiting:
            lines, count = self._waiting[0]
            if not self._put(lines):
                return
            self._waiting.popleft()
            self.in_memory -= count
        self.failure = None

    def _keep_in_memory(self, lines: bytes, count: int) -> None:
        if self.in_memory + count > self._memory_limit:
            self.lost += count
            return
        self._waiting.append((lines, count))
        self.in_memory += count

    def _put(self, lines: bytes) -> bool:
        if self._size >= self._segment_bytes:
            self._rotate()
        if self._fd is None and not self._open_next():
            return False
        assert self._fd is not None
        try:
            written = os.write(self._fd, lines)
        except OSError as error:
            return self._refused(error.errno or 0)
        if written < len(lines):
            return self._refused(errno.ENOSPC)
        self._size += written
        self._dirty = True
        return True

    def _refused(self, number: int) -> bool:
        """The disk took nothing or only a part: cut back; leave a segment that cannot be cut or used any more."""
        assert self._fd is not None
        self.failure = f"the journal cannot be written ({os.strerror(number)}): make room in {self.folder}"
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            self._rotate()
        else:
            if number not in _FULL:
                self._rotate()
        return False

    # -- segments --

    def _open_next(self) -> bool:
        path = segment_path(self.folder, self.id, self._number + 1)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o640)
        except OSError as error:
            self.failure = f"the journal cannot be written ({error.strerror}): make room in {self.folder}"
            return False
        self._number += 1
        self._size = 0
        return True

    def _rotate(self) -> None:
        """Leaves this segment; the next write opens the next. An empty one is taken away: retries leave no litter."""
        if self._fd is None:
            return
        self._retired.append(self._fd)
        if self._size == 0:
            with contextlib.suppress(OSError):
                segment_path(self.folder, self.id, self._number).unlink()
        self._fd, self._size = None, 0

    def take_unsynced(self) -> list[int]:
        """Files with writes that may not be on the disk yet; give them to `sync_files`, on any thread."""
        files, self._retired = self._retired, []
        if self._dirty and self._fd is not None:
            files.append(os.dup(self._fd))
        self._dirty = False
        return files

    @staticmethod
    def sync_files(files: list[int]) -> None:
        """fsync and close. A disk that fails here fails the next write too and is reported there."""
        for fd in files:
            try:
                os.fsync(fd)
            except OSError:
                continue
            finally:
                os.close(fd)

    def forget(self, done: Position, older_than_s: float = KEEP_S) -> int:
        """Deletes segments that are wholly before `done` and untouched for so long; returns how many."""
        limit = time.time() - older_than_s
        gone = 0
        for number in segment_numbers(self.folder, self.id):
            path = segment_path(self.folder, self.id, number)
            if number < min(done.segment, self._number) and path.stat().st_mtime < limit:
                path.unlink()
                gone += 1
        return gone

    # -- reading and ending --

    def follow(self, start: Position) -> Follower:
        return Follower(self.folder, self.id, start)

    def lines_after(self, start: Position) -> int:
        return count_lines(self.folder, self.id, start)

    def back(self, size: int) -> Position:
        """The beginning of the segment before which at most `size` bytes of newer ones lie."""
        start, seen = 0, 0
        for number in reversed(segment_numbers(self.folder, self.id)):
            start = number
            seen += segment_path(self.folder, self.id, number).stat().st_size
            if seen >= size:
                break
        return Position(start)

    def set_aside(self, line: Line, why: str) -> str:
        """Keeps a line that cannot be written in `refused.txt`, as `<file>:<line>`, why, and the line itself.

        Returns:
            `<file>:<line>`.

        Raises:
            OSError: it cannot even be kept there.
        """
        name = segment_path(self.folder, self.id, line.end.segment).name
        place = f"{name}:{line_number(self.folder, self.id, line)}"
        fd = os.open(self.folder / ASIDE_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(fd, f"{place}\t{why}\t".encode("ascii", "replace") + line.raw + b"\n")
        finally:
            os.close(fd)
        return place

    def forget_refused(self, before_s: float) -> bool:
        """Deletes `refused.txt` when nothing was added to it since then, epoch seconds. Raises OSError."""
        path = self.folder / "refused.txt"
        if not path.is_file() or path.stat().st_mtime >= before_s:
            return False
        path.unlink()
        return True

    def close(self) -> None:
        self.retry()
        self._rotate()
        self.sync_files(self.take_unsynced())
        os.close(self._lock_fd)


def _own(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o640)
    except OSError as error:
        raise StorageError(
            f"data_dir: {folder} cannot be written ({error.strerror}); give the service the right"
        ) from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise StorageError(f"data_dir: another service already writes to {folder}; stop it or choose another") from None
    return fd
