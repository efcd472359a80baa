"""Every table of `hotline.toml` as a frozen model: names, kinds, bounds, defaults and effect of each key.

Only what one value can say about itself is checked here; what two tables say about each other is in
`settings_checks`. `docs/configuration.md` lists the same keys, and a test holds it to this file.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import tzinfo
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from config.feature_codes import centre_name
from routing.directory import DepartmentKind
from routing.hours import WORKING_HOURS, parse
from routing.model import DEFAULT_RINGS, Mode, PacingRules, RestrictionRules, Ring, SignIn, SurgeRules, Timing, Zone
from routing.need import All, Anybody, Either, InGroup, InZone, Named, Need, Skilled
from routing.permitted import FORBIDDEN, MOST_DIGITS
from routing.roster import Days, Roster, Shift
from routing.targets import Route, Target, TargetKind
from service.settings_values import (
    Address,
    AreaCode,
    AtOnce,
    Beginning,
    CallDays,
    CasePrefix,
    DatabaseUrl,
    Dates,
    DayWords,
    DialString,
    Digits,
    Endpoint,
    EventSource,
    Factor,
    FileName,
    Flag,
    Hours,
    Id,
    KeptDays,
    LendRatio,
    Level,
    Megabytes,
    MostDigits,
    MostTries,
    NeedText,
    NumberAtTrunk,
    PersonDays,
    PortRange,
    Priority,
    Ratio,
    ReasonCode,
    ReasonName,
    Seconds,
    Sha256,
    ShortNumber,
    Shown,
    SipAddress,
    SkillId,
    Source,
    Text,
    TimeFrom,
    TimeTo,
    TrunkDial,
    WebhookUrl,
    WholeNumber,
    second_of_day,
    seconds,
    split_address,
    split_endpoint,
)

RESERVE: Final = "reserve"  # the group of seats that joins last by default
_T = Timing()
_SURGE = SurgeRules()
_RESTRICTING = RestrictionRules()
_PACING = PacingRules()


class Role(StrEnum):
    AGENT = "agent"
    EXPERT = "expert"
    SUPERVISOR = "supervisor"
    ENGINEER = "engineer"
    AUDITOR = "auditor"


class Sight(StrEnum):
    NONE = "none"
    MASKED = "masked"
    CLEAR = "clear"
    HIDDEN = "hidden"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServiceTable(Table):
    fastagi: Endpoint = Field(default="tcp:4573:interface=127.0.0.1", description="where Asterisk asks for decisions")
    http: Address = Field(default="127.0.0.1:8345", description="HTTP API, desk, wallboard, metrics")
    database: DatabaseUrl = Field(default="sqlite+aiosqlite:///var/hotline.db", description="where records are kept")
    database_password_file: FileName | None = Field(default=None, description="password of the PostgreSQL user")
    data_dir: FileName = Field(default="var", description="journal, recordings, snapshot")
    number_key_file: FileName = Field(
        default="secrets/number.key", description="encrypts caller numbers at rest, 64 hex digits"
    )
    cli_token_file: FileName = Field(
        default="secrets/cli.token", description="the token by which the commands speak to the service"
    )
    seat_password_file: FileName = Field(
        default="secrets/seats", description="SIP passwords of the seats, lines of <seat id> <password>"
    )
    area_code: AreaCode = Field(default="", description="area code of local caller numbers, like 0519")
    log_level: LogLevel = Field(default=LogLevel.INFO, description="least important log line that is written")

    @property
    def fastagi_address(self) -> tuple[str, int]:
        return split_endpoint(self.fastagi)

    @property
    def http_address(self) -> tuple[str, int]:
        return split_address(self.http)


class TargetTable(Table):
    answer_within_s: Seconds = seconds(15.0, 1, 600, "a call answered within this is in time")
    ratio: Ratio = Field(default=0.95, description="share of calls that must be in time")


class RetentionTable(Table):
    explanations_days: KeptDays = Field(
        default=90.0, ge=1, le=3650, description="what every seat was to a decision is kept for so long"
    )
    numbers_days: PersonDays = Field(default=0, description="callers' numbers; 0 = as long as their calls")
    intakes_days: PersonDays = Field(default=0, description="names, texts and subjects of intakes; 0 = as the calls")
    callbacks_days: PersonDays = Field(
        default=0, description="numbers and notes of call-backs that are over; 0 = for ever"
    )
    agents_days: CallDays = Field(default=0, description="who was signed in and paused when; 0 = for ever")
    calls_days: CallDays = Field(default=0, description="whole days of calls; their figures stay; 0 = for ever")
    forget_at: TimeFrom = Field(default="03:30", description="local time from which the nightly run may begin")

    @property
    def forgets(self) -> bool:
        """Something is forgotten by its age."""
        ages = self.numbers_days, self.intakes_days, self.callbacks_days, self.agents_days, self.calls_days
        return any(ages)


class RecordingTable(Table):
    enabled: Flag = Field(default=True, description="calls are recorded from the first answer to the end")
    dir: FileName | None = Field(default=None, description="where recordings are kept; default: recordings in data_dir")
    keep_days: KeptDays = Field(
        default=180.0, ge=0, le=36500, description="recordings are deleted after so long; 0 = never"
    )
    min_free_mb: Megabytes = Field(default=2048, description="less free space than this is an alarm")


class TimingTable(Table):
    lease_s: Seconds = seconds(_T.lease_s, 1, 30, "a frozen service loses its callers to the fallback after this")
    ring_s: Seconds = seconds(_T.ring_s, 2, 60, "one presentation rings for so long")
    ring_several_after_s: Seconds = seconds(
        _T.ring_several_after_s, 0, 600, "from this waiting time on several seats ring at once; 0 = never"
    )
    wrap_up_s: Seconds = seconds(_T.wrap_up_s, 0, 3600, "work after a call before the next one")
    busy_pause_s: Seconds = seconds(_T.busy_pause_s, 0, 600, "pause of a seat that was busy or rejected a call")
    no_answer_pause_s: Seconds = seconds(_T.no_answer_pause_s, 0, 3600, "pause of a seat that let a caller ring out")
    redial_keeps_place_s: Seconds = seconds(
        _T.redial_keeps_place_s, 0, 3600, "who dials again within this keeps the old place"
    )
    restart_window_s: Seconds = seconds(
        _T.restart_window_s, 0, 120, "how long the dialplan retries a service that is restarting"
    )
    answer_notice_after_s: Seconds = seconds(
        _T.answer_notice_after_s, 0, 600, "a caller who waits so long is answered into a notice; 0 = never"
    )
    class_worth_s: Seconds = seconds(_T.class_worth_s, 0, 3600, "one priority class is worth so much waiting")
    remote_ring_s: Seconds = seconds(
        _T.remote_ring_s, 5, 60, "a remote seat rings for so long, the carrier's own delay in it"
    )
    remote_confirm_s: Seconds = seconds(
        _T.remote_confirm_s, 2, 30, "who picks up a remote seat must press 1 within this, or it was a mailbox"
    )
    call_out_agent_ring_s: Seconds = seconds(
        _T.call_out_agent_ring_s, 5, 120, "the phone of an agent who calls out rings for so long"
    )
    call_out_ring_s: Seconds = seconds(_T.call_out_ring_s, 5, 120, "the citizen whom he calls is rung for so long")

    def model(self) -> Timing:
        return Timing(**self.model_dump())


class PbxTable(Table):
    name: Id = Field(description="name in metrics and log lines")
    ami: Address = Field(default="127.0.0.1:5038", description="Asterisk's manager interface")
    user: Id = Field(default="hotline", description="user in manager.conf")
    secret_file: FileName | None = Field(default=None, description="the manager user's secret")
    sip: SipAddress = Field(default="0.0.0.0:5060", description="where phones and trunks reach Asterisk, UDP")
    rtp_ports: PortRange = Field(default=(10000, 20000), description="first and last UDP port for sound")
    cel_file: FileName = Field(
        default="/var/log/asterisk/cel-custom/hotline.csv",
        description="Asterisk's own record of calls, the second witness",
    )
    allow_known_deadlock: Flag = Field(
        default=False, description="serve Asterisk 20.19.x and 22.9.x in spite of their deadlock"
    )

    @property
    def ami_address(self) -> tuple[str, int]:
        return split_address(self.ami)

    @property
    def sip_address(self) -> tuple[str, int]:
        return split_address(self.sip)


class TokenTable(Table):
    name: Text = Field(description="whose token it is")
    role: Role = Field(description="what it may do")
    sha256: Sha256 = Field(description="SHA-256 of the token, never the token")


class PrivacyTable(Table):
    """What each role of a token sees of citizens' numbers."""

    agent: Sight = Field(
        default=Sight.MASKED, description="none, masked, clear where asked for, or of hidden callers too"
    )
    expert: Sight = Field(default=Sight.MASKED, description="the same for experts")
    supervisor: Sight = Field(default=Sight.HIDDEN, description="the same for supervisors")
    engineer: Sight = Field(default=Sight.CLEAR, description="the same for engineers, and the commands on the machine")
    auditor: Sight = Field(default=Sight.MASKED, description="the same for auditors")


