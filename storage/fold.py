"""Steps to rows, as pure functions.

A row of `calls` is a fold: `fold(None, steps)`. The row itself is the whole state (`last_seq` included), so the writer
goes on from the row in SQL, and a step that comes again changes nothing. A row of `presentations` is a sum of partial
rows in which the first known value of each column stays.

Nothing here refuses a step: a field of an unexpected type counts as not known, for a record is worth more than a field.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from routing.outbound import PREFIX
from routing.steps import Judgement, Step, StepKind
from storage.entries import SignIn
from storage.schema import presentations

Row: TypeAlias = dict[str, Any]
_TEXT_LIMIT: Final = 256

EMPTY_CALL: Final[Mapping[str, Any]] = {
    "call_id": "",
    "last_seq": -1,
    "number": "",
    "line": "",
    "trunk": "",
    "emergency": False,
    "caller_ref": None,
    "caller_sealed": None,
    "arrived_ms": 0,
    "answered_ms": None,
    "ended_ms": None,
    "wait_ms": None,
    "talk_ms": 0,
    "talks": 0,
    "seat_id": None,
    "agent_id": None,
    "answered_by": None,
    "talking_seat_id": None,
    "talking_agent_id": None,
    "talking_since_ms": None,
    "presented": 0,
    "requeued": 0,
    "noticed": False,
    "fallback_stage": None,
    "judged": None,
    "outcome": None,
    "ended_by": None,
    "cause": None,
    "flags": "",
    "restriction": None,
    "recording": None,
    "case_id": None,
    "forgotten_ms": None,
    "redialled_ms": None,
    "called_back_ms": None,
}


def fold(row: Row | None, steps: Iterable[Step]) -> Row:
    """The row after these steps of one call, which may come in any order and more than once. At least one step."""
    for step in sorted(steps, key=lambda step: step.seq):
        row = after(row, step)
    assert row is not None
    return row


def after(row: Row | None, step: Step) -> Row:
    """The row after one step; the same row when the step is already in it."""
    if row is None:
        row = {**EMPTY_CALL, "call_id": step.call_id, "arrived_ms": _arrival(step)}
    if step.seq <= row["last_seq"]:
        return row
    change = _CHANGES.get(step.kind)
    changes = change(row, step) if change else {}
    return {**row, **changes, "last_seq": step.seq}


def presentation_rows(step: Step) -> list[Row]:
    """What a step says about presentations: partial rows, one per seat, absent columns None."""
    presentation = text(step.data.get("presentation"))
    if presentation is None:
        return []
    make = _PRESENTATION_PARTS.get(step.kind)
    return [] if make is None else [{**_EMPTY_PRESENTATION, **row} for row in make(step, presentation)]


def merged(first: Row, second: Row) -> Row:
    """Two partial rows of one presentation: the first known value of each column stays."""
    return {key: second[key] if value is None else value for key, value in first.items()}


def period_rows(signs: Iterable[SignIn]) -> list[Row]:
    """One row per entry, in order; each ends where the same agent's next one begins, the last stays open."""
    rows: dict[tuple[str, int], Row] = {}
    last: dict[str, Row] = {}
    for sign in sorted(signs, key=lambda sign: sign.number):
        entry, since = sign.entry, milliseconds(sign.entry.at) or 0
        if (entry.agent_id, sign.number) in rows:
            continue
        if entry.agent_id in last:
            last[entry.agent_id]["until_ms"] = since
        row = {"agent_id": entry.agent_id, "entry": sign.number, "since_ms": since, "state": entry.state}
        row |= {"seat_id": entry.seat_id, "reason": text(entry.reason) or "", "until_ms": None}
        rows[entry.agent_id, sign.number] = last[entry.agent_id] = row
    return list(rows.values())


# -- values --


