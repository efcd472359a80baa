"""Why a call went as it did: its story in sentences, with the one reason of each seat that did not take it.

Made from the records alone, so that it is the same from a running service and from the database of one that stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from routing.model import Line, Mode, Rules
from routing.need import shown as need_text
from routing.steps import CallOutcome, Judgement, Outcome, Step, StepKind, Value
from service import reasons, today
from storage.story import LAST, Story

K = StepKind
OUTCOMES: Final[Mapping[str, str]] = {
    Outcome.ANSWERED: "answered",
    Outcome.NO_ANSWER: "did not answer",
    Outcome.BUSY: "was busy, or declined",
    Outcome.GUARDED: "was refused by the dialplan's guard: somebody else had it",
    Outcome.UNREACHABLE: "did not ring: no way to the phone",
    Outcome.CANCELLED: "rings no longer: the caller left, or another seat answered",
    Outcome.VOID: "was not dialled",
}
STAGES: Final[Mapping[str, str]] = {
    "seats": "the seats of the last snapshot",
    "queue": "the duty seats",
    "telephone": "the duty telephone",
}
JUDGED: Final[Mapping[str, str]] = {
    Judgement.IN_TIME: "in time",
    Judgement.LATE: "late",
    Judgement.ABANDONED: "given up by the caller",
    Judgement.FLOWED_OUT: "flowed out",
    Judgement.FAILED: "failed",
    Judgement.RESTRICTED: "restricted",
    Judgement.TEST: "a test",
}
ENDED: Final[Mapping[str, str]] = {
    CallOutcome.ANSWERED: "the call is over",
    CallOutcome.ABANDONED: "given up without an answer",
    CallOutcome.OVERFLOWED: "over without an answer, elsewhere",
    CallOutcome.FAILED: "over without an answer, by a fault",
}
BY: Final = {"caller": "ended by the caller", "agent": "ended by the agent", "pbx": "ended by Asterisk"}


class Archive(Protocol):
    async def call_ids(self, wanted: str) -> list[str]: ...
    async def story(self, call_id: str) -> Story | None: ...


async def from_records(records: Archive, wanted: str, rules: Rules) -> dict[str, Any] | str:
    """`explained` of the one call that is wanted by its id, its beginning or `last`; else one sentence why there is none.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    found = await records.call_ids(wanted)
    if len(found) > 1:
        return f"several calls begin with {wanted}: {', '.join(found)}; type more of the one you mean"
    story = await records.story(found[0]) if found else None
    if story is None:
        return (
            "there is no call yet"
            if wanted == LAST
            else f"no call begins with {wanted}; hotline calls lists the last ones"
        )
    return explained(story, rules)


def explained(story: Story, rules: Rules) -> dict[str, Any]:
    """The page as plain values: `call` as in the list of calls, the line's `rings`, and `story`, oldest first."""
    call = story.call
    line = rules.lines.get(call.line)
    teller = _Teller(story, rules)
    steps = sorted(story.steps, key=lambda step: (round(step.at, 3), step.seq))
    return {
        "call": today.shown(call, rules),
        "line_name": "" if line is None else line.name,
        "trunk": call.trunk,
        "emergency": call.emergency,
        "rings": [] if line is None else rings_of(line),
        "story": [part for step in steps if (part := teller.part(step))],
    }


def rings_of(line: Line) -> list[dict[str, Any]]:
    return [{"ring": n, "after_s": ring.after_s, "need": need_text(ring.need)} for n, ring in enumerate(line.rings, 1)]