class RingTable(Table):
    after_s: Seconds = seconds(0.0, 0, 3600, "from this waiting time on")
    need: NeedText | None = Field(
        default=None, description="whom it asks: skills with levels, and, or, not, groups, agents"
    )
    group: Id | None = Field(default=None, description='the same as need = "group:NAME"')

    def model(self) -> Ring:
        if self.need is not None:
            return Ring(self.after_s, self.need)
        return Ring(self.after_s, InGroup(self.group) if self.group else Anybody())


class LineTable(Table):
    number: Digits = Field(description="the dialled number")
    name: Shown = Field(
        default="", description="name shown to people; default: that of the line it joined, else the number"
    )
    mode: Mode = Field(default=Mode.OWN, description="own, parallel (双号并行) or merged (整体并入)")
    owner: Text = Field(default="", description="the department behind a parallel number")
    zone: Id | None = Field(default=None, description="seats of this zone first")
    rings: tuple[RingTable, ...] = Field(default=(), description="the widening circle; default: see below")
    into: Digits | None = Field(default=None, description="merged: the line that serves it")
    subject: Shown = Field(default="", description="shown on the agent's phone and desk")
    answer_within_s: Seconds | None = Field(default=None, ge=1, le=600, description="own target of this line")
    ratio: Ratio | None = Field(default=None, description="own target of this line")
    answer_notice_after_s: Seconds | None = Field(
        default=None, ge=0, le=600, description="as in [timing], for this line"
    )
    wrap_up_s: Seconds | None = Field(default=None, ge=0, le=3600, description="as in [timing], for this line")
    last_agent_s: Seconds | None = Field(
        default=None, ge=0, le=15, description="wait so long for the agent who spoke with this number in the last 24 h"
    )
    priority: Priority | None = Field(default=None, description="class in the queue, each worth class_worth_s")
    lost_calls: Flag = Field(default=False, description="callers of this number whom nobody answered are called back")

    def rings_or_default(self, skills: Collection[str]) -> tuple[Ring, ...]:
        """The rings as written; else of the zone's own skill, wider every three seconds; else everybody's."""
        if self.rings:
            return tuple(ring.model() for ring in self.rings)
        if self.zone is None or self.zone not in skills:
            return DEFAULT_RINGS
        home = (Ring(0.0, Skilled(self.zone, 5)), Ring(3.0, Skilled(self.zone)))
        return (*home, Ring(6.0, Skilled("general")), Ring(10.0, InGroup(RESERVE)))


