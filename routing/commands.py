"""What should happen, imperative. The engine returns these; the shell carries them out and reports by event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from routing.model import Surge
from routing.outbound import Outbound
from routing.probe import Probe
from routing.steps import Step


@dataclass(frozen=True, slots=True)
class PresentCall:
    """Decide on the caller's own AGI session: ring these seats for `ring_s`; void when not begun by `deadline_at`."""

    call_id: str
    session: int
    presentation: str
    seat_ids: tuple[str, ...]
    ring_s: float
    deadline_at: float  # epoch seconds, same machine clock as the dialplan
    talk_limit_s: float | None = None  # the talk ends by itself after this ...
    warning_s: float = 0.0  # ... and so long before the agent hears a tone


@dataclass(frozen=True, slots=True)
class Inform:
    """The caller is rejected: play the notice with the emergency numbers, unanswered, then ask again."""

    call_id: str
    session: int
    deadline_at: float


@dataclass(frozen=True, slots=True)
class Dismiss:
    """The rejected caller has heard the notice, and his entry says that the call ends then."""

    call_id: str
    session: int
    deadline_at: float


@dataclass(frozen=True, slots=True)
class AnswerIntoNotice:
    """The carrier would end the ringing: answer into the short notice and music, then ask again (design §2)."""

    call_id: str
    session: int
    deadline_at: float


@dataclass(frozen=True, slots=True)
class SendToFallback:
    """We cannot serve this call (unknown line after a reload, own bug): the dialplan alone takes it to a person."""

    call_id: str
    session: int
    deadline_at: float


@dataclass(frozen=True, slots=True)
class SayGoodbye:
    """Answer to `GoodbyeAsked`: it was a goodbye, end the call."""

    call_id: str
    session: int


@dataclass(frozen=True, slots=True)
class BringBack:
    """Answer to `GoodbyeAsked`: the leg was lost, the caller goes back to routing at the head of the queue."""

    call_id: str
    session: int


@dataclass(frozen=True, slots=True)
class AwaitThird:
    """Answer to `GoodbyeAsked`: a third party is being dialled for the caller, who waits for it."""

    call_id: str
    session: int


Answer: TypeAlias = type[SayGoodbye] | type[BringBack] | type[AwaitThird]
ANSWERS: Final[Mapping[Answer, str]] = {
    SayGoodbye: "goodbye",
    BringBack: "back",
    AwaitThird: "wait",
}  # as steps tell it


@dataclass(frozen=True, slots=True)
class DropLeg:
    """Hang up the agent's leg that does not ring: the caller comes back at once instead of after the ring time."""

    call_id: str
    seat_id: str


@dataclass(frozen=True, slots=True)
class StampAct:
    """Writes on the caller's channel what is under way: "<verb>:<act>:<until, epoch s>:<target>"."""

    call_id: str
    value: str


@dataclass(frozen=True, slots=True)
class DialThird:
    """Dial a third party into the conference of the call: by `dial`, or at a seat of ours through its guard. `case`: id of
    the case that it is told; "" for none."""

    call_id: str
    key: str
    dial: str | None
    seat_id: str | None
    rings_s: float
    shows_caller: bool
    case: str = ""


@dataclass(frozen=True, slots=True)
class DropThird:
    """End the leg to a third party, whether it rings or talks."""

    call_id: str
    key: str


@dataclass(frozen=True, slots=True)
class StopAlone:
    """The dialplan calls no further route to an emergency centre by itself; legs that ring are ended one by one."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Gather:
    """Move the caller to the conference, or on hold; with the agent, who goes to the conference, in one act of Asterisk."""

    call_id: str
    hold: bool
    with_agent: bool


@dataclass(frozen=True, slots=True)
class DropAgent:
    """The agent has handed the call over. `key`: of his leg when he came as a third party, else ""."""

    call_id: str
    key: str


class Tone(StrEnum):
    """What an agent hears, and he alone."""

    DONE = "done"
    FAILED = "failed"  # for a reason without a tone of its own
    BUSY = "busy"  # the third party is engaged, or refuses
    NO_ANSWER = "no-answer"
    NOT_REACHED = "not-reached"
    LEFT = "left"  # the third party has hung up
    ALARM = "alarm"  # no emergency centre is reached: nobody is coming, stay with the caller


@dataclass(frozen=True, slots=True)
class TellAgent:
    """A tone in the agent's ear. `key`: of his leg when he came as a third party, else ""."""

    call_id: str
    tone: Tone
    key: str = ""


@dataclass(frozen=True, slots=True)
class RaiseAlarm:
    """An emergency centre is not reached: told until somebody acknowledges it."""

    call_id: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class DialOut:
    """Ring the seat through its guard; who answers there is joined with the citizen, who is shown the line's number."""

    out_id: str
    seat_id: str
    agent_rings_s: float
    rings_s: float
    line: str
    dial: str = field(repr=False)
    shown: str = ""  # on the agent's phone, beside the number of the line


@dataclass(frozen=True, slots=True)
class DropOutbound:
    """End an outbound call, however far it is."""

    out_id: str


@dataclass(frozen=True, slots=True)
class WriteOutbound:
    """An outbound call as it is now, for journal, metrics and log; each replaces the one before."""

    outbound: Outbound


@dataclass(frozen=True, slots=True)
class DialProbe:
    """Open the door to one test call of this line, and dial it from outside. `dial`: Asterisk's dial string."""

    probe_id: str
    number: str
    rings_s: float
    dial: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DropProbe:
    """End the outside leg of a test call, however far it is."""

    probe_id: str


@dataclass(frozen=True, slots=True)
class CloseProbe:
    """The test call is over: whoever comes now is a citizen."""

    probe_id: str


@dataclass(frozen=True, slots=True)
class WriteProbe:
    """A test call as it is now, for journal, metrics and log; each replaces the one before."""

    probe: Probe


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Our picture of a call is doubtful: a new one at once."""


@dataclass(frozen=True, slots=True)
class WriteStep:
    """For journal, metrics and log."""

    step: Step


@dataclass(frozen=True, slots=True)
class WriteSignIn:
    """An agent's state changed: for `agent_periods` and for the next start of the service."""

    agent_id: str
    seat_id: str | None
    state: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class TellSurge:
    """A surge began (`surge`) or is over (None). `by`: whose act it was, or "expiry"."""

    surge: Surge | None
    by: str


Command: TypeAlias = (
    PresentCall
    | Inform
    | Dismiss
    | AnswerIntoNotice
    | SendToFallback
    | SayGoodbye
    | BringBack
    | AwaitThird
    | DropLeg
    | StampAct
    | DialThird
    | DropThird
    | StopAlone
    | Gather
    | DropAgent
    | TellAgent
    | RaiseAlarm
    | DialOut
    | DropOutbound
    | WriteOutbound
    | DialProbe
    | DropProbe
    | CloseProbe
    | WriteProbe
    | LookAgain
    | WriteStep
    | WriteSignIn
    | TellSurge
)
