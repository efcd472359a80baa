"""FastAGI on the wire: environment block, reply lines, command lines. Bytes <-> values; the only state is a half line.

Text that callers can influence (number, name) may hold any byte. It is decoded with `backslashreplace`, so that a GBK
name is plain text everywhere and never an exception; the number is kept in one field that `repr` leaves out.

Source: res_agi.c of Asterisk 16 and 22; transcripts in `tests/transcripts/agi`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from routing import cases
from telephony import names

MAX_LINE: Final = 16_384  # a caller id of 10 kB still fits
MAX_HEADER: Final = 65_536  # bytes of the whole environment block
MAX_FIELDS: Final = 160  # Asterisk sends about 25 and one per argument, 128 at most
MAX_COMMAND: Final = 2_000  # the command buffer is 2,048 bytes before 20.16 / 21.11 / 22.6
MAX_USAGE_LINES: Final = 200  # of one 520 reply


class AgiFramingError(Exception):
    """The peer does not speak AGI. `reason` is a counter's label: a few words of ours, never the peer's bytes."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AgiRequestError(AgiFramingError):
    """Well-formed AGI, but not a request of our dialplan. `reason` names the field."""


@dataclass(frozen=True, slots=True)
class AgiRequest:
    """What the dialplan asks, checked. Shape of the arguments: `telephony.names`.

    `caller_number` is the caller's text as Asterisk had it ("" when withheld): never log it, never send it back.
    All other fields are ours or Asterisk's and free of blanks and control characters.
    """

    script: str  # names.SCRIPT_ROUTE, SCRIPT_AFTER or SCRIPT_SEAT; /seat is about no call and has none of their fields
    args: tuple[str, ...]
    call_id: str
    line: str  # dialled number
    arrived_at: float  # epoch seconds, stamped by the dialplan
    caller_number: str = field(repr=False)
    uniqueid: str
    channel: str
    trunk: str = ""
    last_presentation: str = ""
    last_status: str = ""
    noticed: bool = False
    seat_id: str = ""  # of /after and /seat only
    act: str = ""  # of /seat only, as is `value`
    value: str = ""
    heard: bool = False
    case: str = ""  # as in `names.CASE`
    test: str = ""  # as in `names.TEST`


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. `result` is None for the replies that carry none (510, 511, 520); `data` is what stood in brackets."""

    code: int
    result: str | None = None
    data: str | None = None

    @property
    def accepted(self) -> bool:
        """Asterisk says it did it. For `SET VARIABLE` that is `200 result=1`."""
        return self.code == 200 and self.result == "1"


class Lines:
    """Cuts a byte stream into lines. The result does not depend on how the stream was cut before."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yields each complete line without its end (LF or CRLF). Raises AgiFramingError after the good ones."""
        *lines, self._tail = (self._tail + data).split(b"\n")
        for line in lines:
            if len(line) > MAX_LINE:
                raise AgiFramingError("line too long")
            yield line.removesuffix(b"\r")
        if len(self._tail) > MAX_LINE:
            raise AgiFramingError("line too long")


class Environment:
    """The environment block while it is being read."""

    __slots__ = ("_fields", "_size")

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        self._size = 0

    def add(self, line: bytes) -> None:
        """Takes one line that is not empty.

        A field that comes twice is refused: Asterisk never does that, but a line break smuggled into a caller id would.
        """
        self._size += len(line)
        key, colon, value = _text(line).partition(":")
        if not colon or not key.startswith("agi_"):
            raise AgiFramingError("not an environment line")
        if not self._fields and key != "agi_network":  # always the first of a FastAGI block
            raise AgiFramingError("no head of an environment")
        if key in self._fields:
            raise AgiFramingError("field came twice")
        if len(self._fields) >= MAX_FIELDS or self._size > MAX_HEADER:
            raise AgiFramingError("environment too large")
        self._fields[key] = value.removeprefix(" ")

    def request(self) -> AgiRequest:
        """The request, once the empty line has come."""
        return parse_request(self._fields)


_CALL_ID: Final = re.compile(r"\d{13}-[A-Za-z0-9._:@-]{1,149}")  # Asterisk's uniqueids end at 149 characters
_NUMBER: Final = re.compile(r"[0-9+*#]{1,32}")
_ARRIVED: Final = re.compile(r"[1-9]\d{12}")
_TOKEN: Final = re.compile(r"[!-~]{0,128}")
_STATUS: Final = re.compile(r"[A-Z_]{0,32}")
_NOTICED: Final = re.compile(r"[01]?")
_CASE: Final = re.compile(rf"({cases.ID}|{re.escape(cases.UNREADABLE)})?")
_NAME: Final = re.compile(r"[^\x00-\x20\x7f]{1,256}")

