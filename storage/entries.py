"""Journal entries as lines of JSON and back. The line is the only form in which a record is guaranteed to be kept."""

from __future__ import annotations

import json
import math
from typing import Any, Final, TypeAlias

from routing.commands import WriteSignIn
from routing.steps import Step, StepKind
from storage.errors import EntryError

Entry: TypeAlias = Step | WriteSignIn

INT64: Final = 2**63
_dumps = json.JSONEncoder(separators=(",", ":"), default=str, check_circular=False).encode


def encode(entry: Entry) -> bytes:
    """One ASCII line with its newline. Values of unexpected types become text: a record is never refused here."""
    if isinstance(entry, Step):
        row = {"call": entry.call_id, "seq": entry.seq, "at": entry.at, "kind": entry.kind, "data": dict(entry.data)}
    else:
        row = {"agent": entry.agent_id, "seat": entry.seat_id, "state": entry.state, "reason": entry.reason}
        row["at"] = entry.at
    return _dumps(row).encode("ascii") + b"\n"


def decode(line: bytes) -> Entry:
    """The entry of one line, without or with its newline.

    Raises:
        EntryError: the line is no entry. Its text names the field, never the content.
    """
    try:
        row = json.loads(line)
    except ValueError:
        raise EntryError("not JSON") from None
    if not isinstance(row, dict):
        raise EntryError("not an object")
    return _step(row) if "call" in row else _sign_in(row)


def _step(row: dict[str, Any]) -> Step:
    seq, data = row.get("seq"), row.get("data")
    if not isinstance(seq, int) or not 0 <= seq < INT64:
        raise EntryError("seq")
    if not isinstance(data, dict):
        raise EntryError("data")
    try:
        kind = StepKind(str(row.get("kind")))
    except ValueError:
        raise EntryError("kind") from None
    return Step(_word(row, "call"), seq, _moment(row), kind, data)


def _sign_in(row: dict[str, Any]) -> WriteSignIn:
    seat = None if row.get("seat") is None else _word(row, "seat")
    return WriteSignIn(_word(row, "agent"), seat, _word(row, "state"), str(row.get("reason", "")), _moment(row))


def _word(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value or len(value) > 256:
        raise EntryError(key)
    return value


def _moment(row: dict[str, Any]) -> float:
    at = row.get("at")
    if isinstance(at, bool) or not isinstance(at, int | float) or not math.isfinite(at) or not 0 <= at < 1e12:
        raise EntryError("at")
    return float(at)
