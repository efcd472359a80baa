"""Asterisk's own account of its channels (CEL), as `cel_custom.conf` writes it: lines of CSV to calls. Pure.

Theory of operation. A channel's first line, CHAN_START, has no call id yet (the dialplan gives it some milliseconds
later); it has the context and the number that was dialled, and the channel is a call of ours when it began where trunks
arrive. Each later line carries the id, which ends with the caller's uniqueid; so a call is found by that. BRIDGE_ENTER of
caller and another channel in the same bridge is the answer: the first that shares a bridge with the caller is who
answered, a phone or the near end (`;1`) of a Local pipe with its seat in its name. CHAN_END of the caller's channel is
the end of the call; whoever left before the dialplan had given him an id was no call yet.

A caller's channel whose CHAN_START was lost is a call all the same, with the arrival of its id and no dialled number. One
whose CHAN_END never comes (Asterisk died, the line was lost) stays in `open` until it is `given_up`.

Two threads of Asterisk tell of one moment, so lines are only nearly in order; nothing here needs more.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from routing.witness import Witnessed
from telephony import names

FIELDS: Final = 9
LONGEST_LINE: Final = 4096  # bytes; ours have some 150
KINDS: Final = frozenset({
    "CHAN_START", "CHAN_END", "HANGUP", "ANSWER", "APP_START", "APP_END", "PARK_START", "PARK_END", "BRIDGE_ENTER",
    "BRIDGE_EXIT", "BLINDTRANSFER", "ATTENDEDTRANSFER", "PICKUP", "FORWARD", "LINKEDID_END", "LOCAL_OPTIMIZE",
    "LOCAL_OPTIMIZE_BEGIN", "STREAM_BEGIN", "STREAM_END", "DTMF", "USER_DEFINED",
})  # fmt: skip
_OUTWARD: Final = "s"  # where a channel begins that we dial through a trunk: with the context of those that arrive
_TIME: Final = re.compile(r"([0-9]{9,11})\.([0-9]{6})")
_UNIQUEID: Final = re.compile(r"[A-Za-z0-9_.-]{3,150}")
_CALL_ID: Final = re.compile(r"([0-9]{13})-([A-Za-z0-9_.-]{3,150})")
_BRIDGE: Final = re.compile(r'"bridge_id": ?"([^"]+)"')
_PIPE: Final = re.compile(rf"Local/([^@]+)@{names.SEAT}-[0-9a-f]+;([12])")


class CelLineError(ValueError):
    """A line that Asterisk did not write so. The text says what is wrong with it, and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class CelLine:
    kind: str
    at_ms: int
    call_id: str
    uniqueid: str
    context: str
    channel: str
    dialled: str
    bridge: str


def parse(raw: bytes) -> CelLine:
    """One line without its end. Raises CelLineError."""
    fields = _fields(raw)
    kind, at, call_id, uniqueid, _linkedid, context, channel, dialled, extra = fields
    if kind not in KINDS:
        raise CelLineError("no event of Asterisk's")
    time = _TIME.fullmatch(at)
    if time is None:
        raise CelLineError("no time")
    if _UNIQUEID.fullmatch(uniqueid) is None:
        raise CelLineError("no uniqueid")
    bridge = _BRIDGE.search(extra) if kind == "BRIDGE_ENTER" else None
    if kind == "BRIDGE_ENTER" and (bridge is None or not extra.endswith("}")):
        raise CelLineError("no bridge")
    at_ms = int(time[1]) * 1000 + int(time[2]) // 1000
    return CelLine(kind, at_ms, call_id, uniqueid, context, channel, dialled, bridge[1] if bridge else "")


def _fields(raw: bytes) -> list[str]:
    if len(raw) > LONGEST_LINE:
        raise CelLineError("too long")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise CelLineError("not UTF-8") from None
    if not text.startswith('"') or not text.endswith('"') or not text.isprintable():
        raise CelLineError("not whole")
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        raise CelLineError("no CSV") from None
    if len(rows) != 1 or len(rows[0]) != FIELDS:
        raise CelLineError(f"not {FIELDS} fields")
    return rows[0]


@dataclass(slots=True)
class OpenCall:
    """A caller's channel whose end has not been told. `place` is where its first line stands, for whoever reads."""

    uniqueid: str
    began_ms: int
    last_ms: int
    place: object
    whole: bool = True  # its beginning was told
    dialled: str = ""
    endpoint: str = ""
    call_id: str = ""
    bridge: str = ""
    bridged_ms: int = 0
    others: dict[str, tuple[str, str, int]] = field(default_factory=dict)  # uniqueid -> bridge, channel, since when
    answered_ms: int | None = None
    seat_id: str | None = None
    answerer: str = ""
    parted_ms: int | None = None


