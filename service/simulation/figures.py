"""The figures of a simulated day: the 15 s ratio by dialled number, answer times, who gave up, occupancy; by scheme.

The ratio is the same formula as for real calls (`metrics.measures`, `V2-all`): whoever was sent away or gave up counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from metrics.counting import JudgedCall, tally
from metrics.measures import times
from routing import judging
from routing.steps import Judgement
from service.simulation.app_queue import AppQueue
from service.simulation.callers import Caller
from service.simulation.day import Day, serving
from service.simulation.ours import Ours
from service.simulation.pools import BySkill, Pooled
from service.simulation.world import Fate, Outcome, Tell, World

ALL: Final = "all"
SCHEMES: Final[dict[str, type[World]]] = {scheme.scheme: scheme for scheme in (Ours, BySkill, AppQueue, Pooled)}


@dataclass(frozen=True, slots=True)
class Figures:
    """One number of one day under one scheme, or all of them. Ratios 0..1; None: there is nothing to judge."""

    number: str
    name: str
    offered: int
    answered: int
    in_time: int
    abandoned: int
    sent_away: int
    ratio: float | None
    p50_s: float | None
    p95_s: float | None
    max_s: float | None


@dataclass(frozen=True, slots=True)
class Found:
    """A day under one scheme; `hourly`: the ratio of the calls that came in each hour."""

    scheme: str
    total: Figures
    numbers: tuple[Figures, ...]
    occupancy: float | None
    hourly: tuple[float | None, ...]
    outcome: Outcome


def simulate(day: Day, callers: Sequence[Caller], scheme: str, tell: Tell | None = None) -> Found:
    """The whole day. `scheme`: a key of `SCHEMES`."""
    outcome = SCHEMES[scheme](day, callers, tell).run()
    judged = _judged(day, outcome)
    everybody = [call for calls in judged.values() for _, call in calls]
    return Found(
        scheme=scheme,
        total=_figures(ALL, "", everybody),
        numbers=tuple(
            _figures(number, day.rules.lines[number].name, [call for _, call in calls])
            for number, calls in judged.items()
        ),
        occupancy=outcome.hours.occupancy,
        hourly=tuple(_hourly(judged)),
        outcome=outcome,
    )


def _judged(day: Day, outcome: Outcome) -> dict[str, list[tuple[Caller, JudgedCall]]]:
    """By dialled number. The world knows no milliseconds; a wait is judged as it would be stored."""
    within_s = {number: serving(day.rules, number).answer_within_s for number in day.numbers()}
    found: dict[str, list[tuple[Caller, JudgedCall]]] = {number: [] for number in within_s}
    for caller, fate, wait_s in zip(outcome.callers, outcome.fates, outcome.waits_s, strict=True):
        wait_s = round(wait_s, 3)
        if fate is Fate.ANSWERED:
            result = judging.of_answer(wait_s, within_s[caller.number])
        else:
            result = {Fate.ABANDONED: Judgement.ABANDONED, Fate.SENT_AWAY: Judgement.FLOWED_OUT}[fate]
        found[caller.number].append((caller, JudgedCall(result, wait_s)))
    return found


def _figures(number: str, name: str, calls: Sequence[JudgedCall]) -> Figures:
    in_time = sum(call.result is Judgement.IN_TIME for call in calls)
    counted = tally(calls, threshold_s=0)
    waits = times([call.wait_s for call in calls if call.result in (Judgement.IN_TIME, Judgement.LATE)])
    return Figures(
        number,
        name,
        counted.offered,
        counted.answered,
        in_time,
        counted.abandoned,
        counted.flowed_out,
        in_time / counted.offered if counted.offered else None,
        None if waits is None else waits.p50_s,
        None if waits is None else waits.p95_s,
        None if waits is None else waits.max_s,
    )


def _hourly(judged: dict[str, list[tuple[Caller, JudgedCall]]]) -> list[float | None]:
    came, in_time = [0] * 24, [0] * 24
    for calls in judged.values():
        for caller, call in calls:
            hour = min(23, int(caller.at // 3600))
            came[hour] += 1
            in_time[hour] += call.result is Judgement.IN_TIME
    return [part / whole if whole else None for part, whole in zip(in_time, came, strict=True)]
