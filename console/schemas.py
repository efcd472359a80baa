"""The shapes of the HTTP API, for answers, checks and the description under `/api/docs`."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, computed_field

AgentId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]

CallId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]


class HealthOut(BaseModel):
    ready: bool = Field(description="The start is over and the engine decides.")
    serving: bool = Field(description="Callers reach people through this service.")
    degraded: list[str] = Field(description="Parts out of order while callers are still served.")


class TodayOut(BaseModel):
    """Since midnight; a call belongs to the day of its arrival."""

    offered: int
    judged: int = Field(description="Decided calls, tests and restricted callers left out: the ratio's denominator.")
    answered: int
    in_time: int
    abandoned: int
    flowed_out: int
    failed: int
    restricted: int = Field(0, description="Rejected or served last by a restriction; not in `judged`.")
    ratio: float | None = Field(description="0..1, null while there is nothing to judge.")
    formula: str = Field(description="Id of the formula of `ratio`, see docs/metrics.md.")


class LineTodayOut(TodayOut):
    p50_s: float | None
    p95_s: float | None
    max_s: float | None


class DutyOut(BaseModel):
    """Who is on duty for a line now."""

    people: str = Field(description="As needs are written, like group:day.")
    first: list[str] = Field(description="Those who take the line before others.")
    gap: bool = Field(description="Nobody's shift runs: the duty seats serve the line.")
    until: float | None = Field(description="Epoch seconds; null: no change in the next 31 days.")


class LineOut(BaseModel):
    number: str
    name: str
    waiting: int | None = Field(description="Callers waiting now; null: a merged number, counted at its line.")
    longest_wait_s: float | None
    talking: int | None
    duty: DutyOut | None = Field(description="null when no roster names the line: everybody who is signed in.")
    today: LineTodayOut | None = Field(description="null while the records do not answer.")


class SeatOut(BaseModel):
    seat: str
    agent: str | None
    name: str
    state: str = Field(description="signed_out, ready, ringing, talking, wrap_up, paused")
    since_s: float = Field(description="Seconds in this state.")
    device: str = Field(description="The phone as Asterisk sees it.")
    line: str | None = Field(description="Number of the call it rings or talks for.")
    reason: str


class NowOut(BaseModel):
    waiting: int
    longest_wait_s: float
    talking: int
    seats: dict[str, int] = Field(description="Seats by state.")
    set_aside: list[str] = Field(description="Seats that missed two calls in a row: somebody should go and look.")


class TargetOut(BaseModel):
    answer_within_s: float
    ratio: float


class SurgeOut(BaseModel):
    """Times are epoch seconds."""

    since: float
    until: float
    reason: str
    by: str = Field(description="Name of the token that declared it.")


class SuggestionOut(BaseModel):
    """Arrivals have been above the forecast for three minutes or more. Nothing is done: a person may declare a surge."""

    since: float = Field(description="Epoch seconds.")
    at: str = Field(description="The same by the hotline's clock, like 14:03.")
    percent: int = Field(description="Above the forecast since then.")
    callers: int = Field(description="Since then; who calls twice in a minute counts once.")
    expected: float
    text: str = Field(description="What is seen, and what to type.")


class HourOut(BaseModel):
    expected: float | None
    arrived: int | None = Field(description="null: still to come.")


class OutlookOut(BaseModel):
    """Today's forecast and arrivals of the whole hotline, as of the last full minute."""

    total: float | None = Field(description="Calls expected all day; null without a forecast.")
    until_now: float | None
    arrived: int
    why_none: str | None = Field(description="Why there is no forecast.")
    hours: list[HourOut] = Field(description="24 of them.")


class MadeOut(BaseModel):
    """What a forecast is made of."""

    total: float = Field(description="Calls expected on this day.")
    until_now: float = Field(description="Of these by now: all of a past day, none of one to come.")
    like: list[datetime.date] = Field(description="The days whose profile it is.")
    own_kind: bool = Field(description="False: too few days of its own kind, so those of a coarser one.")
    level: float = Field(description="By which the profile was multiplied, for the last days were busier or quieter.")
    spread: float = Field(description="What days differ by beyond chance, 0.05 is 5 %.")


