"""What happened, past tense. All that the engine ever learns comes as one of these, one at a time, in order.

`at` is epoch seconds by the clock of whoever saw it first (Asterisk's for AMI events).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from routing.joined import Verb
from routing.model import DeviceState, Rules, Surge
from routing.outbound import Outbound, OutEvent, OutKind
from routing.probe import Probe, ProbeEvent
from routing.restrictions import Restriction
from routing.targets import Target
from routing.workdays import Workdays

# -- from FastAGI ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallHeld:
    """A caller's `/route` session is open: we may decide. First arrival, or back from an unsuccessful presentation."""

    call_id: str
    session: int  # the shell's handle of this AGI session; a later session of the same call replaces it
    number: str  # dialled
    arrived_at: float
    trunk: str = ""
    emergency: bool = False
    caller_ref: str | None = None  # HMAC of the normalised number; None: withheld
    caller_sealed: str | None = None  # encrypted number, opaque here
    last_presentation: str | None = None
    last_status: str = ""  # DIALSTATUS of it as the dialplan saw it, or GUARD; "" at first arrival
    noticed: bool = False  # already answered into the notice
    caller_blocks: tuple[str, ...] = ()  # references of the blocks of numbers it lies in; none: a service number
    heard: bool = False  # the dialplan has played the notice to a rejected caller
    case: str = ""  # id of the case it is about, or `cases.UNREADABLE`
    test: str = ""  # the test call whose mark it carries


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """An AGI session ended before we decided: caller gone, lease ran out, or moved. No proof of a hang-up."""

    call_id: str
    session: int
    reason: str = ""  # how it ended: hangup, eof, ...


@dataclass(frozen=True, slots=True)
class DecisionRefused:
    """Asterisk did not take our decision, or the session ended before it could: nothing rings."""

    call_id: str
    session: int | None = None


@dataclass(frozen=True, slots=True)
class GoodbyeAsked:
    """The agent's leg ended first; the dialplan asks (`/after`, lease 2 s): was it a goodbye or was the leg lost?"""

    call_id: str
    session: int
    seat_id: str


# -- from AMI, through the tracker -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallSeen:
    """UserEvent HotlineArrival: the call exists, whether or not an AGI session ever reaches us."""

    call_id: str
    number: str
    arrived_at: float  # Newchannel's timestamp when known, else the dialplan's stamp
    trunk: str = ""
    emergency: bool = False
    caller_ref: str | None = None
    caller_sealed: str | None = None
    caller_number: str = field(default="", repr=False)  # as Asterisk has it; the shell seals and clears it
    caller_blocks: tuple[str, ...] = ()
    case: str = ""
    test: str = ""


@dataclass(frozen=True, slots=True)
class SeatDialing:
    call_id: str
    seat_id: str
    at: float


@dataclass(frozen=True, slots=True)
class SeatRinging:
    call_id: str
    seat_id: str
    at: float


@dataclass(frozen=True, slots=True)
class SeatPickedUp:
    """The telephone of a remote seat was picked up: by its agent, who is asked for the key, or by a mailbox."""

    call_id: str
    seat_id: str
    at: float


@dataclass(frozen=True, slots=True)
class SeatDialEnded:
    """DialEnd: `status` is Asterisk's DialStatus (ANSWER BUSY NOANSWER CANCEL CHANUNAVAIL CONGESTION ...)."""

    call_id: str
    seat_id: str
    status: str
    at: float


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """Caller and agent are in one bridge: the answer time ends here."""

    call_id: str
    seat_id: str
    at: float


@dataclass(frozen=True, slots=True)
class AgentLegEnded:
    """The agent's leg is gone after an answer. `lost`: no goodbye (no HangupRequest by the phone, cause 44)."""

    call_id: str
    seat_id: str
    lost: bool
    at: float


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The caller's channel is gone. `by` is who ended it: caller, agent, pbx, unknown.

    `crossed`: the caller gave up in the instant of the answer: caller and agent were in one bridge, but his own phone may
    have seen no answer.
    """

    call_id: str
    at: float
    cause: int
    by: str
    crossed: bool = False


@dataclass(frozen=True, slots=True)
class CallerPlaced:
    """The caller's leg of a joined call arrived: `place` is a `joined.Place` (room, hold, wait)."""

    call_id: str
    place: str
    at: float


