"""Which Asterisk versions we serve. Source: the published changes of 16.28 (floor) and issue #1907 (deadlock)."""

from __future__ import annotations

import re
from typing import Final

OLDEST: Final = (16, 28)
DEADLOCKED: Final = frozenset({(20, 19), (22, 9)})  # calls stop when channels are listed under load; fixed one later

_NUMBER: Final = re.compile(r"(?:certified/)?(\d+)\.(\d+)")


def unfit(version: str, *, allow_known_deadlock: bool = False) -> str | None:
    """Why this version must not be used, in one line that says what to do; None when it may be.

    Certified releases (`certified/20.7-cert3`) keep their own numbering below and are taken at their number. A version
    without a number (a build from a branch) is the builder's own responsibility and is taken.
    """
    found = _NUMBER.match(version)
    if found is None:
        return None
    number = (int(found[1]), int(found[2]))
    if number < OLDEST:
        return f"Asterisk {version} is too old: install {OLDEST[0]}.{OLDEST[1]} or newer"
    if number in DEADLOCKED and not allow_known_deadlock:
        newer = f"{number[0]}.{number[1] + 1}"
        return f"Asterisk {version} has a known deadlock: install {newer} or newer, or set allow_known_deadlock"
    return None
