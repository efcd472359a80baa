"""A test call (拨测): out through a trunk of its own, back in through the carrier as a citizen's call. The life of it.

ASKED     Asterisk was asked to dial the number.
DIALLED   the INVITE is on its way.
RINGING   the far side gives a sound: 180 or 183. Up to here is the post-dial delay.
ANSWERED  the far side has answered.
ENDED     the leg is gone. Final.

This is the leg that goes out, and all times of it are what a citizen would have measured. The call that comes in is a call
as any other, marked as a test; what became of it is written down here beside the outside (`call_id`, `in_answered_at`).
Things only go forward; a picture after a restart may tell again what is known, which changes nothing.

Source: clause T18. Diagram: docs/state-machines/probe.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from routing.call_state import IllegalTransition
from routing.records import quickly_replaced

TESTED: Final = "auto: test call"  # reason of the state of an agent who rings or talks for one
PREFIX: Final = "test-"  # of an id; no inbound call's begins so
TIDY_S: Final = 5.0  # Asterisk keeps the times by itself; what is not over so long after them is ended by us
BUSY, REFUSED, CONGESTION, NO_NUMBER = 17, 21, 34, 1  # causes
_BUSY: Final = frozenset({BUSY})
_NOBODY: Final = frozenset({0, 16, 18, 19})


class ProbeState(StrEnum):
    ASKED = "asked"
    DIALLED = "dialled"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


class ProbeEvent(StrEnum):
    DIALLED = "dialled"
    RINGS = "rings"
    ANSWERED = "answered"
    GONE = "gone"


class ProbeOutcome(StrEnum):
    """How it ended, seen from outside."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"  # it rang until its time was over
    SILENT = "silent"  # neither sound nor refusal until its time was over
    REFUSED = "refused"  # with a cause: no such number, congestion, 503
    NOT_DIALLED = "not_dialled"  # there never was a leg
    GAVE_WAY = "gave_way"  # ended by us: citizens wait
    UNKNOWN = "unknown"  # ended while nobody watched: the service was restarted


S, E = ProbeState, ProbeEvent

TRANSITIONS: Final[Mapping[tuple[ProbeState, ProbeEvent], ProbeState]] = {
    (S.ASKED, E.DIALLED): S.DIALLED,
    (S.ASKED, E.RINGS): S.RINGING,  # topics of Asterisk overtake each other
    (S.ASKED, E.ANSWERED): S.ANSWERED,
    (S.ASKED, E.GONE): S.ENDED,
    (S.DIALLED, E.RINGS): S.RINGING,
    (S.DIALLED, E.ANSWERED): S.ANSWERED,
    (S.DIALLED, E.GONE): S.ENDED,
    (S.RINGING, E.ANSWERED): S.ANSWERED,
    (S.RINGING, E.GONE): S.ENDED,
    (S.ANSWERED, E.GONE): S.ENDED,
}

# Expected, without effect. The value says how such an event can arrive here.
IGNORED: Final[Mapping[tuple[ProbeState, ProbeEvent], str]] = {
    (state, event): "told late, or again by a picture"
    for event in E
    for state in S
    if (state, event) not in TRANSITIONS
}


class Limits(NamedTuple):
    """What a good test call keeps within, seconds; 0: no limit."""

    dial_delay_s: float = 5.0
    answer_s: float = 20.0


class Fault(StrEnum):
    """What was not as it should be."""

    NOT_REACHED = "not_reached"  # nobody answered from outside
    NOT_MEASURED = "not_measured"  # it was ended by us, or by a restart: says nothing about the number
    ELSEWHERE = "elsewhere"  # somebody answered, but no call came in: the number leads to somebody else
    NO_AGENT = "no_agent"  # the call came in, and was answered by no agent
    SLOW_RINGING = "slow_ringing"
    SLOW_ANSWER = "slow_answer"


