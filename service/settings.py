"""The configuration file: read, checked as a whole, and handed to the core as frozen records.

`load` reports every mistake at once, with its key and line. What a mistake in one value is stands in
`settings_tables`, what contradicts between tables in `settings_checks`, where a key stands in `settings_lines`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, PrivateAttr, StrictStr, ValidationError, field_validator

from config.plan import REMOTE
from routing.model import AgentProfile, Line, Mode, RestrictionRules, Rules, SeatProfile, Trunk
from routing.permitted import DialingRules
from routing.roster import DUTY, Roster
from routing.slots import Schedule
from service import settings_checks, settings_salvage, settings_secrets
from service.settings_findings import Finding
from service.settings_lines import Path as KeyPath
from service.settings_lines import key_lines, line_of
from service.settings_probe import ProbeScheduleTable, ProbeTable, spellings
from service.settings_problems import (
    SettingsError,
    SettingsProblem,
    clean_path,
    from_validation,
    in_file_order,
    path_text,
)
from service.settings_seats import read_seat_passwords
from service.settings_secrets import SecretError
from service.settings_tables import (
    DEFAULT_REASONS,
    AgentTable,
    CallbacksTable,
    DepartmentTable,
    DialingTable,
    DirectoryTable,
    EmergencyTable,
    FallbackTable,
    LineTable,
    OutboxTable,
    PbxTable,
    PrivacyTable,
    ReasonTable,
    RecordingTable,
    RestrictionsTable,
    RetentionTable,
    RosterTable,
    SeatTable,
    ServiceTable,
    StaffingTable,
    SurgeTable,
    Table,
    TargetTable,
    TimingTable,
    TokenTable,
    TrunkTable,
    ZoneTable,
)
from service.settings_values import SkillId, Text, wrong
from storage.keys import KeySet

__all__ = ["DEFAULT_FILE", "SecretError", "Settings", "SettingsError", "SettingsProblem", "load"]

DEFAULT_FILE: Final = "hotline.toml"
EMERGENCY_NUMBERS: Final = frozenset({"110", "119", "120", "122", "12395"})
_SQLITE: Final = "sqlite+aiosqlite:///"


class Settings(Table):
    """All of `hotline.toml`. Lists carry the plural of their table's name (`[[line]]` -> `lines`)."""

    timezone: StrictStr = Field(default="Asia/Shanghai", description="the hotline's local time, as in the tz database")
    service: ServiceTable = ServiceTable()
    target: TargetTable = TargetTable()
    timing: TimingTable = TimingTable()
    retention: RetentionTable = RetentionTable()
    recording: RecordingTable = RecordingTable()
    pbxs: tuple[PbxTable, ...] = Field(default=(), alias="pbx")
    tokens: tuple[TokenTable, ...] = Field(default=(), alias="token")
    privacy: PrivacyTable = PrivacyTable()
    skills: dict[SkillId, Text] = Field(default_factory=dict)
    reasons: tuple[ReasonTable, ...] = Field(default=DEFAULT_REASONS, alias="reason")
    lines: tuple[LineTable, ...] = Field(default=(), alias="line")
    agents: tuple[AgentTable, ...] = Field(default=(), alias="agent")
    seats: tuple[SeatTable, ...] = Field(default=(), alias="seat")
    zones: tuple[ZoneTable, ...] = Field(default=(), alias="zone")
    rosters: tuple[RosterTable, ...] = Field(default=(), alias="roster")
    trunks: tuple[TrunkTable, ...] = Field(default=(), alias="trunk")
    emergencies: tuple[EmergencyTable, ...] = Field(default=(), alias="emergency")
    departments: tuple[DepartmentTable, ...] = Field(default=(), alias="department")
    directory: DirectoryTable = DirectoryTable()
    dialing: DialingTable = DialingTable()
    callbacks: CallbacksTable = CallbacksTable()
    surge: SurgeTable = SurgeTable()
    staffing: StaffingTable = StaffingTable()
    restrictions: RestrictionsTable = RestrictionsTable()
    outbox: OutboxTable = OutboxTable()
    probe: ProbeTable = ProbeTable()
    probe_schedules: tuple[ProbeScheduleTable, ...] = Field(default=(), alias="probe_schedule")
    fallback: FallbackTable = FallbackTable()

    _file: Path = PrivateAttr(default=Path(DEFAULT_FILE))
    _warnings: tuple[SettingsProblem, ...] = PrivateAttr(default=())
    _document: dict[str, Any] = PrivateAttr(default_factory=dict)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise wrong("is not a known time zone", 'a name of the tz database like "Asia/Shanghai"') from None
        return value

    @property
    def file(self) -> Path:
        return self._file

    @property
    def base_dir(self) -> Path:
        """The folder of the configuration file: relative paths in it start here."""
        return self._file.parent

    @property
    def document(self) -> dict[str, Any]:
        """What was read, as TOML tables. Readers must not change it."""
        return self._document

    @property
    def warnings(self) -> tuple[SettingsProblem, ...]:
        """What is allowed but probably not meant."""
        return self._warnings

    def path(self, name: str) -> Path:
        return self.base_dir / name

    @property
    def data_dir(self) -> Path:
        return self.path(self.service.data_dir)

    @property
    def cel_file(self) -> Path:
        """Of the one Asterisk that is served."""
        return self.path(self.pbxs[0].cel_file)

    @property
    def recordings_dir(self) -> Path:
        return self.path(self.recording.dir).resolve() if self.recording.dir else self.data_dir.resolve() / "recordings"

    @property
    def voice_notice(self) -> Path | None:
        """What rejected callers hear; None: tones alone."""
        name = self.restrictions.voice_notice
        return None if name is None else self.path(name).resolve()

    @property
    def probe_voice(self) -> Path | None:
        """What agents hear in a test call; None: ours."""
        return None if self.probe.voice is None else self.path(self.probe.voice).resolve()

    def probe_caller(self) -> str:
        """A regular expression of the number that test calls show; "": there are no test calls."""
        return spellings(self.probe.caller, self.service.area_code) if self.probe.trunk is not None else ""

    def probe_schedule(self) -> tuple[Schedule, ...]:
        """When test calls are due; never without a trunk for them."""
        lines = tuple(line.number for line in self.lines)
        return () if self.probe.trunk is None else tuple(table.model(lines) for table in self.probe_schedules)

    @property
    def emergency_numbers(self) -> frozenset[str]:
        """Numbers that no restriction may name."""
        return EMERGENCY_NUMBERS | {table.number for table in self.emergencies}

    @property
    def duty_seats(self) -> tuple[SeatTable, ...]:
        """The seats of `[fallback]` in its order; one that does not exist was warned about and is left out."""
        seats = {seat.id: seat for seat in self.seats}
        return tuple(seats[name] for name in self.fallback.duty_seats if name in seats)

    def dial_strings(self) -> dict[str, str]:
        """Seat id -> what Asterisk dials."""
        return {seat.id: seat.dial_string(self.trunks) for seat in self.seats}

    def pause_reason(self, asked: str) -> str | None:
        """The name of a reason by its code or its name; "" stays "". None: there is no such reason."""
        named = {str(reason.code): reason.name for reason in self.reasons}
        return named.get(asked, asked if asked in ("", *named.values()) else None)

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    # -- secrets: read when asked for, kept nowhere --------------------------------------------------------------------

    @property
    def number_key_file(self) -> Path:
        return self.path(self.service.number_key_file)

    def number_keys(self) -> KeySet:
        """Raises SecretError."""
        return settings_secrets.read_number_keys(self.number_key_file)

    def ami_secret(self, pbx: PbxTable) -> str:
        """Raises SecretError."""
        file = self.path(pbx.secret_file) if pbx.secret_file else None
        make_it = f"name it by secret_file, or set {settings_secrets.ami_secret_variable(pbx.name)}"
        secret = settings_secrets.read_text(file, settings_secrets.ami_secret_variable(pbx.name), make_it)
        return settings_secrets.fit_for_asterisk(secret)

    def cli_token(self) -> str:
        """The token by which the commands speak to the service. Raises SecretError."""
        return settings_secrets.read_text(
            self.path(self.service.cli_token_file), "HOTLINE_TOKEN", "hotline init makes one, with its [[token]] table"
        )

    def outbox_secrets(self) -> tuple[bytes, ...]:
        """What signs deliveries, the newest first. Raises SecretError."""
        return settings_secrets.read_outbox_secrets(self.path(self.outbox.secret_file))

    @property
    def outbox_ca_file(self) -> Path | None:
        return None if self.outbox.ca_file is None else self.path(self.outbox.ca_file)

    @property
    def seat_password_file(self) -> Path:
        return self.path(self.service.seat_password_file)

    def seat_passwords(self) -> dict[str, str]:
        """Seat id -> SIP password; a seat without one is configured elsewhere in Asterisk. Raises SecretError."""
        return {found.seat_id: found.password for found in read_seat_passwords(self.seat_password_file)}

    def database_url(self) -> str:
        """For SQLAlchemy: a relative SQLite file made absolute, the PostgreSQL password put in. Raises SecretError."""
        url = self.service.database
        if url.startswith(_SQLITE):
            return _SQLITE + str((self.base_dir / url.removeprefix(_SQLITE)).resolve())
        if not self._has_database_password():
            return url
        file = self.path(self.service.database_password_file) if self.service.database_password_file else None
        password = settings_secrets.read_text(file, settings_secrets.DATABASE_PASSWORD_VARIABLE, "")
        scheme, rest = url.split("://", 1)
        user, at, host = rest.partition("@")
        return f"{scheme}://{user}:{quote(password, safe='')}{at}{host}"

    def _has_database_password(self) -> bool:
        return bool(settings_secrets.DATABASE_PASSWORD_VARIABLE in os.environ or self.service.database_password_file)

    # -- for the core --------------------------------------------------------------------------------------------------

    def rules(self) -> Rules:
        """What the routing engine needs to know. A merged line has rings, zone and target of the line it joined."""
        tables = {line.number: line for line in self.lines}
        return Rules(
            timing=self.timing.model(),
            lines={number: self._line(line, tables) for number, line in tables.items()},
            agents={agent.id: _agent(agent) for agent in self.agents},
            seats={seat.id: self._seat(seat) for seat in self.seats},
            roster=Roster(tuple(table.model() for table in self.rosters), self.zone_info),
            skills=dict(self.skills),
            surge=self.surge.model(),
            restricting=self._restricting(),
            pacing=self.callbacks.model(self.zone_info),
            zones={zone.id: zone.model() for zone in self.zones},
            probing=self.probe.model(),
            emergencies={table.number: table.target(self.trunks) for table in self.emergencies},
            trunks={trunk.name: Trunk(trunk.answer_notice_after_s, trunk.priority) for trunk in self.trunks},
        )

    @property
    def citizens_trunk(self) -> str | None:
        """The trunk by which agents call citizens."""
        usual = (trunk.name for trunk in self.trunks if not trunk.emergency and trunk.name != self.probe.trunk)
        return self.dialing.trunk or next(usual, None)

    def dialing_rules(self) -> DialingRules:
        """Which numbers may be dialled for a call."""
        return DialingRules(
            forbidden=self.dialing.forbidden,
            lines=frozenset(line.number for line in self.lines),
            emergency=self.emergency_numbers,
            area_code=self.service.area_code,
            most_digits=self.dialing.most_digits,
            roles=frozenset(role.value for role in self.dialing.roles),
            follow_up_roles=frozenset(role.value for role in self.dialing.follow_up_roles),
        )

    def _restricting(self) -> RestrictionRules:
        table = self.restrictions
        spoken = self.voice_notice is not None
        return RestrictionRules(table.behind_s, table.short_call_s, table.warning_s, spoken, table.one_place)

    def _seat(self, seat: SeatTable) -> SeatProfile:
        groups = {*seat.groups, *([DUTY] if seat in self.duty_seats else [])}
        dial = seat.dial_string(self.trunks)
        return SeatProfile(
            seat.id, dial, frozenset(groups), seat.lamp, REMOTE.fullmatch(dial) is not None, frozenset(seat.lines)
        )

    def _line(self, line: LineTable, tables: dict[str, LineTable]) -> Line:
        served = tables[line.into] if line.mode is Mode.MERGED and line.into else line
        notice = line.answer_notice_after_s
        return Line(
            number=line.number,
            name=line.name or served.name or line.number,
            mode=line.mode,
            owner=line.owner,
            zone=served.zone,
            rings=served.rings_or_default(self.skills),
            into=line.into,
            subject=line.subject,
            answer_within_s=served.answer_within_s or self.target.answer_within_s,
            ratio=served.ratio or self.target.ratio,
            answer_notice_after_s=served.answer_notice_after_s if notice is None else notice,
            wrap_up_s=served.wrap_up_s,
            priority=served.priority or 0 if line.priority is None else line.priority,
            last_agent_s=served.last_agent_s or 0.0,
        )


