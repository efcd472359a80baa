"""Journal entries as lines of JSON and back. The line is the only form in which a record is guaranteed to be kept."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from routing.candidates import Edition, pack, unpack
from routing.commands import WriteOutbound, WriteProbe, WriteSignIn
from routing.outbound import Outbound, OutKind, OutOutcome, OutState
from routing.probe import Probe, ProbeOutcome, ProbeState
from routing.steps import Step, StepKind
from storage.errors import EntryError


@dataclass(frozen=True, slots=True)
class WriteEdition:
    """An edition of the rules to which decisions from now on refer."""

    edition: Edition
    at: float


Entry: TypeAlias = Step | WriteSignIn | WriteEdition | WriteOutbound | WriteProbe


@dataclass(frozen=True, slots=True)
class SignIn:
    """A `WriteSignIn` as read back, with the number that tells it from every other, also of the same millisecond."""

    number: int
    entry: WriteSignIn


@dataclass(frozen=True, slots=True)
class KeptEdition:
    """A `WriteEdition` as read back; `body` as in `routing.candidates.Edition`."""

    id: str
    at: float
    body: bytes


KeptEntry: TypeAlias = Step | SignIn | KeptEdition | Outbound | Probe

log = logging.getLogger(__name__)

_OUTBOUND_TIMES: Final = ("agent_answered_at", "dialled_at", "citizen_ringing_at", "answered_at", "ended_at")
_PROBE_TIMES: Final = ("dialled_at", "ringing_at", "answered_at", "ended_at", "arrived_at", "in_answered_at")
_PROBE_WORDS: Final = ("slot", "call_id", "seat_id", "agent_id", "answered_by")
INT64: Final = 2**63
_dumps = json.JSONEncoder(separators=(",", ":"), default=str, check_circular=False).encode


def encode(entry: Entry, number: int) -> bytes:
    """One ASCII line with its newline. Values of unexpected types become text: a record is never refused here.

    `number` grows with every entry, also across restarts; a step has its own `seq` and does not need it.
    """
    row: dict[str, Any]
    if isinstance(entry, Step):
        row = {"call": entry.call_id, "seq": entry.seq, "at": entry.at, "kind": entry.kind, "data": dict(entry.data)}
        if (candidates := _text(entry)) is not None:
            row["candidates"] = candidates
    elif isinstance(entry, WriteEdition):
        row = {"edition": entry.edition.id, "at": entry.at, "body": pack(entry.edition.body)}
    elif isinstance(entry, WriteOutbound):
        row = {"outbound": entry.outbound.id, **entry.outbound._asdict()}
    elif isinstance(entry, WriteProbe):
        row = {"probe": entry.probe.id, **entry.probe._asdict()}
    else:
        row = {
            "number": number,
            "agent": entry.agent_id,
            "seat": entry.seat_id,
            "state": entry.state,
            "reason": entry.reason,
        }
        row["at"] = entry.at
    return _dumps(row).encode("ascii") + b"\n"


def _text(step: Step) -> str | None:
    """The codes are worked out here; a bug in that must not cost the step."""
    try:
        return None if step.candidates is None else str(step.candidates)
    except Exception:
        log.exception("candidates of a decision not kept: call %s, step %s", step.call_id, step.seq)
        return None


def decode(line: bytes) -> KeptEntry:
    """The entry of one line, without or with its newline.

    Raises:
        EntryError: the line is no entry. Its text names the field, never the content.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):  # the second: a hundred thousand brackets
        raise EntryError("not JSON") from None
    if not isinstance(row, dict):
        raise EntryError("not an object")
    if "outbound" in row:
        return _outbound(row)
    if "probe" in row:
        return _probe(row)
    return _step(row) if "call" in row else _edition(row) if "edition" in row else _sign_in(row)


def _step(row: dict[str, Any]) -> Step:
    data = row.get("data")
    if not isinstance(data, dict):
        raise EntryError("data")
    try:
        kind = StepKind(str(row.get("kind")))
    except ValueError:
        raise EntryError("kind") from None
    candidates = row.get("candidates")
    candidates = candidates if isinstance(candidates, str) else None
    return Step(_word(row, "call"), _count(row, "seq"), _moment(row), kind, data, candidates)


def _edition(row: dict[str, Any]) -> KeptEdition:
    try:
        body = unpack(str(row.get("body")))
    except ValueError:
        raise EntryError("body") from None
    return KeptEdition(_word(row, "edition"), _moment(row), body)


def _outbound(row: dict[str, Any]) -> Outbound:
    """`until` and `dropped` are of the process that wrote it."""
    words: dict[str, Any] = {key: _text_or_none(row, key) or "" for key in ("line", "case", "by", "seat_id")}
    try:
        kind, state = OutKind(str(row.get("kind"))), OutState(str(row.get("state")))
        outcome = None if row.get("outcome") is None else OutOutcome(str(row["outcome"]))
    except ValueError:
        raise EntryError("kind, state or outcome") from None
    times: dict[str, Any] = {key: None if row.get(key) is None else _moment(row, key) for key in _OUTBOUND_TIMES}
    callback = None if row.get("callback") is None else _count(row, "callback")
    cause = None if row.get("cause") is None else _count(row, "cause")
    return Outbound(
        id=_word(row, "outbound"), kind=kind, agent_id=_word(row, "agent_id"), asked_at=_moment(row, "asked_at"),
        callback=callback, state=state, outcome=outcome, cause=cause, caller_ref=_text_or_none(row, "caller_ref"),
        paced=row.get("paced") is True, **words, **times,
    )  # fmt: skip


def _probe(row: dict[str, Any]) -> Probe:
    """`until` and `dropped` are of the process that wrote it."""
    words: dict[str, Any] = {key: _text_or_none(row, key) or "" for key in _PROBE_WORDS}
    try:
        state = ProbeState(str(row.get("state")))
        outcome = None if row.get("outcome") is None else ProbeOutcome(str(row["outcome"]))
    except ValueError:
        raise EntryError("state or outcome") from None
    times: dict[str, Any] = {key: None if row.get(key) is None else _moment(row, key) for key in _PROBE_TIMES}
    cause, sip = (None if row.get(key) is None else _count(row, key) for key in ("cause", "sip"))
    return Probe(
        id=_word(row, "probe"), number=_word(row, "number"), by=_word(row, "by"), asked_at=_moment(row, "asked_at"),
        state=state, outcome=outcome, cause=cause, sip=sip, **words, **times,
    )  # fmt: skip


def _text_or_none(row: dict[str, Any], key: str) -> str | None:
    return _word(row, key) if row.get(key) else None


def _sign_in(row: dict[str, Any]) -> SignIn:
    seat = None if row.get("seat") is None else _word(row, "seat")
    reason = str(row.get("reason", ""))
    entry = WriteSignIn(_word(row, "agent"), seat, _word(row, "state"), reason, _moment(row))
    return SignIn(_count(row, "number"), entry)


def _count(row: dict[str, Any], key: str) -> int:
    value = row.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < INT64:
        raise EntryError(key)
    return value


def _word(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value or len(value) > 256:
        raise EntryError(key)
    return value


def _moment(row: dict[str, Any], key: str = "at") -> float:
    at = row.get(key)
    if isinstance(at, bool) or not isinstance(at, int | float) or not math.isfinite(at) or not 0 <= at < 1e12:
        raise EntryError(key)
    return float(at)
