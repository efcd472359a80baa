"""The program that Asterisk itself starts for a caller when the service is out of reach: it names seats, nothing more.

`hotline-fallback-agi <snapshot file> <dialled number>` sets `HOTLINE_FALLBACK_SEATS` ("1003&1001", best first) and
`HOTLINE_FALLBACK_REASON` (`ok`, or why there are no seats: `missing`, `corrupt`, `old`, `unknown_line`, `empty`). The
dialplan rings them behind the seat guard, or goes on to the duty queue. It never dials, never waits and always ends
with status 0: whatever goes wrong here, the caller goes on.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from typing import Final, Protocol

from asterisk.agi import AGI, AGIException

from telephony import names
from telephony.agi.snapshot import SnapshotError, read_snapshot

MAX_VALUE: Final = 1500  # bytes; Asterisk's AGI commands end at 2,048 in old versions
_SEAT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,39}")


class Session(Protocol):
    """The one thing used of pyst2's `AGI`; its reply is not looked at, errors come as exceptions."""

    def execute(self, command: str, *args: str) -> object: ...


def choose(path: str, number: str, now: float) -> tuple[str, str]:
    """Seats for HOTLINE_FALLBACK_SEATS and the reason; one of them says why the other is empty."""
    try:
        snapshot = read_snapshot(path, now)
    except SnapshotError as error:
        return "", error.reason
    if number not in snapshot.lines:
        return "", "unknown_line"
    seats = joined(snapshot.lines[number])
    return seats, "ok" if seats else "empty"


def joined(seats: Sequence[str]) -> str:
    """Seats as the dialplan takes them: only well-formed ids, no more than fit into one AGI command."""
    text = ""
    for seat in seats:
        longer = f"{text}&{seat}" if text else seat
        if len(longer) > MAX_VALUE:
            break
        if _SEAT.fullmatch(seat):
            text = longer
    return text


def quoted(value: str) -> str:
    """An argument of an AGI command. pyst2 quotes without escaping, so what could end the argument is taken out."""
    return '"' + "".join(char for char in value if char not in '"\\\r\n') + '"'


def serve(session: Session, path: str, number: str, now: float) -> None:
    seats, reason = choose(path, number, now)
    session.execute("SET VARIABLE", names.FALLBACK_REASON, quoted(reason))
    session.execute("SET VARIABLE", names.FALLBACK_SEATS, quoted(seats))


def main() -> int:
    """Speak AGI on stdin and stdout. A caller who hangs up closes both; that is no failure of ours."""
    path, number = (*sys.argv[1:3], "", "")[:2]
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere:  # pyst2 writes every header to stderr, numbers too
            serve(AGI(stderr=nowhere), path, number, time.time())
    except (AGIException, ValueError, OSError):
        pass
    return 0
