"""Why seats did not take a call, in words: groups of seats with one reason each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from routing.choice import Reason

FREE: Final = "free"
WORDS: Final[Mapping[str, str]] = {
    Reason.OUT: "nobody signed in",
    Reason.PAUSED: "paused",
    Reason.RINGING: "ringing for another caller",
    Reason.TALKING: "talking",
    Reason.WRAP_UP: "wrapping up",
    Reason.DEVICE: "phone in use or out of reach",
    Reason.OFF_DUTY: "free, but not on duty for this line by the roster",
    Reason.SKILL: "free, but in no open ring",
    FREE: "free, but another was better",
}


def group(reason: str, seats: list[str], total: int | None = None) -> dict[str, Any]:
    """`total` is given when more seats are meant than are named."""
    return {
        "reason": reason,
        "text": WORDS.get(reason, reason),
        "total": len(seats) if total is None else total,
        "seats": seats,
    }


def of_text(why: str) -> list[dict[str, Any]]:
    """Groups from a line as `rings=2 chosen=1003 free=1007 talking=#57`, where `#57` only counts them."""
    parts = (part.partition("=") for part in why.split())
    return [_group_of_text(key, value) for key, _, value in parts if key not in ("rings", "chosen") and value]


def _group_of_text(reason: str, value: str) -> dict[str, Any]:
    if value.startswith("#") and value[1:].isdigit():
        return group(reason, [], int(value[1:]))
    return group(reason, value.split(","))