class QuarterOut(BaseModel):
    at: str = Field(description="Like 14:15.")
    expected: float | None = Field(description="Calls; null without a forecast.")
    low: int | None = Field(description="Nine of ten such quarters lie between low and high, both included.")
    high: int | None
    arrived: int | None = Field(description="So far; null: still to come.")


class ForecastOut(BaseModel):
    day: datetime.date
    kind: str = Field(description="Monday to Sunday, holiday, moved workday, first workday after a holiday")
    line: str | None = Field(description="The dialled number; null: the whole hotline.")
    name: str
    forecast: MadeOut | None
    why_none: str | None = Field(description="Why there is no forecast.")
    arrived: int | None = Field(description="null: a day to come.")
    quarters: list[QuarterOut] = Field(description="96 of them.")


class NeededOut(BaseModel):
    at: str = Field(description="When the quarter of an hour begins, like 14:15.")
    expected: float | None = Field(description="Calls; null without a forecast of that day.")
    needed: int | None = Field(description="Seats for the target, by Erlang A; breaks and absences are not in it.")
    gap: int | None = Field(description="Needed less signed in now; above 0 so many are missing.")
    rostered: int | None = Field(description="People on the roster then; null: no roster says how many.")


class LearnedOut(BaseModel):
    seconds: float
    source: str = Field(description="`same hours` or `all hours` of the last two weeks, or the `configuration`.")
    calls: int = Field(description="Of which it is the mean; 0 for the configuration.")


class DayEndOut(BaseModel):
    """The headline of today: so far, and at midnight. null without a forecast."""

    formula: str
    in_time: int
    judged: int
    ratio: float | None = Field(description="So far; null while nothing is decided.")
    target: float
    expected: float | None = Field(description="At the end of the day.")
    to_come: int | None = Field(description="Calls until midnight, those not decided yet among them.")
    must: int | None = Field(description="Of these so many must be in time to reach the target.")
    best: float | None = Field(description="If all of them were.")
    reachable: bool | None


class StaffingOut(BaseModel):
    """Seats needed by the whole hotline, and what today will end at; as of the last full minute."""

    at: float = Field(description="Epoch seconds.")
    why_none: str | None = Field(description="Why there is no forecast; then nothing is said of what is to come.")
    signed_in: int = Field(description="People who are signed in and not paused.")
    quarters: list[NeededOut] = Field(
        description="The one that is going on and the next three; none without a forecast."
    )
    handling: LearnedOut | None = Field(description="Talk and wrap-up of a call at this hour.")
    patience: LearnedOut | None = Field(description="How long callers wait before they give up.")
    level: float | None = Field(description="By which the forecast is multiplied, for what came so far today.")
    today: DayEndOut


class AlarmOut(BaseModel):
    """An emergency centre was not reached. Times are epoch seconds."""

    id: int
    call_id: str
    target: str = Field(description="The centre's number.")
    reason: str
    agent: str | None = Field(description="Who talked with the caller when it was raised.")
    raised_at: float
    by: str | None = Field(description="Who acknowledged it; null: nobody yet.")
    acknowledged_at: float | None


class LostTodayOut(BaseModel):
    """Citizens behind the lost calls of today, as `hotline report lost` counts them: each number once, withheld numbers
    by call."""

    calls: int = Field(description="Lost calls.")
    lost: int = Field(description="Citizens behind them.")
    served: int = Field(description="Of them, those who have spoken to a person since.")
    not_served: int = Field(description="Those who have not: 今日未服务市民.")


class StatusOut(BaseModel):
    version: str
    health: HealthOut
    ami_up: bool
    target: TargetOut
    now: NowOut
    surge: SurgeOut | None
    alarms: list[AlarmOut] = Field(description="That nobody has acknowledged, the newest first.")
    dead_trunks: list[str] = Field(description="Trunks to emergency centres whose other end does not answer.")
    suggestion: SuggestionOut | None = Field(description="Whether to declare a surge; null while one lasts.")
    forecast: OutlookOut | None = Field(description="null while the records do not answer.")
    staffing: StaffingOut | None = Field(description="null while the records do not answer.")
    lost_today: LostTodayOut | None = Field(description="null while the records do not answer.")
    today: TodayOut | None
    lines: list[LineOut]


