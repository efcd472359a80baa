"""Which departments do not answer, and the monthly drill report of emergencies: from the records, as people read them.

Times within an act are milliseconds since it was asked for, for that is what a drill is measured by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby
from typing import Any, Final

from routing.steps import ActOutcome, ThirdOutcome
from service import clock
from service.settings import Settings
from storage.handoff_figures import DepartmentFigures, Handoff
from storage.records import Archive, Records

DEPARTMENT_DAYS: Final = 30  # the last so many, today included, unless somebody asks for others
LONGEST_DAYS: Final = 366
WRITTEN_WITHIN_S: Final = 1.0
Json = dict[str, Any]


class HandoffReports:
    """Implements `console.deps.Reports`. `names` tells how departments are called now."""

    def __init__(
        self, records: Records, settings: Callable[[], Settings], names: Callable[[], Mapping[str, str]]
    ) -> None:
        self._records, self._settings, self._names = records, settings, names

    async def departments(self, first: date | None, last: date | None) -> Json | str:
        return await departments(self._records, self._settings(), self._names(), first, last)

    async def emergency(self, month: str) -> Json | str:
        return await emergency(self._records, self._settings(), month)

    async def handoffs(self, call_id: str) -> list[Json]:
        """The legs of one call."""
        await self._records.flush(WRITTEN_WITHIN_S)  # what happened a moment ago is part of it
        return [_handoff(leg) for leg in await self._records.handoffs(call_id)]


async def departments(
    archive: Archive, settings: Settings, names: Mapping[str, str], first: date | None, last: date | None
) -> Json | str:
    """Both days included; None: the last 30 days. One sentence when the days make no sense."""
    zone = settings.zone_info
    today = datetime.fromtimestamp(clock.wall(), zone).date()
    if first is not None and first > today:
        return _not_begun(first.isoformat(), today)
    last = last or today
    first = first or last - timedelta(days=DEPARTMENT_DAYS - 1)
    if not 0 <= (last - first).days < LONGEST_DAYS:
        return f"The first day lies before the last one, by at most {LONGEST_DAYS} days."
    found = await archive.department_figures(_ms(first, zone), _ms(last + timedelta(days=1), zone))
    rows = [_department(row, names.get(row.id, row.name)) for row in found]
    rows.sort(key=lambda row: (row["reached"] - row["judged"], row["ratio"] or 0.0, row["name"]))
    return {"first": first.isoformat(), "last": last.isoformat(), "departments": rows}


async def emergency(archive: Archive, settings: Settings, month: str) -> Json | str:
    """`2026-11`; "": this month. One sentence when it is none."""
    zone = settings.zone_info
    today = datetime.fromtimestamp(clock.wall(), zone).date()
    try:
        first = _month(month) if month else today.replace(day=1)
    except ValueError:
        return f'"{month[:20]}" is no month: write it like 2026-11.'
    if first > today:
        return _not_begun(month, today)
    after = (first + timedelta(days=31)).replace(day=1)
    legs = await archive.emergency_legs(_ms(first, zone), _ms(after, zone))
    acts = [_act(list(its)) for _, its in groupby(legs, key=lambda leg: (leg.call_id, leg.act))]
    known = {act["number"] for act in acts} | {table.number for table in settings.emergencies}
    numbers = [_number(number, [act for act in acts if act["number"] == number]) for number in sorted(known)]
    return {"month": f"{first:%Y-%m}", "numbers": numbers, "acts": acts}


def _not_begun(title: str, today: date) -> str:
    return f"{title} has not begun: reports go up to today, {today}."


def _month(text: str) -> date:
    return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 a date has no time zone


def _ms(day: date, zone: tzinfo) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def _department(row: DepartmentFigures, name: str) -> Json:
    return {
        "id": row.id, "name": name, "asked": row.asked, "judged": row.judged, "reached": row.reached,
        "ratio": row.reached / row.judged if row.judged else None,
        "attempts": sum(row.attempts.values()),
        **{outcome.value: row.attempts.get(outcome.value, 0) for outcome in ThirdOutcome},
        "open": row.attempts.get("open", 0),
        "p50_s": _seconds(row.p50_ms), "p95_s": _seconds(row.p95_ms),
    }  # fmt: skip


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _act(legs: Sequence[Handoff]) -> Json:
    first = legs[0]
    asked = first.asked_ms or 0
    routes = [_route(leg, asked) for leg in legs if leg.leg > 0]
    return {
        "call_id": first.call_id, "act": first.act, "number": first.target or "", "asked_at": asked / 1000,
        "by": first.by, "via": first.via, "case": first.case,
        "dialled_ms": _first(routes, "dialled_ms"),
        "first_sound_ms": _first(routes, "ringing_ms", "answered_ms"),
        "answered_ms": _first(routes, "answered_ms"),
        "joined_ms": _first(routes, "joined_ms"),
        "outcome": first.act_outcome, "reason": first.reason, "routes": routes,
    }  # fmt: skip


def _route(leg: Handoff, asked: int) -> Json:
    told = {"route": leg.route or leg.leg, "way": leg.way or "", "outcome": leg.outcome, "cause": leg.cause}
    return told | _moments(leg, asked)


def _moments(leg: Handoff, asked: int) -> Json:
    names = ("dialled_ms", "ringing_ms", "answered_ms", "joined_ms", "ended_ms")
    return {name: None if (at := getattr(leg, name)) is None else at - asked for name in names}


def _handoff(leg: Handoff) -> Json:
    asked = leg.asked_ms or 0
    return asdict(leg) | _moments(leg, asked) | {"asked_at": asked / 1000}


def _first(routes: Iterable[Json], *names: str) -> int | None:
    found = [route[name] for route in routes for name in names if route[name] is not None]
    return min(found, default=None)


def _number(number: str, acts: Sequence[Json]) -> Json:
    took = sorted(act["answered_ms"] for act in acts if act["answered_ms"] is not None)
    dialled = [act["dialled_ms"] for act in acts if act["dialled_ms"] is not None]
    return {
        "number": number,
        "handoffs": len(acts),
        "answered": len(took),
        **{outcome.value: sum(act["outcome"] == outcome for act in acts) for outcome in ActOutcome},
        "several_routes": sum(len(act["routes"]) > 1 for act in acts),
        "slowest_dial_ms": max(dialled, default=None),
        "p50_ms": _rank(took, 50), "p95_ms": _rank(took, 95), "slowest_ms": _rank(took, 100),
    }  # fmt: skip


def _rank(values: Sequence[int], percent: int) -> int | None:
    """By nearest rank, of sorted values."""
    return values[(len(values) * percent + 99) // 100 - 1] if values else None