class ReasonTable(Table):
    code: ReasonCode = Field(description="what the agent dials")
    name: ReasonName = Field(description="what people see")


DEFAULT_REASONS: Final = tuple(
    ReasonTable(code=code, name=name) for code, name in enumerate(("小休", "用餐", "培训", "会议", "案头", "其他"), 1)
)


class AgentTable(Table):
    id: Id = Field(description="with sign_in = phone also the id of the seat")
    name: Text = Field(default="", description="name shown to people; default: the id")
    skills: dict[SkillId, Level] = Field(default_factory=dict, description="skill = level, 1 to 10")
    zone: Id | None = Field(default=None, description="the zone this agent belongs to")
    sign_in: SignIn = Field(
        default=SignIn.PHONE, description="phone: while the phone is registered; agent: by an own act"
    )


class SeatTable(Table):
    id: Id = Field(description="also the SIP user")
    dial: DialString | None = Field(default=None, description="Asterisk's dial string; default: PJSIP/<id>")
    telephone: Digits | None = Field(
        default=None, description="number of a remote seat (云座席): any telephone behind a trunk"
    )
    trunk: Id | None = Field(
        default=None, description="the way to it; default: the only trunk that is not for emergencies"
    )
    lines: tuple[Digits, ...] = Field(default=(), description="numbers it takes; default: all lines")
    groups: tuple[Id, ...] = Field(default=(), description="groups that rings may name, like reserve")
    lamp: Flag = Field(default=False, description="phones may show the state of whoever sits there")

    def dial_string(self, trunks: Sequence[TrunkTable]) -> str:
        """What Asterisk dials. Of a telephone whose trunk is not known: "", which the check has told."""
        if self.telephone is None:
            return self.dial or f"PJSIP/{self.id}"
        dial = next((trunk.dial for trunk in trunks if trunk.name == self.trunk_of(trunks)), "")
        return dial.replace("{number}", self.telephone)

    def trunk_of(self, trunks: Sequence[TrunkTable]) -> str | None:
        """The trunk to its telephone; None when it must be named and is not."""
        return self.trunk or usual_trunk(trunks)


