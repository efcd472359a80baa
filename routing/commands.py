"""What should happen, imperative. The engine returns these; the shell carries them out and reports by event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from routing.model import Surge
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
class DropLeg:
    """Hang up the agent's leg that does not ring: the caller comes back at once instead of after the ring time."""

    call_id: str
    seat_id: str


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
    | DropLeg
    | WriteStep
    | WriteSignIn
    | TellSurge
)