def milliseconds(seconds: object) -> int | None:
    """Seconds as whole milliseconds, None when it is no usable number."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    if not math.isfinite(seconds) or not -1e12 < seconds < 1e12:
        return None
    return round(seconds * 1000)


def text(value: object) -> str | None:
    """Text that any database takes: no NUL, no half characters, at most 256 long; None for nothing."""
    if value is None or value == "":
        return None
    clean = str(value)[:_TEXT_LIMIT].encode("utf-8", "replace").decode("utf-8")
    return clean.replace("\x00", "?")


def whole(value: object) -> int | None:
    """A whole number that any database takes, else None."""
    usable = isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31
    return value if usable and isinstance(value, int) else None


def arrival_ms(call_id: str) -> int | None:
    """The id of a call begins with its arrival in epoch ms (design §2), after the prefix of one that an agent placed."""
    stamp = call_id.removeprefix(PREFIX).partition("-")[0]
    return int(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) == 13 else None


def _arrival(step: Step) -> int:
    """By the id; else the first step seen stands in."""
    return arrival_ms(step.call_id) or milliseconds(step.at) or 0


def _with_flags(row: Row, more: object) -> str:
    new = (text(more) or "").split(",")
    return ",".join(sorted({flag.strip() for flag in [*row["flags"].split(","), *new]} - {""}))


# -- calls: one function per kind that changes the row --


def _offered(row: Row, step: Step) -> Row:
    data = step.data
    arrived = milliseconds(data.get("arrived_at"))
    return {
        "judged": Judgement.TEST.value if data.get("test") is True else row["judged"],
        "number": text(data.get("number")) or row["number"],
        "line": text(data.get("line")) or row["line"],
        "trunk": text(data.get("trunk")) or row["trunk"],
        "emergency": data.get("emergency") is True or row["emergency"],
        "case_id": text(data.get("case")) or row["case_id"],
        "caller_ref": text(data.get("caller_ref")) or row["caller_ref"],
        "caller_sealed": text(data.get("caller_sealed")) or row["caller_sealed"],
        "arrived_ms": row["arrived_ms"] if arrived is None else arrived,
        "flags": _with_flags(row, data.get("flags")),
    }


def _presented(row: Row, step: Step) -> Row:
    return {"presented": row["presented"] + 1}


def _answered(row: Row, step: Step) -> Row:
    data = step.data
    at = milliseconds(data.get("answered_at")) or milliseconds(step.at) or 0
    seat, agent = text(data.get("seat")), text(data.get("agent"))
    if row["talking_since_ms"] is not None and row["talking_seat_id"] == seat:
        return {}  # the same talk, known again after a restart
    changes = {**_talk_over(row, at), "talks": row["talks"] + 1}
    changes |= {"talking_seat_id": seat, "talking_agent_id": agent, "talking_since_ms": at}
    if row["answered_ms"] is None:
        wait = milliseconds(data.get("wait_s"))
        changes |= {"answered_ms": at, "wait_ms": max(0, at - row["arrived_ms"]) if wait is None else wait}
        changes |= {"seat_id": seat, "agent_id": agent, "answered_by": text(data.get("by"))}
    return changes


def _talk_over(row: Row, end_ms: int, stated: object = None) -> Row:
    """Closes an open talk; `stated` is its length in seconds where the step knows it."""
    if row["talking_since_ms"] is None:
        return {}
    length = milliseconds(stated)
    length = max(0, end_ms - row["talking_since_ms"]) if length is None else length
    return {
        "talk_ms": row["talk_ms"] + length,
        "talking_seat_id": None,
        "talking_agent_id": None,
        "talking_since_ms": None,
    }


def _talk_ended(row: Row, step: Step) -> Row:
    return _talk_over(row, milliseconds(step.at) or 0, step.data.get("talk_s"))


def _requeued(row: Row, step: Step) -> Row:
    return {**_talk_over(row, milliseconds(step.at) or 0), "requeued": row["requeued"] + 1}


def _judged(row: Row, step: Step) -> Row:
    data = step.data
    wait = row["wait_ms"] if row["answered_ms"] is not None else milliseconds(data.get("wait_s"))
    return {
        "judged": row["judged"] or text(data.get("result")),
        "wait_ms": wait,
        "line": row["line"] or text(data.get("line")) or "",
        "number": row["number"] or text(data.get("number")) or "",
    }


def _ended(row: Row, step: Step) -> Row:
    """A talk that the caller ended is closed here; `talk_s` is its length only when it was the call's one talk."""
    if row["ended_ms"] is not None:
        return {}
    data, at = step.data, milliseconds(step.at) or 0
    changes = _talk_over(row, at, data.get("talk_s") if row["talks"] == 1 else None)
    if row["wait_ms"] is None:
        changes["wait_ms"] = max(0, at - row["arrived_ms"])
    outcome, by, cause = text(data.get("outcome")), text(data.get("by")), whole(data.get("cause"))
    return {**changes, "ended_ms": at, "outcome": outcome, "ended_by": by, "cause": cause}


