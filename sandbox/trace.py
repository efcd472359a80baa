"""What SIPp saw, call by call, from its short message trace.

One line a message, tab between: date, time, epoch with microseconds, `S` or `R`, Call-ID, `CSeq:` value, first line of
the message. Times are SIPp's own, taken when it sent or received; nothing of ours is in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LINE: Final = re.compile(
    r"^\S+\t\S+\t(?P<at>\d+\.\d+)\t(?P<way>[SR])\t(?P<id>[^\t]+)\tCSeq:\s*\d+ (?P<method>[A-Z]+)\s*\t(?P<first>.*)$"
)

CHALLENGES: Final = (401, 407)  # who are you? the INVITE comes again with the answer


@dataclass(frozen=True, slots=True)
class Message:
    """One SIP message. `code` is None for a request; `at` is seconds since the epoch."""

    at: float
    sent: bool
    call_id: str
    method: str
    code: int | None
    target: str  # of a request: its Request-URI


@dataclass(slots=True)
class Leg:
    """One call as one end saw it. Times `_at` are epoch seconds, None when it did not happen.

    `placed`: this end dialled. `code`: the final answer to INVITE. `ended_by`: who said goodbye or gave up, "us" or
    "them" (a refusal counts for the one who refused).
    """

    call_id: str
    placed: bool
    target: str
    invited_at: float
    trying_at: float | None = None
    ringing_at: float | None = None
    progress_at: float | None = None
    answered_at: float | None = None
    cancelled_at: float | None = None
    ended_at: float | None = None
    code: int | None = None
    ended_by: str | None = None
    rings: int = 0  # how many 180 there were

    @property
    def number(self) -> str:
        """The user part of the INVITE's Request-URI: dialled number, or the seat that was called."""
        return self.target.removeprefix("sip:").rpartition("@")[0]

    @property
    def ringing_s(self) -> float | None:
        """INVITE to the first 180."""
        return None if self.ringing_at is None else self.ringing_at - self.invited_at

    @property
    def answer_s(self) -> float | None:
        """INVITE to 200: the caller's own answer time."""
        return None if self.answered_at is None else self.answered_at - self.invited_at

    @property
    def talk_s(self) -> float | None:
        """200 to goodbye; None while it lasts, or when it never began."""
        if self.answered_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.answered_at

    @property
    def state(self) -> str:
        """One of calling, ringing, talking, ended."""
        if self.ended_at is not None:
            return "ended"
        if self.answered_at is not None:
            return "talking"
        return "ringing" if self.ringing_at is not None else "calling"


def parse(line: str) -> Message | None:
    """The message of one line; None for a line that is none (cut short, or SIPp's own words)."""
    match = _LINE.match(line)
    if match is None:
        return None
    first = match["first"].split()
    if len(first) < 2:
        return None
    answer = first[0] == "SIP/2.0"
    code = int(first[1]) if answer and first[1].isdecimal() else None
    target = "" if answer else first[1]
    return Message(float(match["at"]), match["way"] == "S", match["id"], match["method"], code, target)


class Trace:
    """The legs in a trace file that is still being written. `read()` takes in what is new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._legs: dict[str, Leg] = {}
        self.registered: dict[str, bool] = {}  # Call-ID of a registration -> it stands
        self.questions = 0  # OPTIONS received

    def read(self) -> list[Leg]:
        """All legs so far, in the order of their INVITEs."""
        for line in self._new_lines():
            if (message := parse(line)) is not None:
                self._take(message)
        return list(self._legs.values())

    def _new_lines(self) -> Iterator[str]:
        if not self._path.exists():
            return
        with self._path.open("rb") as trace:
            trace.seek(self._offset)
            data = trace.read()
        whole = data.rfind(b"\n") + 1
        self._offset += whole
        yield from data[:whole].decode(errors="replace").splitlines()

    def _take(self, message: Message) -> None:
        if message.method == "REGISTER" and message.code is not None:
            self.registered[message.call_id] = message.code == 200
        if message.method == "OPTIONS" and message.code is None:
            self.questions += 1
        leg = self._legs.get(message.call_id)
        if leg is None:
            if message.method == "INVITE" and message.code is None:
                at, target = message.at, message.target
                self._legs[message.call_id] = Leg(message.call_id, message.sent, target, at)
        elif message.code is None:
            _request(leg, message)
        elif message.method == "INVITE":
            _answer(leg, message)


def _request(leg: Leg, message: Message) -> None:
    if message.method == "CANCEL" and leg.cancelled_at is None:
        leg.cancelled_at = message.at
    elif message.method == "BYE" and leg.ended_at is None:
        leg.ended_at = message.at
        leg.ended_by = "us" if message.sent else "them"


def _answer(leg: Leg, message: Message) -> None:
    """An answer to INVITE (also to a later one in the same call, which changes nothing)."""
    assert message.code is not None
    if leg.code is not None or message.code in CHALLENGES:
        return
    if message.code == 100:
        leg.trying_at = leg.trying_at or message.at
    elif message.code == 180:
        leg.rings += 1
        leg.ringing_at = leg.ringing_at or message.at
    elif message.code < 200:
        leg.progress_at = leg.progress_at or message.at
    elif message.code < 300:
        leg.code, leg.answered_at = message.code, message.at
    else:
        leg.code, leg.ended_at = message.code, message.at
        gave_up = leg.cancelled_at is not None and message.code == 487
        leg.ended_by = "us" if (leg.placed == gave_up) else "them"
