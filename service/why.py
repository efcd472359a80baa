"""Why a call went as it did: its story in sentences, with the one reason of each seat that did not take it.

Made from the records alone, so that it is the same from a running service and from the database of one that stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from routing.model import Line, Mode, Rules
from routing.need import shown as need_text
from routing.restrictions import Kind
from routing.steps import CallOutcome, Judgement, Outcome, Step, StepKind, Value
from service import reasons, today, why_joined
from storage.story import LAST, Story

K = StepKind
OUTCOMES: Final[Mapping[str, str]] = {
    Outcome.ANSWERED: "answered",
    Outcome.NO_ANSWER: "did not answer",
    Outcome.NOT_CONFIRMED: "was picked up, but nobody pressed the key: a mailbox, perhaps",
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
    CallOutcome.DISMISSED: "over without an answer, by a restriction",
}
CLOSED: Final = {
    "hangup": "it says HANGUP, so the caller left or was moved",
    "eof": "it closed the connection, as when the lease runs out",
    "timeout": "it did not reply in time",
    "protocol": "it said what makes no sense",
    "shutdown": "the service stopped",
    "bug": "the service failed at this call",
}
SENT: Final = {
    "fallback": "nobody is there for any ring, go by the fallback",
    "goodbye": "the agent's end was a goodbye, hang up",
    "wait": "somebody is being dialled for the caller, let him wait",
    "back": "nobody is with the caller any more, bring him back",
    "inform": "play the notice with the emergency numbers",
    "dismiss": "the notice was heard, end the call",
}
RULES: Final[Mapping[str, str]] = {
    Kind.REJECT: "rejected by a notice, then after all others",
    Kind.LOW_PRIORITY: "served after all others",
    Kind.SHORT_CALL: "the talk is limited",
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
    rings = [edition.rings[call.line] for edition in story.editions.values() if call.line in edition.rings]
    steps = sorted(story.steps, key=lambda step: (round(step.at, 3), step.seq))
    return {
        "call": today.shown(call, rules),
        "line_name": "" if line is None else line.name,
        "trunk": call.trunk,
        "emergency": call.emergency,
        "rings": rings_of(rings[0] if rings else _now(line)),
        "story": [teller.part(step) for step in steps],
    }


def rings_of(rings: Iterable[tuple[float, str]]) -> list[dict[str, Any]]:
    return [{"ring": number, "after_s": after_s, "need": need} for number, (after_s, need) in enumerate(rings, 1)]


def _now(line: Line | None) -> list[tuple[float, str]]:
    """The rings of today, for a call of which nothing older is kept."""
    return [] if line is None else [(ring.after_s, need_text(ring.need)) for ring in line.rings]


class _Teller:
    """Steps to sentences."""

    def __init__(self, story: Story, rules: Rules) -> None:
        self._story, self._rules = story, rules

    def part(self, step: Step) -> dict[str, Any]:
        """One moment of the story."""
        told = _TELL.get(step.kind)
        text = why_joined.TELL[step.kind](step.data) if told is None else told(self, step.data)
        return {"at": step.at, "kind": step.kind.value, "text": text, "candidates": self._candidates(step)}

    def _candidates(self, step: Step) -> list[dict[str, Any]]:
        """Seats that were not taken, by reason; none for steps that are no decision, and after the explanation is gone."""
        decision = self._story.decisions.get(step.seq)
        if decision is not None:
            edition = self._story.editions.get(decision.edition)
            return reasons.of_codes(decision.codes, None if edition is None else edition.seats)
        why = self._story.whys.get(_word(step.data.get("presentation"))) if step.kind is K.PRESENTED else None
        return [] if why is None else reasons.of_text(why)

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
        if data.get("case"):
            parts.append(f"case {_word(data['case'])}")
        return ", ".join(parts)

    def _held(self, data: Mapping[str, Value]) -> str:
        status = _word(data.get("back_from"))
        asks = f"Asterisk asks for a decision{_session(data)}"
        return f"back in the queue, {asks}: the dialplan says {status}" if status else f"in the queue, {asks}"

    def _let_go(self, data: Mapping[str, Value]) -> str:
        reason = _word(data.get("reason"))
        told = CLOSED.get(reason, reason)
        return f"the session of Asterisk ended before a decision{_session(data)}" + (f": {told}" if told else "")

    def _presented(self, data: Mapping[str, Value]) -> str:
        people = _split(data.get("agents"))
        seats = _split(data.get("seats"))
        who = [self._seat(seat, agent) for seat, agent in zip(seats, people + [""] * len(seats), strict=False)]
        ring_s = data.get("ring_s")
        limit = f" for {ring_s:g} s" if isinstance(ring_s, int | float) else ""
        talk_s = data.get("limit_s")
        talk = f", talk at most {talk_s:g} s" if isinstance(talk_s, int | float) else ""
        return f"sent to Asterisk: ring {_and(who)}{limit}{talk}{_session(data)}, {_rings(data)}"

    def _nobody(self, data: Mapping[str, Value]) -> str:
        place = data.get("place")
        places = f", place {place} in the queue" if isinstance(place, int) else ""
        return f"nobody can take the call: {_rings(data)}{places}"

    def _sent(self, data: Mapping[str, Value]) -> str:
        verb = _word(data.get("verb"))
        return f"sent to Asterisk: {SENT.get(verb, verb)}{_session(data)}"

    def _refused(self, data: Mapping[str, Value]) -> str:
        return f"Asterisk did not take the decision{_session(data)}"

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
        status = _word(data.get("status"))
        told = f"; Asterisk says {status}" if status else ""
        return f"seat {_word(data.get('seat'))} {OUTCOMES.get(outcome, outcome)}{after}{told}"

    def _set_aside(self, data: Mapping[str, Value]) -> str:
        who = self._seat(_word(data.get("seat")), _word(data.get("agent")))
        return f"{who} is set aside after two missed calls, until its agent is ready again"

    def _answered(self, data: Mapping[str, Value]) -> str:
        by = ", found by the dialplan alone" if data.get("by") == "fallback" else ""
        who = self._seat(_word(data.get("seat")), _word(data.get("agent")))
        return f"{who} and the caller talk{_after(data.get('wait_s'))}{by}"

    def _notice(self, data: Mapping[str, Value]) -> str:
        return "sent to Asterisk: answer into the notice, the caller waits on with music" + _session(data)

    def _fallback(self, data: Mapping[str, Value]) -> str:
        stage = _word(data.get("stage"))
        return f"the dialplan alone looks for a person: {STAGES.get(stage, stage)}"

    def _talk_ended(self, data: Mapping[str, Value]) -> str:
        end = "was lost" if data.get("lost") is True else "ended first"
        return f"the leg of seat {_word(data.get('seat'))} {end}{_talked(data)}"

    def _requeued(self, data: Mapping[str, Value]) -> str:
        alone = data.get("cause") == "left_alone"
        why = "everybody who helped has left" if alone else "the agent's leg was lost"
        return f"back at the head of the queue: {why}"

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

    def _restricted(self, data: Mapping[str, Value]) -> str:
        if data.get("restriction") is None:
            return "no restriction is on the number any more"
        rule, reason = _word(data.get("rule")), _word(data.get("reason"))
        because = f", reason {reason}" if reason else ""
        return f"restriction {data['restriction']} is on the number{because}: {RULES.get(rule, rule)}"


_TELL: Final = {
    K.OFFERED: _Teller._offered,
    K.HELD: _Teller._held,
    K.LET_GO: _Teller._let_go,
    K.PRESENTED: _Teller._presented,
    K.NOBODY: _Teller._nobody,
    K.SENT: _Teller._sent,
    K.REFUSED: _Teller._refused,
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
    K.RESTRICTED: _Teller._restricted,
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


def _session(data: Mapping[str, Value]) -> str:
    number = data.get("session")
    return "" if number is None else f" (session {number})"


def _rings(data: Mapping[str, Value]) -> str:
    """What was open; the first version kept only the index of the last open ring, and nothing of the seat's own."""
    count, ring = data.get("open_rings"), data.get("ring")
    if data.get("prefers"):
        return f"the caller waits a moment for agent {data['prefers']}, who spoke with him lately"
    if not isinstance(count, int):
        return f"ring {ring + 1} was open" if isinstance(ring, int) else "no ring is known"
    own = f"of ring {ring + 1}; " if isinstance(ring, int) else ""
    return own + ("ring 1 is open" if count == 1 else f"rings 1 to {count} are open")


def _talked(data: Mapping[str, Value]) -> str:
    talk_s = data.get("talk_s")
    return f"; they talked for {talk_s:.3f} s" if isinstance(talk_s, int | float) else ""