def _flagged(row: Row, step: Step) -> Row:
    return {"flags": _with_flags(row, step.data.get("flag"))}


def _restricted(row: Row, step: Step) -> Row:
    entry = whole(step.data.get("restriction"))
    return {} if entry is None else {"restriction": entry, "flags": _with_flags(row, "restricted")}


def _recorded(row: Row, step: Step) -> Row:
    what = step.data.get("what")
    if what == "deleted":
        return {"recording": "deleted"}
    return {"recording": text(step.data.get("outcome"))} if what == "ended" else {}


_CHANGES: Final[Mapping[StepKind, Callable[[Row, Step], Row]]] = {
    StepKind.OFFERED: _offered,
    StepKind.PRESENTED: _presented,
    StepKind.ANSWERED: _answered,
    StepKind.NOTICE: lambda row, step: {"noticed": True},
    StepKind.FALLBACK: lambda row, step: {"fallback_stage": text(step.data.get("stage"))},
    StepKind.TALK_ENDED: _talk_ended,
    StepKind.REQUEUED: _requeued,
    StepKind.JUDGED: _judged,
    StepKind.ENDED: _ended,
    StepKind.RECOVERED: lambda row, step: {"flags": _with_flags(row, "recovered")},
    StepKind.FLAG: _flagged,
    StepKind.RESTRICTED: _restricted,
    StepKind.RECORDING: _recorded,
}

# -- presentations --

_EMPTY_PRESENTATION: Final[Mapping[str, Any]] = dict.fromkeys(presentations.c.keys())


def _sent(step: Step, presentation: str) -> list[Row]:
    seats = (text(step.data.get("seats")) or "").split(",")
    agents = (text(step.data.get("agents")) or "").split(",")
    common = {
        "call_id": step.call_id,
        "presentation": presentation,
        "ring": whole(step.data.get("ring")),
        "why": text(step.data.get("why")),
        "wait_ms": milliseconds(step.data.get("wait_s")),
        "sent_ms": milliseconds(step.at),
    }
    agents += [""] * (len(seats) - len(agents))
    pairs = zip(seats, agents, strict=False)
    return [{**common, "seat_id": seat, "agent_id": agent or None} for seat, agent in pairs if seat]


def _seat_part(column: str) -> Callable[[Step, str], list[Row]]:
    def part(step: Step, presentation: str) -> list[Row]:
        seat = text(step.data.get("seat"))
        if seat is None:
            return []
        row: Row = {"call_id": step.call_id, "presentation": presentation, "seat_id": seat}
        row[column] = milliseconds(step.at)
        if step.kind is StepKind.PRESENTATION_ENDED:
            row |= {"outcome": text(step.data.get("outcome")), "ring_ms": milliseconds(step.data.get("ring_s"))}
        return [row]

    return part


_PRESENTATION_PARTS: Final[Mapping[StepKind, Callable[[Step, str], list[Row]]]] = {
    StepKind.PRESENTED: _sent,
    StepKind.DIALING: _seat_part("dialing_ms"),
    StepKind.RINGING: _seat_part("ringing_ms"),
    StepKind.PRESENTATION_ENDED: _seat_part("ended_ms"),
}
