"""The life of an agent's shift at one seat.

The state belongs to the person, never to a queue: wrap-up, pauses and misses are here and nowhere else.

SIGNED_OUT  nobody there. READY  may be rung. RINGING  one presentation is open, or the fallback rings the phone.
TALKING     with a caller. WRAP_UP  work after the call, until `wake_at`; once longer by its own length.
PAUSED      by the agent's own act; signed in by an act and not ready yet; or by us for a while after busy, no answer,
            no ringing (`wake_at`), or set aside after the second ring-out in a row (no `wake_at`: until the agent is
            ready again).

With AMI down nobody tells us when a talk ends. Such a TALKING agent may be rung again as the last choice; the seat guard
in the dialplan then decides (in use: a short pause), and the next picture puts the agent back to the caller he talks with.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from routing.call_state import IllegalTransition
from routing.records import quickly_replaced


class AgentState(StrEnum):
    SIGNED_OUT = "signed_out"
    READY = "ready"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"


class AgentEvent(StrEnum):
    SIGNED_IN = "signed_in"
    SEATED = "seated"  # signed in by an act: takes a seat, is ready when he says so
    SIGNED_OUT = "signed_out"
    CALL_PRESENTED = "call_presented"
    PRESENTATION_LIFTED = "presentation_lifted"  # cancelled or void: no fault of the agent
    PRESENTATION_MISSED = "presentation_missed"  # no answer, busy, no ringing: a pause follows
    CALL_ANSWERED = "call_answered"
    CALL_ENDED = "call_ended"
    PAUSE_ASKED = "pause_asked"
    READY_ASKED = "ready_asked"
    EXTENSION_ASKED = "extension_asked"  # of the wrap-up, once, by its own length
    WOKEN = "woken"  # wrap-up or pause is over


S, E = AgentState, AgentEvent

TRANSITIONS: Final[Mapping[tuple[AgentState, AgentEvent], AgentState]] = {
    (S.SIGNED_OUT, E.SIGNED_IN): S.READY,
    (S.SIGNED_OUT, E.SEATED): S.PAUSED,
    (S.SIGNED_OUT, E.CALL_PRESENTED): S.RINGING,  # the fallback rings a phone nobody signed in at
    (S.SIGNED_OUT, E.CALL_ANSWERED): S.TALKING,
    (S.READY, E.SIGNED_OUT): S.SIGNED_OUT,
    (S.READY, E.CALL_PRESENTED): S.RINGING,
    (S.READY, E.CALL_ANSWERED): S.TALKING,  # ringing was not seen (AMI was down, or the fallback was quicker)
    (S.READY, E.PAUSE_ASKED): S.PAUSED,
    (S.RINGING, E.PRESENTATION_LIFTED): S.READY,
    (S.RINGING, E.PRESENTATION_MISSED): S.PAUSED,
    (S.RINGING, E.CALL_ANSWERED): S.TALKING,
    (S.TALKING, E.CALL_ENDED): S.WRAP_UP,
    (S.TALKING, E.CALL_PRESENTED): S.RINGING,  # AMI is down: see above
    (S.WRAP_UP, E.WOKEN): S.READY,
    (S.WRAP_UP, E.EXTENSION_ASKED): S.WRAP_UP,
    (S.WRAP_UP, E.READY_ASKED): S.READY,
    (S.WRAP_UP, E.PAUSE_ASKED): S.PAUSED,
    (S.WRAP_UP, E.SIGNED_OUT): S.SIGNED_OUT,
    (S.WRAP_UP, E.CALL_PRESENTED): S.RINGING,  # by the fallback
    (S.WRAP_UP, E.CALL_ANSWERED): S.TALKING,
    (S.PAUSED, E.WOKEN): S.READY,
    (S.PAUSED, E.READY_ASKED): S.READY,
    (S.PAUSED, E.PAUSE_ASKED): S.PAUSED,
    (S.PAUSED, E.SIGNED_OUT): S.SIGNED_OUT,
    (S.PAUSED, E.CALL_PRESENTED): S.RINGING,  # by the fallback
    (S.PAUSED, E.CALL_ANSWERED): S.TALKING,
}

# Expected, without effect. The value says how such an event can arrive here.
IGNORED: Final[Mapping[tuple[AgentState, AgentEvent], str]] = {
    (S.SIGNED_OUT, E.SIGNED_OUT): "the phone is told unreachable twice",
    (S.SIGNED_OUT, E.CALL_ENDED): "the phone went away with its call",
    (S.SIGNED_OUT, E.PRESENTATION_LIFTED): "the phone went away while it rang",
    (S.SIGNED_OUT, E.PRESENTATION_MISSED): "the phone went away while it rang",
    (S.SIGNED_OUT, E.READY_ASKED): "asked before signing in; the caller of this is told",
    (S.SIGNED_OUT, E.PAUSE_ASKED): "asked before signing in; the caller of this is told",
    (S.SIGNED_OUT, E.EXTENSION_ASKED): "asked before signing in; the caller of this is told",
    (S.SIGNED_OUT, E.WOKEN): "signed out before the time was over",
    (S.READY, E.SIGNED_IN): "the phone registers again",
    (S.READY, E.SEATED): "asked again",
    (S.READY, E.READY_ASKED): "is so already",
    (S.READY, E.EXTENSION_ASKED): "the wrap-up is over; the caller of this is told",
    (S.READY, E.CALL_ENDED): "told by AGI and by AMI",
    (S.READY, E.PRESENTATION_LIFTED): "told by AGI and by AMI",
    (S.READY, E.WOKEN): "an old timer",
    (S.RINGING, E.SIGNED_IN): "the phone registers again",
    (S.RINGING, E.SEATED): "asked again",
    (S.RINGING, E.EXTENSION_ASKED): "the wrap-up is over; the caller of this is told",
    (S.RINGING, E.CALL_PRESENTED): "the fallback rings a phone that rings",
    (S.RINGING, E.CALL_ENDED): "the end of an earlier talk, told late",
    (S.RINGING, E.WOKEN): "an old timer",
    (S.TALKING, E.SIGNED_IN): "the phone registers again",
    (S.TALKING, E.SEATED): "asked again",
    (S.TALKING, E.EXTENSION_ASKED): "the wrap-up is still to come; the caller of this is told",
    (S.TALKING, E.CALL_ANSWERED): "told twice",
    (S.TALKING, E.PRESENTATION_LIFTED): "answered in the last instant of ringing",
    (S.TALKING, E.PRESENTATION_MISSED): "answered in the last instant of ringing",
    (S.TALKING, E.READY_ASKED): "asked while talking: the wish to pause afterwards is taken back",
    (S.TALKING, E.WOKEN): "an old timer",
    (S.WRAP_UP, E.SIGNED_IN): "the phone registers again",
    (S.WRAP_UP, E.SEATED): "asked again",
    (S.WRAP_UP, E.CALL_ENDED): "told by AGI and by AMI",
    (S.WRAP_UP, E.PRESENTATION_LIFTED): "told late",
    (S.PAUSED, E.SIGNED_IN): "the phone registers again",
    (S.PAUSED, E.SEATED): "asked again",
    (S.PAUSED, E.EXTENSION_ASKED): "the wrap-up is over; the caller of this is told",
    (S.PAUSED, E.CALL_ENDED): "told late",
    (S.PAUSED, E.PRESENTATION_LIFTED): "told by AGI and by AMI",
    (S.PAUSED, E.PRESENTATION_MISSED): "told by AGI and by AMI",
}

# Signing out or pausing while busy with a caller is a wish for afterwards.
LATER: Final = frozenset(
    {(S.RINGING, E.SIGNED_OUT), (S.TALKING, E.SIGNED_OUT), (S.RINGING, E.PAUSE_ASKED), (S.TALKING, E.PAUSE_ASKED)}
)


@quickly_replaced
class Agent(NamedTuple):
    """One agent's shift. Times are the engine's monotonic clock."""

    id: str
    seat_id: str | None = None
    state: AgentState = AgentState.SIGNED_OUT
    since: float = 0.0
    wake_at: float | None = None
    reason: str = ""
    call_id: str | None = None
    misses: int = 0  # ring-outs in a row
    extended: bool = False  # this wrap-up
    idle_since: float = 0.0  # end of the last talk, or sign-in
    wish: AgentEvent | None = None  # SIGNED_OUT or PAUSE_ASKED, once the caller is done
    wish_reason: str = ""


def step(agent: Agent, event: AgentEvent, now: float, *, reason: str = "", limit_s: float | None = None) -> Agent:
    """The agent after the event. `limit_s`: how long a timed state (wrap-up, pause) lasts; None: until an act ends it.

    Raises:
        IllegalTransition: the event cannot happen in this state.
    """
    key = (agent.state, event)
    if key in LATER:
        return agent._replace(wish=event, wish_reason=reason)
    if key in IGNORED:
        return agent._replace(wish=None) if event in (E.READY_ASKED, E.SIGNED_IN, E.SEATED) else agent
    try:
        state = TRANSITIONS[key]
    except KeyError:
        raise IllegalTransition("agent", event, agent.state) from None
    if event is E.EXTENSION_ASKED:
        return _extended(agent)
    wake_at = None if limit_s is None else now + limit_s
    return agent._replace(state=state, since=now, wake_at=wake_at, reason=reason, extended=False)


def _extended(agent: Agent) -> Agent:
    """The same wrap-up for its own length longer, once."""
    if agent.extended or agent.wake_at is None:
        return agent
    return agent._replace(wake_at=2 * agent.wake_at - agent.since, extended=True)
