"""Bytes of the Asterisk Manager Interface to messages, and actions to bytes. No IO.

A message is a block of `Key: value` lines that ends with an empty line; headers may be repeated (`ChanVariable`,
`Output`). Bytes arrive cut anywhere, also within a letter, so text is decoded per message and never per read. Only new
bytes are searched for the end of a message, so a message that never ends costs nothing until its bound is reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

MAX_MESSAGE: Final = 1 << 20  # bytes; the largest real messages are a few kB
MAX_LINE: Final = 1022  # bytes without CRLF: 16.28 and 22.10 read 1,022 and answer "line too long" to 1,023
MAX_HEADERS: Final = 128  # AST_MAX_MANHEADERS: manager.c drops what comes after, silently
GREETING: Final = b"Asterisk Call Manager/"

_EOL: Final = b"\r\n"
_END: Final = b"\r\n\r\n"
_EVENT: Final = b"Event: "
_ACTION_ID: Final = b"\r\nActionID: "


class AmiFramingError(Exception):
    """The peer's bytes are no AMI stream, or a message is longer than any real one: the link must be dropped."""


class AmiFieldError(Exception):
    """A message lacks a header, repeats one that must be single, or holds a value that is not what it should be."""

    def __init__(self, message: str, header: str, what: str) -> None:
        super().__init__(f"AMI {message}: header {header!r} {what}")
        self.message = message
        self.header = header


class AmiUnsafeValue(ValueError):
    """An action must not be sent: a value would inject lines, or Asterisk would not read it whole."""


class Message:
    """One event or response. Header names match in any case; values keep every character they came with."""

    __slots__ = ("_headers", "name")

    def __init__(self, headers: Mapping[str, list[str]]) -> None:
        self._headers = headers
        self.name: str = headers["event"][0] if "event" in headers else headers.get("response", [""])[0]

    @property
    def is_event(self) -> bool:
        return "event" in self._headers

    def one(self, header: str) -> str:
        """The only value of a header. Raises AmiFieldError when it is missing or came more than once."""
        values = self._headers.get(header.lower())
        if values is None:
            raise AmiFieldError(self.name, header, "is missing")
        if len(values) > 1:
            raise AmiFieldError(self.name, header, "came more than once")
        return values[0]

    def first(self, header: str) -> str | None:
        """The first value of a header that may be absent, for headers whose absence has a meaning."""
        values = self._headers.get(header.lower())
        return values[0] if values else None

    def many(self, header: str) -> list[str]:
        return self._headers.get(header.lower(), [])

    def __contains__(self, header: str) -> bool:
        return header.lower() in self._headers

    def variables(self, prefix: str = "") -> dict[str, str]:
        """`ChanVariable: NAME=value` headers as a mapping; `prefix` "Dest" reads those of the called channel."""
        pairs = (line.partition("=") for line in self.many(prefix + "ChanVariable"))
        return {name: value for name, _, value in pairs}


class MessageReader:
    """Feed it what the socket gave, take the messages. The same bytes give the same messages however they are cut.

    `wanted` names the events that are worth decoding (None: all of them). Others are skipped by their first line, unless
    they carry an ActionID, which makes them answers to an action of ours.
    """

    def __init__(self, wanted: frozenset[str] | None = None) -> None:
        self._wanted = None if wanted is None else frozenset(name.encode() for name in wanted)
        self._buffer = bytearray()
        self._searched = 0  # no end of a message begins before this
        self.version: str | None = None  # of the AMI protocol, from the greeting; not Asterisk's
        self.skipped = 0
        self.malformed = 0  # blocks that are neither event nor response

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yields every complete message. Raises AmiFramingError, after the messages that came before the fault."""
        self._buffer += data
        if self.version is None and not self._greeted():
            return
        while (end := self._buffer.find(_END, self._searched)) >= 0:
            if end > MAX_MESSAGE:
                break
            block = bytes(self._buffer[:end])
            del self._buffer[: end + len(_END)]
            self._searched = 0
            message = self._read(block)
            if message is not None:
                yield message
        self._searched = max(0, len(self._buffer) - len(_END) + 1)
        if len(self._buffer) > MAX_MESSAGE:
            raise AmiFramingError(f"a message is longer than {MAX_MESSAGE} bytes")

    def _greeted(self) -> bool:
        """The first line must be Asterisk's greeting; it is not a message of its own."""
        if not GREETING.startswith(self._buffer[: len(GREETING)]):
            raise AmiFramingError("the peer is no Asterisk Manager: it does not greet like one")
        end = self._buffer.find(_EOL)
        if end > MAX_LINE or (end < 0 and len(self._buffer) > MAX_LINE):
            raise AmiFramingError("the greeting does not end")
        if end < 0:
            return False
        self.version = self._buffer[len(GREETING) : end].decode("ascii", "replace").strip()
        del self._buffer[: end + len(_EOL)]
        return True

    def _read(self, block: bytes) -> Message | None:
        if self._wanted is not None and block.startswith(_EVENT):
            name = block[len(_EVENT) :].split(_EOL, 1)[0]
            if name not in self._wanted and _ACTION_ID not in block:
                self.skipped += 1
                return None
        headers = _headers(block.decode("utf-8", "replace"))
        if "event" not in headers and "response" not in headers:
            self.malformed += 1
            return None
        return Message(headers)


def _headers(text: str) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for line in text.split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon:
            continue
        name, value = name.lower(), value[1:] if value[:1] == " " else value
        if name in headers:
            headers[name].append(value)
        else:
            headers[name] = [value]
    return headers


def encode(fields: Iterable[tuple[str, str]]) -> bytes:
    """One action on the wire. Raises AmiUnsafeValue for anything Asterisk would read otherwise than meant."""
    lines = [_line(name, value) for name, value in fields]
    if len(lines) > MAX_HEADERS:
        raise AmiUnsafeValue(f"an AMI action with {len(lines)} headers: Asterisk reads {MAX_HEADERS}")
    return b"".join(lines) + _EOL


def _line(name: str, value: str) -> bytes:
    if any(c in "\r\n\0" for c in name + value) or ":" in name or not name:
        raise AmiUnsafeValue(f"illegal character in AMI header {name!r}")
    line = f"{name}: {value}".encode()
    if len(line) > MAX_LINE:
        raise AmiUnsafeValue(f"AMI header {name!r} has {len(line)} bytes: Asterisk reads {MAX_LINE}")
    return line + _EOL
