"""What the work-order platform is told of calls, as pure functions of rows: which facts, and their ids.

An id is made of what the event tells, never drawn anew: rows that are written once more after a death, or after the
database came back from a backup, are the same events to the receiver. It holds no full stop: that parts the signed text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from routing.judging import is_test
from routing.outbound import Outbound
from storage.fold import Row, milliseconds

if TYPE_CHECKING:
    from storage.intake import IntakeRow

CALL_ENDED: Final = "hotline.call.ended"
CALL_RECORDING: Final = "hotline.call.recording"
INTAKE_RECORDED: Final = "hotline.intake.recorded"
OUTBOUND_ENDED: Final = "hotline.outbound.ended"

_OF_CALL: Final = (
    "number", "line", "trunk", "emergency", "caller_ref", "arrived_ms", "answered_ms", "ended_ms", "wait_ms", "talk_ms",
    "seat_id", "agent_id", "answered_by", "presented", "requeued", "fallback_stage", "judged", "outcome", "ended_by",
    "flags", "case_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One thing to tell. `body` is JSON without anything personal but `caller_ref`."""

    event: str
    call_id: str
    type: str
    body: Mapping[str, Any]
    made_ms: int
    intake: int | None = None


def call_events(before: Row | None, now: Row) -> Iterator[Event]:
    """What a row of `calls` tells that it did not tell before. Of test calls nothing."""
    if is_test(now["judged"]):
        return
    if now["ended_ms"] is not None and (before is None or before["ended_ms"] is None):
        body = {"call": now["call_id"], **{key: now[key] for key in _OF_CALL}}
        yield Event(_id("ended", now["call_id"]), now["call_id"], CALL_ENDED, body, now["ended_ms"])
    if _recording(now) is not None and (before is None or _recording(before) is None):
        body = {"call": now["call_id"], "recording": now["recording"]}
        yield Event(_id("recording", now["call_id"]), now["call_id"], CALL_RECORDING, body, now["ended_ms"])


def _recording(row: Row) -> str | None:
    """What became of the recording of a call that is over; it is known some tenths of a second after the end."""
    return None if row["ended_ms"] is None else row["recording"]


def outbound_event(out: Outbound) -> Event | None:
    """A call that an agent placed; None while it lasts."""
    if out.ended_at is None:
        return None
    body = {
        "call": out.id, "kind": out.kind.value, "case_id": out.case, "callback": out.callback, "agent_id": out.agent_id,
        "seat_id": out.seat_id, "line": out.line, "asked_ms": milliseconds(out.asked_at),
        "answered_ms": milliseconds(out.answered_at), "ended_ms": milliseconds(out.ended_at),
        "outcome": None if out.outcome is None else out.outcome.value,
    }  # fmt: skip
    return Event(_id("outbound", out.id), out.id, OUTBOUND_ENDED, body, milliseconds(out.ended_at) or 0)


def intake_event(row: IntakeRow) -> Event:
    body = {
        "call": row.call_id, "intake": row.id, "root": row.root, "revision": row.revision, "kind": row.kind,
        "subject": row.subject, "hidden": row.hidden, "district": row.district, "by": row.by, "at_ms": row.at_ms,
    }  # fmt: skip
    return Event(
        _id(f"intake-{row.id}-{row.at_ms}", row.call_id), row.call_id, INTAKE_RECORDED, body, row.at_ms, row.id
    )


def _id(what: str, call_id: str) -> str:
    return f"{what}_{call_id}".replace(".", "_")
