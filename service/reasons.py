"""Why seats did not take a call, in words: groups of seats with one reason each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from routing.codes import Code

WORDS: Final[Mapping[Code, str]] = {
    Code.OUT: "nobody signed in",
    Code.PAUSED: "paused",
    Code.PAUSED_BUSY: "paused for a moment: was busy or declined",
    Code.PAUSED_NO_ANSWER: "paused for a while: did not answer the call before",
    Code.PAUSED_NO_RINGING: "paused for a moment: the phone did not ring",
    Code.NOT_READY_YET: "signed in, but not ready yet",
    Code.SET_ASIDE: "set aside: two calls in a row were not answered",
    Code.RINGING: "ringing for another caller",
    Code.TALKING: "talking",
    Code.WRAP_UP: "wrapping up",
    Code.IN_USE: "phone in use, by no call of ours",
    Code.AWAY: "phone out of reach",
    Code.MISSED: "free, but let this caller ring out",
    Code.MAY_TALK: "perhaps free: without AMI nobody knows whether its talk is over",
    Code.LATER_RING: "free, but in a later ring",
    Code.OTHER_ZONE: "free, but of another zone",
    Code.SCARCE: "free, but kept for callers who want its other skills",
    Code.LOWER_LEVEL: "free, but at a lower level",
    Code.MORE_SKILLS: "free, but knows more besides",
    Code.LESS_IDLE: "free, but not idle for longer",
    Code.LAST_AGENT: "free, but the caller waits a moment for the agent whom he spoke with lately",
    Code.NO_RING: "free, but in no ring of the line",
    Code.KEPT: "free, but kept by its zone for its own callers",
    Code.OTHER_LINES: "free, but the seat takes other lines only",
    Code.OFF_DUTY: "free, but not on duty for this line by the roster",
}
# The order on the page: who could nearly have had the call comes first.
ORDER: Final = (
    *(code for code in Code if Code.MISSED <= code < Code.NOT_OPEN),
    *(code for code in Code if code < Code.MISSED),
)
# The words of the text that the first version kept, which knew less.
OLD_WORDS: Final[Mapping[str, str]] = {
    "out": WORDS[Code.OUT],
    "paused": "paused",
    "ringing": WORDS[Code.RINGING],
    "talking": WORDS[Code.TALKING],
    "wrap_up": WORDS[Code.WRAP_UP],
    "device": "phone in use or out of reach",
    "skill": "free, but in no open ring",
    "free": "free, but another was better",
}


def of_codes(codes: bytes, seats: Sequence[str] | None) -> list[dict[str, Any]]:
    """Groups of all seats that were not chosen. `seats`: their ids in order; None when they are not known any more."""
    by_code: dict[int, list[int]] = {}
    for place, code in enumerate(codes):
        by_code.setdefault(code, []).append(place)
    found = []
    for code in sorted(by_code, key=_order):
        if code < Code.CHOSEN:
            places = by_code[code]
            names = [] if seats is None else [seats[place] for place in places if place < len(seats)]
            found.append(_group(*_words(code), names, len(places)))
    return found


def _order(code: int) -> tuple[int, int]:
    if code >= Code.NOT_OPEN:
        return (0, code)
    return (1, ORDER.index(Code(code))) if code in WORDS else (2, code)


def _words(code: int) -> tuple[str, str]:
    """(stable word, reason for people)."""
    if code >= Code.NOT_OPEN:
        ring = code - Code.NOT_OPEN + 1
        return "not_open", f"free, but ring {ring} was not open yet"
    if code not in WORDS:
        return f"code_{code}", f"reason {code} of another version"
    return Code(code).name.lower(), WORDS[Code(code)]


def of_text(why: str) -> list[dict[str, Any]]:
    """Groups from a line as `rings=2 chosen=1003 free=1007 talking=#57`, where `#57` only counts them."""
    parts = (part.partition("=") for part in why.split())
    return [_group_of_text(key, value) for key, _, value in parts if key not in ("rings", "chosen") and value]


def _group_of_text(reason: str, value: str) -> dict[str, Any]:
    words = OLD_WORDS.get(reason, reason)
    if value.startswith("#") and value[1:].isdigit():
        return _group(reason, words, [], int(value[1:]))
    return _group(reason, words, value.split(","), len(value.split(",")))


def _group(reason: str, text: str, seats: list[str], total: int) -> dict[str, Any]:
    """`total` may be more than are named."""
    return {"reason": reason, "text": text, "total": total, "seats": seats}