@dataclass(frozen=True, slots=True)
class AgentPlaced:
    """The agent's leg is in the conference of the call."""

    call_id: str
    seat_id: str
    at: float


@dataclass(frozen=True, slots=True)
class ThirdRinging:
    """A leg to a third party gives a sound. `key`: "<act>.<leg>"."""

    call_id: str
    key: str
    at: float


@dataclass(frozen=True, slots=True)
class ThirdAnswered:
    call_id: str
    key: str
    at: float


@dataclass(frozen=True, slots=True)
class ThirdJoined:
    """It is in the conference of the call."""

    call_id: str
    key: str
    at: float


@dataclass(frozen=True, slots=True)
class ThirdEnded:
    """`cause`: Asterisk's; None when there never was a channel. `lost`: it went without a word."""

    call_id: str
    key: str
    at: float
    cause: int | None
    lost: bool


@dataclass(frozen=True, slots=True)
class OutboundMoved:
    """What became of an outbound call. `at`: None: just now. `cause`: Asterisk's, where something ended; None when there
    never was a channel."""

    out_id: str
    what: OutEvent
    at: float | None
    cause: int | None = None


@dataclass(frozen=True, slots=True)
class OutboundNoted:
    """The dialplan's own note of an outbound call whose agent had picked up, for what nobody told us.

    Read before a picture. `cause`: why the citizen was not reached.
    """

    out_id: str
    dialled_at: float | None
    answered_at: float | None
    ended_at: float
    cause: int | None = None


@dataclass(frozen=True, slots=True)
class CodeDialled:
    """UserEvent HotlineAct: a feature code on the phone of an agent, or of an expert in the conference. The shell makes a
    `JoinAsked` of it; the engine never gets it.

    `verb`: a `joined.Verb`, or the number of an emergency service. `value`: digits that name a target.
    """

    call_id: str
    leg: str  # uniqueid of the leg that asks, for the tone
    seat_id: str
    verb: str
    value: str
    at: float


@dataclass(frozen=True, slots=True)
class EmergencyAlone:
    """UserEvent HotlineEmergency: the dialplan calls an emergency centre by itself. `state`: dialled, route (the next, from
    1), joined, failed. `asked_at` tells one such call of a caller from the next. `noted`: it is the dialplan's note of a
    failure, read before a picture, for one that nobody told us.
    """

    call_id: str
    number: str
    asked_at: float
    state: str
    route: int
    at: float
    noted: bool = False


@dataclass(frozen=True, slots=True)
class FallbackUsed:
    """UserEvent HotlineFallback: the dialplan alone is finding a person. `stage`: seats, queue, telephone."""

    call_id: str
    stage: str
    at: float


@dataclass(frozen=True, slots=True)
class TrunkStateChanged:
    """Of a trunk to emergency centres: whether its other end answers."""

    trunk: str
    up: bool


@dataclass(frozen=True, slots=True)
class SeatStateChanged:
    seat_id: str
    state: DeviceState
    at: float


@dataclass(frozen=True, slots=True)
class AmiLost:
    """The link is down: from here on nothing seen before is certain."""


@dataclass(frozen=True, slots=True)
class SeenThird:
    """A leg to a third party of a rebuilt picture."""

    key: str
    joined: bool
    sounded: bool
    seat_id: str | None = None


@dataclass(frozen=True, slots=True)
class SeenAlone:
    """An emergency of the dialplan alone in a rebuilt picture. `dials`: its routes are being tried, or people moved."""

    number: str
    asked_at: float
    dials: bool