class SurgeTable(Table):
    wrap_up_s: Seconds = seconds(_SURGE.wrap_up_s, 0, 600, "wrap-up while a surge lasts, when the usual one is longer")
    groups: tuple[Id, ...] = Field(default=_SURGE.groups, description="groups of seats that ring from the start")

    def model(self) -> SurgeRules:
        return SurgeRules(**self.model_dump())


class StaffingTable(Table):
    """For the seats needed, as long as the last two weeks have too few calls to learn it from."""

    handle_s: Seconds = seconds(300.0, 10, 7200, "how long a call keeps its agent: talk and wrap-up")
    patience_s: Seconds = seconds(600.0, 1, 7200, "how long callers wait on average before they give up")


class RestrictionsTable(Table):
    behind_s: Seconds = seconds(
        _RESTRICTING.behind_s, 1, 3600, "who is served last stands behind whoever comes within so long after him"
    )
    short_call_s: Seconds = seconds(
        _RESTRICTING.short_call_s, 5, 7200, "limit of a short call whose entry names none of its own"
    )
    warning_s: Seconds = seconds(
        _RESTRICTING.warning_s, 1, 600, "so long before the end of a short call its agent hears a tone"
    )
    voice_notice: FileName | None = Field(
        default=None,
        description="what rejected callers hear, with the emergency numbers: WAV (8 kHz, mono, 16 bit) or .alaw",
    )
    one_place: Flag = Field(
        default=_RESTRICTING.one_place, description="calls of one number that wait at once share one place in the queue"
    )


class ZoneTable(Table):
    id: Id = Field(description="named by the zone of lines and agents")
    name: Shown = Field(default="", description="name shown to people; default: the id")
    lend_ratio: LendRatio = Field(
        default=0.0, description="lends its agents while its own ratio is so high; 0 = always"
    )
    lend_wait_s: Seconds = seconds(
        0.0, 0, 600, "lends its agents while nobody of its own lines waits so long; 0 = always"
    )

    def model(self) -> Zone:
        return Zone(self.id, self.name or self.id, self.lend_ratio, self.lend_wait_s)


class RosterTable(Table):
    """Who is on duty when. Of `zone`, `group` and `agents` all that are given must hold."""

    name: Text = Field(default="", description="for people")
    lines: tuple[Digits, ...] = Field(default=(), description="numbers it is for; default: all lines")
    zone: Id | None = Field(default=None, description="agents of this zone")
    group: Id | None = Field(default=None, description="whoever sits at a seat of this group")
    agents: tuple[Id, ...] = Field(default=(), description="these agents")
    days: DayWords | None = Field(default=None, description="days on which it begins; default: every day")
    dates: Dates = Field(default=(), description="dates on which it begins, instead of days")
    from_: TimeFrom = Field(default="00:00", alias="from", description="local time")
    to: TimeTo = Field(default="24:00", description="local time; not later than from: on the next day")
    first: Flag = Field(default=False, description="these people take the lines before all others (领导接听日)")
    off: Flag = Field(default=False, description="on these dates these people have no shift")

    def model(self) -> Shift:
        return Shift(
            lines=frozenset(self.lines),
            people=self.people,
            days=frozenset() if self.dates else self.days or frozenset({Days.DAILY}),
            spans=self.dates,
            begins_s=second_of_day(self.from_),
            ends_s=second_of_day(self.to),
            first=self.first,
            off=self.off,
            name=self.name,
        )

    @property
    def people(self) -> Need:
        parts: list[Need] = []
        parts += [InZone(self.zone)] if self.zone else []
        parts += [InGroup(self.group)] if self.group else []
        named = tuple(Named(agent) for agent in sorted(set(self.agents)))
        parts += [named[0] if len(named) == 1 else Either(named)] if named else []
        return Anybody() if not parts else parts[0] if len(parts) == 1 else All(tuple(parts))


