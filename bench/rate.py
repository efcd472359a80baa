"""The largest rate of calls without a failure: all answered, 99 of 100 within a second. The hotline beside `Dial()`.

Callers, seats, Asterisk and service share the machine, so the figure is one of this machine; the ratio says more.
"""

from __future__ import annotations

from functools import partial

from bench.machine import undisturbed
from bench.place import DIAL, OURS, Options, answer_times, dial, people, place, settled
from bench.report import Figure, quantile
from sandbox.people import Plan
from sandbox.scenario import Habit
from sandbox.waiting import NeverTrue
from service.cli.stage import Stage

SEATS = 150
TALK_S = 0.3
STEP_S = 5.0
RATES = (20, 40, 60, 80, 100, 125, 150, 175, 200, 240, 280)
WORST_P99_S = 1.0
PATIENCE_S = 5.0  # of the callers: in a smoke whoever is answered is answered well
AIM = 0.5  # of Dial


async def run(options: Options) -> list[Figure]:
    seats, rates, worst_s = (20, (5, 10), PATIENCE_S) if options.quick else (SEATS, RATES, WORST_P99_S)
    async with place(options, "rate", seats) as stage, people(stage, seats, Habit()):
        dialled = await largest(stage, DIAL, rates, worst_s)
        ours = await largest(stage, OURS, rates, worst_s)
    ratio = ours / dialled if dialled else None
    top = "at least " if ours == rates[-1] else ""
    return [
        Figure(
            "rate", "largest rate without failures", f"{top}{ours} calls/s", f"Dial {dialled} calls/s", ratio,
            f">= {AIM:g} x Dial", ratio is not None and ratio >= AIM,
        )
    ]  # fmt: skip


async def largest(stage: Stage, number: str, rates: tuple[int, ...], worst_s: float) -> int:
    """The last step that went well; one that does not has a second chance."""
    last = 0
    for per_s in rates:
        step = partial(_well, stage, number, per_s, worst_s)
        if not (await undisturbed(step) or await undisturbed(step)):
            break
        last = per_s
    return last


async def _well(stage: Stage, number: str, per_s: int, worst_s: float) -> bool:
    count = round(per_s * STEP_S)
    try:
        legs = await dial(stage, [Plan(number, patience_s=PATIENCE_S, talk_s=TALK_S)] * count, per_s)
    except NeverTrue:
        return False
    finally:
        await settled(stage)
    times = answer_times(legs)
    return len(times) == count and quantile(times, 0.99) < worst_s