@quickly_replaced
class Probe(NamedTuple):
    """One test call. `_at` are epoch seconds by Asterisk's clock, `until` is monotonic.

    `number` is a line of ours, the only number there is in here. `slot`: the moment of the schedule that it is for, ""
    when somebody asked for it.
    """

    id: str
    number: str
    by: str
    asked_at: float
    slot: str = ""
    state: ProbeState = ProbeState.ASKED
    dialled_at: float | None = None
    ringing_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    outcome: ProbeOutcome | None = None
    cause: int | None = None  # Asterisk's, of an end without an answer
    sip: int | None = None  # the SIP answer behind it, where Asterisk tells it
    call_id: str = ""  # of the call that came in
    arrived_at: float | None = None
    in_answered_at: float | None = None
    seat_id: str = ""
    agent_id: str = ""
    answered_by: str = ""  # engine or fallback
    until: float | None = None
    dropped: ProbeOutcome | None = None  # we have asked for its end, and why

    @property
    def dial_delay_s(self) -> float | None:
        """Dialled until the first sound; an answer without one is its first sound."""
        return _between(self.dialled_at, self.ringing_at if self.ringing_at is not None else self.answered_at)

    @property
    def answer_s(self) -> float | None:
        """Dialled until answered: what the citizen's telephone says."""
        return _between(self.dialled_at, self.answered_at)

    @property
    def ring_s(self) -> float | None:
        """First sound until answered."""
        return _between(self.ringing_at, self.answered_at)


def _between(first: float | None, last: float | None) -> float | None:
    return None if first is None or last is None else round(max(0.0, last - first), 3)


_STAMP: Final[Mapping[ProbeEvent, str]] = {
    E.DIALLED: "dialled_at",
    E.RINGS: "ringing_at",
    E.ANSWERED: "answered_at",
    E.GONE: "ended_at",
}


def step(
    probe: Probe, event: ProbeEvent, at: float, cause: int | None = None, sip: int | None = None, *, seen: bool = True
) -> Probe:
    """The test call after the event; the same one when it says nothing new. `seen`: False for an end nobody watched.

    Raises:
        IllegalTransition: no such pair in the tables.
    """
    key = probe.state, event
    if key in IGNORED:
        return probe
    if key not in TRANSITIONS:
        raise IllegalTransition("probe", event, probe.state)
    changes: dict[str, Any] = {"state": TRANSITIONS[key], _STAMP[event]: at}
    if event is not E.GONE and probe.dialled_at is None:
        changes.setdefault("dialled_at", at)
    changed = probe._replace(**changes)
    if event is not E.GONE:
        return changed
    if probe.answered_at is not None:
        return changed._replace(outcome=ProbeOutcome.ANSWERED)
    return changed._replace(outcome=_unanswered(probe, cause, seen=seen), cause=cause, sip=sip)


def _unanswered(probe: Probe, cause: int | None, *, seen: bool) -> ProbeOutcome:
    if probe.dropped is not None:
        return probe.dropped
    if not seen:
        return ProbeOutcome.UNKNOWN
    if probe.dialled_at is None:
        return ProbeOutcome.NOT_DIALLED
    if cause in _BUSY:
        return ProbeOutcome.BUSY
    if cause in _NOBODY:
        return ProbeOutcome.SILENT if probe.ringing_at is None else ProbeOutcome.NO_ANSWER
    return ProbeOutcome.REFUSED


_OF_US: Final = frozenset({ProbeOutcome.GAVE_WAY, ProbeOutcome.UNKNOWN})


def faults(probe: Probe, limits: Limits) -> tuple[Fault, ...]:
    """What was not as it should be; none of a good test call, and of one that lasts."""
    if probe.outcome is None:
        return ()
    if probe.outcome in _OF_US:
        return (Fault.NOT_MEASURED,)
    if probe.outcome is not ProbeOutcome.ANSWERED:
        return (Fault.NOT_REACHED,)
    found = [Fault.ELSEWHERE] if not probe.call_id else [Fault.NO_AGENT] if probe.in_answered_at is None else []
    if _over(probe.dial_delay_s, limits.dial_delay_s):
        found.append(Fault.SLOW_RINGING)
    if _over(probe.answer_s, limits.answer_s):
        found.append(Fault.SLOW_ANSWER)
    return tuple(found)


def _over(value: float | None, limit: float) -> bool:
    return limit > 0 and value is not None and value > limit