class CallOut(BaseModel):
    """One call. What is not named here does not leave the service, a caller's number least of all."""

    model_config = ConfigDict(extra="ignore")

    call_id: str
    arrived_at: float | None = Field(None, description="Epoch seconds, by Asterisk's clock.")
    number: str | None = Field(None, description="The dialled number.")
    line: str | None = Field(None, description="The line that served it.")
    wait_s: float | None = Field(None, description="Arrival to the bridge with an agent, or to giving up.")
    talk_s: float | None = None
    agent: str | None = Field(None, description="The agent's name.")
    seat: str | None = None
    outcome: str | None = Field(
        None, description="waiting, talking, answered, abandoned, overflowed, failed, dismissed"
    )
    judged: str | None = Field(None, description="in_time, late, abandoned, flowed_out, failed, restricted, test")
    ended_by: str | None = Field(None, description="caller, agent, pbx, unknown")
    presented: int | None = Field(None, description="Presentations to seats.")
    fallback: str | None = Field(None, description="Stage, when the dialplan alone took it over.")
    flags: str | None = None
    recording: str | None = Field(
        None, description="kept, short, missing, unwritable, deleted; null: not recorded, or not over"
    )
    case: str | None = Field(None, description="Id of the case that came with the call; null: none did.")

    @computed_field(description="Arrival to the bridge with an agent; null: no agent yet, or never.")
    def answer_s(self) -> float | None:
        return self.wait_s if self.outcome in ("answered", "talking") else None


class RingOut(BaseModel):
    ring: int = Field(description="From 1.")
    after_s: float = Field(description="Opens after so much waiting.")
    need: str = Field(description="Whom it asks for, as in the configuration.")


class CandidatesOut(BaseModel):
    """Seats that did not take the call, for one reason."""

    reason: str = Field(description="One stable word.")
    text: str = Field(description="The reason in words.")
    total: int
    seats: list[str] = Field(description="Their ids; where only some are known, fewer than `total`.")


class MomentOut(BaseModel):
    at: float = Field(description="Epoch seconds.")
    kind: str = Field(description="The step, as in routing/steps.py.")
    text: str = Field(description="What happened, one sentence.")
    candidates: list[CandidatesOut] = Field(description="Of a decision: the seats that were not taken, by reason.")


class WhyOut(BaseModel):
    """Why a call went as it did."""

    call: CallOut
    line_name: str
    trunk: str
    emergency: bool
    rings: list[RingOut]
    story: list[MomentOut] = Field(description="Oldest first.")


class AgentOut(BaseModel):
    id: str
    name: str
    skills: dict[str, int] = Field(description="Skill id: level 1 to 10.")
    zone: str | None
    sign_in: str = Field(description="phone, agent")
    disabled: bool = Field(description="Works here no more; kept for the records.")
    revision: int = Field(description="Grows with each change.")
    state: str = Field(description="As of a seat; signed_out when nobody is there.")
    seat: str | None = Field(description="Where he sits.")
    since_s: float | None = Field(description="Seconds in this state.")
    reason: str


class AgentIn(BaseModel):
    """Bounds and names are checked as those of `[[agent]]`."""

    model_config = ConfigDict(extra="forbid")

    id: str
    name: str = ""
    skills: dict[str, int] = Field(default_factory=dict)
    zone: str | None = None
    sign_in: str = "phone"


