"""The kinds of values a configuration may hold, each with what is allowed in words.

A validator here raises `wrong(text, allowed)`; `settings_problems` turns it into a line for the operator.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import date, datetime
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator, StrictBool, StrictFloat, StrictInt, StrictStr
from pydantic_core import PydanticCustomError

from routing import hours, need
from routing.hours import HoursError
from routing.need import Need, NeedError
from routing.roster import Days, Span

NEED_ALLOWED: Final = '"hrss>=5 and not group:night", see docs/configuration.md'
DAYS_ALLOWED: Final = ", ".join(Days) + ", or a list of them"
DATES_ALLOWED: Final = '"2026-10-01" or "2026-10-01..2026-10-07", at most 366 days'
HOURS_ALLOWED: Final = '"workday 08:30-12:00 14:00-17:30; sat 09:00-12:00", see docs/departments.md'
LONGEST_SPAN: Final = 366  # days
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})")
_ENDPOINT = re.compile(r"tcp:(\d{1,5})(?::interface=([0-9A-Za-z.:\\]+))?")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")


MOST_DAYS: Final = 36_500


def wrong(text: str, allowed: str) -> PydanticCustomError:
    """The error of a value that is not allowed. Neither text may repeat a secret or a caller's number."""
    return PydanticCustomError("hotline", "{text}", {"text": text, "allowed": allowed})


