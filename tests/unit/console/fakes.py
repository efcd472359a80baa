"""A console whose surroundings are plain values that a test may change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from console.deps import ConsoleDeps, Health, LineToday, Reading, Refused, Role, Sight, Token
from routing.joined import Verb
from routing.model import DeviceState, EngineView, LineView, SeatView, Surge

TALKING: Final = "1795302613422-1795302613.7"  # the call that is going on
TODAY = LineToday("12345", "政务服务便民热线", 12, 10, 9, 8, 1, 0.8, "V2-all", 3.2, 14.0, 21.5)
MERGED = LineToday("12336", "自然资源违法举报", 1, 0, 0, 0, 0, None, "V2-all")
VIEW = EngineView(
    lines=(LineView("12345", "政务服务便民热线", 2, 7.25, 1), LineView("12333", "人社", 0, 0.0, 0)),
    seats=(
        SeatView("1001", "1001", "坐席一", "talking", 31.0, DeviceState.INUSE, "12345"),
        SeatView("1002", None, "", "signed_out", 5.0, DeviceState.UNAVAILABLE, None),
    ),
    ready=True,
    ami_up=True,
)


AGENT = {
    "id": "1001", "name": "坐席一", "skills": {"general": 5}, "zone": None, "sign_in": "phone", "disabled": False,
    "revision": 3, "state": "ready", "seat": "1001", "since_s": 4.5, "reason": "",
}  # fmt: skip


@dataclass
class Staff:
    """Remembers what was asked for, or refuses it."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    refusal: Refused | None = None

    def listed(self) -> Sequence[Mapping[str, Any]]:
        return [AGENT]

    def csv(self, *, chinese: bool) -> bytes:
        return b"csv zh" if chinese else b"csv"

    async def add(self, values: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        return self._note("add", values, by)

    async def change(
        self, agent_id: str, changes: Mapping[str, Any], by: str, revision: int | None
    ) -> Mapping[str, Any]:
        return self._note("change", agent_id, changes, by, revision)

    async def take_csv(self, data: bytes, by: str, *, dry_run: bool) -> Mapping[str, Any]:
        return self._note("csv", data, by, dry_run)

    async def from_file(self, ids: Sequence[str], by: str, *, dry_run: bool) -> Mapping[str, Any]:
        return self._note("file", ids, by, dry_run)

    def _note(self, *what: object) -> Mapping[str, Any]:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(what)
        return AGENT | {"added": ["1001"], "changed": [], "unchanged": 0, "dry_run": False}


DAYS = {
    "known_until": "2026-12-31", "days_left": 39, "dry_run": False, "unchanged": 0,
    "days": [{"date": "2026-10-01", "kind": "holiday", "name": "国庆节", "official": True, "plain": False}],
    "changed": [{"date": "2026-12-31", "kind": "holiday", "name": "", "official": False, "plain": False}],
}  # fmt: skip


@dataclass
class Calendar:
    """Remembers what was asked for, or refuses it."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    refusal: Refused | None = None

    def listed(self, year: int | None) -> Mapping[str, Any]:
        return self._note("listed", year)

    async def set(self, days: Sequence[Mapping[str, Any]], by: str) -> Mapping[str, Any]:
        return self._note("set", *(dict(day) for day in days), by)

    async def take_csv(self, data: bytes, by: str, *, dry_run: bool) -> Mapping[str, Any]:
        return self._note("csv", data, by, dry_run)

    async def take_official(self, by: str, *, over_operators: bool, dry_run: bool) -> Mapping[str, Any]:
        return self._note("official", by, over_operators, dry_run)

    def _note(self, *what: object) -> Mapping[str, Any]:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(what)
        return DAYS


OUTLOOK = {
    "total": 2400.0, "until_now": 800.5, "arrived": 900, "why_none": None,
    "hours": [{"expected": 100.0, "arrived": 112 if hour < 8 else None} for hour in range(24)],
}  # fmt: skip
STAFFING = {
    "at": 1_795_302_660.0, "why_none": None, "signed_in": 41, "level": 1.05,
    "quarters": [
        {"at": at, "expected": 98.2, "needed": needed, "gap": needed - 41, "rostered": 44}
        for at, needed in (("14:15", 45), ("14:30", 44), ("14:45", 41), ("15:00", 38))
    ],
    "handling": {"seconds": 231.4, "source": "same hours", "calls": 5321},
    "patience": {"seconds": 600.0, "source": "configuration", "calls": 0},
    "today": {
        "formula": "V2-all", "in_time": 912, "judged": 1000, "ratio": 0.912, "target": 0.95, "expected": 0.9341,
        "to_come": 1200, "must": 1178, "best": 0.96, "reachable": True,
    },
}  # fmt: skip
SUGGESTION = {
    "since": 1_795_302_600.0, "at": "14:30", "percent": 87, "callers": 56, "expected": 30.0,
    "text": "arrivals are 87 % above forecast since 14:30",
}  # fmt: skip
FORECAST = {
    "day": "2026-10-01", "kind": "holiday", "line": None, "name": "the whole hotline", "forecast": None, "arrived": 3,
    "why_none": "no forecast",
    "quarters": [{"at": "00:00", "expected": None, "low": None, "high": None, "arrived": 3}],
}  # fmt: skip
SHADOW = {
    "file": "other.toml", "since": 100.0, "until": 700.0, "by": "1001", "running": True, "ended": None, "ended_at": None,
    "share": 0.001, "rebuilt": 0, "not_compared": [],
    "lines": [{"number": "12345", "name": "热线", "compared": 3, "results": {"same": 2, "seat": 1}}],
    "examples": [{
        "result": "seat", "call_id": "1-2", "line": "12345", "at": 101.0, "wait_s": 0.5, "live": ["1001"],
        "shadow": ["1002"], "earlier_s": None, "rival": None,
    }],
}  # fmt: skip


@dataclass
class Forecasts:
    """Tells what a test says; remembers what was asked for."""

    today: Mapping[str, Any] | None = None
    suggested: Mapping[str, Any] | None = None
    found: Mapping[str, Any] | str | Exception = field(default_factory=lambda: FORECAST)
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def outlook(self) -> Mapping[str, Any] | None:
        return self.today

    def suggestion(self) -> Mapping[str, Any] | None:
        return self.suggested

    async def day(self, day: date | None, line: str) -> Mapping[str, Any] | str:
        self.asked.append((day, line))
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@dataclass
class ShadowRules:
    """Remembers what was asked for, or refuses it."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    refusal: Refused | str | None = None
    file: str | None = None

    async def start(self, data: bytes, name: str, for_s: float, by: str) -> Mapping[str, Any]:
        if isinstance(self.refusal, Refused):
            raise self.refusal
        self.asked.append(("start", data, name, for_s, by))
        self.file = data.decode()
        return SHADOW

    def end(self, by: str) -> str | None:
        self.asked.append(("end", by))
        return self.refusal if isinstance(self.refusal, str) else None

    def shown(self) -> Mapping[str, Any] | None:
        return None if self.file is None else SHADOW

    def text(self) -> str | None:
        return self.file


ENTRY = {
    "id": 7, "number": "138****0001", "block": False, "kind": "reject", "afterwards": "wait", "talk_s": None,
    "reason": "abuse", "evidence": "case 7", "approver": "chief", "second_approver": None, "added_by": "1001",
    "added_at": 1.0, "until": 2.0, "ended_by": None, "ended_at": None, "status": "in_force", "times": 3, "last_at": 1.5,
    "hidden": False,
}  # fmt: skip


@dataclass
class Restrictions:
    """Remembers what was asked for, or refuses it."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    refusal: Refused | None = None

    async def listed(self, *, every: bool) -> Sequence[Mapping[str, Any]]:
        return [self._note("listed", every)]

    async def shown(self, entry_id: int, reading: Reading | None) -> Mapping[str, Any]:
        return self._note("shown", entry_id, reading) | ({} if reading is None else {"number": "13800000001"})

    async def csv(self, reading: Reading | None, *, masked: bool) -> bytes:
        entry = self._note("csv", reading, masked)
        number = entry["number"] if reading is None else "13800000001"
        return f"id,number\n7,{number if masked else ''}\n".encode()

    async def add(self, values: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        return self._note("add", dict(values), by)

    async def approve(self, entry_id: int, by: str) -> Mapping[str, Any]:
        return self._note("approve", entry_id, by)

    async def end(self, entry_id: int, by: str) -> Mapping[str, Any]:
        return self._note("end", entry_id, by)

    async def take_csv(self, data: bytes, by: str, *, dry_run: bool) -> Mapping[str, Any]:
        self._note("take", data, by, dry_run)
        return {"added": 1, "unchanged": 0, "ids": [7], "dry_run": dry_run}

    def _note(self, *what: object) -> Mapping[str, Any]:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(what)
        return ENTRY


class Joins:
    """One call in progress, `c-1` of agent 1001; every act is kept in `asked`."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.refusal: Refused | None = None

    def ask(
        self, call_id: str, verb: Verb, wanted: Mapping[str, str], *, by: str, role: str, via: str, case: str = ""
    ) -> dict[str, Any]:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append((call_id, verb, dict(wanted), by, role, via, case))
        return self.shown(call_id)

    def check_own(self, call_id: str, by: str, role: str) -> None:
        if role in ("agent", "expert") and by != "1001":
            raise Refused(403, "this is not the call that you talk in")

    def shown(self, call_id: str) -> dict[str, Any]:
        if call_id != "c-1":
            raise Refused(404, f"call {call_id} is not in progress")
        return {
            "id": call_id, "line": "12345", "case": "A-17", "seat": "1001", "agent": "1001", "state": "talking",
            "on_hold": False, "act": None, "act_no": len(self.asked), "target": None, "thirds": [], "possible": ["consult"],
        }  # fmt: skip

    def live(self) -> list[dict[str, Any]]:
        return [self.shown("c-1"), {**self.shown("c-1"), "id": "c-2", "agent": "1002"}]


DEPARTMENT = {
    "id": "zjj", "name": "市住建局", "kind": "department", "level": 3, "hours": "workday 09:00-17:00", "own_hours": False,
    "numbers": ["80001", "80002@department"], "shows_caller": False, "note": "", "disabled": False, "revision": 2,
    "code": "31", "open": True, "until": 1_795_302_600.0, "problems": [],
}  # fmt: skip


WANTED = {
    "id": 17, "number": "138****0000", "line": "12345", "wanted_at": None, "due_at": 9.0, "overdue": True,
    "consent": True, "note": "", "case": "A1", "call": "", "state": "open", "attempts": 0, "last_at": None,
    "added_by": "1001", "added_at": 1.0, "closed_by": None, "closed_at": None, "hidden": False, "lost": False,
    "owed_at": None, "next_try_at": 1.0, "reason": "",
}  # fmt: skip
PLACED = {
    "id": "out-1-a", "kind": "callback", "case": "A1", "callback": 17, "agent": "1001", "seat": "1001", "line": "12345",
    "state": "asked", "asked_at": 1.0, "agent_answered_at": None, "dialled_at": None, "citizen_ringing_at": None,
    "answered_at": None, "ended_at": None, "outcome": None, "recording": None, "cause": None, "by": "1001",
    "offered": False,
}  # fmt: skip


@dataclass
class Callbacks:
    """Remembers what was asked for."""

    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def listed(self, *, state: Sequence[str], due_s: float | None, overdue: bool) -> Sequence[Mapping[str, Any]]:
        self.asked.append(("list", tuple(state), due_s, overdue))
        return [WANTED]

    async def shown(self, entry_id: int) -> Mapping[str, Any]:
        return WANTED

    async def add(self, values: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        self.asked.append(("add", values, by))
        return WANTED

    async def change(self, entry_id: int, changes: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        self.asked.append(("change", entry_id, changes, by))
        return WANTED


@dataclass
class CallOuts:
    """Remembers whom it was asked to ring."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    others: bool = False

    async def place(self, agent_id: str, wanted: Mapping[str, Any], by: str, role: str) -> Mapping[str, Any]:
        self.asked.append((agent_id, wanted["callback"], wanted["case"], wanted["number"], by, role))
        return PLACED

    async def shown(self, out_id: str) -> Mapping[str, Any]:
        return PLACED | ({"agent": "1002"} if self.others else {})

    async def listed(self, *, callback: int | None, case: str, limit: int) -> Sequence[Mapping[str, Any]]:
        self.asked.append((callback, case, limit))
        return [PLACED, PLACED | {"id": "out-1-b", "agent": "1002"}]


LOST = {"calls": 5, "lost": 4, "served": 1, "not_served": 3}
WRITTEN = {
    "id": 1, "root": 1, "revision": 1, "call": TALKING, "kind": "投诉", "subject": "路灯不亮", "name": "", "hidden": True,
    "text": "", "district": "天宁区", "by": "1001", "at": 1795302613.0,
}  # fmt: skip
WAITS = {
    "id": 7, "event": "ended_1", "call": TALKING, "type": "hotline.call.ended", "made_at": 1795302613.0, "state": "dead",
    "attempts": 3, "next_at": 0.0, "error": "answered 500", "closed_at": None, "by": None, "reason": None,
}  # fmt: skip


@dataclass
class Intakes:
    """Remembers what was asked for."""

    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def add(self, call_id: str, values: Mapping[str, Any], by: str, role: str) -> Mapping[str, Any]:
        self.asked.append((call_id, dict(values), by, role))
        return WRITTEN

    async def listed(self, call_id: str, by: str, role: str) -> Sequence[Mapping[str, Any]]:
        self.asked.append((call_id, by, role))
        return [WRITTEN]


AGES: dict[str, Any] = {
    "ages": {"numbers": 180}, "running": False, "doing": None, "done": {"numbers": 7}, "last_at": 1.0, "next_at": 2.0,
    "failure": None,
}  # fmt: skip
HELD: dict[str, Any] = {
    "id": 3, "kind": "caller", "call": "", "number": "138****0001", "hidden": False, "case": "", "days": "",
    "reason": "court", "by": "s1", "at": 1.0, "calls": 2, "lifted_by": None, "lifted_at": None, "lifted_reason": None,
}  # fmt: skip


@dataclass
class Retention:
    """Remembers what was asked for."""

    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def shown(self) -> Mapping[str, Any]:
        return AGES

    async def due(self) -> Sequence[Mapping[str, Any]]:
        return [{"kind": "numbers", "before": 1.0, "due": 5, "held": 2}]

    async def start(self, by: str, role: str) -> Mapping[str, Any]:
        self.asked.append(("run", by, role))
        return AGES

    async def citizen(self, raw: str, reason: str, by: str, role: str, *, dry_run: bool) -> Mapping[str, Any]:
        self.asked.append(("citizen", raw, reason, by, role, dry_run))
        zero = ("callbacks", "recordings", "restrictions", "restrictions_in_force")
        return {"calls": 2, "held": 1, "open": 0, **dict.fromkeys(zero, 0)}

    async def call(self, call_id: str, reason: str, by: str, role: str, *, dry_run: bool) -> Mapping[str, Any]:
        self.asked.append(("call", call_id, reason, by, role, dry_run))
        return {"call": call_id, "forgotten_before": False}


@dataclass
class Holds:
    """Remembers what was asked for."""

    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def listed(self, *, every: bool) -> Sequence[Mapping[str, Any]]:
        self.asked.append(("list", every))
        return [HELD]

    async def add(self, values: Mapping[str, Any], by: str, role: str) -> Mapping[str, Any]:
        self.asked.append(("add", dict(values), by, role))
        return HELD

    async def lift(self, hold_id: int, reason: str, by: str, role: str) -> Mapping[str, Any]:
        self.asked.append(("lift", hold_id, reason, by, role))
        return HELD


@dataclass
class Outbox:
    """Remembers what was asked for."""

    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def listed(self, state: str) -> Sequence[Mapping[str, Any]]:
        self.asked.append(("list", state))
        return [WAITS]

    async def retry(self, row_id: int, by: str) -> Mapping[str, Any]:
        self.asked.append(("retry", row_id, by))
        return WAITS

    async def retry_all(self, by: str) -> int:
        self.asked.append(("retry all", by))
        return 3

    async def drop(self, row_id: int, reason: str, by: str) -> Mapping[str, Any]:
        self.asked.append(("drop", row_id, reason, by))
        return WAITS


@dataclass
class Directory:
    """Remembers what was asked for, or refuses it."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    refusal: Refused | None = None

    def listed(self, text: str = "", *, every: bool = False) -> Sequence[Mapping[str, Any]]:
        return [self._note("listed", text, every)]

    def shown(self, department_id: str) -> Mapping[str, Any]:
        return self._note("shown", department_id)

    def csv(self, *, chinese: bool) -> bytes:
        return b"csv zh" if chinese else b"csv"

    async def take_csv(self, data: bytes, by: str, *, dry_run: bool) -> Mapping[str, Any]:
        return self._note("csv", data, by, dry_run)

    async def from_file(self, ids: Sequence[str], by: str, *, dry_run: bool) -> Mapping[str, Any]:
        return self._note("file", ids, by, dry_run)

    def _note(self, *what: object) -> Mapping[str, Any]:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(what)
        return DEPARTMENT | {"added": ["zjj"], "changed": [], "unchanged": 0, "dry_run": False}


DEPARTMENTS_REPORT = {
    "first": "2026-10-24", "last": "2026-11-22",
    "departments": [{
        "id": "zjj", "name": "市住建局", "asked": 5, "judged": 4, "reached": 3, "ratio": 0.75, "attempts": 7, "answered": 3,
        "busy": 2, "refused": 0, "no_answer": 1, "not_reached": 0, "out_of_hours": 1, "cancelled": 0, "open": 0,
        "p50_s": 4.0, "p95_s": 9.5,
    }],
}  # fmt: skip
EMERGENCY_REPORT = {
    "month": "2026-11",
    "numbers": [{
        "number": "110", "handoffs": 1, "answered": 1, "done": 1, "failed": 0, "refused": 0, "cancelled": 0,
        "several_routes": 1, "slowest_dial_ms": 50, "p50_ms": 7050, "p95_ms": 7050, "slowest_ms": 7050,
    }],
    "acts": [{
        "call_id": "1-2", "act": 1, "number": "110", "asked_at": 1_795_302_600.123, "by": "a1", "via": "phone",
        "case": None, "dialled_ms": 50, "first_sound_ms": 3250, "answered_ms": 7050, "joined_ms": 7100,
        "outcome": "done", "reason": None,
        "routes": [
            {"route": 1, "way": "110@police", "dialled_ms": 50, "ringing_ms": None, "answered_ms": None, "joined_ms": None,
             "ended_ms": 7200, "outcome": "not_reached", "cause": None},
            {"route": 2, "way": "110@carrier", "dialled_ms": 3050, "ringing_ms": 3250, "answered_ms": 7050,
             "joined_ms": 7100, "ended_ms": None, "outcome": None, "cause": None},
        ],
    }],
}  # fmt: skip


HANDOFF = {
    "act": 1, "leg": 2, "verb": "consult", "target_kind": "department", "target": "zjj", "name": "市住建局", "by": "a1",
    "via": "desk", "case": None, "asked_at": 1.5, "route": 2, "way": "80002@department", "seat": None, "dialled_ms": 400,
    "ringing_ms": 600, "answered_ms": None, "joined_ms": None, "ended_ms": 900, "outcome": "busy", "cause": 17,
    "act_outcome": "failed", "reason": "busy",
}  # fmt: skip


@dataclass
class Reports:
    """Tells what a test says; remembers what was asked for."""

    found: str | Exception | None = None
    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def departments(self, first: date | None, last: date | None) -> Mapping[str, Any] | str:
        return self._note(DEPARTMENTS_REPORT, "departments", first, last)

    async def emergency(self, month: str) -> Mapping[str, Any] | str:
        return self._note(EMERGENCY_REPORT, "emergency", month)

    async def handoffs(self, call_id: str) -> Sequence[Mapping[str, Any]]:
        self.asked.append(("handoffs", call_id))
        return [HANDOFF]

    def _note(self, report: Mapping[str, Any], *what: object) -> Mapping[str, Any] | str:
        self.asked.append(what)
        if isinstance(self.found, Exception):
            raise self.found
        return report if self.found is None else self.found


class Alarms:
    """One alarm, of the call in which 1001 talks."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.alarm: dict[str, Any] = {
            "id": 1, "call_id": "c-1", "target": "110", "reason": "busy", "agent": "1001", "raised_at": 100.0,
            "by": None, "acknowledged_at": None,
        }  # fmt: skip

    def listed(self, *, every: bool, by: str, role: str) -> list[dict[str, Any]]:
        self.asked.append((every, by, role))
        return [self.alarm] if every or self.alarm["by"] is None else []

    def acknowledge(self, alarm_id: int, *, by: str, role: str) -> dict[str, Any]:
        if alarm_id != 1:
            raise Refused(404, f"there is no alarm {alarm_id}")
        self.asked.append((alarm_id, by, role))
        self.alarm = {**self.alarm, "by": by, "acknowledged_at": 101.0}
        return self.alarm


@dataclass
class Recordings:
    """One call is going on, `agent` speaks in it; remembers what was asked."""

    agent: str | None = "1001"
    refusal: str | None = None
    asked: list[tuple[str, ...]] = field(default_factory=list)
    sound: Path | Refused = field(default_factory=lambda: Refused(404, "The call has no recording."))

    def knows(self, call_id: str) -> bool:
        return call_id == TALKING

    def agent_of(self, call_id: str) -> str | None:
        return self.agent

    async def pause(self, call_id: str, reason: str, by: str) -> str | None:
        self.asked.append(("pause", call_id, reason, by))
        return self.refusal

    async def resume(self, call_id: str, reason: str, by: str) -> str | None:
        self.asked.append(("resume", call_id, reason, by))
        return self.refusal

    async def file(self, call_id: str) -> Path:
        if isinstance(self.sound, Refused):
            raise self.sound
        return self.sound


LOOK: dict[str, Any] = {
    "since": 1795302600.0, "until": 1795306200.0, "cel_calls": 3, "record_calls": 2, "missing": 1, "recovered": 1,
    "unplaced": 0, "not_in_cel": 0, "differing": 1, "corrupt_lines": 1, "open": 0, "agree": False,
    "missing_calls": [
        {
            "call_id": "1795302613422-1795302613.7", "number": "12345", "seat": "1001", "arrived_at": 1795302613.42,
            "answered_at": 1795302615.0, "ended_at": 1795302700.0,
        }
    ],
    "unplaced_calls": [],
    "differences": [{"call_id": "c-2", "what": "answer_missed", "cel": 1795302620.0, "records": None}],
    "corrupt": [{"file": "hotline.csv", "line": 7, "why": "not whole"}],
}  # fmt: skip


class Reconciling:
    def __init__(self) -> None:
        self.asked: list[tuple[float, str]] = []
        self.last: dict[str, Any] | None = None
        self.refusal: Refused | None = None

    def shown(self) -> Mapping[str, Any] | None:
        return self.last

    async def look(self, hours: float, by: str) -> Mapping[str, Any]:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append((hours, by))
        self.last = LOOK
        return LOOK


SIGHTS = {
    Role.AGENT: Sight.MASKED, Role.EXPERT: Sight.NONE, Role.SUPERVISOR: Sight.HIDDEN, Role.ENGINEER: Sight.CLEAR,
    Role.AUDITOR: Sight.MASKED,
}  # fmt: skip
HIDING = {
    "id": 3, "call": TALKING, "reason": "he asked", "by": "1001", "at": 1.0, "ended_by": None, "ended_at": None,
    "ended_reason": None,
}  # fmt: skip
CALLER = {"call": TALKING, "number": "138****0001", "withheld": False, "hidden": False, "names": []}
TOLD = {
    "id": 9, "at": 1.0, "actor": "1001", "role": "supervisor", "act": "read", "subject_kind": "call",
    "subject_id": TALKING, "reason": "the police asks", "details": {"what": ["number"]},
}  # fmt: skip
KEYS = {
    "newest": "aaaaaaaa", "keys": ["aaaaaaaa", "bbbbbbbb"], "sealed": {"aaaaaaaa": 3}, "old": 0, "unreadable": 0,
    "waiting": 0, "may_go": True, "why": "the old keys bbbbbbbb may be deleted",
}  # fmt: skip


@dataclass
class Hidden:
    """Remembers what was asked for, or refuses it."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    refusal: Refused | None = None

    def listed(self, *, every: bool) -> Sequence[Mapping[str, Any]]:
        return [self._note("listed", every)]

    async def add(self, values: Mapping[str, Any], by: str, role: str) -> Mapping[str, Any]:
        return self._note("add", dict(values), by, role)

    async def end(self, entry_id: int, reason: str, by: str, role: str) -> Mapping[str, Any]:
        return self._note("end", entry_id, reason, by, role)

    def _note(self, *what: object) -> Mapping[str, Any]:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(what)
        return HIDING


@dataclass
class CallerData:
    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def shown(self, call_id: str, by: str, role: str) -> Mapping[str, Any]:
        self.asked.append(("shown", call_id, by, role))
        return CALLER

    async def read(self, call_id: str, reading: Reading) -> Mapping[str, Any]:
        self.asked.append(("read", call_id, reading))
        return CALLER | {"number": "13800000001", "names": ["张三"]}

    async def audit(self, which: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        self.asked.append(("audit", dict(which)))
        return [TOLD]


@dataclass
class NumberKeys:
    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def standing(self) -> Mapping[str, Any]:
        return KEYS

    async def take(self, by: str, role: str) -> Mapping[str, Any]:
        self.asked.append(("take", by, role))
        return KEYS

    async def reseal(self, after: str, by: str, role: str) -> Mapping[str, Any]:
        self.asked.append(("reseal", after, by, role))
        return {"resealed": 2, "unreadable": 0, "after": None}


@dataclass
class Probes:
    """One test call, whatever is asked for."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    refused: Refused | None = None

    async def place(self, number: str, by: str) -> Mapping[str, Any]:
        if self.refused is not None:
            raise self.refused
        self.asked.append(("place", number, by))
        return PROBE

    async def shown(self, probe_id: str) -> Mapping[str, Any]:
        self.asked.append(("shown", probe_id))
        return PROBE

    async def listed(self, *, number: str, limit: int) -> Sequence[Mapping[str, Any]]:
        self.asked.append(("listed", number, limit))
        return [PROBE]


PROBE: dict[str, Any] = {
    "id": "test-1-a", "number": "12345", "by": "1001", "state": "ended", "asked_at": 1.0, "ended_at": 9.0,
    "outcome": "answered", "cause": None, "sip": None, "dial_delay_s": 1.0, "answer_s": 5.0, "ring_s": 4.0, "call": "c",
    "seat": "1001", "agent": "1001", "answered_by": "engine", "inside_s": 4.0, "faults": [],
}  # fmt: skip


@dataclass
class Hotline:
    """Stands in for engine, records and configuration; remembers what it was asked to do."""

    view: EngineView = VIEW
    health: Health = field(default_factory=lambda: Health(True, True))
    today: Sequence[LineToday] | Exception = (TODAY, MERGED)
    calls: Sequence[Mapping[str, Any]] | Exception = ()
    story: Mapping[str, Any] | str | Exception = "no call begins so"
    refusal: str | None = None
    errors: Sequence[str] = ()
    acts: list[tuple[str, ...]] = field(default_factory=list)
    asked: int = 0
    staff: Staff = field(default_factory=Staff)
    calendar: Calendar = field(default_factory=Calendar)
    shadow: ShadowRules = field(default_factory=ShadowRules)
    forecasts: Forecasts = field(default_factory=Forecasts)
    staffing: Mapping[str, Any] | None = None
    lost_today: Mapping[str, Any] | None = None
    restrictions: Restrictions = field(default_factory=Restrictions)
    joins: Joins = field(default_factory=lambda: Joins())
    directory: Directory = field(default_factory=Directory)
    callbacks: Callbacks = field(default_factory=lambda: Callbacks())
    call_outs: CallOuts = field(default_factory=lambda: CallOuts())
    intakes: Intakes = field(default_factory=lambda: Intakes())
    outbox: Outbox = field(default_factory=lambda: Outbox())
    retention: Retention = field(default_factory=lambda: Retention())
    holds: Holds = field(default_factory=lambda: Holds())
    probes: Probes = field(default_factory=lambda: Probes())
    reports: Reports = field(default_factory=Reports)
    alarms: Alarms = field(default_factory=lambda: Alarms())
    recordings: Recordings = field(default_factory=Recordings)
    reconciling: Reconciling = field(default_factory=Reconciling)
    hidden: Hidden = field(default_factory=lambda: Hidden())
    caller_data: CallerData = field(default_factory=lambda: CallerData())
    number_keys: NumberKeys = field(default_factory=lambda: NumberKeys())
    sights: dict[Role, Sight] = field(default_factory=lambda: dict(SIGHTS))

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        return f"# {accept}\n".encode(), "text/plain; version=0.0.4; charset=utf-8"

    async def figures(self) -> Sequence[LineToday]:
        self.asked += 1
        if isinstance(self.today, Exception):
            raise self.today
        return self.today

    async def recent(self, limit: int) -> Sequence[Mapping[str, Any]]:
        if isinstance(self.calls, Exception):
            raise self.calls
        return self.calls[:limit]

    async def why(self, call: str) -> Mapping[str, Any] | str:
        if isinstance(self.story, Exception):
            raise self.story
        return self.story

    def act(self, *what: str) -> str | None:
        self.acts.append(what)
        return self.refusal

    def declare_surge(self, for_s: float, reason: str, by: str) -> None:
        self.acts.append(("surge", reason, by))
        self.view = replace(self.view, surge=Surge(100.0, 100.0 + for_s, reason, by))

    async def reload(self) -> Sequence[str]:
        return self.errors

    def deps(self) -> ConsoleDeps:
        return ConsoleDeps(
            view=lambda: self.view,
            health=lambda: self.health,
            metrics=self.metrics,
            today=self.figures,
            recent_calls=self.recent,
            why=self.why,
            sign_in=lambda agent, seat: self.act("sign-in", agent, seat),
            sign_out=lambda agent: self.act("sign-out", agent),
            pause=lambda agent, reason: self.act("pause", agent, reason),
            ready=lambda agent: self.act("ready", agent),
            extend_wrap_up=lambda agent: self.act("extend", agent),
            reasons=lambda: {1: "小休", 2: "用餐"},
            declare_surge=self.declare_surge,
            end_surge=lambda by: self.act("surge over", by),
            shadow=self.shadow,
            reload=self.reload,
            staff=self.staff,
            calendar=self.calendar,
            forecasts=self.forecasts,
            staffing=lambda: self.staffing,
            lost_today=lambda: self.lost_today,
            restrictions=self.restrictions,
            joins=self.joins,
            directory=self.directory,
            callbacks=self.callbacks,
            call_outs=self.call_outs,
            intakes=self.intakes,
            outbox=self.outbox,
            retention=self.retention,
            holds=self.holds,
            probes=self.probes,
            reports=self.reports,
            alarms=self.alarms,
            recordings=self.recordings,
            reconciling=self.reconciling,
            hidden=self.hidden,
            caller_data=self.caller_data,
            number_keys=self.number_keys,
            sight=lambda role: self.sights[role],
            tokens={hashlib.sha256(f"{role}-secret".encode()).hexdigest(): Token("1001", role) for role in Role},
            version="0.1.0",
        )


def bearer(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {role}-secret"}