class AgentChangeIn(BaseModel):
    """What is not named stays. `skills`: those named change, level 0 takes one away."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    skills: dict[str, int] | None = None
    zone: str | None = None
    sign_in: str | None = None
    disabled: bool | None = None
    revision: int | None = Field(None, description="The one that was looked at: 409 when he changed since.")


class FromConfigIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    agents: list[AgentId] = Field(default_factory=list, description="Empty: every [[agent]] of the file.")


class ImportedOut(BaseModel):
    added: list[str]
    changed: list[str]
    unchanged: int
    dry_run: bool = Field(description="True: only looked at.")


DepartmentId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,31}$")]


class DepartmentsFromConfigIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    departments: list[DepartmentId] = Field(
        default_factory=list, description="Empty: every [[department]] of the file."
    )


class DepartmentOut(BaseModel):
    """A department, or another city's hotline."""

    id: str
    name: str
    code: str = Field(description="Short number, for the keys of a telephone; empty: none.")
    kind: str = Field(description="department, hotline")
    level: int = Field(description="1 and 2: around the clock, 3: in working hours, unless it has hours of its own.")
    hours: str = Field(description="Those in force, as in the configuration.")
    own_hours: bool = Field(description="False: those of its level.")
    numbers: list[str] = Field(description="NUMBER or NUMBER@TRUNK, called in this order.")
    shows_caller: bool = Field(description="It sees the citizen's number; a hotline always does.")
    note: str
    disabled: bool = Field(description="Called no more; kept for the records.")
    revision: int = Field(description="Grows with each change.")
    open: bool = Field(description="Whether it can be called now.")
    until: float | None = Field(description="Epoch seconds when that changes; null: not within a month.")
    problems: list[str] = Field(description="Numbers that are not dialled, digits that mean others too, and why.")


class DepartmentCallsOut(BaseModel):
    """How one department answered. `asked` are askings; `attempts` are numbers that were dialled for them."""

    id: str
    name: str
    asked: int
    judged: int = Field(
        description="Askings without those taken back by us, out of hours, or lasting: of these is `ratio`."
    )
    reached: int = Field(description="Askings that somebody answered.")
    ratio: float | None = Field(description="0..1; null: nothing to judge.")
    attempts: int
    answered: int
    busy: int
    refused: int
    no_answer: int
    not_reached: int = Field(description="Dead, unregistered, trunk down, 5xx.")
    out_of_hours: int = Field(description="Not dialled.")
    cancelled: int = Field(description="By us: another number was quicker, the act was taken back, the caller left.")
    open: int = Field(description="Lasting.")
    p50_s: float | None = Field(description="Asking until somebody answered.")
    p95_s: float | None


class DepartmentsReportOut(BaseModel):
    first: datetime.date
    last: datetime.date
    departments: list[DepartmentCallsOut] = Field(description="Those that missed most askings first.")


class RouteTriedOut(BaseModel):
    """One route of an emergency; milliseconds since it was asked for."""

    route: int
    way: str = Field(description="Name of the route.")
    dialled_ms: int | None
    ringing_ms: int | None = Field(description="The first 180 or 183.")
    answered_ms: int | None
    joined_ms: int | None
    ended_ms: int | None
    outcome: str | None = Field(description="answered, busy, refused, no_answer, not_reached, cancelled; null: lasting")
    cause: int | None = Field(description="Asterisk's.")


class HandoffOut(BaseModel):
    """One leg of a call to a third party; milliseconds since it was asked for. `leg` 0 and below: nothing was dialled."""

    act: int
    leg: int
    verb: str | None = Field(description="consult, three_way, blind, emergency")
    target_kind: str | None = Field(description="department, hotline, agent, skill, number, emergency")
    target: str | None
    name: str | None
    by: str | None
    via: str | None = Field(description="desk, api, phone, dialplan")
    case: str | None
    asked_at: float = Field(description="Epoch seconds.")
    route: int | None
    way: str | None = Field(description="Name of the route.")
    seat: str | None
    dialled_ms: int | None
    ringing_ms: int | None
    answered_ms: int | None
    joined_ms: int | None
    ended_ms: int | None
    outcome: str | None = Field(
        description="answered, busy, refused, no_answer, not_reached, out_of_hours, cancelled; null: lasting, or no leg"
    )
    cause: int | None = Field(description="Asterisk's.")
    act_outcome: str | None = Field(description="done, failed, refused, cancelled; null: lasting")
    reason: str | None