class CelCalls:
    """Feed it lines in order; it gives each call back when that is over."""

    def __init__(self, seat_of_device: Callable[[str], str | None]) -> None:
        """`seat_of_device`: the seat of `PJSIP/<endpoint>`, None for a phone that is no seat's."""
        self.open: dict[str, OpenCall] = {}  # by uniqueid, oldest first
        self._seat_of_device = seat_of_device

    def feed(self, line: CelLine, place: object = None) -> Witnessed | None:
        """The call that this line ends, if it does."""
        if line.kind == "CHAN_START":
            self._begun(line, place)
        elif line.kind == "BRIDGE_ENTER":
            self._entered(line, place)
        elif line.kind == "CHAN_END":
            return self._ended(line, place)
        return None

    def give_up(self, before_ms: int, alive: Collection[str]) -> list[Witnessed]:
        """Ends the calls of which nothing was heard since then and whose channel is not among those alive."""
        gone = [call for call in self.open.values() if call.last_ms < before_ms and call.uniqueid not in alive]
        for call in gone:
            del self.open[call.uniqueid]
        return [_witnessed(call, call.last_ms, cut=True) for call in gone]

    def _begun(self, line: CelLine, place: object) -> None:
        arrives = line.context == names.IN or line.context.startswith(names.IN_WITH_CASE)
        if arrives and line.dialled != _OUTWARD:
            endpoint = line.channel.rpartition("-")[0].partition("/")[2]
            self.open[line.uniqueid] = OpenCall(
                line.uniqueid, line.at_ms, line.at_ms, place, dialled=line.dialled, endpoint=endpoint
            )

    def _entered(self, line: CelLine, place: object) -> None:
        call = self._call_of(line, place)
        if call is None:
            return
        call.last_ms = max(call.last_ms, line.at_ms)
        if line.uniqueid == call.uniqueid:
            call.bridge, call.bridged_ms = line.bridge, line.at_ms
        else:
            call.others[line.uniqueid] = line.bridge, line.channel, line.at_ms
        if call.answered_ms is None:
            self._look(call)

    def _look(self, call: OpenCall) -> None:
        """Whether somebody shares the caller's bridge."""
        for uniqueid, (bridge, channel, since_ms) in call.others.items():
            if bridge == call.bridge:
                call.answered_ms, call.answerer = max(since_ms, call.bridged_ms), uniqueid
                call.seat_id = self._seat_of(channel)
                return

    def _seat_of(self, channel: str) -> str:
        """Whoever is no seat and rings by himself is the duty telephone."""
        if pipe := _PIPE.fullmatch(channel):
            return pipe[1]
        return self._seat_of_device(channel.rpartition("-")[0]) or names.DUTY_TELEPHONE

    def _ended(self, line: CelLine, place: object) -> Witnessed | None:
        call = self._call_of(line, place)
        if call is None:
            self.open.pop(line.uniqueid, None)  # it left before it was a call
            return None
        if line.uniqueid == call.uniqueid:
            del self.open[call.uniqueid]
            return _witnessed(call, line.at_ms)
        call.last_ms = max(call.last_ms, line.at_ms)
        call.others.pop(line.uniqueid, None)
        if line.uniqueid == call.answerer:
            call.parted_ms = line.at_ms
        return None

    def _call_of(self, line: CelLine, place: object) -> OpenCall | None:
        """The call that a line with an id belongs to; None for a line of anything else, and of a call that is over."""
        found = _CALL_ID.fullmatch(line.call_id)
        if found is None:
            return None
        stamp, caller = found.groups()
        call = self.open.get(caller)
        if call is None and line.uniqueid == caller:
            call = self.open[caller] = OpenCall(caller, int(stamp), line.at_ms, place, whole=False)
        if call is not None:
            call.call_id = line.call_id
        return call


def _witnessed(call: OpenCall, ended_ms: int, *, cut: bool = False) -> Witnessed:
    return Witnessed(
        call.call_id or f"{call.began_ms}-{call.uniqueid}",
        call.dialled,
        call.endpoint,
        call.began_ms,
        max(ended_ms, call.began_ms),
        call.answered_ms,
        call.seat_id,
        call.parted_ms,
        named=bool(call.call_id),
        whole=call.whole,
        cut=cut,
    )
