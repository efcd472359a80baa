"""The files of recordings: where one is, what is in it, whether Asterisk is done with it, whether the folder takes more.

The dialplan names them: `<folder>/<day of the arrival>/<call id>.wav`, signed linear, 16 bit, 8,000 a second. Nothing of
the caller is in the name.

Asterisk writes the length of the sound into the header when it closes the file and not before (16.28 and 22.10), after
all of the sound. So a header that fits the size is the sign that a file is whole, for everybody who may read it, also
for a service that was not there when the call ended. A file whose header does not fit long after the call was never
closed: Asterisk died, or its disk was full.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

from routing.outbound import PREFIX

CALL_ID: Final = re.compile(rf"(?:{PREFIX})?(\d{{13}})-[A-Za-z0-9_.-]{{1,100}}")
SUFFIX: Final = ".wav"
HEADER: Final = 44  # bytes of Asterisk's WAV header
BYTES_A_SECOND: Final = 16_000
MB: Final = 1_000_000
FULL_BYTES: Final = 64 * 1024  # a disk with so little left takes no more: one buffer of Asterisk's is half of it
DAYS_AHEAD: Final = 3
GROUP_WRITES: Final = 0o2770
_BLOCK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it is now. `closed`: Asterisk is done with it and all of it is there. `file`: within the folder."""

    file: str
    bytes: int
    closed: bool

    @property
    def seconds(self) -> float:
        return round(max(0, self.bytes - HEADER) / BYTES_A_SECOND, 3)

    @property
    def empty(self) -> bool:
        return self.bytes <= HEADER


def find(folder: Path, call_id: str, zone: tzinfo) -> Found | None:
    """The file of a call. Asterisk may count its days by another clock than ours, so the days beside are looked at too.

    Raises:
        OSError: the folder cannot be read; FileNotFoundError and NotADirectoryError count as no file.
    """
    match = CALL_ID.fullmatch(call_id)
    if match is None:
        return None
    day = datetime.fromtimestamp(int(match[1]) / 1000, zone).date()
    for other in (0, -1, 1):
        name = f"{day + timedelta(days=other)}/{call_id}{SUFFIX}"
        try:
            return look(folder, name)
        except (FileNotFoundError, NotADirectoryError):
            continue
    return None


def look(folder: Path, name: str) -> Found:
    """Raises OSError."""
    with (folder / name).open("rb") as file:
        header = file.read(HEADER)
        size = os.fstat(file.fileno()).st_size
    told = struct.unpack_from("<I", header, 40)[0] if len(header) == HEADER else 0
    return Found(name, size, closed=0 < told == size - HEADER)


def digest(folder: Path, name: str) -> str:
    """SHA-256 of the whole file, hexadecimal. Raises OSError."""
    summed = hashlib.sha256()
    with (folder / name).open("rb") as file:
        while block := file.read(_BLOCK):
            summed.update(block)
    return summed.hexdigest()


def inside(folder: Path, name: str) -> Path | None:
    """The path of a name that the records have; None when that could lead anywhere else."""
    day, slash, rest = name.partition("/")
    call_id = rest.removesuffix(SUFFIX)
    return folder / name if slash and _day(day) is not None and CALL_ID.fullmatch(call_id) else None


def old(folder: Path, before: date) -> Iterator[tuple[str, str]]:
    """(call id, name) of every recording of the days before that one, oldest day first. Raises OSError."""
    for day in sorted(path for path in folder.iterdir() if (named := _day(path.name)) is not None and named < before):
        for path in sorted(day.iterdir()):
            call_id = path.name.removesuffix(SUFFIX)
            if path.name != call_id and CALL_ID.fullmatch(call_id):
                yield call_id, f"{day.name}/{path.name}"


def forget_empty_days(folder: Path, before: date) -> None:
    """Raises OSError; a day that still has files stays."""
    for path in folder.iterdir():
        if (named := _day(path.name)) is not None and named < before and not any(path.iterdir()):
            path.rmdir()


def _day(name: str) -> date | None:
    try:
        return datetime.strptime(name, "%Y-%m-%d").date()  # noqa: DTZ007 a date has no time zone
    except ValueError:
        return None


# -- the folder --


def free_bytes(folder: Path) -> int | None:
    """Of the file system that the folder is on, or will be; None when nobody can tell."""
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return None
    return None


def trouble(folder: Path, min_free_mb: int = 0, user: tuple[int, int] | None = None) -> str | None:
    """Why Asterisk cannot record there, in one sentence, or None. `user`: uid and gid that Asterisk runs as; None: not
    known, then its folder belongs to it."""
    try:
        found = folder.stat()
    except OSError as error:
        return f"{folder} cannot be used: {(error.strerror or 'no access').lower()}"
    if not stat.S_ISDIR(found.st_mode):
        return f"{folder} is no folder"
    if not _may_write(found, user):
        return f"{folder} is not writable by Asterisk's user"
    free = free_bytes(folder)
    if free is not None and free < max(min_free_mb * MB, FULL_BYTES):
        return f"{folder} has only {free // MB} MB of space left"
    return None


def takes_nothing(folder: Path) -> bool:
    """Whether it is the folder that keeps recordings from being written, now."""
    return trouble(folder) is not None


def _may_write(found: os.stat_result, user: tuple[int, int] | None) -> bool:
    uid, gid = user or (found.st_uid, found.st_gid)
    if uid == 0:
        return True
    shift = 6 if uid == found.st_uid else 3 if gid == found.st_gid else 0
    return (found.st_mode >> shift) & 0o3 == 0o3


def make_days(folder: Path, today: date) -> None:
    """Folders of the next days, when Asterisk is another user than we are: those that it makes itself are closed to us,
    and what is in them could never be deleted. Raises OSError."""
    if folder.stat().st_uid == os.geteuid():
        return
    for ahead in range(DAYS_AHEAD + 1):
        day = folder / str(today + timedelta(days=ahead))
        if not day.exists():
            day.mkdir()
            day.chmod(GROUP_WRITES)
