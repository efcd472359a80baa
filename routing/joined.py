"""A call that is joined with others: who is where, and the life of it as a machine.

TALKING       caller and agent, nobody else; in the bridge of the answer or, after an act, in the call's conference.
DIALING       the same (or the caller is on hold), and a third party is being dialled. Nobody has been moved.
EMERGENCY     the same, and the third party is an emergency centre: the caller is never on hold.
GATHERING     people are being moved: the caller to conference or hold, the agent to the conference. Has a deadline.
HELD          the caller is on hold, the agent alone in the conference.
CONSULTING    agent and third party in the conference, the caller on hold.
THREE_WAY     all of them in the conference.
HANDING_OVER  the agent is gone while the third party is still being dialled: the caller hears ringing.
HANDED_OVER   caller and third party in the conference, no agent.
RETURNING     nobody helps any more: the dialplan takes the caller back, and asks us whether it was a goodbye.

The state follows from the facts (`state_of`): where caller and agent are, which third parties there are, and whether a
move is under way. Facts come as events from Asterisk; `TRANSITIONS` says which changes can happen, all others are counted
as a picture that differs from the switch. After a restart the facts are read from Asterisk, and with them the state.

Source: design §5, clauses T9 to T12. Diagram: docs/state-machines/joined.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from routing.records import quickly_replaced
from routing.targets import Route, Target


class JoinState(StrEnum):
    TALKING = "talking"
    DIALING = "dialing"
    EMERGENCY = "emergency"
    GATHERING = "gathering"
    HELD = "held"
    CONSULTING = "consulting"
    THREE_WAY = "three_way"
    HANDING_OVER = "handing_over"
    HANDED_OVER = "handed_over"
    RETURNING = "returning"


class Verb(StrEnum):
    CONSULT = "consult"  # agent and third talk, the caller hears music
    THREE_WAY = "three_way"  # at once all three
    BLIND = "blind"  # the agent leaves as soon as the third has answered
    EMERGENCY = "emergency"
    MERGE = "merge"  # after consult: all three
    TRANSFER = "transfer"  # the agent leaves, the others stay
    RETURN = "return"  # the third leaves, or is not dialled any more
    HOLD = "hold"
    RESUME = "resume"


ALONE: Final = 0  # number of the act in which the dialplan alone calls an emergency centre (`routing.alone`)
DIALS: Final = frozenset({Verb.CONSULT, Verb.THREE_WAY, Verb.BLIND, Verb.EMERGENCY})  # they need a target

S, V = JoinState, Verb

# In which state an act may be asked for.
LEGAL: Final[Mapping[Verb, frozenset[JoinState]]] = {
    V.CONSULT: frozenset({S.TALKING, S.HELD}),
    V.THREE_WAY: frozenset({S.TALKING, S.HELD}),
    V.BLIND: frozenset({S.TALKING, S.HELD}),
    V.EMERGENCY: frozenset({S.TALKING, S.DIALING, S.HELD, S.CONSULTING, S.THREE_WAY}),
    V.MERGE: frozenset({S.CONSULTING}),
    V.TRANSFER: frozenset({S.CONSULTING, S.THREE_WAY}),
    V.RETURN: frozenset({S.DIALING, S.EMERGENCY, S.CONSULTING, S.THREE_WAY}),
    V.HOLD: frozenset({S.TALKING, S.THREE_WAY}),
    V.RESUME: frozenset({S.HELD}),
}

_SETTLED: Final = frozenset({S.TALKING, S.HELD, S.CONSULTING, S.THREE_WAY, S.HANDED_OVER, S.RETURNING})

TRANSITIONS: Final[Mapping[JoinState, frozenset[JoinState]]] = {
    S.TALKING: frozenset(
        {S.DIALING, S.EMERGENCY, S.GATHERING, S.RETURNING, S.HELD}
    ),  # the last by a move that was late
    S.DIALING: frozenset({S.EMERGENCY, S.GATHERING, S.THREE_WAY, S.CONSULTING, S.HANDING_OVER}) | _SETTLED,
    S.EMERGENCY: frozenset({S.GATHERING, S.HANDING_OVER}) | _SETTLED,
    S.GATHERING: frozenset({S.DIALING, S.EMERGENCY, S.HANDING_OVER}) | _SETTLED,
    S.HELD: frozenset({S.DIALING, S.EMERGENCY, S.GATHERING, S.TALKING, S.RETURNING}),
    S.CONSULTING: frozenset({S.EMERGENCY, S.GATHERING, S.HELD, S.THREE_WAY, S.HANDED_OVER, S.RETURNING}),
    S.THREE_WAY: frozenset({S.EMERGENCY, S.GATHERING, S.TALKING, S.CONSULTING, S.HANDED_OVER, S.RETURNING}),
    S.HANDING_OVER: frozenset({S.GATHERING, S.HANDED_OVER, S.RETURNING}),
    S.HANDED_OVER: frozenset({S.TALKING, S.THREE_WAY, S.RETURNING, S.GATHERING, S.HANDING_OVER}),
    S.RETURNING: frozenset({S.HANDED_OVER, S.GATHERING}),
}


class Place(StrEnum):
    """Where a leg is. Of the caller: bridge, room, hold, wait; of the agent: bridge, room, gone."""

    BRIDGE = "bridge"  # of caller and agent, as Dial made it
    ROOM = "room"  # the call's conference
    HOLD = "hold"
    WAIT = "wait"  # rings for a third party, without an agent
    AWAY = "away"  # of the caller: elsewhere in the dialplan
    GONE = "gone"  # of the agent: no leg


@quickly_replaced
class Third(NamedTuple):
    """One leg to a third party. Times are the engine's monotonic clock."""

    act: int
    leg: int
    asked: float
    seat_id: str | None = None  # the third party is an agent at this seat
    agent_id: str | None = None
    emergency: bool = False
    sounded: bool = False  # 180 or 183 was heard
    answered: bool = False
    joined: bool = False
    joined_at: float = 0.0
    late: bool = False  # the next route has been dialled beside it
    dropped: bool = False  # we have asked for its end
    target: Target | None = None  # None: dialled before a restart of ours

    @property
    def key(self) -> str:
        """Its name on the channel: "<act>.<leg>", with an "e" behind it for an emergency centre."""
        return f"{self.act}.{self.leg}{'e' if self.emergency else ''}"