class TrunkTable(Table):
    name: Id = Field(description="also the PJSIP endpoint")
    match: tuple[Source, ...] = Field(default=(), description="addresses its calls come from")
    dial: TrunkDial = Field(description="dial string with {number}")
    emergency: Flag = Field(default=False, description="calls arriving here go first")
    answer_notice_after_s: Seconds | None = Field(
        default=None, ge=0, le=600, description="as in [timing], for this carrier"
    )
    lost_after_s: Seconds = seconds(
        60.0, 0, 3600, "a leg without any sound for so long is gone and is ended; 0 = never"
    )
    priority: Priority = Field(default=0, description="class in the queue, added to that of the line")
    cases: Flag | None = Field(
        default=None, description="its calls bring the id of a case along, in X-Hotline-Case; default: as emergency"
    )
    case_prefix: CasePrefix = Field(
        default="", description="where an exchange can only dial: this, the number of a line, the id of the case"
    )

    @property
    def takes_cases(self) -> bool:
        return self.emergency if self.cases is None else self.cases


def usual_trunk(trunks: Sequence[TrunkTable]) -> str | None:
    """The one that need not be named: the only trunk that is not for emergencies."""
    usual = [trunk.name for trunk in trunks if not trunk.emergency]
    return usual[0] if len(usual) == 1 else None


class RouteTable(Table):
    trunk: Id = Field(description="a [[trunk]]")
    number: Digits = Field(description="number dialled there")


class EmergencyTable(Table):
    number: Digits = Field(description="number of the emergency service")
    routes: tuple[RouteTable, ...] = Field(min_length=1, description="tried in this order")
    first_sound_s: Seconds = seconds(3.0, 1, 30, "no ringing by then: dial the next route too")
    answer_s: Seconds = seconds(20.0, 3, 120, "no answer by then: dial the next route")

    def target(self, trunks: Sequence[TrunkTable]) -> Target:
        """The centre with its routes in their order. The citizen's number is shown there."""
        dials = {trunk.name: trunk.dial for trunk in trunks}
        routes = tuple(
            Route(dials[route.trunk].replace("{number}", route.number), f"{route.trunk} {route.number}")
            for route in self.routes
        )
        name = centre_name(self.number).chinese
        return Target(
            TargetKind.EMERGENCY, self.number, name, routes, self.answer_s, self.first_sound_s, shows_caller=True
        )


class DepartmentTable(Table):
    id: Id = Field(description="in records, and what is typed")
    name: Shown = Field(default="", description="name shown to people; default: the id")
    code: ShortNumber = Field(default="", description="short number, for keys in a talk; nobody else has it")
    kind: DepartmentKind = Field(
        default=DepartmentKind.DEPARTMENT, description="department, or hotline: another city's 12345"
    )
    level: WholeNumber | None = Field(
        default=None,
        ge=1,
        le=3,
        description="1 and 2: around the clock, 3: in working hours; default: 3, of a hotline 1",
    )
    hours: Hours = Field(default="", description="hours of its own; default: those of its level")
    numbers: tuple[NumberAtTrunk, ...] = Field(
        min_length=1, max_length=10, description="called in this order, NUMBER or NUMBER@TRUNK"
    )
    shows_caller: Flag = Field(
        default=False,
        description="it sees the citizen's number, else that of the line he dialled; a hotline always does",
    )
    note: Text = Field(default="", description="for the agents")


class DirectoryTable(Table):
    working_hours: Hours = Field(default=WORKING_HOURS, description="hours of departments of level 3")
    answer_s: Seconds = seconds(30.0, 5, 120, "one number of a department rings for so long")


