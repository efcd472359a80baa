"""What the pages and the API may ask of the rest of the service, as a record of callables that the service passes in.

Nothing here imports storage, telephony or metrics: the console reads what it is given and acts by asking.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from routing.joined import Verb
from routing.model import EngineView


class Role(StrEnum):
    AGENT = "agent"
    EXPERT = "expert"
    SUPERVISOR = "supervisor"
    ENGINEER = "engineer"
    AUDITOR = "auditor"


class Sight(StrEnum):
    """How much of citizens' numbers a role sees, the least first."""

    NONE = "none"  # nothing, not even masked
    MASKED = "masked"  # 138****1000
    CLEAR = "clear"  # whole where that is asked for, each time told in the audit; of hidden callers nothing
    HIDDEN = "hidden"  # those of hidden callers too, one at a time and with a reason


@dataclass(frozen=True, slots=True)
class Reading:
    """Somebody reads a number in clear: who, for what. `hidden`: his role may read those of hidden callers."""

    by: str
    role: str
    reason: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Token:
    """Who speaks. For agents and experts `name` is their agent id: they act for themselves only."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Health:
    """How the service stands.

    ready: its start is over and the engine decides.
    serving: callers reach people through this service now.
    degraded: parts that are out of order while callers are still served: "ami", "database", ...
    """

    ready: bool
    serving: bool
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LineToday:
    """Figures of one line since midnight of the configured timezone; a call belongs to the day of its arrival.

    offered: calls that arrived. judged: those among them that are decided, tests and restricted callers left out; it is
    the denominator of `ratio` (answered in time / judged, None while there is nothing to judge). `formula` is its id.
    Times are seconds from arrival to the bridge with an agent, None without an answered call.
    """

    number: str
    name: str
    offered: int
    judged: int
    answered: int
    in_time: int
    abandoned: int
    ratio: float | None
    formula: str
    p50_s: float | None = None
    p95_s: float | None = None
    max_s: float | None = None
    failed: int = 0
    flowed_out: int = 0
    restricted: int = 0  # not in `judged`


class Refused(Exception):
    """An act that is not done: the HTTP status, one sentence, and every single mistake where there are several."""

    def __init__(self, status: int, detail: str, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, list(errors)


class Staff(Protocol):
    """Who works here. Every change is in force and kept when it returns, or raises Refused and changed nothing.

    `by`: whose token it is, for the audit line. Agents are mappings by the keys of `schemas.AgentOut`.
    """

    def listed(self) -> Sequence[Mapping[str, Any]]: ...
    def csv(self, *, chinese: bool) -> bytes: ...
    async def add(self, values: Mapping[str, Any], by: str) -> Mapping[str, Any]: ...
    async def change(
        self, agent_id: str, changes: Mapping[str, Any], by: str, revision: int | None
    ) -> Mapping[str, Any]: ...
    async def take_csv(self, data: bytes, by: str, *, dry_run: bool) -> Mapping[str, Any]: ...
    async def from_file(self, ids: Sequence[str], by: str, *, dry_run: bool) -> Mapping[str, Any]: ...


class Calendar(Protocol):
    """Which dates are worked. Changes are in force and kept when they return, or raise Refused and changed nothing.

    Answers are mappings by the keys of `schemas.CalendarOut` and `schemas.DaysOut`.
    """

    def listed(self, year: int | None) -> Mapping[str, Any]: ...
    async def set(self, days: Sequence[Mapping[str, Any]], by: str) -> Mapping[str, Any]: ...
    async def take_csv(self, data: bytes, by: str, *, dry_run: bool) -> Mapping[str, Any]: ...
    async def take_official(self, by: str, *, over_operators: bool, dry_run: bool) -> Mapping[str, Any]: ...


class ShadowRules(Protocol):
    """Other rules beside the live ones. `shown` by the keys of `schemas.ShadowOut`; `text` is the file they came from.

    `start` raises Refused with every mistake of the file; `end` returns None when it is over, else one sentence.
    """

    async def start(self, data: bytes, name: str, for_s: float, by: str) -> Mapping[str, Any]: ...
    def end(self, by: str) -> str | None: ...
    def shown(self) -> Mapping[str, Any] | None: ...
    def text(self) -> str | None: ...


class Forecasts(Protocol):
    """How many callers are expected. `outlook` is today in short (`schemas.OutlookOut`) and `suggestion` whether a surge
    is suggested (`schemas.SuggestionOut`): both at once, None when there is nothing to say.

    `day` may raise anything while the database is away. It takes a date (None: today), a line ("": the whole hotline)
    and the time, and gives `schemas.ForecastOut`, or one sentence that says why not.
    """

    def outlook(self) -> Mapping[str, Any] | None: ...
    def suggestion(self) -> Mapping[str, Any] | None: ...
    async def day(self, day: date | None, line: str) -> Mapping[str, Any] | str: ...


class Restrictions(Protocol):
    """Restricted numbers. Changes are in force and kept when they return, or raise Refused and changed nothing.

    Answers are mappings by the keys of `schemas.RestrictionOut`; numbers are masked, and empty of hidden callers, unless
    read in clear by a `Reading`. `csv` without `masked` leaves the numbers out.
    """

    async def listed(self, *, every: bool) -> Sequence[Mapping[str, Any]]: ...
    async def shown(self, entry_id: int, reading: Reading | None) -> Mapping[str, Any]: ...
    async def csv(self, reading: Reading | None, *, masked: bool) -> bytes: ...
    async def add(self, values: Mapping[str, Any], by: str) -> Mapping[str, Any]: ...
    async def approve(self, entry_id: int, by: str) -> Mapping[str, Any]: ...
    async def end(self, entry_id: int, by: str) -> Mapping[str, Any]: ...
    async def take_csv(self, data: bytes, by: str, *, dry_run: bool) -> Mapping[str, Any]: ...


class Joins(Protocol):
    """Acts on calls in progress. Answers are mappings by the keys of `schemas.LiveCallOut`; Refused changed nothing."""

    def ask(
        self, call_id: str, verb: Verb, wanted: Mapping[str, str], *, by: str, role: str, via: str, case: str = ""
    ) -> dict[str, Any]: ...
    def check_own(self, call_id: str, by: str, role: str) -> None: ...
    def shown(self, call_id: str) -> dict[str, Any]: ...
    def live(self) -> list[dict[str, Any]]: ...


class Callbacks(Protocol):
    """Citizens who want to be called back, by the keys of `schemas.CallbackOut`. Raises Refused and changed nothing."""

    async def listed(
        self, *, state: Sequence[str], due_s: float | None, overdue: bool
    ) -> Sequence[Mapping[str, Any]]: ...
    async def shown(self, entry_id: int) -> Mapping[str, Any]: ...
    async def add(self, values: Mapping[str, Any], by: str) -> Mapping[str, Any]: ...
    async def change(self, entry_id: int, changes: Mapping[str, Any], by: str) -> Mapping[str, Any]: ...


class CallOuts(Protocol):
    """Calls that agents place, by the keys of `schemas.OutboundOut`. Raises Refused and did nothing."""

    async def place(self, agent_id: str, wanted: Mapping[str, Any], by: str, role: str) -> Mapping[str, Any]: ...
    async def shown(self, out_id: str) -> Mapping[str, Any]: ...
    async def listed(self, *, callback: int | None, case: str, limit: int) -> Sequence[Mapping[str, Any]]: ...


class Intakes(Protocol):
    """What agents write down of calls, by the keys of `intake_schemas.IntakeOut`. Raises Refused and kept nothing."""

    async def add(self, call_id: str, values: Mapping[str, Any], by: str, role: str) -> Mapping[str, Any]: ...
    async def listed(self, call_id: str, by: str, role: str) -> Sequence[Mapping[str, Any]]: ...


class Hidden(Protocol):
    """Callers who asked to be hidden, by the keys of `privacy_schemas.HiddenOut`. Raises Refused and changed nothing."""

    def listed(self, *, every: bool) -> Sequence[Mapping[str, Any]]: ...
    async def add(self, values: Mapping[str, Any], by: str, role: str) -> Mapping[str, Any]: ...
    async def end(self, entry_id: int, reason: str, by: str, role: str) -> Mapping[str, Any]: ...


class CallerData(Protocol):
    """Number and name of a call's caller, by the keys of `privacy_schemas.CallerOut`; and what was read of all callers, by
    those of `AuditOut`. `shown`: masked. `read`: in clear; the audit row is kept before it returns. Raises Refused."""

    async def shown(self, call_id: str, by: str, role: str) -> Mapping[str, Any]: ...
    async def read(self, call_id: str, reading: Reading) -> Mapping[str, Any]: ...
    async def audit(self, which: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]: ...


class NumberKeys(Protocol):
    """The keys that numbers are sealed under, by the keys of `privacy_schemas.KeysOut` and `ResealedOut`. `take`:
    those of the file, from now on. Raises Refused and changed nothing."""

    async def standing(self) -> Mapping[str, Any]: ...
    async def take(self, by: str, role: str) -> Mapping[str, Any]: ...
    async def reseal(self, after: str, by: str, role: str) -> Mapping[str, Any]: ...


class Outbox(Protocol):
    """What the work-order platform is still to be told, by the keys of `intake_schemas.OutboxOut`. Raises Refused."""

    async def listed(self, state: str) -> Sequence[Mapping[str, Any]]: ...
    async def retry(self, row_id: int, by: str) -> Mapping[str, Any]: ...
    async def retry_all(self, by: str) -> int: ...
    async def drop(self, row_id: int, reason: str, by: str) -> Mapping[str, Any]: ...


class Retention(Protocol):
    """What is over its age, and forgetting it; by the keys of `retention_schemas`. Raises Refused."""

    async def shown(self) -> Mapping[str, Any]: ...
    async def due(self) -> Sequence[Mapping[str, Any]]: ...
    async def start(self, by: str, role: str) -> Mapping[str, Any]: ...
    async def citizen(self, raw: str, reason: str, by: str, role: str, *, dry_run: bool) -> Mapping[str, Any]: ...
    async def call(self, call_id: str, reason: str, by: str, role: str, *, dry_run: bool) -> Mapping[str, Any]: ...


class Holds(Protocol):
    """Legal holds, by the keys of `retention_schemas.HoldOut`. Raises Refused."""

    async def listed(self, *, every: bool) -> Sequence[Mapping[str, Any]]: ...
    async def add(self, values: Mapping[str, Any], by: str, role: str) -> Mapping[str, Any]: ...
    async def lift(self, hold_id: int, reason: str, by: str, role: str) -> Mapping[str, Any]: ...


class Probes(Protocol):
    """Test calls, by the keys of `probe_schemas.ProbeOut`. Raises Refused and did nothing."""

    async def place(self, number: str, by: str) -> Mapping[str, Any]: ...
    async def shown(self, probe_id: str) -> Mapping[str, Any]: ...
    async def listed(self, *, number: str, limit: int) -> Sequence[Mapping[str, Any]]: ...


class Directory(Protocol):
    """Departments and other hotlines. Changes are in force and kept when they return, or raise Refused and changed nothing.

    Departments are mappings by the keys of `schemas.DepartmentOut`. `listed` finds by name or id, the nearest first;
    `every`: disabled ones too. `shown` raises Refused.
    """

    def listed(self, text: str = "", *, every: bool = False) -> Sequence[Mapping[str, Any]]: ...
    def shown(self, department_id: str) -> Mapping[str, Any]: ...
    def csv(self, *, chinese: bool) -> bytes: ...
    async def take_csv(self, data: bytes, by: str, *, dry_run: bool) -> Mapping[str, Any]: ...
    async def from_file(self, ids: Sequence[str], by: str, *, dry_run: bool) -> Mapping[str, Any]: ...


class Reports(Protocol):
    """Third parties in figures, by the keys of `schemas.DepartmentsReportOut` and `schemas.EmergencyReportOut`, or one
    sentence when what was asked for makes no sense. `handoffs`: the legs of one call, by the keys of `schemas.HandoffOut`.
    All may raise anything while the database is away."""

    async def departments(self, first: date | None, last: date | None) -> Mapping[str, Any] | str: ...
    async def emergency(self, month: str) -> Mapping[str, Any] | str: ...
    async def handoffs(self, call_id: str) -> Sequence[Mapping[str, Any]]: ...


class Alarms(Protocol):
    """Emergency centres that were not reached. Answers are mappings by the keys of `schemas.AlarmOut`, the newest first.

    Agents and experts are shown those of their own calls, and acknowledge those. Raises Refused.
    """

    def listed(self, *, every: bool, by: str, role: str) -> list[dict[str, Any]]: ...
    def acknowledge(self, alarm_id: int, *, by: str, role: str) -> dict[str, Any]: ...


class Reconciling(Protocol):
    """Asterisk's CEL against the records. Answers are mappings by the keys of `schemas.ReconcileOut`.

    `shown`: the last look, None before the first. `look` takes hours and the name of the token; raises Refused.
    """

    def shown(self) -> Mapping[str, Any] | None: ...
    async def look(self, hours: float, by: str) -> Mapping[str, Any]: ...


class Recordings(Protocol):
    """Recordings of calls. `pause` and `resume` take the call, the reason and by whom; None: Asterisk has done it, else
    one sentence. `knows`: the call is going on. `agent_of`: who speaks with the caller now. `file`: of a call that is
    over; raises Refused.
    """

    def knows(self, call_id: str) -> bool: ...
    def agent_of(self, call_id: str) -> str | None: ...
    async def pause(self, call_id: str, reason: str, by: str) -> str | None: ...
    async def resume(self, call_id: str, reason: str, by: str) -> str | None: ...
    async def file(self, call_id: str) -> Path: ...


@dataclass(frozen=True, slots=True)
class ConsoleDeps:
    """Everything synchronous is called on the event loop and must return at once.

    The acts (`sign_in` ...) return None when done, else one sentence that says why not. `reasons` are those of a pause, by
    code. `declare_surge` takes seconds, reason and by whom, `end_surge` by whom. `reload` returns the errors of the
    configuration, none when it is in force; like the changes of `staff` it waits for the database. `today` and
    `recent_calls` may raise anything while the database is away: the pages say so and go on. `recent_calls` gives the
    newest first, without any caller's number. `why` tells one call's story by its id, the beginning of it, or `last`;
    else one sentence says why there is none.
    `staffing` is what the next hour needs and what today's ratio will end at, by the keys of `schemas.StaffingOut`; None
    while the records do not answer. `lost_today`: citizens not served today, by the keys of `schemas.LostTodayOut`; None
    likewise.
    `tokens` is looked at for every request, so a reload may change it in place. `sight`: what a role sees of numbers.
    """

    view: Callable[[], EngineView]
    health: Callable[[], Health]
    metrics: Callable[[str], Awaitable[tuple[bytes, str]]]
    today: Callable[[], Awaitable[Sequence[LineToday]]]
    recent_calls: Callable[[int], Awaitable[Sequence[Mapping[str, Any]]]]
    why: Callable[[str], Awaitable[Mapping[str, Any] | str]]
    sign_in: Callable[[str, str], str | None]
    sign_out: Callable[[str], str | None]
    pause: Callable[[str, str], str | None]
    ready: Callable[[str], str | None]
    extend_wrap_up: Callable[[str], str | None]
    reasons: Callable[[], Mapping[int, str]]
    declare_surge: Callable[[float, str, str], None]
    end_surge: Callable[[str], str | None]
    shadow: ShadowRules
    reload: Callable[[], Awaitable[Sequence[str]]]
    staff: Staff
    calendar: Calendar
    forecasts: Forecasts
    staffing: Callable[[], Mapping[str, Any] | None]
    lost_today: Callable[[], Mapping[str, Any] | None]
    restrictions: Restrictions
    joins: Joins
    alarms: Alarms
    directory: Directory
    reports: Reports
    recordings: Recordings
    reconciling: Reconciling
    callbacks: Callbacks
    call_outs: CallOuts
    intakes: Intakes
    outbox: Outbox
    hidden: Hidden
    caller_data: CallerData
    number_keys: NumberKeys
    sight: Callable[[Role], Sight]
    retention: Retention
    holds: Holds
    probes: Probes
    tokens: Mapping[str, Token]
    version: str = ""
    target_ratio: float = 0.95
    answer_within_s: float = 15.0