def _agent(agent: AgentTable) -> AgentProfile:
    return AgentProfile(agent.id, agent.name or agent.id, dict(agent.skills), agent.zone, agent.sign_in)


def load(
    path: Path,
    *,
    check_secrets: bool = True,
    check_seats: bool = False,
    known_agents: Mapping[str, str | None] | None = None,
    gaps_allowed: bool = False,
) -> Settings:
    """Read and check a configuration file.

    Args:
        path: the TOML file; relative paths in it start at its folder.
        check_secrets: also look whether every secret of the service can be read. Off for what needs none.
        check_seats: also look at the seats' passwords. Off for the service, which has no use for them: a slip in that
            file must not keep it from starting, and its user need not be able to read it.
        known_agents: ids in the database with their zones, which rings and rosters may name too; None: not asked, so a
            strange name only warns.
        gaps_allowed: hours of a line that no roster covers are warnings. For the start of the service: better the duty
            seats alone in these hours than no service in all.

    Raises:
        SettingsError: with all mistakes, in the order of the file.
    """
    text = read_toml(path)
    check = partial(
        settings_checks.check,
        check_secrets=check_secrets,
        check_seats=check_seats,
        known_agents=known_agents,
        gaps_allowed=gaps_allowed,
    )
    return checked(path, tomllib.loads(text), key_lines(text), check)


