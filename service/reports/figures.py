"""Counts to figures, as tables, JSON and pages show them. Every ratio stands under the id of its formula (docs/figures.md).

A sum over lines adds what each line has by its own target; answer times are those of all its calls together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from metrics.counting import SHORT_MS, Count, together
from metrics.measures import FORMULAS, HEADLINE, Tally
from routing.model import Rules
from service.reports.counted import Counted
from service.reports.periods import Period
from service.today import shown_name

Json = dict[str, Any]
ALL: Final = "all"
CONNECT_24H: Final = "connect-24h"


@dataclass(frozen=True, slots=True)
class Targets:
    """Within how many ms each dialled number is to be answered; `usual`: those of numbers that no line serves any more."""

    by_number: Mapping[str, int]
    usual: int

    def of(self, number: str) -> int:
        return self.by_number.get(number, self.usual)


def targets(rules: Rules, usual_s: float, within_s: float | None = None) -> Targets:
    """Those of the configuration, or one for all. A merged number has its own, else that of the line that serves it."""
    if within_s is not None:
        return Targets({}, round(within_s * 1000))
    own = {line.number: round(line.answer_within_s * 1000) for line in rules.lines.values()}
    return Targets(own, round(usual_s * 1000))


def figures(counts: Mapping[str, Count], wanted: Targets, *, whole_days: bool = False) -> Json:
    """Of some numbers together, each by its own target."""
    tally = sum((count.tally(threshold_ms=wanted.of(number)) for number, count in counts.items()), Tally())
    count = together(counts.values())
    times = count.times()
    return {
        **counts_of(tally),
        "waiting": count.waiting,
        "ratios": {name: formula(tally) for name, formula in FORMULAS.items()}
        | {CONNECT_24H: FORMULAS["connect"](tally) if whole_days else None},
        "mean_s": times and round(times.mean_s, 3),
        "p50_s": times and times.p50_s,
        "p95_s": times and times.p95_s,
        "max_s": times and times.max_s,
    }


def counts_of(tally: Tally) -> Json:
    return {
        "offered": tally.offered, "answered": tally.answered, "in_time": tally.answered_in_time,
        "abandoned": tally.abandoned, "abandoned_in_time": tally.abandoned_in_time,
        "short_abandoned": tally.short_abandoned, "flowed_out": tally.flowed_out, "failed": tally.failed,
        "restricted": tally.restricted, "test": tally.test,
    }  # fmt: skip


def report(counted: Counted, rules: Rules, wanted: Targets, only: str | None = None) -> Json:
    """The whole report. `only`: one dialled number."""
    period = counted.period
    places = {key: count for key, count in counted.places.items() if only in (None, key[0])}
    numbers = sorted({number for number, _ in places} | ({*rules.lines} if only is None else {only}))
    whole = {number: together(count for (its, _), count in places.items() if its == number) for number in numbers}
    days = bool(period.days)
    return {
        "title": period.title,
        "from": period.local(period.since_ms).isoformat(),
        "to": period.local(period.until_ms).isoformat(),
        "headline": HEADLINE,
        "short_s": SHORT_MS / 1000,
        "data": counted.data,
        "calls": sum(map(_all_calls, whole.values())),
        "total": figures(whole, wanted, whole_days=days),
        "numbers": [
            {"number": number, "name": _name(rules, number), "target_s": wanted.of(number) / 1000,
             **figures({number: count}, wanted, whole_days=days)}
            for number, count in whole.items()
        ],
        "zones": _zones(whole, rules, wanted, days),
        "intervals": _intervals(places, period, wanted),
        "days": _days(places, period, wanted),
        "bands": [band._asdict() for band in together(whole.values()).bands()],
        "heat": _heat(places, period, wanted),
        "forgotten": [day.day for day in counted.forgotten],
        **_remarks(counted, only),
    }  # fmt: skip


def _remarks(counted: Counted, only: str | None) -> Json:
    """What is counted over all calls of the period is told with all of them only."""
    if only is not None:
        return {}
    its = counted.remarks
    return {
        "untimed": its.untimed, "flow_outs": dict(its.flow_outs), "flags": dict(its.flags),
        "ended_by": dict(its.ended_by), "fallback": dict(its.fallback),
        "emergency": its.emergency, "requeued": its.requeued,
    }  # fmt: skip


def _all_calls(count: Count) -> int:
    tally = count.tally(threshold_ms=0)
    return tally.offered + tally.restricted + tally.test + count.waiting


def _name(rules: Rules, number: str) -> str:
    line = rules.lines.get(number)
    return "" if line is None else shown_name(line)


def _zones(whole: Mapping[str, Count], rules: Rules, wanted: Targets, days: bool) -> list[Json]:
    by_zone: defaultdict[str, dict[str, Count]] = defaultdict(dict)
    for number, count in whole.items():
        line = rules.lines.get(number)
        by_zone[(line and line.zone) or ""][number] = count
    return [
        {"zone": zone, **figures(counts, wanted, whole_days=days)} for zone, counts in sorted(by_zone.items()) if zone
    ]


Places = Mapping[tuple[str, int], Count]


def _intervals(places: Places, period: Period, wanted: Targets) -> list[Json]:
    """Each quarter or hour that has begun to have calls, with its numbers."""
    found = _grouped(places, lambda place: place)
    return [
        {"from": period.local(period.since_ms + place * period.step_ms).isoformat(),
         **figures(counts, wanted),
         "numbers": {number: _short({number: count}, wanted) for number, count in sorted(counts.items())}}
        for place, counts in sorted(found.items())
    ]  # fmt: skip


def _short(counts: Mapping[str, Count], wanted: Targets) -> Json:
    tally = sum((count.tally(threshold_ms=wanted.of(number)) for number, count in counts.items()), Tally())
    return {"offered": tally.offered, "in_time": tally.answered_in_time, HEADLINE: FORMULAS[HEADLINE](tally)}


def _days(places: Places, period: Period, wanted: Targets) -> list[Json]:
    """Each local day of a longer period: what the national clause is about is a day."""
    if len(period.days) < 2:
        return []
    found = _grouped(places, lambda place: period.local(period.since_ms + place * period.step_ms).date())
    return [{"day": str(day), **figures(found.get(day, {}), wanted, whole_days=True)} for day in period.days]


def _heat(places: Places, period: Period, wanted: Targets) -> list[Json]:
    """By weekday (Monday is 0) and hour of the local clock."""

    def cell(place: int) -> tuple[int, int]:
        at = period.local(period.since_ms + place * period.step_ms)
        return at.weekday(), at.hour

    found = _grouped(places, cell)
    return [{"weekday": day, "hour": hour, **_short(counts, wanted)} for (day, hour), counts in sorted(found.items())]


def _grouped(places: Places, key: Callable[[int], Any]) -> dict[Any, dict[str, Count]]:
    """Key of a place -> number -> count."""
    lists: defaultdict[Any, defaultdict[str, list[Count]]] = defaultdict(lambda: defaultdict(list))
    keys: dict[int, Any] = {}
    for (number, place), count in places.items():
        if place not in keys:
            keys[place] = key(place)
        lists[keys[place]][number].append(count)
    return {
        at: {number: its[0] if len(its) == 1 else together(its) for number, its in by_number.items()}
        for at, by_number in lists.items()
    }