class EmergencyActOut(BaseModel):
    """One handoff; milliseconds since it was asked for."""

    call_id: str
    act: int
    number: str
    asked_at: float = Field(description="Epoch seconds.")
    by: str | None
    via: str | None = Field(description="desk, api, phone, dialplan")
    case: str | None
    dialled_ms: int | None = Field(description="The first route.")
    first_sound_ms: int | None
    answered_ms: int | None
    joined_ms: int | None
    outcome: str | None = Field(description="done, failed, refused, cancelled; null: lasting")
    reason: str | None
    routes: list[RouteTriedOut]


class EmergencyNumberOut(BaseModel):
    number: str
    handoffs: int
    answered: int
    done: int
    failed: int
    refused: int
    cancelled: int
    several_routes: int = Field(description="Handoffs for which more than one route was dialled.")
    slowest_dial_ms: int | None = Field(description="Asking until the first route was dialled.")
    p50_ms: int | None = Field(description="Asking until the centre answered.")
    p95_ms: int | None
    slowest_ms: int | None


class EmergencyReportOut(BaseModel):
    month: str = Field(description="Like 2026-11.")
    numbers: list[EmergencyNumberOut] = Field(description="Every configured one, and those that were asked for.")
    acts: list[EmergencyActOut] = Field(description="Oldest first.")


class DayIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    date: str = Field(description="Like 2026-10-01.")
    kind: str = Field(description="workday, weekend, holiday, moved (调休上班)")
    name: str = ""


class DaysIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    days: Annotated[list[DayIn], Field(min_length=1, max_length=366)]


class DayOut(BaseModel):
    date: datetime.date
    kind: str = Field(description="workday, weekend, holiday, moved (调休上班)")
    name: str
    official: bool = Field(description="False: set by hand.")
    plain: bool = Field(description="What its weekday alone would say.")


class CalendarOut(BaseModel):
    known_until: datetime.date | None = Field(description="Every day from today to this one is known.")
    days_left: int = Field(description="Days known after today; -1: not even today.")
    days: list[DayOut]


class DaysOut(BaseModel):
    changed: list[DayOut]
    unchanged: int
    dry_run: bool = Field(description="True: only looked at.")
    days_left: int


class RestrictionIn(BaseModel):
    """Whose calls: `number`, or the caller of `call`. With `block` the number is how all numbers of the block begin."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[str, Field(max_length=64, repr=False)] = ""
    call: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{0,128}$")] = ""
    block: bool = False
    kind: str = Field(description="reject, low_priority, short_call")
    afterwards: str = Field("wait", description="Of a rejected call, after the notice: wait, end")
    talk_s: float | None = Field(None, description="Limit of a short call; null: as configured.")
    reason: str = Field(description="false_report, occupation, abuse, other")
    evidence: str = Field(description="What shows it: recordings, cases, calls. Never the number itself.")
    approver: str = Field("", description="Who approved it; default: the name of the token.")
    until: float = Field(description="Epoch seconds, at most one year ahead.")


class RestrictionOut(BaseModel):
    """Times are epoch seconds."""

    id: int
    number: str = Field(
        description="Masked, or in clear where that was asked for; empty: hidden, not for this role, or sealed under "
        "another key."
    )
    hidden: bool = Field(description="The caller asked for it.")
    block: bool = Field(description="All numbers that begin so.")
    kind: str
    afterwards: str
    talk_s: float | None
    reason: str
    evidence: str
    approver: str
    second_approver: str | None = Field(description="Of a block, by name of the token.")
    added_by: str = Field(description="Name of the token.")
    added_at: float
    until: float
    ended_by: str | None
    ended_at: float | None
    status: str = Field(description="in_force, pending (a block that nobody else has approved), expired, ended")
    times: int | None = Field(description="Calls it was on; null while the records do not answer.")
    last_at: float | None = Field(description="Arrival of the newest of them.")


class RestrictionsImportedOut(BaseModel):
    added: int
    unchanged: int = Field(description="Numbers that have an entry in force.")
    ids: list[int]
    dry_run: bool = Field(description="True: only looked at.")


class SignInIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seat: AgentId


class ReasonOut(BaseModel):
    code: int = Field(description="What is dialled, or said instead of the name.")
    name: str


class PauseIn(BaseModel):
    """`reason`: a code or a name of `/reasons`, or nothing."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class RecordingPauseIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]


class RecordingResumeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class RecordingDoneOut(BaseModel):
    call: str
    recording: str = Field(description="paused or running")


class SurgeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    for_s: float = Field(ge=60, le=86_400, description="Seconds from now, a minute to a day.")
    reason: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]


class ShadowLineOut(BaseModel):
    number: str
    name: str
    compared: int = Field(description="Live decisions held against the shadow's.")
    results: dict[str, int] = Field(description="same, seat, earlier, later, order, found, fallback")


class ShadowExampleOut(BaseModel):
    """One decision that the shadow would have taken otherwise."""

    result: str = Field(description="seat, earlier, later, order, found, fallback")
    call_id: str
    line: str
    at: float = Field(description="Epoch seconds of the live decision; found: of the shadow's.")
    wait_s: float = Field(description="How long the caller had waited by then.")
    live: list[str] = Field(description="Seats that rang; none: left to the dialplan, or nobody.")
    shadow: list[str] = Field(description="Seats that would have rung.")
    earlier_s: float | None
    rival: str | None = Field(description="The call for which the seat would have rung.")


class ShadowOut(BaseModel):
    """Other rules beside the live ones, decision by decision. Times are epoch seconds."""

    file: str
    since: float
    until: float
    by: str = Field(description="Name of the token that declared it.")
    running: bool
    ended: str | None = Field(description="asked, expired, replaced, slow, failed, rules; null while it runs.")
    ended_at: float | None
    share: float = Field(description="Of the loop's time, 0..1, lately.")
    rebuilt: int = Field(description="Times that its picture was not the live one and was made anew.")
    not_compared: list[str] = Field(description="What differs and cannot be seen decision by decision.")
    lines: list[ShadowLineOut]
    examples: list[ShadowExampleOut] = Field(description="The newest of each kind.")


class WitnessedOut(BaseModel):
    """A call as Asterisk's CEL tells of it."""

    call_id: str
    number: str = Field(description="As it was dialled; empty: not told.")
    seat: str | None
    arrived_at: float
    answered_at: float | None
    ended_at: float


class DifferenceOut(BaseModel):
    call_id: str
    what: str = Field(description="answer_missed, answer_unknown, answer_time, end_missed, end_time.")
    cel: float | None = Field(description="Epoch seconds; null: not so.")
    records: float | None


class CorruptOut(BaseModel):
    file: str
    line: int = Field(description="From 1.")
    why: str


class ReconcileOut(BaseModel):
    """Asterisk's CEL held against the records. The first thousand of each kind are named."""

    since: float = Field(description="Of the arrival of the calls that are counted, epoch seconds.")
    until: float
    cel_calls: int = Field(description="Calls that are over by CEL.")
    record_calls: int = Field(description="Calls that are over by the records, what was recovered now left out.")
    missing: int = Field(description="Of CEL that the records do not have.")
    recovered: int = Field(description="So many of them have been told to the records.")
    unplaced: int = Field(description="Of CEL, in no record, to a number that is none of ours, or not told.")
    not_in_cel: int = Field(description="Of the records that CEL does not have.")
    differing: int = Field(description="Times that differ by more than 50 ms, or are not known to one side.")
    corrupt_lines: int
    open: int = Field(description="Not over by CEL.")
    agree: bool
    missing_calls: list[WitnessedOut]
    unplaced_calls: list[WitnessedOut]
    differences: list[DifferenceOut]
    corrupt: list[CorruptOut]


class DoneOut(BaseModel):
    agent: str
    done: str


class ReloadOut(BaseModel):
    reloaded: bool = True


class ProblemOut(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] | None = None


class JoinIn(BaseModel):
    """Whom to join: exactly one of them, for an act that dials; none for the others."""

    model_config = ConfigDict(extra="forbid")

    department: str = Field("", max_length=64, description="Id in the directory, of a department or another hotline.")
    agent: str = Field("", max_length=64)
    skill: str = Field("", max_length=64, description="Whoever has it and is free, the best first.")
    number: str = Field("", max_length=32, description="A plain number, for roles that may dial one.")
    emergency: str = Field("", max_length=8, description="110, 119, 120, 122 or 12395.")
    case: str = Field("", max_length=64, pattern=r"^[A-Za-z0-9_.-]*$", description="Id of the case, passed on.")

    def target(self) -> dict[str, str]:
        return {key: value for key, value in self.model_dump(exclude={"case"}).items() if value}