class DialingTable(Table):
    """What may be dialled for a call, by whomever."""

    forbidden: tuple[Beginning, ...] = Field(
        default=FORBIDDEN, description="beginnings of numbers that are never dialled, also behind an area code"
    )
    most_digits: MostDigits = Field(default=MOST_DIGITS, description="longer numbers are never dialled")
    roles: tuple[Role, ...] = Field(
        default=(Role.SUPERVISOR, Role.EXPERT),
        description="who may dial a number that stands in no directory, in a talk",
    )
    follow_up_roles: tuple[Role, ...] = Field(
        default=(Role.SUPERVISOR, Role.EXPERT, Role.AGENT),
        description="who may call the citizen of a case, naming case and number",
    )
    trunk: Id | None = Field(
        default=None,
        description="the way of such numbers, and to citizens; default: the only trunk not for emergencies, "
        "to citizens the first",
    )


class CallbacksTable(Table):
    """Citizens who are called back: by whom the service lets them be called, when and how often; and who is on the list."""

    offer: Flag = Field(default=_PACING.offers, description="the service offers call-backs to agents by itself")
    hours: Hours = Field(
        default="daily 08:30-20:30", description="when it lets citizens be called, as in hours of [[department]]"
    )
    keep_free: WholeNumber = Field(
        default=_PACING.keep_free, ge=0, le=1000, description="so many free seats of each line stay for its callers"
    )
    keep_free_ratio: LendRatio = Field(
        default=_PACING.keep_free_ratio, description="likewise, as a share of the seats that are there"
    )
    tries: WholeNumber = Field(default=_PACING.tries, ge=1, le=3, description="so often a citizen is dialled")
    retry_s: Seconds = seconds(_PACING.retry_s, 1, 86400, "pause after the first try")
    retry_growth: Factor = Field(
        default=_PACING.retry_growth, ge=1, le=10, description="each later pause is so many times the one before"
    )
    declined_pause_s: Seconds = seconds(
        _PACING.declined_pause_s, 0, 3600, "an agent who did not take a call-back is offered none for so long"
    )
    lost_calls_decision: Text = Field(
        default="", description="who decided that lost calls are called back unasked, and when"
    )
    lost_after_s: Seconds = seconds(5.0, 0, 600, "who hung up before is not called back")
    lost_within_h: WholeNumber = Field(
        default=24, ge=1, le=168, description="a lost call that is older is not called back"
    )

    def model(self, zone: tzinfo) -> PacingRules:
        return PacingRules(
            offers=self.offer,
            hours=Roster(parse(self.hours), zone),
            keep_free=self.keep_free,
            keep_free_ratio=self.keep_free_ratio,
            tries=self.tries,
            retry_s=self.retry_s,
            retry_growth=self.retry_growth,
            declined_pause_s=self.declined_pause_s,
        )


class OutboxTable(Table):
    """The city's work-order platform, which is told what happened."""

    url: WebhookUrl | None = Field(default=None, description="where deliveries are posted; without it nothing is")
    secret_file: FileName = Field(default="secrets/outbox.key", description="signs deliveries, whsec_... in a line")
    ca_file: FileName | None = Field(
        default=None, description="authorities that may vouch for it; default: those of the system"
    )
    source: EventSource = Field(default="/hotline", description="`source` of the events")
    with_numbers: Flag = Field(default=False, description="callers' numbers are delivered too, of hidden callers never")
    timeout_s: Seconds = seconds(10.0, 1, 60, "an attempt without an answer for so long has failed")
    at_once: AtOnce = Field(default=4, description="deliveries of different calls at the same time")
    first_pause_s: Seconds = seconds(5.0, 1, 3600, "pause after a failed attempt, doubled after each further one")
    longest_pause_s: Seconds = seconds(300.0, 1, 86400, "the pauses grow no longer")
    most_tries: MostTries = Field(default=1000, description="after so many attempts it is dead")
    give_up_after_s: Seconds = seconds(259_200.0, 60, 2_592_000, "dead, too, so long after the first attempt")
    keep_days: KeptDays = Field(default=30.0, ge=1, le=3650, description="what was delivered is deleted after so long")


class FallbackTable(Table):
    duty_seats: tuple[Id, ...] = Field(default=(), description="seats that ring when the service is out of reach")
    duty_telephone: DialString | None = Field(default=None, description="dial string of the last resort")