def matching(pattern: str, text: str, allowed: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise wrong(text, allowed)
        return value

    return AfterValidator(check)


def parse_need(value: object) -> Need:
    """`"tax>=5 or group:night"` as a tree. Raises `wrong` with the column of the first mistake."""
    if not isinstance(value, str):
        raise wrong("must be text in quotes", NEED_ALLOWED)
    try:
        return need.parse(value)
    except NeedError as error:
        raise wrong(f"is not a need: {error}", NEED_ALLOWED) from None


def parse_days(value: object) -> frozenset[Days]:
    """`"workday"` or `["mon", "holiday"]`. Raises `wrong`."""
    words = [str(word) for word in (value if isinstance(value, list) else [value])]
    if not words or not set(words) <= set(Days):
        raise wrong("is none of the known days", DAYS_ALLOWED)
    return frozenset(map(Days, words))


def _check_hours(value: str) -> str:
    try:
        hours.parse(value)
    except HoursError as error:
        raise wrong(f"is no opening hours: {error}", HOURS_ALLOWED) from None
    return value


def parse_dates(value: object) -> tuple[Span, ...]:
    """`["2026-12-31", "2026-10-01..2026-10-07"]`, dates of TOML too. Raises `wrong`."""
    if not isinstance(value, list) or not value:
        raise wrong("must be a list of dates", DATES_ALLOWED)
    return tuple(_span(item) for item in value)


def _span(value: object) -> Span:
    if isinstance(value, date) and not isinstance(value, datetime):
        return Span(value, value)
    first, dots, last = value.partition("..") if isinstance(value, str) else ("", "", "")
    try:
        span = Span(_date(first), _date(last if dots else first))
    except ValueError:
        raise wrong("has something that is no date", DATES_ALLOWED) from None
    if not 0 <= (span.last - span.first).days < LONGEST_SPAN:
        raise wrong("has a span that ends before it begins, or is too long", DATES_ALLOWED)
    return span


def _date(text: str) -> date:
    """Raises ValueError; other ways of writing a date are not ours."""
    return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 a date has no time zone


def second_of_day(text: str) -> int:
    """`"18:30"` or `"18:30:05"` -> seconds since midnight; checked on load."""
    hours, minutes, rest = (text + ":0").split(":")[:3]
    return int(hours) * 3600 + int(minutes) * 60 + int(rest)


def split_address(value: str) -> tuple[str, int]:
    """`"127.0.0.1:8345"` -> ("127.0.0.1", 8345); an IPv6 host stands in brackets and loses them."""
    host, _, port = value.rpartition(":")
    return host.strip("[]"), int(port)


def split_endpoint(value: str) -> tuple[str, int]:
    """`"tcp:4573:interface=127.0.0.1"` -> ("127.0.0.1", 4573); without an interface it is every one, "0.0.0.0"."""
    found = _ENDPOINT.fullmatch(value)
    assert found is not None, "checked on load"
    return (found[2] or "0.0.0.0").replace("\\", ""), int(found[1])  # noqa: S104 what the text means, not our choice


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_address(value: str) -> str:
    found = _ADDRESS.fullmatch(value)
    if found is None or not 1 <= int(found[2]) <= 65535:
        raise wrong("is not an address", '"host:port" with a port from 1 to 65535')
    return value


def _check_webhook(value: str) -> str:
    """Personal data goes there: without TLS only on this machine; a password in it would stand in the file."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if not host or not safe or "@" in parts.netloc or parts.fragment or not re.fullmatch(r"[!-~]{1,500}", value):
        raise wrong("is not an address for deliveries", '"https://HOST/PATH"; http:// on this machine only')
    return value


def _check_sip(value: str) -> str:
    """Asterisk binds to it, so it must be an address of this machine and no name."""
    host, port = split_address(_check_address(value)) if ":" in value else ("", 0)
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        raise wrong("is not an address for SIP", '"IPv4:port", 0.0.0.0 for every address of this machine') from None
    return f"{host}:{port}"


def _check_ports(value: tuple[int, int]) -> tuple[int, int]:
    if not 1024 <= value[0] < value[1] <= 65535:
        raise wrong("is not a range of ports", "[first, last] from 1024 to 65535")
    return value


def _check_endpoint(value: str) -> str:
    found = _ENDPOINT.fullmatch(value)
    if found is None or not 1 <= int(found[1]) <= 65535:
        raise wrong("is not a listening address", '"tcp:PORT:interface=ADDRESS"')
    return value


def _check_source(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        if not _HOST.fullmatch(value) or re.fullmatch(r"[\d.]+", value):
            raise wrong(
                "is not a source of calls", "an IP address, a network like 10.1.0.0/16, or a host name"
            ) from None
    return value


def _check_database(value: str) -> str:
    allowed = '"sqlite+aiosqlite:///FILE" or "postgresql+asyncpg://USER@HOST/NAME"'
    if re.match(r"[^:]+://([^/@]*:[^/@]*@|.*[?&]password=)", value):
        raise wrong("holds a password", "the password in a file, named by database_password_file")
    if not re.fullmatch(r"sqlite\+aiosqlite:///[^?#]+|postgresql\+asyncpg://([^@/]*@)?[^@/]*/[^/?#]+(\?.*)?", value):
        raise wrong("is not a database that is supported", allowed)
    return value


Flag = StrictBool
Priority = Annotated[StrictInt, Field(ge=-9, le=9)]
Level = Annotated[StrictInt, Field(ge=1, le=10)]
Text = Annotated[
    StrictStr, matching(r"[^\x00-\x1f\x7f]{0,120}", "is not plain text", "at most 120 characters in one line")
]
Shown = Annotated[
    StrictStr,
    matching(
        r"""[^\x00-\x1f\x7f"\\;$,<>|&]{0,60}""",
        "cannot be shown on a phone",
        'at most 60 characters in one line, without " \\ ; $ , < > | &',
    ),
]
Id = Annotated[
    StrictStr,
    matching(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,31}", "is not an id", "1 to 32 letters, digits, _ or -, no - in front"),
]
SkillId = Annotated[
    StrictStr,
    matching(
        r"(?!(any|and|or|not)$)[a-z][a-z0-9_-]{0,31}",
        "is not a skill id",
        "lower-case letters, digits, _ or -; any, and, or, not have a meaning of their own",
    ),
]
ReasonCode = Annotated[StrictInt, Field(ge=1, le=99)]
ReasonName = Annotated[
    StrictStr,
    matching(
        r"(?!\d+$)(?!auto:)[^\x00-\x1f\x7f]{1,30}",
        "is not the name of a reason",
        "at most 30 characters in one line, not digits alone, no auto: in front",
    ),
]
AreaCode = Annotated[
    StrictStr, matching(r"(0\d{2,3})?", "is not an area code", '"" or 0 and 2 or 3 digits, like "0519"')
]
Digits = Annotated[StrictStr, matching(r"\d{2,20}", "is not a number", "2 to 20 digits in quotes")]
Beginning = Annotated[StrictStr, matching(r"\d{1,11}", "is no beginning of numbers", "1 to 11 digits in quotes")]
SHORT_DIGITS: Final = 4  # of a short number at most
ShortNumber = Annotated[StrictStr, matching(r"\d{0,4}", "is no short number", "1 to 4 digits in quotes")]
CasePrefix = Annotated[StrictStr, matching(r"\d{0,8}", "is no beginning of numbers", "at most 8 digits in quotes")]
Hours = Annotated[StrictStr, AfterValidator(_check_hours)]
WholeNumber = StrictInt
MostDigits = Annotated[StrictInt, Field(ge=3, le=20)]
NumberAtTrunk = Annotated[
    StrictStr,
    matching(
        r"\d{2,20}(@[A-Za-z0-9_][A-Za-z0-9_-]{0,31})?",
        "is no number of a department",
        'NUMBER or NUMBER@TRUNK, like "051985680000" or "80001@department"',
    ),
]
DialString = Annotated[
    StrictStr,
    matching(
        r"[A-Za-z][A-Za-z0-9]{1,15}/[A-Za-z0-9_.@:/+*#-]{1,100}",
        "is not a dial string for one phone",
        'TECHNOLOGY/ADDRESS like "PJSIP/1001", without commas, &, spaces or ${...}',
    ),
]
TrunkDial = Annotated[
    StrictStr,
    matching(
        r"[A-Za-z][A-Za-z0-9]{1,15}/[A-Za-z0-9_.@:/+*#-]{0,60}\{number\}[A-Za-z0-9_.@:/+*#-]{0,60}",
        "is not a dial string for a trunk",
        'TECHNOLOGY/... with {number} once, like "PJSIP/{number}@carrier", without commas, &, spaces or ${...}',
    ),
]
Address = Annotated[StrictStr, AfterValidator(_check_address)]
SipAddress = Annotated[StrictStr, AfterValidator(_check_sip)]
PortRange = Annotated[tuple[StrictInt, StrictInt], AfterValidator(_check_ports)]
Endpoint = Annotated[StrictStr, AfterValidator(_check_endpoint)]
WebhookUrl = Annotated[StrictStr, AfterValidator(_check_webhook)]
EventSource = Annotated[
    StrictStr,
    matching(
        r"[A-Za-z0-9_.~:/@%+-]{1,120}", "is not the source of events", 'a URI or a path, like "/hotline/changzhou"'
    ),
]
MostWaiting = Annotated[StrictInt, Field(ge=0, le=1000)]
Minutes = Annotated[StrictInt, Field(ge=0, le=240)]
TrunksNumber = Annotated[
    StrictStr, matching(r"(\+?\d{3,20})?", "is not a telephone number", 'digits in quotes, like "051980000001"')
]
EveryMinutes = Annotated[StrictInt, Field(ge=10, le=1440)]
AtOnce = Annotated[StrictInt, Field(ge=1, le=32)]
MostTries = Annotated[StrictInt, Field(ge=1, le=100_000)]
Source = Annotated[StrictStr, AfterValidator(_check_source)]
DatabaseUrl = Annotated[StrictStr, AfterValidator(_check_database)]
FileName = Annotated[
    StrictStr, matching(r"[^\x00-\x1f]{1,400}", "is not a file name", "a path, relative to this file's folder")
]
Sha256 = Annotated[
    StrictStr, matching(r"[0-9a-f]{64}", "is not a SHA-256 sum", "64 digits 0-9 a-f: printf %s TOKEN | sha256sum")
]
TimeFrom = Annotated[
    StrictStr, matching(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", "is not a time of day", '"00:00" to "23:59"')
]
TimeTo = Annotated[
    StrictStr,
    matching(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?|24:00", "is not a time of day", '"00:00" to "24:00"'),
]
DayWords = Annotated[frozenset[Days], PlainValidator(parse_days)]
Dates = Annotated[tuple[Span, ...], PlainValidator(parse_dates)]
NeedText = Annotated[Need, PlainValidator(parse_need)]


def seconds(default: float, low: float, high: float, effect: str) -> Any:
    """A duration with its default, its bounds and its effect in words."""
    return Field(default, ge=low, le=high, description=effect)


Seconds = Annotated[StrictFloat, Field(allow_inf_nan=False)]
LendRatio = Annotated[StrictFloat, Field(ge=0, le=1, allow_inf_nan=False)]
Factor = Annotated[StrictFloat, Field(allow_inf_nan=False)]
KeptDays = Annotated[StrictFloat, Field(allow_inf_nan=False)]


def _days_to_keep(fewest: int) -> AfterValidator:
    def check(value: int) -> int:
        if value and not fewest <= value <= MOST_DAYS:
            raise wrong("is no time to keep records", f"0 (for ever), or {fewest} to {MOST_DAYS} days")
        return value

    return AfterValidator(check)


PersonDays = Annotated[StrictInt, _days_to_keep(2)]  # a call lasts hours at most, and redials are looked for for days
CallDays = Annotated[StrictInt, _days_to_keep(40)]  # the report of a month is made in the next one
Megabytes = Annotated[StrictInt, Field(ge=0, le=900_000)]
Ratio = Annotated[StrictFloat, Field(gt=0, le=1, allow_inf_nan=False)]