class ThirdOut(BaseModel):
    leg: str = Field(description="<act>.<leg>")
    seat: str | None
    state: str = Field(description="dialling, ringing, answered, joined")
    emergency: bool


class LiveCallOut(BaseModel):
    """A call in which somebody talks with the caller."""

    id: str
    line: str
    case: str = Field(description="Id of the case that came with the call; empty: none did.")
    seat: str | None
    agent: str | None
    state: str = Field(description="See docs/state-machines/joined.md.")
    on_hold: bool
    act: str | None = Field(description="What is under way.")
    act_no: int = Field(description="Number of the last act within the call.")
    target: str | None
    thirds: list[ThirdOut]
    possible: list[str] = Field(description="Acts that are possible now.")


class CallbackIn(BaseModel):
    """Who: `number`, or the caller of `call`."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[str, Field(max_length=64, repr=False)] = ""
    call: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{0,128}$")] = ""
    line: str = Field("", max_length=20, description="Whose number he is shown; default: as he called, else the first.")
    wanted_at: float | None = Field(None, gt=0, lt=1e11, description="Epoch seconds; null: at any time.")
    consent: bool = Field(False, description="He agreed to be called back; without it nothing is added.")
    note: str = Field("", max_length=500, description="Never the number itself.")
    case: str = Field("", max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")


class CallbackChangeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    state: str | None = Field(None, max_length=20, description="open, given_up, done")
    note: str | None = Field(None, max_length=500)
    wanted_at: float | None = Field(None, gt=0, lt=1e11)


class CallbackOut(BaseModel):
    """Times are epoch seconds."""

    id: int
    number: str = Field(description="Masked; empty: hidden, not for this role, or sealed under another key.")
    hidden: bool = Field(description="The citizen asked for it.")
    line: str
    wanted_at: float | None
    due_at: float = Field(description="One working day after it was added, or after he wants it.")
    overdue: bool
    consent: bool = Field(description="false only where it was made of a lost call, by the city's decision.")
    note: str
    case: str
    call: str = Field(description="The call in which it was asked for, or the lost call.")
    lost: bool = Field(description="It was made of a lost call.")
    owed_at: float | None = Field(description="Arrival of the lost call.")
    state: str = Field(description="open, placed, reached, not_reached, given_up, done, served")
    attempts: int = Field(description="Calls in which the citizen was dialled.")
    last_at: float | None
    next_try_at: float | None = Field(description="The service does not call before; null: not again.")
    reason: str = Field(description="Why the service has closed it.")
    added_by: str
    added_at: float
    closed_by: str | None
    closed_at: float | None


class CallOutIn(BaseModel):
    """Either `callback`, or `case` and `number`."""

    model_config = ConfigDict(extra="forbid")

    callback: int | None = Field(None, ge=1, le=2**31 - 1)
    case: str = Field("", max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")
    number: Annotated[str, Field(max_length=64, repr=False)] = ""
    line: str = Field("", max_length=20, description="Whose number the citizen is shown; default: the first own line.")


class OutboundOut(BaseModel):
    """A call that an agent placed. Times are epoch seconds."""

    id: str
    kind: str = Field(description="follow_up, callback")
    case: str
    callback: int | None
    agent: str
    seat: str
    line: str
    state: str = Field(description="See docs/state-machines/outbound.md.")
    asked_at: float
    agent_answered_at: float | None
    dialled_at: float | None
    citizen_ringing_at: float | None
    answered_at: float | None
    ended_at: float | None
    outcome: str | None = Field(description="See docs/callbacks.md.")
    recording: str | None = Field(
        description="What became of it: kept, short, missing, unwritable; null: not looked at."
    )
    cause: int | None
    by: str = Field(description="Name of the token that asked for it; service: it was offered.")
    offered: bool = Field(description="By the service, when the agent could be spared.")