class _Teller:
    """Steps to sentences."""

    def __init__(self, story: Story, rules: Rules) -> None:
        self._story, self._rules = story, rules

    def part(self, step: Step) -> dict[str, Any] | None:
        """One moment of the story; None for what says nothing new to a reader."""
        text = _TELL[step.kind](self, step.data)
        return (
            None if text is None else {"at": step.at, "kind": step.kind.value, "text": text, **self._candidates(step)}
        )

    def _candidates(self, step: Step) -> dict[str, Any]:
        """Seats that were not taken, by reason; nothing for steps that chose nobody."""
        why = self._story.whys.get(_word(step.data.get("presentation"))) if step.kind is K.PRESENTED else None
        return {"candidates": [] if why is None else reasons.of_text(why)}

    def _offered(self, data: Mapping[str, Value]) -> str:
        number, line = _word(data.get("number")), _word(data.get("line"))
        parts = [f"arrived on {number}"]
        dialled = self._rules.lines.get(number)
        if number != line:
            parts.append(f"served as {line}")
        if dialled is not None and dialled.mode is Mode.MERGED and dialled.subject:
            parts.append(f"subject {dialled.subject}")
        if data.get("emergency") is True:
            parts.append("from an emergency centre")
        return ", ".join(parts)

    def _held(self, data: Mapping[str, Value]) -> str:
        status = _word(data.get("back_from"))
        return f"back in the queue: Asterisk says {status}" if status else "in the queue: Asterisk asks for a decision"

    def _presented(self, data: Mapping[str, Value]) -> str:
        people = _split(data.get("agents"))
        seats = _split(data.get("seats"))
        who = [self._seat(seat, agent) for seat, agent in zip(seats, people + [""] * len(seats), strict=False)]
        ring = data.get("ring")
        rings = f"; ring {ring + 1} was open" if isinstance(ring, int) else ""
        return f"sent to Asterisk: ring {_and(who)}{rings}"

    def _seat(self, seat: str, agent: str) -> str:
        profile = self._rules.agents.get(agent)
        name = agent if profile is None else profile.name
        return f"seat {seat} ({name})" if name and name != seat else f"seat {seat}"

    def _dialing(self, data: Mapping[str, Value]) -> str:
        ours = "" if data.get("presentation") else ", by the dialplan alone"
        return f"Asterisk dials seat {_word(data.get('seat'))}{ours}"

    def _ringing(self, data: Mapping[str, Value]) -> str:
        return f"seat {_word(data.get('seat'))} rings"

    def _presentation_ended(self, data: Mapping[str, Value]) -> str:
        outcome = _word(data.get("outcome"))
        rang = data.get("ring_s")
        after = f" after {rang:.3f} s of ringing" if isinstance(rang, int | float) else ""
        return f"seat {_word(data.get('seat'))} {OUTCOMES.get(outcome, outcome)}{after}"

    def _set_aside(self, data: Mapping[str, Value]) -> str:
        who = self._seat(_word(data.get("seat")), _word(data.get("agent")))
        return f"{who} is set aside after two missed calls, until its agent is ready again"

    def _answered(self, data: Mapping[str, Value]) -> str:
        by = ", found by the dialplan alone" if data.get("by") == "fallback" else ""
        who = self._seat(_word(data.get("seat")), _word(data.get("agent")))
        return f"{who} and the caller talk{_after(data.get('wait_s'))}{by}"

    def _notice(self, data: Mapping[str, Value]) -> str:
        return "sent to Asterisk: answer into the notice, the caller waits on with music"

    def _fallback(self, data: Mapping[str, Value]) -> str:
        stage = _word(data.get("stage"))
        return f"the dialplan alone looks for a person: {STAGES.get(stage, stage)}"

    def _talk_ended(self, data: Mapping[str, Value]) -> str:
        end = "was lost" if data.get("lost") is True else "ended first"
        return f"the leg of seat {_word(data.get('seat'))} {end}{_talked(data)}"

    def _requeued(self, data: Mapping[str, Value]) -> str:
        return "back at the head of the queue: the agent's leg was lost"

    def _judged(self, data: Mapping[str, Value]) -> str:
        result = _word(data.get("result"))
        return f"counted as {JUDGED.get(result, result)}{_after(data.get('wait_s'))}"

    def _ended(self, data: Mapping[str, Value]) -> str:
        outcome, by, cause = _word(data.get("outcome")), _word(data.get("by")), data.get("cause")
        parts = [
            ENDED.get(outcome, outcome or "the call is over"),
            BY.get(by, ""),
            f"cause {cause}" if cause is not None else "",
        ]
        return ", ".join(part for part in parts if part) + _talked(data)

    def _recovered(self, data: Mapping[str, Value]) -> str:
        return f"known again after a restart of the service or a loss of AMI: {_word(data.get('state'))}"

    def _flag(self, data: Mapping[str, Value]) -> str:
        detail = _word(data.get("detail"))
        return f"flag {_word(data.get('flag'))}" + (f": {detail}" if detail else "")


_TELL: Final = {
    K.OFFERED: _Teller._offered,
    K.HELD: _Teller._held,
    K.PRESENTED: _Teller._presented,
    K.DIALING: _Teller._dialing,
    K.RINGING: _Teller._ringing,
    K.PRESENTATION_ENDED: _Teller._presentation_ended,
    K.SET_ASIDE: _Teller._set_aside,
    K.ANSWERED: _Teller._answered,
    K.NOTICE: _Teller._notice,
    K.FALLBACK: _Teller._fallback,
    K.TALK_ENDED: _Teller._talk_ended,
    K.REQUEUED: _Teller._requeued,
    K.JUDGED: _Teller._judged,
    K.ENDED: _Teller._ended,
    K.RECOVERED: _Teller._recovered,
    K.FLAG: _Teller._flag,
}


def _word(value: Value) -> str:
    return "" if value is None else str(value)


def _split(value: Value) -> list[str]:
    return [part for part in _word(value).split(",") if part]


def _and(words: Iterable[str]) -> str:
    *most, last = list(words) or ["nobody"]
    return f"{', '.join(most)} and {last}" if most else last


def _after(seconds: Value) -> str:
    return f" after {seconds:.3f} s" if isinstance(seconds, int | float) else ""


def _talked(data: Mapping[str, Value]) -> str:
    talk_s = data.get("talk_s")
    return f"; they talked for {talk_s:.3f} s" if isinstance(talk_s, int | float) else ""