_ROUTE_ARGS: Final = (
    ("call_id", _CALL_ID),
    ("line", _NUMBER),
    ("arrived", _ARRIVED),
    ("trunk", _TOKEN),
    ("last_presentation", _TOKEN),
    ("last_status", _STATUS),
    ("noticed", _NOTICED),
    ("heard", _NOTICED),
    ("case", _CASE),
    ("test", _TOKEN),
)
_AFTER_ARGS: Final = (*_ROUTE_ARGS[:3], ("seat_id", re.compile(r"[!-~]{1,128}")))
_SEAT_ARGS: Final = (
    ("act", re.compile("|".join(names.Act))),
    ("seat_id", re.compile(r"[A-Za-z0-9_-]{1,128}")),
    ("value", re.compile(r"\d{0,32}")),
)
_ARGS: Final = {names.SCRIPT_ROUTE: _ROUTE_ARGS, names.SCRIPT_AFTER: _AFTER_ARGS, names.SCRIPT_SEAT: _SEAT_ARGS}


def parse_request(fields: Mapping[str, str]) -> AgiRequest:
    """Checks the environment block against what our dialplan sends.

    A query in the address (`agi://host/route?x=1`) is left out. Arguments at the end that may be empty may be missing.

    Raises:
        AgiRequestError: a field is missing or not of its shape; the reason is the field's name.
    """
    script = fields.get("agi_network_script", "").partition("?")[0]
    shapes = _ARGS.get(script)
    if shapes is None:
        raise AgiRequestError("script")
    args = _arguments(fields)
    if len(args) > len(shapes):
        raise AgiRequestError("too many arguments")
    padded = args + ("",) * (len(shapes) - len(args))
    got = {name: _checked(name, shape, value) for (name, shape), value in zip(shapes, padded, strict=True)}
    caller = fields.get("agi_callerid", "")
    return AgiRequest(
        script=script,
        args=args,
        call_id=got.get("call_id", ""),
        line=got.get("line", ""),
        arrived_at=int(got.get("arrived", "0")) / 1000,
        caller_number="" if caller == "unknown" else caller,  # res_agi.c's word for "no number"
        uniqueid=_checked("uniqueid", _NAME, fields.get("agi_uniqueid", "")),
        channel=_checked("channel", _NAME, fields.get("agi_channel", "")),
        trunk=got.get("trunk", ""),
        last_presentation=got.get("last_presentation", ""),
        last_status=got.get("last_status", ""),
        noticed=got.get("noticed") == "1",
        heard=got.get("heard") == "1",
        seat_id=got.get("seat_id", ""),
        act=got.get("act", ""),
        value=got.get("value", ""),
        case=got.get("case", ""),
        test=got.get("test", ""),
    )


def _arguments(fields: Mapping[str, str]) -> tuple[str, ...]:
    args: list[str] = []
    while (value := fields.get(f"agi_arg_{len(args) + 1}")) is not None:
        args.append(value)
    return tuple(args)


def _checked(name: str, shape: re.Pattern[str], value: str) -> str:
    if not value.isascii() or shape.fullmatch(value) is None:
        raise AgiRequestError(name)
    return value


_RESULT: Final = re.compile(r"result=(-?[^\s(]*)(?:\s*\((.*)\))?(?:\s.*)?", re.DOTALL)
_CODES_WITHOUT_RESULT: Final = frozenset({"510", "511", "520"})


def parse_reply(line: bytes) -> Reply:
    """One reply line, `100 Trying` and the last line of a 520 included.

    `200 result= (timeout)` has an empty result and the data "timeout"; a value may hold brackets of its own.

    Raises:
        AgiFramingError: no reply at all.
    """
    code, _, rest = _text(line).partition(" ")
    if code in _CODES_WITHOUT_RESULT:
        return Reply(int(code))
    match = _RESULT.fullmatch(rest)
    if code not in ("100", "200") or match is None:
        raise AgiFramingError("not a reply")
    return Reply(int(code), match[1], match[2])


def command(verb: str, *args: str) -> bytes:
    """One command line, its end included: the verb as it is, the arguments quoted.

    Raises:
        ValueError: a control character in an argument, or longer than the smallest command buffer. Our own bug.
    """
    line = " ".join([verb, *map(quote, args)]).encode() + b"\n"
    if len(line) > MAX_COMMAND:
        raise ValueError(f"AGI command of {len(line)} bytes, at most {MAX_COMMAND}")
    return line


def quote(arg: str) -> str:
    """An argument as res_agi's parse_args reads it back. Raises ValueError for control characters."""
    if any(char < " " or char == "\x7f" for char in arg):
        raise ValueError("control character in an AGI argument")
    return '"' + arg.replace("\\", "\\\\").replace('"', '\\"') + '"'


_DECISION: Final = re.compile(r"[A-Za-z0-9_.:&/@+*#,|-]{1,1024}")


def decision_command(value: str) -> bytes:
    """The one command that hands a decision over.

    Only characters that mean nothing to the dialplan pass: the value meets `${...}` and `$[...]` there.

    Raises:
        ValueError: another character. Values are ours alone, so this is our own bug.
    """
    if _DECISION.fullmatch(value) is None:
        raise ValueError("a decision may hold only letters, digits and _.:&/@+*#,|-")
    return command("SET VARIABLE", names.DECISION, value)


@cache
def renewal_command(lease_s: float) -> bytes:
    """Renews the routing lease: from now on `lease_s` until extension `T`."""
    return command("SET VARIABLE", "TIMEOUT(absolute)", f"{lease_s:g}")


RINGING: Final = command("EXEC Ringing")  # one more 180: RFC 3261 wants one a minute, Asterisk sends one per call


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")