@dataclass(frozen=True, slots=True)
class SeenCall:
    """One call of a rebuilt picture. `seat_id` with `answered_at`: it talks; `ringing` seats ring for it now.

    `place` and `agent_place`: `joined.Place` of the caller and of the agent; `act`: the stamp of an act, "" when there was
    none; `alone`: an emergency centre that the dialplan has called by itself.
    """

    call_id: str
    number: str
    arrived_at: float
    answered_at: float | None = None
    seat_id: str | None = None
    bridged: bool = False
    ringing: tuple[str, ...] = ()
    place: str = "bridge"
    agent_place: str = "bridge"
    thirds: tuple[SeenThird, ...] = ()
    act: str = ""
    alone: SeenAlone | None = None
    trunk: str = ""
    emergency: bool = False
    case: str = ""
    test: str = ""


@dataclass(frozen=True, slots=True)
class SeenOutbound:
    """One outbound call of a rebuilt picture: how far it is, in order, with the times that the dialplan has stamped."""

    out_id: str
    reached: tuple[tuple[OutEvent, float | None], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole truth as Asterisk tells it after a (re)connect or a reconcile: calls, and the state of every seat."""

    calls: tuple[SeenCall, ...]
    seats: Mapping[str, DeviceState]
    at: float
    outbound: tuple[SeenOutbound, ...] = ()
    probes: frozenset[str] = frozenset()  # test calls whose outside leg is there


@dataclass(frozen=True, slots=True)
class EndNoted:
    """The dialplan's own note of a call that ended, read before a picture: for ends that nobody told us.

    `answered_at` with `seat_id`: the talk it ended in. `by`: caller or agent.
    """

    call_id: str
    number: str
    arrived_at: float
    ended_at: float
    by: str
    cause: int | None = None
    answered_at: float | None = None
    seat_id: str = ""
    trunk: str = ""
    emergency: bool = False
    case: str = ""
    test: str = ""


# -- from the shell ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RememberedCall:
    """A call that the records know as not ended, told at start so that nothing is recorded twice."""

    call_id: str
    number: str
    arrived_at: float
    last_seq: int
    judged: bool
    answered_at: float | None = None
    seat_id: str | None = None
    trunk: str = ""
    emergency: bool = False
    caller_ref: str | None = None
    case: str = ""
    test: bool = False


@dataclass(frozen=True, slots=True)
class LeftCall:
    """Somebody who gave up lately: who dials again soon keeps his place."""

    caller_ref: str
    number: str
    trunk: str
    arrived_at: float
    left_at: float


@dataclass(frozen=True, slots=True)
class Remembered:
    calls: tuple[RememberedCall, ...]
    signed_in: Mapping[str, str] = field(
        default_factory=dict
    )  # agent id -> seat id; phones are corrected by the picture
    paused: Mapping[str, str] = field(default_factory=dict)  # of those: agent id -> reason
    spoke: Mapping[str, tuple[str, float]] = field(
        default_factory=dict
    )  # caller_ref -> (agent id, epoch), oldest first
    left: tuple[LeftCall, ...] = ()  # in the order of their arrivals
    since: float = math.inf  # calls that ended later may have passed unseen
    ended: frozenset[str] = frozenset()  # those of them that the records know all the same
    outbound: tuple[Outbound, ...] = ()  # not ended
    probes: tuple[Probe, ...] = ()  # not ended


@dataclass(frozen=True, slots=True)
class DecisionsAllowed:
    """The picture is rebuilt (or the wait for it is over): from now on the engine may present."""


@dataclass(frozen=True, slots=True)
class DecisionsHeld:
    """The loop stalled for longer than half a lease: nothing is decided until the sockets are drained."""


@dataclass(frozen=True, slots=True)
class AgentSignedIn:
    agent_id: str
    seat_id: str


@dataclass(frozen=True, slots=True)
class AgentSignedOut:
    agent_id: str


@dataclass(frozen=True, slots=True)
class AgentPaused:
    agent_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AgentReady:
    agent_id: str


@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    """Asked for by the agent: the wrap-up lasts for its own length longer, once."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class JoinAsked:
    """An act on a call in progress. `by`: agent id or name of a token; `via`: desk, api, phone, dialplan."""

    call_id: str
    verb: Verb
    by: str
    via: str
    target: Target | None = None
    case: str = ""


@dataclass(frozen=True, slots=True)
class JoinRefused:
    """An act that was refused before it had a target: for the story of the call alone. `closed`: out of its hours."""

    call_id: str
    verb: Verb
    by: str
    via: str
    kind: str
    target: str
    case: str
    reason: str
    closed: bool


@dataclass(frozen=True, slots=True)
class OutboundAsked:
    """An agent is to call a citizen. `dial`: Asterisk's dial string with the number, which nobody else is told."""

    out_id: str
    kind: OutKind
    agent_id: str
    line: str
    dial: str = field(repr=False)
    case: str = ""
    callback: int | None = None
    by: str = ""
    caller_ref: str | None = None  # of the citizen of a call-back


@dataclass(frozen=True, slots=True)
class CallbackOffered:
    """This citizen is to be called, by whichever agent can be spared; nothing happens when none can. See `routing.pacing`.

    `owed_at`: since when (epoch); who has spoken to a person after that is called no more. None: he was promised a call.
    """

    out_id: str
    callback: int
    line: str
    dial: str = field(repr=False)
    caller_ref: str
    owed_at: float | None = None
    case: str = ""


@dataclass(frozen=True, slots=True)
class ProbeAsked:
    """A test call to a line. `dial`: Asterisk's dial string, through the trunk that is for it."""

    probe_id: str
    number: str
    by: str
    dial: str = field(repr=False)
    slot: str = ""


@dataclass(frozen=True, slots=True)
class ProbeMoved:
    """What became of the outside leg of a test call. `at`: None: just now. `cause` and `sip` of an end."""

    probe_id: str
    what: ProbeEvent
    at: float | None
    cause: int | None = None
    sip: int | None = None


@dataclass(frozen=True, slots=True)
class MoveRefused:
    """Asterisk did not take a redirect."""

    call_id: str


@dataclass(frozen=True, slots=True)
class RecordingHeld:
    """The recording of a call is paused (`paused`) or goes on, and Asterisk has said so."""

    call_id: str
    paused: bool
    reason: str
    by: str  # agent id, or name of the token
    at: float


@dataclass(frozen=True, slots=True)
class RulesChanged:
    rules: Rules


@dataclass(frozen=True, slots=True)
class WorkdaysChanged:
    """The calendar by which rosters tell workdays from holidays."""

    workdays: Workdays


@dataclass(frozen=True, slots=True)
class SurgeDeclared:
    """From now until `surge.until`; another one replaces it."""

    surge: Surge


@dataclass(frozen=True, slots=True)
class SurgeEnded:
    """Before its time, by a person."""

    by: str


@dataclass(frozen=True, slots=True)
class RestrictionsChanged:
    """All restrictions that are in force or will be, instead of those told before."""

    restrictions: tuple[Restriction, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """The moment the engine asked for by `wake_at` has come."""


Event: TypeAlias = (
    CallHeld
    | SessionClosed
    | DecisionRefused
    | GoodbyeAsked
    | CallSeen
    | SeatDialing
    | SeatRinging
    | SeatPickedUp
    | SeatDialEnded
    | CallAnswered
    | AgentLegEnded
    | CallEnded
    | CallerPlaced
    | AgentPlaced
    | EmergencyAlone
    | ThirdRinging
    | ThirdAnswered
    | ThirdJoined
    | ThirdEnded
    | CodeDialled
    | OutboundAsked
    | CallbackOffered
    | OutboundMoved
    | ProbeAsked
    | ProbeMoved
    | OutboundNoted
    | FallbackUsed
    | SeatStateChanged
    | TrunkStateChanged
    | AmiLost
    | Picture
    | EndNoted
    | Remembered
    | DecisionsAllowed
    | DecisionsHeld
    | AgentSignedIn
    | AgentSignedOut
    | AgentPaused
    | AgentReady
    | WrapUpExtended
    | JoinAsked
    | JoinRefused
    | MoveRefused
    | RecordingHeld
    | RulesChanged
    | SurgeDeclared
    | SurgeEnded
    | WorkdaysChanged
    | RestrictionsChanged
    | Tick
)
