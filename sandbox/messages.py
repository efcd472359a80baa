"""What SIPp wrote of whole messages, while it is still writing: who talks with which RTP address, from when to when.

Each message in the log stands behind a line that says how many bytes it has, so that a body never ends a message early
and half a message is left for the next look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_HEAD: Final = re.compile(rb"^UDP message (sent|received) [\[(](\d+)\]? bytes\)? ?:\n\n", re.MULTILINE)
_CALL_ID: Final = re.compile(r"^Call-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_CSEQ: Final = re.compile(r"^CSeq:\s*\d+\s+([A-Z]+)", re.IGNORECASE | re.MULTILINE)
_HOST: Final = re.compile(r"^c=IN IP4 (\S+)", re.MULTILINE)
_PORT: Final = re.compile(r"^m=audio (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Whole:
    """One message. `code` is None for a request; `sound`: the RTP address in its SDP, None without one."""

    sent: bool
    call_id: str
    method: str
    code: int | None
    sound: tuple[str, int] | None
    text: str


def whole(sent: bool, text: str) -> Whole | None:
    """A message that SIPp wrote down; None when it lacks what every SIP message has."""
    call_id, cseq = _CALL_ID.search(text), _CSEQ.search(text)
    if call_id is None or cseq is None:
        return None
    code = int(text[8:11]) if text.startswith("SIP/2.0 ") else None
    host, port = _HOST.search(text), _PORT.search(text)
    sound = (host[1], int(port[1])) if host and port and int(port[1]) else None
    return Whole(sent, call_id[1], cseq[1], code, sound, text)


class MessageLog:
    """A log of SIPp's that grows. `new()` gives what came since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""

    def new(self) -> Iterator[Whole]:
        """The messages that are there in whole and were not given before."""
        self._rest += self._read()
        while (head := _HEAD.search(self._rest)) is not None:
            end = head.end() + int(head[2])
            if end > len(self._rest):
                return
            body = self._rest[head.end() : end].decode(errors="replace").replace("\r\n", "\n")
            self._rest = self._rest[end:]
            if (found := whole(head[1] == b"sent", body)) is not None:
                yield found

    def _read(self) -> bytes:
        try:
            with self._path.open("rb") as log:
                log.seek(self._offset)
                data = log.read()
        except FileNotFoundError:
            return b""
        self._offset += len(data)
        return data
