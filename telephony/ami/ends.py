"""The dialplan's notes of calls that ended, outbound ones too, and of emergencies that it was at alone and that reached
nobody, for what AMI could not tell us. Shape: `telephony.names.ENDS`.

They lie in Asterisk's own database by the minute of the hour, so only the minutes in question are asked for. An entry stays
until another call takes its place; whoever reads it looks at its time.
"""

from __future__ import annotations

from typing import TypeAlias

from routing.events import EmergencyAlone, EndNoted, OutboundNoted
from telephony import names
from telephony.ami.codec import AmiFieldError, Message
from telephony.ami.legs import CallId

HOUR_MIN = 60


def minutes(since: float, now: float) -> list[str]:
    """Keys of the minutes from `since` to `now` (epoch seconds), each once, with one more at both ends for clocks."""
    first, last = int(max(since, now - 3540) // 60) - 1, int(now // 60) + 1
    return [f"{minute % HOUR_MIN:02d}" for minute in range(max(first, last - HOUR_MIN + 1), last + 1)]


Note: TypeAlias = EndNoted | EmergencyAlone | OutboundNoted


def read_note(item: Message) -> Note:
    """Raises AmiFieldError."""
    fields = item.one("Val").split(":")
    if fields[0] == "out":
        return _outbound(item, fields[1:])
    return _emergency(item, fields[1:]) if fields[0] == "emergency" else _end(item, fields)


def noted_at(note: Note) -> float:
    return note.at if isinstance(note, EmergencyAlone) else note.ended_at


def _outbound(item: Message, fields: list[str]) -> OutboundNoted:
    if len(fields) != 5:
        raise AmiFieldError(item.name, names.ENDS, "is no note of an outbound call")
    dialled_at, answered_at = (_seconds(item, ms) if ms else None for ms in fields[1:3])
    cause = int(fields[4]) if fields[4].isascii() and fields[4].isdigit() else None
    return OutboundNoted(fields[0], dialled_at, answered_at, _seconds(item, fields[3]), cause)


def _emergency(item: Message, fields: list[str]) -> EmergencyAlone:
    if len(fields) != 5 or not (fields[3].isascii() and fields[3].isdigit()):
        raise AmiFieldError(item.name, names.ENDS, "is no note of an emergency")
    call_id, asked_at, at = CallId.parse(fields[0]), _seconds(item, fields[2]), _seconds(item, fields[4])
    return EmergencyAlone(call_id.text, fields[1], asked_at, "failed", int(fields[3]), at, noted=True)


def _end(item: Message, fields: list[str]) -> EndNoted:
    if len(fields) not in (8, 9, 10) or fields[6] not in ("caller", "agent", "pbx"):
        raise AmiFieldError(item.name, names.ENDS, "is no note of an end")
    call_id = CallId.parse(fields[0])
    return EndNoted(
        call_id=call_id.text,
        number=fields[1],
        arrived_at=call_id.stamped_at,
        ended_at=_seconds(item, fields[5]),
        by=fields[6],
        cause=int(fields[7]) if fields[7].isascii() and fields[7].isdigit() else None,
        answered_at=_seconds(item, fields[3]) if fields[3] else None,
        seat_id=fields[4],
        trunk=fields[2],
        case=fields[8] if len(fields) > 8 else "",  # a dialplan that is older than this program does not tell it,
        test=fields[9] if len(fields) > 9 else "",  # nor this
    )


def _seconds(item: Message, ms: str) -> float:
    if not (ms.isascii() and ms.isdigit()):
        raise AmiFieldError(item.name, names.ENDS, "holds a time that is no number")
    return int(ms) / 1000
