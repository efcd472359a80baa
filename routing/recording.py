"""What should be in the recording of a call, told by its steps: when it was written, when paused, and whether it may be.

Asterisk writes the sound of the caller's leg while that is in a bridge, from the first answer on: not while he waits, nor
in music. So a recording is the spans of its call one after the other; a pause is silence of its length within them.

Source: clause T16.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from routing.outbound import Outbound
from routing.steps import Step, StepKind

EMERGENCY: Final = "emergency"  # the verb of an act
_IN_A_BRIDGE: Final = frozenset({"conference"})  # of the places to which a caller is moved


class RecordingOutcome(StrEnum):
    """What became of it; label `outcome` of `hotline_recordings_total`."""

    KEPT = "kept"
    SHORT = "short"  # less than was said
    MISSING = "missing"  # no file, though there could have been one
    UNWRITABLE = "unwritable"  # nothing or less, and the folder takes nothing


@dataclass(frozen=True, slots=True)
class Account:
    """`spans`: (from, to) in epoch seconds. `since`: of the one that is open. `paused_by`: "" while it is not paused.

    `whole`: all of it was seen from the first answer on, so `spans` may be held against the file.
    """

    call_id: str
    answered_at: float | None = None
    ended_at: float | None = None
    spans: tuple[tuple[float, float], ...] = ()
    since: float | None = None
    joined: bool = False  # the caller is in a conference: an agent's leaving does not end the span
    agent_id: str | None = None
    paused_by: str = ""
    emergency: bool = False  # an emergency act was asked for: from then on nothing is left out
    answered: bool = False
    whole: bool = True
    last_seq: int = 0

    @property
    def talked_s(self) -> float:
        return sum(until - since for since, until in self.spans)


def after(account: Account, step: Step) -> Account:
    """The account after one more step of its call."""
    change = _CHANGES.get(step.kind)
    account = change(account, step) if change else account
    return replace(account, last_seq=max(account.last_seq, step.seq))


def held(paused: bool, reason: str, by: str) -> dict[str, Any]:
    """The data of a step that tells of a pause, or of its end."""
    return {"what": "paused" if paused else "resumed", "reason": reason or None, "by": by}


def of_outbound(account: Account, out: Outbound, *, whole: bool) -> Account:
    """The same of a call that an agent placed, which has no steps but those of its pauses: one talk, with one agent.

    `whole`: its end was seen when it came.
    """
    spans = () if out.answered_at is None or out.ended_at is None else ((out.answered_at, out.ended_at),)
    return replace(
        account, answered_at=out.answered_at, ended_at=out.ended_at, spans=spans, agent_id=out.agent_id,
        answered=out.answered_at is not None, whole=whole,
    )  # fmt: skip


def _answered(account: Account, step: Step) -> Account:
    agent = step.data.get("agent")
    first = step.at if account.answered_at is None else account.answered_at
    since = step.at if account.since is None else account.since
    return replace(
        account, answered_at=first, since=since, answered=True, agent_id=None if agent is None else str(agent)
    )


def _closed(account: Account, at: float) -> Account:
    if account.since is None:
        return account
    return replace(account, spans=(*account.spans, (account.since, max(account.since, at))), since=None)


def _talk_ended(account: Account, step: Step) -> Account:
    return replace(account if account.joined else _closed(account, step.at), agent_id=None)


def _moved(account: Account, step: Step) -> Account:
    joined = step.data.get("to") in _IN_A_BRIDGE
    account = replace(account, joined=joined)
    if not joined:
        return _closed(account, step.at)
    return replace(account, since=step.at) if account.since is None and account.answered else account


def _requeued(account: Account, step: Step) -> Account:
    return replace(_closed(account, step.at), joined=False, agent_id=None)


def _ended(account: Account, step: Step) -> Account:
    answered = account.answered or step.data.get("outcome") == "answered"
    return replace(_closed(account, step.at), ended_at=step.at, answered=answered)


def _told(account: Account, step: Step) -> Account:
    what = step.data.get("what")
    if what == "paused":
        return replace(account, paused_by=str(step.data.get("by") or "unknown"))
    return replace(account, paused_by="") if what == "resumed" else account


def _act_asked(account: Account, step: Step) -> Account:
    return replace(account, emergency=account.emergency or step.data.get("verb") == EMERGENCY)


_CHANGES: Final[Mapping[StepKind, Callable[[Account, Step], Account]]] = {
    StepKind.ANSWERED: _answered,
    StepKind.TALK_ENDED: _talk_ended,
    StepKind.AGENT_LEFT: lambda account, step: replace(account, agent_id=None),
    StepKind.CALLER_MOVED: _moved,
    StepKind.REQUEUED: _requeued,
    StepKind.ENDED: _ended,
    StepKind.RECORDING: _told,
    StepKind.ACT_ASKED: _act_asked,
    StepKind.RECOVERED: lambda account, step: replace(account, whole=False),
}