def checked(
    path: Path, document: dict[str, Any], lines: dict[KeyPath, int], check: Callable[[Settings], list[Finding]]
) -> Settings:
    """The settings of a document that was read from a file. Raises SettingsError as `load`."""
    try:
        settings = Settings.model_validate(document)
    except ValidationError as error:
        raise SettingsError(in_file_order(_mistakes(path, document, error, lines, check))) from None
    settings._file, settings._document = path.absolute(), document
    findings = check(settings)
    errors = in_file_order([_located(finding, lines) for finding in findings if finding.is_error])
    warnings = in_file_order([_located(finding, lines) for finding in findings if not finding.is_error])
    if errors:
        raise SettingsError(errors, warnings)
    settings._warnings = tuple(warnings)
    return settings


def _mistakes(
    path: Path,
    document: dict[str, Any],
    error: ValidationError,
    lines: dict[KeyPath, int],
    check: Callable[[Settings], list[Finding]],
) -> list[SettingsProblem]:
    """The wrong values, and the contradictions that show in spite of them."""
    problems = from_validation(Settings, error, lines)
    rest = settings_salvage.mended(Settings, document, error)
    if rest is None:
        return problems
    rest._file = path.absolute()
    wrong_paths = [clean_path(item["loc"]) for item in error.errors()]
    findings = settings_salvage.further_findings(check(rest), document, wrong_paths)
    return problems + [_located(finding, lines) for finding in findings]


def _located(finding: Finding, lines: dict[KeyPath, int]) -> SettingsProblem:
    return SettingsProblem(path_text(finding.path), line_of(lines, finding.path), finding.text, finding.allowed)


def read_toml(path: Path) -> str:
    """The text of a file that is TOML. Raises SettingsError with the line of the first mistake in its grammar."""
    try:
        return toml_text(path.read_bytes())
    except OSError as error:
        raise SettingsError(
            [SettingsProblem("", None, f"{path} cannot be read: {error.strerror}; hotline init makes one")]
        ) from None


def toml_text(data: bytes) -> str:
    """The text, when it is TOML. Raises SettingsError with the line of the first mistake in its grammar."""
    try:
        text = data.decode("utf-8-sig")
        tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError([SettingsProblem("", line, "the file is not UTF-8 text")]) from None
    except RecursionError:
        raise SettingsError([SettingsProblem("", None, "lists or tables are nested too deeply")]) from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"^(.*) \(at line (\d+), column (\d+)\)$", str(error))
        words, line_no = (
            (f"{found[1]} (column {found[3]})", int(found[2])) if found else (str(error), text.count("\n") + 1)
        )
        raise SettingsError([SettingsProblem("", line_no, f"not TOML: {words}")]) from None
    return text