@quickly_replaced
class Act(NamedTuple):
    """What was asked for and is not done yet. `until`: monotonic; nothing of it lasts longer."""

    no: int
    verb: Verb
    target: Target | None
    by: str
    until: float
    routes: tuple[Route, ...] = ()  # not tried yet
    tried: int = 0
    avoid: frozenset[str] = frozenset()  # agents that were tried
    failed: str = ""  # how the last route ended
    case: str = ""  # id of a case, for who gets the citizen's number too
    alone: bool = False  # the dialplan's own: it dials and moves people by itself, we watch


@quickly_replaced
class Joined(NamedTuple):
    """`goal`: where the caller is being moved to; None: nobody is moved."""

    call_id: str
    state: JoinState = JoinState.TALKING
    caller: Place = Place.BRIDGE
    agent: Place = Place.BRIDGE
    thirds: tuple[Third, ...] = ()
    act: Act | None = None
    acts: int = 0
    goal: Place | None = None
    goal_until: float = 0.0
    moves: int = 0  # tries of the present move
    agent_key: str = ""  # the agent came as a third party: the key of his leg
    released: bool = False  # the agent's leg was asked to end: he has handed the call over
    reached: Act | None = None  # the last emergency: its centre has answered; with the routes that were not needed
    alone_told: float = 0.0  # when the last emergency of the dialplan alone was asked for, of those in the records
    said_goodbye: bool = False  # the last who helped was an agent, and hung up by himself
    from_music: bool = False  # the dialplan took the caller back from hold, before we were told who had left

    def afresh(self) -> Joined:
        """For another talk of the same caller: nothing of this one is left but what the records know of it."""
        return Joined(self.call_id, acts=self.acts, alone_told=self.alone_told)

    @property
    def in_music(self) -> bool:
        """The caller hears nobody, and nobody's goodbye, or did when the dialplan took him back."""
        return self.caller is Place.HOLD or self.from_music

    def third(self, key: str) -> Third | None:
        return next((third for third in self.thirds if third.key == key), None)

    @property
    def there(self) -> tuple[Third, ...]:
        """Third parties in the conference, and not asked to leave it."""
        return tuple(third for third in self.thirds if third.joined and not third.dropped)

    @property
    def dialled(self) -> tuple[Third, ...]:
        """Third parties still being dialled."""
        return tuple(third for third in self.thirds if not third.joined and not third.dropped)

    @property
    def emergency(self) -> bool:
        """An emergency centre is being dialled or on the line: no hold, no limit, no pause of the recording."""
        return any(third.emergency for third in self.thirds) or (self.act is not None and self.act.verb is V.EMERGENCY)


def state_of(joined: Joined) -> JoinState:
    """The state that follows from the facts."""
    if joined.goal is not None:
        return S.GATHERING
    if joined.act is not None and joined.act.verb in DIALS and not joined.there:
        if joined.agent is Place.GONE:
            return S.HANDING_OVER
        return S.EMERGENCY if joined.act.verb is V.EMERGENCY else S.DIALING
    if joined.agent is Place.GONE:
        return S.HANDED_OVER if joined.there else S.RETURNING
    if joined.act is not None and joined.act.verb is V.EMERGENCY and not any(third.emergency for third in joined.there):
        return S.EMERGENCY
    if joined.caller is Place.HOLD:
        return S.CONSULTING if joined.there else S.HELD
    return S.THREE_WAY if joined.there else S.TALKING
