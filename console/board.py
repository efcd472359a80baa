"""One picture of the hotline for status, wallboard and events: made at most once a second, however many look at it.

Today's figures come from the database and may be late or missing; what is now comes from the engine and never is.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any, Final

import structlog

from console.deps import ConsoleDeps, Health, LineToday
from routing.floor import SET_ASIDE
from routing.model import EngineView, LineView, SeatView, Surge

log = structlog.get_logger(__name__)

FRESH_S: Final = 1.0
TODAY_FRESH_S: Final = 2.0
TODAY_SHARE: Final = 0.05  # of the database's time at most: a slow question is asked less often
TODAY_PATIENCE_S: Final = 1.5
TODAY_RETRY_S: Final = 10.0

Json = dict[str, Any]


class Snapshot:
    """One picture. `version` grows when something changed that a reader cannot count on by himself."""

    def __init__(self, version: int, picture: Json) -> None:
        self.version = version
        self.picture: Final = picture  # readers must not change it

    @cached_property
    def text(self) -> str:
        """One line of JSON, made once for all who follow."""
        return json.dumps(self.picture, ensure_ascii=False, separators=(",", ":"))


class Board:
    def __init__(self, deps: ConsoleDeps) -> None:
        self._deps = deps
        self._lock = asyncio.Lock()
        self._taken_at = float("-inf")
        self._today_next = float("-inf")
        self._today: Sequence[LineToday] | None = None
        self._seen: object = None
        self._snapshot = Snapshot(0, {})

    async def snapshot(self) -> Snapshot:
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._taken_at >= FRESH_S:
                self._take(await self._figures(now))
                self._taken_at = now
            return self._snapshot

    def _take(self, today: Sequence[LineToday] | None) -> None:
        view, health = self._deps.view(), self._deps.health()
        forecasts, alarms = self._deps.forecasts, open_alarms(self._deps)
        beside = alarms, self._deps.staffing(), self._deps.lost_today()
        seen = lasting(view, health, today), forecasts.suggestion(), forecasts.outlook(), *beside
        changed = seen != self._seen
        self._seen = seen
        self._snapshot = Snapshot(self._snapshot.version + changed, picture(self._deps, view, health, today))

    async def _figures(self, now: float) -> Sequence[LineToday] | None:
        """Today's figures, None while the records do not answer; then they are left alone for a while."""
        if now >= self._today_next:
            try:
                async with asyncio.timeout(TODAY_PATIENCE_S):
                    self._today = await self._deps.today()
                took = asyncio.get_running_loop().time() - now
                self._today_next = now + max(TODAY_FRESH_S, took / TODAY_SHARE)
            except Exception as error:  # a database away is no reason for a dark wallboard
                log.warning("figures_unavailable", error=type(error).__name__)
                self._today, self._today_next = None, now + TODAY_RETRY_S
        return self._today


def lasting(view: EngineView, health: Health, today: Sequence[LineToday] | None) -> object:
    """What is seen, without what only grows with the clock: a page counts on by itself."""
    lines = tuple(replace(line, longest_wait_s=0.0) for line in view.lines)
    seats = tuple((s.seat_id, s.agent_id, s.agent_name, s.state, s.device, s.line, s.reason) for s in view.seats)
    return (
        lines,
        seats,
        view.ready,
        view.ami_up,
        view.surge,
        view.trunks,
        health,
        None if today is None else tuple(today),
    )


def picture(deps: ConsoleDeps, view: EngineView, health: Health, today: Sequence[LineToday] | None) -> Json:
    return {
        "version": deps.version,
        "health": health_json(health),
        "ami_up": view.ami_up,
        "target": {"answer_within_s": deps.answer_within_s, "ratio": deps.target_ratio},
        "now": now_json(view),
        "surge": surge_json(view.surge),
        "alarms": open_alarms(deps),
        "dead_trunks": sorted(trunk for trunk, up in view.trunks.items() if not up),
        "suggestion": deps.forecasts.suggestion(),
        "forecast": deps.forecasts.outlook(),
        "staffing": deps.staffing(),
        "lost_today": deps.lost_today(),
        "today": None if today is None else total(today),
        "lines": lines_json(view, today or ()),
        "seats": [seat_json(seat) for seat in view.seats],
    }


def open_alarms(deps: ConsoleDeps) -> list[Json]:
    """For people at a wallboard: all of them, whosever call it is."""
    return deps.alarms.listed(every=False, by="", role="supervisor")


def health_json(health: Health) -> Json:
    return {"ready": health.ready, "serving": health.serving, "degraded": list(health.degraded)}


def surge_json(surge: Surge | None) -> Json | None:
    return None if surge is None else asdict(surge)


def now_json(view: EngineView) -> Json:
    return {
        "waiting": sum(line.waiting for line in view.lines),
        "longest_wait_s": round(max((line.longest_wait_s for line in view.lines), default=0.0), 1),
        "talking": sum(line.talking for line in view.lines),
        "seats": dict(sorted(Counter(seat.state for seat in view.seats).items())),
        "set_aside": [seat.seat_id for seat in view.seats if seat.reason == SET_ASIDE],
    }


def lines_json(view: EngineView, today: Sequence[LineToday]) -> list[Json]:
    """Every line that has calls now or had some today. A merged number is served as another line: its callers of now
    are counted there, its figures of today are its own."""
    figures = {line.number: line for line in today}
    shown = [line_json(line, figures.pop(line.number, None)) for line in view.lines]
    return shown + [merged_json(line) for line in figures.values()]


def line_json(line: LineView, today: LineToday | None) -> Json:
    return {
        "number": line.number,
        "name": line.name,
        "waiting": line.waiting,
        "longest_wait_s": round(line.longest_wait_s, 1),
        "talking": line.talking,
        "duty": None if line.duty is None else asdict(line.duty),
        "today": None if today is None else figures_json(today),
    }


def merged_json(today: LineToday) -> Json:
    now = dict.fromkeys(("waiting", "longest_wait_s", "talking", "duty"))
    return {"number": today.number, "name": today.name, **now, "today": figures_json(today)}


def figures_json(figures: LineToday) -> Json:
    return {key: value for key, value in asdict(figures).items() if key not in ("number", "name")}


def seat_json(seat: SeatView) -> Json:
    return {
        "seat": seat.seat_id,
        "agent": seat.agent_id,
        "name": seat.agent_name,
        "state": seat.state,
        "since_s": round(seat.since_s, 1),
        "device": seat.device,
        "line": seat.line,
        "reason": seat.reason,
    }


def total(today: Sequence[LineToday]) -> Json:
    """All lines together. Times are not added up: percentiles of parts make no percentile of the whole."""
    counts = {
        name: sum(getattr(line, name) for line in today)
        for name in ("offered", "judged", "answered", "in_time", "abandoned", "flowed_out", "failed", "restricted")
    }
    return {
        **counts,
        "ratio": counts["in_time"] / counts["judged"] if counts["judged"] else None,
        "formula": next((line.formula for line in today), ""),
    }
