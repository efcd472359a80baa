"""What the PBX configuration is rendered from: the part of `hotline.toml` that Asterisk must know, and its folders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import PurePath
from typing import Final

from routing.model import Line, Rules, SeatProfile

SEAT_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,39}")
# Asterisk gives these names of extensions a meaning; `telephone` is the duty telephone in locks and records.
RESERVED_SEATS: Final = frozenset({*"hitseaoT", "telephone"})
LINE_NUMBER: Final = re.compile(r"[0-9]{2,20}")
CASE_PREFIX: Final = re.compile(r"[0-9]{0,8}")
SECTION: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,39}")
DIAL: Final = re.compile(r"[A-Za-z0-9_]+/[A-Za-z0-9_.@:+*#/-]+")
LOCAL_PHONE: Final = re.compile(r"PJSIP/([A-Za-z0-9_.-]+)")
REMOTE: Final = re.compile(r"[A-Za-z0-9_]+/[^@/]+@.+")  # a number behind a trunk
ADDRESS: Final = re.compile(r"[0-9A-Za-z.:/-]+")
ZONE: Final = re.compile(r"[A-Za-z0-9_+/-]+")
TEST_CALLER: Final = re.compile(r"[0-9()+?|\[\]]*")
PATH: Final = re.compile(r"/[^\s,;$()\"'|&\\\[\]{}]*")
SECRET: Final = re.compile(r"(?!>)[!-:<-~]+")  # printable, no blank, no ";" (a comment), no ">" after the "="
SHOWN_LIMIT: Final = 60
# Characters that mean something to a dialplan line, and twins that mean nothing and look alike.
TWINS: Final = str.maketrans({"$": "＄", ";": "；", '"': "＂", "\\": "＼"})


class PlanError(ValueError):
    """The plan cannot be rendered safely; the text names the key and what is allowed, never a secret."""


@dataclass(frozen=True, slots=True)
class Directories:
    """Asterisk's folders, absolute."""

    etc: str
    moddir: str
    varlib: str
    data: str
    keys: str
    agi: str
    spool: str
    run: str
    log: str
    db: str


@dataclass(frozen=True, slots=True)
class RunAs:
    """`runuser` and `rungroup` of asterisk.conf; "" leaves it to whoever starts Asterisk."""

    user: str = ""
    group: str = ""


NOBODY_NAMED: Final = RunAs()


@dataclass(frozen=True, slots=True)
class Trunk:
    """A way to other networks. `match`: addresses its calls come from; `host`: where ours go, "" is nowhere. `cases`: its
    calls bring the id of a case along, dialled behind `case_prefix` where that is not ""."""

    name: str
    match: tuple[str, ...]
    dial: str = ""
    emergency: bool = False
    answer_notice_after_s: float | None = None
    host: str = ""
    port: int = 5060
    lost_after_s: float = 60.0
    cases: bool = False
    case_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Centre:
    """An emergency centre as the dialplan alone dials it. `dials`: by route, in their order."""

    number: str
    dials: tuple[str, ...]
    first_sound_s: float = 3.0
    answer_s: float = 20.0


@dataclass(frozen=True, slots=True)
class PbxPlan:
    """Everything `render` needs. `seat_passwords` holds the seats that register here; the others are reached by trunk.

    `snapshot` and `fallback_script` are absolute paths. `notice_directory` "" is `<spool>/hotline-notice`.
    `rtp` is first and last port. `asterisk_version` is what the binary says of itself, e.g. (22, 10, 1).
    """

    rules: Rules
    trunks: tuple[Trunk, ...]
    duty_seats: tuple[str, ...]
    duty_telephone: str
    fastagi_host: str
    fastagi_port: int
    ami_bind: str
    ami_port: int
    ami_user: str
    ami_secret: str
    sip_bind: str
    sip_port: int
    rtp: tuple[int, int]
    seat_passwords: Mapping[str, str]
    directories: Directories
    fallback_script: str
    snapshot: str
    asterisk_version: tuple[int, ...]
    notice_directory: str = ""
    run_as: RunAs = NOBODY_NAMED
    centres: tuple[Centre, ...] = ()
    voice_notice: str = ""  # file of the notice to rejected callers; "" is none
    records: bool = False
    recordings_directory: str = ""  # "" is `<spool>/hotline-recordings`
    test_caller: str = ""  # regular expression of the number of the trunk for test calls; "" is no test calls
    test_talk_s: float = 4.0
    test_voice: str = ""  # file of what an agent hears in a test call; "" is ours
    timezone: str = "Asia/Shanghai"  # whose days the folders of recordings are

    @property
    def notice(self) -> str:
        return self.notice_directory or f"{self.directories.spool}/hotline-notice"

    @property
    def tones(self) -> str:
        return f"{self.directories.spool}/hotline-tones"

    @property
    def recordings(self) -> str:
        return self.recordings_directory or f"{self.directories.spool}/hotline-recordings"

    @property
    def voice(self) -> str:
        """The notice to rejected callers as Asterisk names it: without what stands after the last dot."""
        return self._sound("voice", self.voice_notice, "restricted")

    @property
    def phrase(self) -> str:
        """What an agent hears in a test call, in the same way."""
        return self._sound("phrase", self.test_voice, "test")

    def _sound(self, name: str, file: str, ours: str) -> str:
        suffix = PurePath(file).suffix.lower().removeprefix(".")
        return f"{self.tones}/{name}-{suffix}" if suffix else f"{self.tones}/{ours}"


