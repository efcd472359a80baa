"""A scrape of 5,000 series beside `generate_latest` alone, and whether callers' leases are renewed late by it.

The service has 1,000 seats and as many lines as it takes, and holds callers meanwhile. As many series in a registry of our
own are written by the library alone, in turns with the scrapes, so that a slow moment of the machine slows both.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from prometheus_client import CollectorRegistry, generate_latest

from bench.machine import undisturbed
from bench.place import OURS, Options, each_his_own, people, place
from bench.report import Figure, median_ratio, ms, quantile
from metrics.exporter import Exporter
from metrics.registry import Metrics
from sandbox.people import Callers, Plan
from sandbox.scenario import Habit
from service.cli.stage import Stage

SERIES = 5000
OF_A_LINE = 55
OF_THE_REST = 230
SEATS, TALKING = 1000, 4  # seats of the configuration, and phones that are there
PER_S = 50
FOR_EVER = {"answer_notice_after_s": 0, "ring_several_after_s": 0}
AIM = 1.5  # times generate_latest
PLAIN = {"Accept": "text/plain"}  # the form that generate_latest writes
ALIKE = 0.02  # share by which the two numbers of series may differ


@dataclass(slots=True)
class Turn:
    """Seconds of each scrape, and of each text that the library wrote alone; leases renewed late meanwhile."""

    scraped: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    late: float = 0


async def run(options: Options) -> list[Figure]:
    callers, rounds, pairs = (10, 1, 5) if options.quick else (200, 5, 40)
    seats = 2 * TALKING if options.quick else SEATS
    async with place(options, "metrics", seats, more_lines(), **FOR_EVER) as stage, people(stage, TALKING, Habit()):
        alone, count = await _alike(stage)
        plans = each_his_own([Plan(OURS)] * (TALKING + callers))
        held = Callers(stage.pbx, plans, stage.folder / "held", per_s=PER_S, sound=False)
        try:
            await held.start()
            await stage.until(partial(_held, stage, callers), callers / PER_S + 60, "all held")
            await _pairs(stage, alone, 3)  # warm
            turns = [await undisturbed(partial(_pairs, stage, alone, pairs)) for _ in range(rounds)]
            span_s = sum(sum(turn.scraped) + sum(turn.alone) for turn in turns)
            late_without = await undisturbed(partial(_quiet, stage, span_s))
        finally:
            held.kill()
    return _figures(turns, count, callers, late_without)


def more_lines() -> str:
    """Tables of as many lines as make `SERIES` series, with those of the first configuration."""
    count = (SERIES - OF_THE_REST) // OF_A_LINE - 9
    return "".join(f'\n[[line]]\nnumber = "{70001 + n}"\nname = "line {n}"\n' for n in range(count))


async def _alike(stage: Stage) -> tuple[CollectorRegistry, int]:
    """A registry of as many series as the service's, and how many the service has.

    Raises:
        RuntimeError: the two numbers differ, so that the comparison would say nothing.
    """
    known = Metrics([pbx.name for pbx in stage.settings.pbxs], "bench")
    exporter = Exporter(known, stage.settings.rules().lines)
    exporter.emergencies(stage.settings.emergency_numbers)
    exporter.close()
    theirs, ours = series(generate_latest(known.registry)), len(await stage.metrics())
    if abs(theirs - ours) > ALIKE * ours:
        raise RuntimeError(f"/metrics has {ours} series, the registry beside it {theirs}")
    return known.registry, ours


def series(text: bytes) -> int:
    return sum(not line.startswith(b"#") for line in text.splitlines())


async def _held(stage: Stage, count: int) -> bool:
    return await stage.total("hotline_agi_sessions") >= count


async def _late(stage: Stage) -> float:
    return await stage.total("hotline_lease_renewals_late_total")


async def _pairs(stage: Stage, alone: CollectorRegistry, count: int) -> Turn:
    turn, late = Turn(), await _late(stage)
    for _ in range(count):
        began = time.perf_counter()
        (await stage.http.get("/metrics", headers=PLAIN)).raise_for_status()
        between = time.perf_counter()
        generate_latest(alone)
        turn.scraped.append(between - began)
        turn.alone.append(time.perf_counter() - between)
    turn.late = await _late(stage) - late
    return turn


async def _quiet(stage: Stage, span_s: float) -> float:
    """Leases renewed late in as much time without a scrape."""
    late = await _late(stage)
    await asyncio.sleep(span_s)  # what is measured is this time
    return await _late(stage) - late


def _figures(turns: list[Turn], count: int, callers: int, late_without: float) -> list[Figure]:
    scraped, alone = [median(turn.scraped) for turn in turns], [median(turn.alone) for turn in turns]
    ratio, late = median_ratio(scraped, alone), sum(turn.late for turn in turns)
    worst = quantile([s for turn in turns for s in turn.scraped], 0.99)
    what = f"/metrics, {count} series, {callers} callers held"
    return [
        Figure(
            "metrics", f"{what}, p50", ms(median(scraped)), f"generate_latest {ms(median(alone))}", ratio,
            f"<= {AIM:g} x generate_latest", ratio <= AIM,
        ),
        Figure("metrics", f"{what}, p99", ms(worst)),
        Figure(
            "metrics", f"leases renewed late in {sum(len(turn.scraped) for turn in turns)} scrapes", f"{late:.0f}",
            f"without {late_without:.0f}", aim="0", met=late == 0,
        ),
    ]  # fmt: skip
