"""Ids of cases that come with a call from an emergency centre or another hotline, and go on with it.

The dialplan lets nothing else through than what `ID` says; in the place of anything else it puts `UNREADABLE`.
"""

from __future__ import annotations

from typing import Final

ID: Final = r"[A-Za-z0-9_.-]{1,64}"
UNREADABLE: Final = "?"
DROPPED: Final = "what came as the id of a case is none: 1 to 64 letters, digits, _ . -"


def readable(told: str) -> str:
    """The id, "" for none."""
    return "" if told == UNREADABLE else told