def shown_name(line: Line, rules: Rules) -> str:
    """What the agent's phone shows: the line's name (a merged line's: of the line that serves it) and the subject."""
    name = line.name
    if not name and line.into and line.into in rules.lines:
        name = rules.lines[line.into].name
    text = " ".join(f"{name or line.number} {line.subject}".split())
    printable = "".join(char for char in text if char.isprintable())
    return printable.translate(TWINS)[:SHOWN_LIMIT].strip()


def device(seat: SeatProfile) -> str:
    """The device whose state guards the seat; "" for a seat behind a trunk, of which Asterisk knows nothing."""
    return seat.dial if LOCAL_PHONE.fullmatch(seat.dial) else ""


def phone(seat: SeatProfile) -> str:
    """The endpoint of the seat's phone; "" for a seat behind a trunk."""
    match = LOCAL_PHONE.fullmatch(seat.dial)
    return match[1] if match else ""


def problems(plan: PbxPlan) -> list[str]:
    """Everything in the plan that could break out of its place in a configuration file. Empty: safe to render."""
    return [
        *_line_problems(plan),
        *_seat_problems(plan),
        *_trunk_problems(plan),
        *_centre_problems(plan),
        *_server_problems(plan),
    ]


def _must(pattern: re.Pattern[str], value: str, what: str) -> list[str]:
    return [] if pattern.fullmatch(value) else [f"{what} holds characters that Asterisk's files cannot carry"]


def _line_problems(plan: PbxPlan) -> list[str]:
    return [f"line {number!r}: a number of digits" for number in plan.rules.lines if not LINE_NUMBER.fullmatch(number)]


def _seat_problems(plan: PbxPlan) -> list[str]:
    found: list[str] = []
    for seat in plan.rules.seats.values():
        if not SEAT_ID.fullmatch(seat.id) or seat.id in RESERVED_SEATS:
            found.append(
                f"seat {seat.id!r}: letters, digits, _ and - only, and no name that Asterisk or the dialplan uses"
            )
        found += _must(DIAL, seat.dial, f"seat {seat.id!r}: dial")
    for seat_id, password in plan.seat_passwords.items():
        seat_of = plan.rules.seats.get(seat_id)
        if seat_of is None or not LOCAL_PHONE.fullmatch(seat_of.dial):
            found.append(f"seat {seat_id!r}: has a password, so its dial must be PJSIP/<name>")
        found += _must(SECRET, password, f"seat {seat_id!r}: password")
    found += [
        f"fallback.duty_seats: {seat_id!r} is no seat" for seat_id in plan.duty_seats if seat_id not in plan.rules.seats
    ]
    return found


def _trunk_problems(plan: PbxPlan) -> list[str]:
    found: list[str] = []
    phones = {LOCAL_PHONE.fullmatch(seat.dial) for seat in plan.rules.seats.values()}
    taken = {match[1] for match in phones if match}
    for trunk in plan.trunks:
        found += _must(SECTION, trunk.name, f"trunk {trunk.name!r}: name")
        found += _must(CASE_PREFIX, trunk.case_prefix, f"trunk {trunk.name!r}: case_prefix")
        if trunk.name in taken:
            found.append(f"trunk {trunk.name!r}: a seat's phone has the same name")
        taken.add(trunk.name)
        for address in (*trunk.match, *([trunk.host] if trunk.host else [])):
            found += _must(ADDRESS, address, f"trunk {trunk.name!r}: address")
    if plan.duty_telephone:
        found += _must(DIAL, plan.duty_telephone, "fallback.duty_telephone")
    return found


def _centre_problems(plan: PbxPlan) -> list[str]:
    found: list[str] = []
    for centre in plan.centres:
        if not LINE_NUMBER.fullmatch(centre.number):
            found.append(f"emergency {centre.number!r}: a number of digits")
        for dial in centre.dials:
            found += _must(DIAL, dial, f"emergency {centre.number!r}: dial of a route")
    return found


def _server_problems(plan: PbxPlan) -> list[str]:
    found = [
        *_must(SECTION, plan.ami_user, "pbx.user"),
        *_must(SECRET, plan.ami_secret, "pbx.secret"),
        *_must(PATH, plan.fallback_script, "fallback script"),
        *_must(PATH, plan.snapshot, "snapshot path"),
        *_must(PATH, plan.notice, "notice directory"),
        *_must(PATH, plan.voice, "restrictions.voice_notice"),
        *_must(PATH, plan.recordings, "recording.dir"),
        *_must(PATH, plan.phrase, "probe.voice"),
        *_must(TEST_CALLER, plan.test_caller, "probe.caller"),
        *_must(ZONE, plan.timezone, "timezone"),
    ]
    for name, host in (("fastagi", plan.fastagi_host), ("ami", plan.ami_bind), ("sip", plan.sip_bind)):
        found += _must(ADDRESS, host, f"{name} address")
    for name in (plan.run_as.user, plan.run_as.group):
        found += _must(SECTION, name, "runuser and rungroup") if name else []
    for item in fields(plan.directories):
        found += _must(PATH, getattr(plan.directories, item.name), f"directory {item.name}")
    return found
