"""Sentences of the story of a call for what happens when it is joined with others. See `routing.steps` for the keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from routing.steps import ActOutcome, StepKind, ThirdOutcome, Value

_THIRD: Final = {
    ThirdOutcome.ANSWERED: "left",
    ThirdOutcome.BUSY: "is busy",
    ThirdOutcome.REFUSED: "refused",
    ThirdOutcome.NO_ANSWER: "did not answer",
    ThirdOutcome.NOT_REACHED: "was not reached",
    ThirdOutcome.OUT_OF_HOURS: "was not dialled: out of its hours",
    ThirdOutcome.CANCELLED: "was given up by us",
}
_ACT: Final = {
    ActOutcome.DONE: "done",
    ActOutcome.FAILED: "failed",
    ActOutcome.REFUSED: "refused",
    ActOutcome.CANCELLED: "taken back",
}
_PLACES: Final = {
    "conference": "in the conference",
    "hold": "on hold, with music",
    "queue": "back at the head of the queue",
}
_WHY: Final = {"transferred": "handed the call over", "goodbye": "hung up", "lost": "was lost"}
_RECORDING: Final = {"paused": "is paused", "resumed": "goes on", "ended": "is kept", "deleted": "is deleted"}
_BECAME: Final = {"short": "is short", "missing": "is missing", "unwritable": "could not be written"}


def _word(data: Mapping[str, Value], key: str) -> str:
    value = data.get(key)
    return "" if value is None else str(value)


def _asked(data: Mapping[str, Value]) -> str:
    target = _word(data, "name") or _word(data, "target")
    to = f" with {_word(data, 'target_kind')} {target}".rstrip() if target else ""
    by = f", asked for by {_word(data, 'by')} ({_word(data, 'via')})" if data.get("by") else ""
    return f"{_act(data)}{to}{by}"


def _act(data: Mapping[str, Value]) -> str:
    return f"act {_word(data, 'act')} {_word(data, 'verb')}".strip()


def _leg(data: Mapping[str, Value]) -> str:
    return f"third party {_word(data, 'act')}.{_word(data, 'leg')}"


def _dialed(data: Mapping[str, Value]) -> str:
    way = _word(data, "way") or _word(data, "seat")
    return f"{_leg(data)} is dialled" + (f", route {_word(data, 'route')}: {way}" if way else "")


def _third_ended(data: Mapping[str, Value]) -> str:
    outcome, cause = _word(data, "outcome"), data.get("cause")
    told = next((text for key, text in _THIRD.items() if key == outcome), "is over")
    return f"{_leg(data)} {told}" + (f", cause {cause}" if cause is not None else "")


def _moved(data: Mapping[str, Value]) -> str:
    place = _word(data, "to")
    return f"the caller is {_PLACES.get(place, place or 'elsewhere')}"


def _agent_left(data: Mapping[str, Value]) -> str:
    why = _word(data, "why")
    return f"the agent at seat {_word(data, 'seat')} {_WHY.get(why, why) or 'left'}; the others stay"


def _act_ended(data: Mapping[str, Value]) -> str:
    outcome = _word(data, "outcome")
    told = next((text for key, text in _ACT.items() if key == outcome), "over")
    reason = _word(data, "reason")
    return f"{_act(data)}: {told}" + (f", {reason}" if reason else "")


def _recording(data: Mapping[str, Value]) -> str:
    what = _word(data, "what")
    became = _BECAME.get(_word(data, "outcome"), _RECORDING.get(what, what))
    facts = [_word(data, key) for key in ("reason", "problem", "file") if data.get(key)]
    by = f" by {_word(data, 'by')}" if data.get("by") else ""
    return f"the recording {became}{by}" + (f": {', '.join(facts)}" if facts else "")


TELL: Final[Mapping[StepKind, Callable[[Mapping[str, Value]], str]]] = {
    StepKind.ACT_ASKED: _asked,
    StepKind.THIRD_DIALED: _dialed,
    StepKind.THIRD_RINGING: lambda data: f"{_leg(data)} rings",
    StepKind.THIRD_ANSWERED: lambda data: f"{_leg(data)} answered",
    StepKind.THIRD_JOINED: lambda data: f"{_leg(data)} is in the conference",
    StepKind.THIRD_ENDED: _third_ended,
    StepKind.CALLER_MOVED: _moved,
    StepKind.AGENT_LEFT: _agent_left,
    StepKind.ACT_ENDED: _act_ended,
    StepKind.RECORDING: _recording,
}
