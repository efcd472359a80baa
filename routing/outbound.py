"""A call that an agent places: a follow-up of a case, or a call-back. The life of it as a machine.

ASKED            Asterisk was asked to ring the agent's seat, behind its guard.
AGENT_RINGING    his phone rings.
AGENT_ANSWERED   he has picked up, and listens.
DIALLING         the citizen's number is being dialled.
CITIZEN_RINGING  it rings there.
TALKING          both are in one bridge.
UNREACHED        nobody answered there; the agent hears a tone.
ENDED            the agent's leg is gone, and with it the call.

The dialplan leads from one to the next by itself (`extensions_outbound.conf`), so nothing here is needed for the people to
speak: it is followed, recorded, and kept within its times. Things only go forward. What a restart or a loss of AMI has
hidden is told again by the next picture, so each event may come late, twice, or after a later one: it then changes nothing.

Source: clauses T9 and T17. Diagram: docs/state-machines/outbound.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from routing.call_state import IllegalTransition
from routing.records import quickly_replaced

PREFIX: Final = "out-"  # of an id; no inbound call's begins so
REASON: Final = "auto: calls out"  # of the agent's state while it lasts
TIDY_S: Final = 5.0  # Asterisk keeps the times by itself; what is not over so long after them is ended by us
TONE_S: Final = 10.0  # the tone takes 3 s
BUSY, NOT_THERE, REFUSED, NOTHING = 17, 20, 21, 0  # causes
_RANG_OUT: Final = frozenset({NOTHING, 16, 18, 19})


class OutKind(StrEnum):
    FOLLOW_UP = "follow_up"  # 办结回访 (T17)
    CALLBACK = "callback"  # 回拨 (T9)


class OutState(StrEnum):
    ASKED = "asked"
    AGENT_RINGING = "agent_ringing"
    AGENT_ANSWERED = "agent_answered"
    DIALLING = "dialling"
    CITIZEN_RINGING = "citizen_ringing"
    TALKING = "talking"
    UNREACHED = "unreached"
    ENDED = "ended"


class OutEvent(StrEnum):
    AGENT_RINGS = "agent_rings"
    AGENT_ANSWERED = "agent_answered"
    DIALLED = "dialled"
    CITIZEN_RINGS = "citizen_rings"
    CONNECTED = "connected"
    NOT_REACHED = "not_reached"
    GONE = "gone"


class OutOutcome(StrEnum):
    ANSWERED = "answered"  # citizen and agent spoke
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    FAILED = "failed"  # no such number, no way there
    CANCELLED = "cancelled"  # the agent hung up before anybody answered
    AGENT_BUSY = "agent_busy"  # his phone was in use, or he rejected the call
    AGENT_NO_ANSWER = "agent_no_answer"
    AGENT_AWAY = "agent_away"  # his phone is not there
    WITHDRAWN = "withdrawn"  # by us: a caller goes first, or the citizen himself called in
    UNKNOWN = "unknown"  # it ended while nobody looked


def is_outbound(call_id: str) -> bool:
    """Whether an id is that of an outbound call."""
    return call_id.startswith(PREFIX)


S, E = OutState, OutEvent

LEADS_TO: Final[Mapping[OutEvent, OutState]] = {
    E.AGENT_RINGS: S.AGENT_RINGING,
    E.AGENT_ANSWERED: S.AGENT_ANSWERED,
    E.DIALLED: S.DIALLING,
    E.CITIZEN_RINGS: S.CITIZEN_RINGING,
    E.CONNECTED: S.TALKING,
    E.NOT_REACHED: S.UNREACHED,
    E.GONE: S.ENDED,
}
_FROM: Final[Mapping[OutEvent, tuple[OutState, ...]]] = {
    E.AGENT_RINGS: (S.ASKED,),
    E.AGENT_ANSWERED: (S.ASKED, S.AGENT_RINGING),
    E.DIALLED: (S.ASKED, S.AGENT_RINGING, S.AGENT_ANSWERED),
    E.CITIZEN_RINGS: (S.ASKED, S.AGENT_RINGING, S.AGENT_ANSWERED, S.DIALLING),
    E.CONNECTED: (S.ASKED, S.AGENT_RINGING, S.AGENT_ANSWERED, S.DIALLING, S.CITIZEN_RINGING),
    E.NOT_REACHED: (S.ASKED, S.AGENT_RINGING, S.AGENT_ANSWERED, S.DIALLING, S.CITIZEN_RINGING),
    E.GONE: tuple(state for state in S if state is not S.ENDED),
}
TRANSITIONS: Final[Mapping[tuple[OutState, OutEvent], OutState]] = {
    (state, event): LEADS_TO[event] for event, states in _FROM.items() for state in states
}
# Expected, without effect. The value says how such an event can arrive here.
IGNORED: Final[Mapping[tuple[OutState, OutEvent], str]] = {
    (state, event): "told late, or again by a picture"
    for event in E
    for state in S
    if (state, event) not in TRANSITIONS
}
HAS_AGENT: Final = frozenset({S.AGENT_ANSWERED, S.DIALLING, S.CITIZEN_RINGING, S.TALKING, S.UNREACHED})


@quickly_replaced
class Outbound(NamedTuple):
    """One outbound call. `_at` are epoch seconds, `until` is monotonic: nothing before TALKING lasts longer.

    The citizen's number is not here: it is in the command that dials, and nowhere else.
    """

    id: str
    kind: OutKind
    agent_id: str
    seat_id: str
    line: str  # whose number the citizen is shown
    asked_at: float
    case: str = ""
    callback: int | None = None
    by: str = ""  # name of the token that asked for it
    state: OutState = OutState.ASKED
    agent_answered_at: float | None = None
    dialled_at: float | None = None
    citizen_ringing_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    outcome: OutOutcome | None = None
    cause: int | None = None
    until: float | None = None
    dropped: bool = False  # we have asked for its end
    caller_ref: str | None = None  # the citizen, as callers are known; None: not of the list of call-backs
    paced: bool = False  # offered by the service, not asked for by the agent


_STAMP: Final[Mapping[OutEvent, str]] = {
    E.AGENT_ANSWERED: "agent_answered_at",
    E.DIALLED: "dialled_at",
    E.CITIZEN_RINGS: "citizen_ringing_at",
    E.CONNECTED: "answered_at",
    E.GONE: "ended_at",
}
_BEFORE: Final[Mapping[OutEvent, tuple[str, ...]]] = {
    E.DIALLED: ("agent_answered_at",),
    E.CITIZEN_RINGS: ("agent_answered_at", "dialled_at"),
    E.CONNECTED: ("agent_answered_at", "dialled_at"),
    E.NOT_REACHED: ("agent_answered_at", "dialled_at"),
}


def step(out: Outbound, event: OutEvent, at: float, cause: int | None = None, *, seen: bool = True) -> Outbound:
    """The call after the event; the same one when it says nothing new. `seen`: False for an end that nobody watched.

    Raises:
        IllegalTransition: no such pair in the tables.
    """
    key = out.state, event
    if key in IGNORED:
        return out
    if key not in TRANSITIONS:
        raise IllegalTransition("outbound", event, out.state)
    stamp = _STAMP.get(event)
    changes: dict[str, Any] = {"state": TRANSITIONS[key]} | ({stamp: at} if stamp else {})
    for before in _BEFORE.get(event, ()):  # Asterisk's topics may overtake each other, and a picture tells no times
        if getattr(out, before) is None:
            changes.setdefault(before, at)
    changed = out._replace(**changes)
    if event is E.NOT_REACHED:
        return changed._replace(outcome=unreached(cause) if seen else OutOutcome.UNKNOWN, cause=cause)
    if event is E.CONNECTED:
        return changed._replace(outcome=OutOutcome.ANSWERED)
    if event is E.GONE and out.outcome is None:
        return changed._replace(outcome=_unanswered(out, cause) if seen else OutOutcome.UNKNOWN, cause=cause)
    return changed


def unreached(cause: int | None) -> OutOutcome:
    """Why the citizen was not reached. Source: what 22.10 and 16.28 set as HANGUPCAUSE after `Dial`: 17 for 486, 21 for
    603, 19 for 480, 1 for 404, 0 when it rang out."""
    if cause in (BUSY, REFUSED):
        return OutOutcome.BUSY if cause == BUSY else OutOutcome.REFUSED
    return OutOutcome.NO_ANSWER if cause in _RANG_OUT else OutOutcome.FAILED


def _unanswered(out: Outbound, cause: int | None) -> OutOutcome:
    """It ended with the agent's leg. The dialplan of a seat ends it with 17, 19 or 20."""
    if out.agent_answered_at is not None or out.state in HAS_AGENT:
        return OutOutcome.CANCELLED
    if cause is None:
        return OutOutcome.FAILED
    return {BUSY: OutOutcome.AGENT_BUSY, NOT_THERE: OutOutcome.AGENT_AWAY}.get(cause, OutOutcome.AGENT_NO_ANSWER)
