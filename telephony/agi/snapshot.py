"""The routing snapshot: who should answer which line, written by the service, read by Asterisk's fallback script.

One small JSON file, replaced whole, so that a reader never sees half of it:
`{"version": 1, "made_at": <epoch s>, "lines": {"<dialled number>": ["<seat id>", ...in order of choice]}}`.
Only modules that start fast are imported here: the script runs once for every caller in an outage.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

VERSION: Final = 1
MAX_AGE_S: Final = 12 * 3600.0  # older than a shift: who sat there then says nothing about now
MAX_BYTES: Final = 8_000_000  # 1,000 seats on 200 lines are 1.6 MB


class SnapshotError(ValueError):
    """There is no usable snapshot. `reason` is one word: missing, corrupt, old."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"routing snapshot is {reason}")
        self.reason = reason


class Snapshot(NamedTuple):
    """`lines`: dialled number -> seat ids in order of choice. `made_at`: epoch seconds."""

    made_at: float
    lines: Mapping[str, Sequence[str]]


def write_snapshot(path: str, snapshot: Snapshot) -> None:
    """Replace the file. Raises OSError when the folder cannot be written; the old file then stays."""
    text = json.dumps(
        {"version": VERSION, "made_at": snapshot.made_at, "lines": {k: list(v) for k, v in snapshot.lines.items()}},
        separators=(",", ":"),
    )
    fresh = f"{path}.{os.getpid()}.new"
    try:
        with open(fresh, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(fresh, path)
    except OSError:
        _forget(fresh)
        raise


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return


def read_snapshot(path: str, now: float, max_age_s: float = MAX_AGE_S) -> Snapshot:
    """The snapshot in the file; a clock that was set back makes nothing old.

    Raises:
        SnapshotError: missing, corrupt or old.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError:
        raise SnapshotError("missing") from None
    snapshot = _parse(raw)
    if now - snapshot.made_at > max_age_s:
        raise SnapshotError("old")
    return snapshot


def _parse(raw: bytes) -> Snapshot:
    if len(raw) > MAX_BYTES:
        raise SnapshotError("corrupt")
    try:
        found = json.loads(raw)
        if found["version"] != VERSION:
            raise SnapshotError("corrupt")
        lines = {number: _seats(seats) for number, seats in found["lines"].items()}
        return Snapshot(float(found["made_at"]), lines)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SnapshotError("corrupt") from None


def _seats(found: object) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(seat, str) for seat in found):
        raise SnapshotError("corrupt")
    return tuple(found)
