"""A second witness's account of a call, held against the records: what differs, and the story of a call they do not have.

The witness is Asterisk's own CEL (`telephony.cel`); it knows times and seats, neither the caller nor who ended the call.

* A call that the records do not have gets its whole story from the witness, flagged `recovered`. The numbers of its steps
  follow from the call alone, so a story that is told twice is one story.
* A call that the records have keeps its story, however much of it is missing: a step is a fact, and the engine's own
  account of an end that it did not see (`unseen`, `noted`) is one. What differs is told to people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from routing import judging
from routing.steps import CallOutcome, Step, StepKind, Value

Told = tuple[StepKind, int, Mapping[str, Value]]  # when: epoch ms

SOURCE: Final = "cel"
RECOVERED: Final = "recovered"  # the flag
TOLERANCE_MS: Final = 50  # two programs stamp the same moment at different points of Asterisk


@dataclass(frozen=True, slots=True)
class Witnessed:
    """One call that is over. Times are epoch ms by Asterisk's clock.

    `named`: the call id is the dialplan's own; else it was made from the birth of the channel.
    `whole`: the beginning was told; else only the end is sure.
    `ended_ms`: end of the caller's channel; `cut`: that was not told, so it is the last that was heard of the call.
    `parted_ms`: end of the leg that answered, None when it outlived the caller.
    """

    call_id: str
    dialled: str
    endpoint: str
    arrived_ms: int
    ended_ms: int
    answered_ms: int | None = None
    seat_id: str | None = None
    parted_ms: int | None = None
    named: bool = True
    whole: bool = True
    cut: bool = False

    @property
    def channel(self) -> str:
        """Uniqueid of the caller's channel."""
        return self.call_id.partition("-")[2]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the records have of a call; None: not (yet) so."""

    call_id: str
    arrived_ms: int
    answered_ms: int | None
    ended_ms: int | None


class What(StrEnum):
    """In what the two accounts of a call differ."""

    ANSWER_MISSED = "answer_missed"  # the records have none
    ANSWER_UNKNOWN = "answer_unknown"  # the witness has none
    ANSWER_TIME = "answer_time"
    END_MISSED = "end_missed"  # open in the records
    END_TIME = "end_time"


@dataclass(frozen=True, slots=True)
class Difference:
    call_id: str
    what: What
    witnessed_ms: int | None
    kept_ms: int | None


def differences(told: Witnessed, kept: Kept) -> list[Difference]:
    """Of a call that both have; nothing when they agree."""
    answer = _in_answer(told, kept.answered_ms) if told.whole else None
    end = _in_end(told, kept.ended_ms)
    found = [(answer, told.answered_ms, kept.answered_ms), (end, told.ended_ms, kept.ended_ms)]
    return [Difference(told.call_id, what, theirs, ours) for what, theirs, ours in found if what is not None]


def _in_answer(told: Witnessed, kept: int | None) -> What | None:
    """A bridge in the instant of the end is what Asterisk builds when CANCEL and answer cross: the records know of the
    CANCEL, so without an answer they are right."""
    if told.answered_ms is None:
        return None if kept is None else What.ANSWER_UNKNOWN
    if kept is None:
        return What.ANSWER_MISSED if told.ended_ms - told.answered_ms > TOLERANCE_MS else None
    return What.ANSWER_TIME if abs(told.answered_ms - kept) > TOLERANCE_MS else None


def _in_end(told: Witnessed, kept: int | None) -> What | None:
    if kept is None:
        return What.END_MISSED
    return What.END_TIME if not told.cut and abs(told.ended_ms - kept) > TOLERANCE_MS else None


def story(
    call: Witnessed, *, number: str, line: str, trunk: str, emergency: bool, answer_within_s: float
) -> list[Step]:
    """The steps of a call that the records do not have, from its arrival to its end.

    `number` was dialled, `line` serves it; an answer within `answer_within_s` is in time. Without an answer nobody knows
    who ended the call: the caller, unless Asterisk itself did not live to tell of the end.
    """
    offered: dict[str, Value] = {"number": number, "line": line, "trunk": trunk, "arrived_at": call.arrived_ms / 1000}
    detail = "told by Asterisk's CEL alone" + (", which does not tell its end" if call.cut else "")
    told: list[Told] = [
        (StepKind.OFFERED, call.arrived_ms, {**offered, "emergency": emergency, "source": SOURCE}),
        (StepKind.FLAG, call.arrived_ms, {"flag": RECOVERED, "detail": detail}),
        *_rest(call, {"line": line, "number": number}, answer_within_s),
    ]
    return [
        Step(call.call_id, call.arrived_ms + place, at_ms / 1000, kind, data)
        for place, (kind, at_ms, data) in enumerate(told)
    ]


def _rest(call: Witnessed, whose: Mapping[str, Value], answer_within_s: float) -> list[Told]:
    end: dict[str, Value] = {"by": "unknown"}
    if call.answered_ms is None:
        outcome = CallOutcome.FAILED if call.cut else CallOutcome.ABANDONED
        wait_s = _between_s(call.arrived_ms, call.ended_ms)
        judged = {"result": judging.of_end(outcome), "wait_s": wait_s, **whose}
        return [
            (StepKind.JUDGED, call.ended_ms, judged),
            (StepKind.ENDED, call.ended_ms, {"outcome": outcome, **end}),
        ]
    wait_s = _between_s(call.arrived_ms, call.answered_ms)
    parted_ms = call.ended_ms if call.parted_ms is None else min(call.parted_ms, call.ended_ms)
    end |= {"outcome": CallOutcome.ANSWERED, "talk_s": _between_s(call.answered_ms, parted_ms)}
    return [
        (StepKind.ANSWERED, call.answered_ms, {"seat": call.seat_id, "wait_s": wait_s}),
        (
            StepKind.JUDGED,
            call.answered_ms,
            {"result": judging.of_answer(wait_s, answer_within_s), "wait_s": wait_s, **whose},
        ),
        (StepKind.ENDED, call.ended_ms, end),
    ]


def _between_s(since_ms: int, until_ms: int) -> float:
    return max(0, until_ms - since_ms) / 1000
