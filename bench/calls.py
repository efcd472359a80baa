"""INVITE to 200 with free seats: the hotline, `Queue()` and `Dial()` in turns on the same Asterisk."""

from __future__ import annotations

import math
from functools import partial
from statistics import median

from bench.machine import undisturbed
from bench.place import DIAL, NAMES, OURS, QUEUE, Options, answer_times, dial, people, place, settled
from bench.report import Figure, median_ratio, ms, quantile
from sandbox.people import Plan
from sandbox.scenario import Habit
from service.cli.stage import Stage

SEATS = 60  # twice as many as calls at once: there is always a free one
PER_S = 20
TALK_S = 1.0
AIM_P50_MS = 5.0  # beyond Queue
AIM_P99 = 1.5  # times Queue


async def run(options: Options) -> list[Figure]:
    rounds, count = (1, 20) if options.quick else (4, 10 * PER_S)
    times: dict[str, list[list[float]]] = {number: [] for number in NAMES}
    async with place(options, "calls", SEATS) as stage, people(stage, SEATS, Habit()):
        for number in NAMES:
            await _turn(stage, number, 10)  # warm: files read, threads made
        for round_no in range(rounds):
            for number in list(NAMES) if round_no % 2 == 0 else list(NAMES)[::-1]:
                times[number].append(await undisturbed(partial(_turn, stage, number, count)))
    return _figures(times)


async def _turn(stage: Stage, number: str, count: int) -> list[float]:
    """A call that was not answered took for ever."""
    legs = await dial(stage, [Plan(number, talk_s=TALK_S)] * count, PER_S)
    await settled(stage)
    times = answer_times(legs)
    return times + [math.inf] * (count - len(times))


def _figures(times: dict[str, list[list[float]]]) -> list[Figure]:
    found: list[Figure] = []
    p50 = {number: [quantile(turn, 0.5) for turn in turns] for number, turns in times.items()}
    p99 = {number: quantile([s for turn in turns for s in turn], 0.99) for number, turns in times.items()}
    by_round = {number: [quantile(turn, 0.99) for turn in turns] for number, turns in times.items()}
    what = f"INVITE to 200 at {PER_S} calls/s"
    for other in (QUEUE, DIAL):
        judged = other is QUEUE
        further_ms = 1000 * median(a - b for a, b in zip(p50[OURS], p50[other], strict=True))
        met = further_ms <= AIM_P50_MS
        aim = f"{NAMES[other]} + {AIM_P50_MS:g} ms (is + {further_ms:.1f})" if judged else ""
        halves = (ms(median(p50[OURS])), f"{NAMES[other]} {ms(median(p50[other]))}")
        ratio = median_ratio(p50[OURS], p50[other])
        found.append(Figure("calls", f"{what}, p50", *halves, ratio, aim, met if judged else None))
        ratio = median_ratio(by_round[OURS], by_round[other])
        halves = (ms(p99[OURS]), f"{NAMES[other]} {ms(p99[other])}")
        aim = f"<= {AIM_P99:g} x {NAMES[other]}" if judged else ""
        found.append(Figure("calls", f"{what}, p99", *halves, ratio, aim, ratio <= AIM_P99 if judged else None))
    return found
