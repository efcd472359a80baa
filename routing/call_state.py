"""The life of a call, as the engine follows it.

ARRIVED    known to exist, but no AGI session of it is ours to decide on: it has just come, is between two sessions, or
           the dialplan alone (fallback) is finding it a person.
QUEUED     its AGI session is open: it waits, and we may decide.
PRESENTED  a decision is on its way or a seat rings for it. The session is closed by then.
CONNECTED  caller and agent are in one bridge.
PARTED     the agent's leg ended first; the dialplan asks whether it was a goodbye.
ENDED      the caller's channel is gone. Final.

Races met here: the lease may end while a decision is on its way (PRESENTED, then HELD again); the fallback may connect a
caller whom we still believe QUEUED (frozen service, thawed); two sources tell the same end (AGI return and AMI DialEnd).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class CallState(StrEnum):
    ARRIVED = "arrived"
    QUEUED = "queued"
    PRESENTED = "presented"
    CONNECTED = "connected"
    PARTED = "parted"
    ENDED = "ended"


UNANSWERED: Final = frozenset({CallState.ARRIVED, CallState.QUEUED, CallState.PRESENTED})


class CallEvent(StrEnum):
    HELD = "held"  # an AGI session asks us to route it
    LET_GO = "let_go"  # the session ended without our decision, or by a decision that rings no seat of ours
    SENT = "sent"  # a presentation was sent
    SET_DOWN = "set_down"  # the presentation is over, not answered
    ANSWERED = "answered"
    LEG_ENDED = "leg_ended"  # the agent's leg is gone, the caller's is not
    ENDED = "ended"


S, E = CallState, CallEvent

TRANSITIONS: Final[Mapping[tuple[CallState, CallEvent], CallState]] = {
    (S.ARRIVED, E.HELD): S.QUEUED,
    (S.ARRIVED, E.ANSWERED): S.CONNECTED,  # by the fallback
    (S.ARRIVED, E.ENDED): S.ENDED,
    (S.QUEUED, E.HELD): S.QUEUED,  # a newer session of the same call replaces the old one
    (S.QUEUED, E.LET_GO): S.ARRIVED,
    (S.QUEUED, E.SENT): S.PRESENTED,
    (S.QUEUED, E.ANSWERED): S.CONNECTED,  # we were frozen, the fallback was not
    (S.QUEUED, E.ENDED): S.ENDED,
    (S.PRESENTED, E.HELD): S.QUEUED,
    (S.PRESENTED, E.SET_DOWN): S.ARRIVED,
    (S.PRESENTED, E.ANSWERED): S.CONNECTED,
    (S.PRESENTED, E.ENDED): S.ENDED,
    (S.CONNECTED, E.LEG_ENDED): S.PARTED,
    (S.CONNECTED, E.HELD): S.QUEUED,  # AMI was down when the leg was lost: the caller is simply back
    (S.CONNECTED, E.ENDED): S.ENDED,
    (S.PARTED, E.HELD): S.QUEUED,
    (S.PARTED, E.ANSWERED): S.CONNECTED,
    (S.PARTED, E.ENDED): S.ENDED,
}

# Expected, without effect. The value says how such an event can arrive here.
IGNORED: Final[Mapping[tuple[CallState, CallEvent], str]] = {
    (S.ARRIVED, E.LET_GO): "the session closes after the presentation it lost was already set down",
    (S.ARRIVED, E.SET_DOWN): "AGI return and DialEnd both tell of it",
    (S.ARRIVED, E.LEG_ENDED): "a leg that answered and was gone before the bridge",
    (S.QUEUED, E.SET_DOWN): "DialEnd came after the caller was already back",
    (S.QUEUED, E.LEG_ENDED): "the end of the lost leg is told after its caller was brought back",
    (S.PRESENTED, E.LET_GO): "the session closes because we decided",
    (S.PRESENTED, E.LEG_ENDED): "the end of an earlier leg, told late",
    (S.CONNECTED, E.LET_GO): "the session closes while the fallback already connected the caller",
    (S.CONNECTED, E.SET_DOWN): "the other seats of a presentation to several end when one answers",
    (S.CONNECTED, E.ANSWERED): "the second of the two channels entered the bridge",
    (S.PARTED, E.LET_GO): "the session that asked about the goodbye closes",
    (S.PARTED, E.SET_DOWN): "told late",
    (S.PARTED, E.LEG_ENDED): "AGI and AMI both tell of it",
    (S.ENDED, E.LET_GO): "the session closes after the hang-up",
    (S.ENDED, E.SET_DOWN): "DialEnd CANCEL after the hang-up",
    (S.ENDED, E.LEG_ENDED): "the agent's leg ends after the caller's",
    (S.ENDED, E.ENDED): "AMI and a rebuilt picture both tell of it",
    (S.ENDED, E.ANSWERED): "answered in the instant of the hang-up, told late",
    (S.ENDED, E.HELD): "the session was opened in the instant of the hang-up",
}


class IllegalTransition(Exception):
    """Our picture differs from the switch: count it, ask the switch again, keep the caller moving.

    `machine`: whose table it is, "call" or "agent".
    """

    def __init__(self, machine: str, event: StrEnum, state: StrEnum) -> None:
        super().__init__(f"{machine}: {event} while {state}")
        self.machine = machine


def step(state: CallState, event: CallEvent) -> CallState:
    """The next state, the same state for an event that is expected without effect.

    Raises:
        IllegalTransition: the event cannot happen in this state.
    """
    if (state, event) in IGNORED:
        return state
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition("call", event, state) from None
