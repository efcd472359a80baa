"""A console whose surroundings are plain values that a test may change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from console.deps import ConsoleDeps, Health, LineToday, Refused, Role, Token
from routing.model import DeviceState, EngineView, LineView, SeatView, Surge

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
}  # fmt: skip


@dataclass
class Restrictions:
    """Remembers what was asked for, or refuses it."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    refusal: Refused | None = None

    async def listed(self, *, every: bool) -> Sequence[Mapping[str, Any]]:
        return [self._note("listed", every)]

    async def shown(self, entry_id: int, by: str, *, number: bool) -> Mapping[str, Any]:
        return self._note("shown", entry_id, by, number)

    async def csv(self, by: str, *, numbers: bool) -> bytes:
        self._note("csv", by, numbers)
        return b"id,number\n"

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
    restrictions: Restrictions = field(default_factory=Restrictions)

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
            restrictions=self.restrictions,
            tokens={hashlib.sha256(f"{role}-secret".encode()).hexdigest(): Token("1001", role) for role in Role},
            version="0.1.0",
        )


def bearer(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {role}-secret"}
