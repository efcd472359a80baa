"""One picture of the hotline for status, wallboard and events: made at most once a second, however many look at it.

Today's figures come from the database and may be late or missing; what is now comes from the engine and never is.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import structlog

from console.deps import ConsoleDeps, Health, LineToday
from routing.model import EngineView, LineView, SeatView

log = structlog.get_logger(__name__)

FRESH_S: Final = 1.0
TODAY_FRESH_S: Final = 2.0
TODAY_PATIENCE_S: Final = 2.0

Json = dict[str, Any]


class Board:
    """Snapshots with a version that grows when something changed that a reader cannot count on by himself."""

    def __init__(self, deps: ConsoleDeps) -> None:
        self._deps = deps
        self._lock = asyncio.Lock()
        self._taken_at = float("-inf")
        self._today_at = float("-inf")
        self._today: Sequence[LineToday] | None = None
        self._key: Json = {}
        self._version = 0
        self._snapshot: Json = {}

    async def snapshot(self) -> tuple[int, Json]:
        """(version, picture). Readers must not change the picture."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._taken_at >= FRESH_S:
                self._take(await self._figures(now))
                self._taken_at = now
            return self._version, self._snapshot

    def _take(self, today: Sequence[LineToday] | None) -> None:
        snapshot = picture(self._deps, today)
        key = without_durations(snapshot)
        if key != self._key:
            self._version += 1
            self._key = key
        self._snapshot = snapshot

    async def _figures(self, now: float) -> Sequence[LineToday] | None:
        """Today's figures, None while the records do not answer."""
        if now - self._today_at >= TODAY_FRESH_S:
            self._today_at = now
            try:
                async with asyncio.timeout(TODAY_PATIENCE_S):
                    self._today = await self._deps.today()
            except Exception as error:  # a database away is no reason for a dark wallboard
                log.warning("figures_unavailable", error=type(error).__name__)
                self._today = None
        return self._today


def picture(deps: ConsoleDeps, today: Sequence[LineToday] | None) -> Json:
    view, health = deps.view(), deps.health()
    return {
        "version": deps.version,
        "health": health_json(health),
        "ami_up": view.ami_up,
        "target": {"answer_within_s": deps.answer_within_s, "ratio": deps.target_ratio},
        "now": now_json(view),
        "today": None if today is None else total(today),
        "lines": lines_json(view, today or ()),
        "seats": [seat_json(seat) for seat in view.seats],
    }


def health_json(health: Health) -> Json:
    return {"ready": health.ready, "serving": health.serving, "degraded": list(health.degraded)}


def now_json(view: EngineView) -> Json:
    return {
        "waiting": sum(line.waiting for line in view.lines),
        "longest_wait_s": round(max((line.longest_wait_s for line in view.lines), default=0.0), 1),
        "talking": sum(line.talking for line in view.lines),
        "seats": dict(sorted(Counter(seat.state for seat in view.seats).items())),
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
        "today": None if today is None else figures_json(today),
    }


def merged_json(today: LineToday) -> Json:
    now = dict.fromkeys(("waiting", "longest_wait_s", "talking"))
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
        for name in ("offered", "judged", "answered", "in_time", "abandoned", "flowed_out", "failed")
    }
    return {
        **counts,
        "ratio": counts["in_time"] / counts["judged"] if counts["judged"] else None,
        "formula": next((line.formula for line in today), ""),
    }


def without_durations(value: Any) -> Any:
    """The picture without what only grows with the clock, which a page can count on by itself."""
    if isinstance(value, dict):
        return {k: without_durations(v) for k, v in value.items() if k not in ("since_s", "longest_wait_s")}
    if isinstance(value, list):
        return [without_durations(item) for item in value]
    return value


def encode(picture: Json) -> str:
    """One line of JSON."""
    return json.dumps(picture, ensure_ascii=False, separators=(",", ":"))
