"""How long a seat stands idle while callers wait: from its goodbye to its next INVITE, the hotline beside `Queue()`."""

from __future__ import annotations

import random
from functools import partial
from itertools import pairwise
from statistics import median

from bench.machine import undisturbed
from bench.place import OURS, QUEUE, Options, dial, people, place, settled
from bench.report import Figure, quantile
from sandbox.people import Plan, Seats
from sandbox.scenario import Habit
from sandbox.trace import Leg
from service.cli.stage import Stage

AIM_S = 0.03
CASES = ((1, 2, 30), (10, 30, 160))  # seats, callers waiting, calls
QUICK = ((1, 2, 5),)


async def run(options: Options) -> list[Figure]:
    found: list[Figure] = []
    for seats, waiting, count in QUICK if options.quick else CASES:
        # Half of the goodbyes are the seat's, half the caller's, at times that know nothing of Queue's whole seconds.
        talk_s = 0.8 if seats == 1 else 1.5
        gaps: dict[str, list[float]] = {}
        async with (
            place(options, "gap", seats, answer_notice_after_s=0) as stage,
            people(stage, seats, Habit(talk_s=talk_s)) as phones,
        ):
            for number in (OURS, QUEUE):
                gaps[number] = await undisturbed(partial(_gaps, stage, phones, number, seats + waiting, count, talk_s))
        found += _figures(f"{seats} seat{'s' * (seats > 1)}, {waiting} waiting", gaps[OURS], gaps[QUEUE])
    return found


async def _gaps(stage: Stage, phones: Seats, number: str, at_once: int, count: int, talk_s: float) -> list[float]:
    before = len(phones.legs)
    chance = random.Random(12345)
    plans = [Plan(number, talk_s=round(talk_s * chance.uniform(0.5, 1.5), 3)) for _ in range(count)]
    legs = await dial(stage, plans, 50, at_once=at_once)
    await settled(stage)
    if lost := sum(leg.code != 200 for leg in legs):
        raise RuntimeError(f"{lost} of {count} callers of {number} were not answered")
    return idle(phones.legs[before:])


def idle(legs: list[Leg]) -> list[float]:
    """End of a leg to the next INVITE at the same seat, in seconds. The rest after the last leg does not count."""
    by_seat: dict[str, list[Leg]] = {}
    for leg in legs:
        by_seat.setdefault(leg.number, []).append(leg)
    pairs = (pair for mine in by_seat.values() for pair in pairwise(mine))
    return [later.invited_at - leg.ended_at for leg, later in pairs if leg.ended_at is not None]


def _figures(case: str, ours: list[float], queue: list[float]) -> list[Figure]:
    mine, theirs = median(ours), median(queue)
    means = sum(ours) / len(ours), sum(queue) / len(queue)
    p95 = quantile(ours, 0.95), quantile(queue, 0.95)
    return [
        Figure(
            "gap", f"idle gap, {case}, median", f"{mine:.3f} s", f"Queue {theirs:.3f} s", mine / theirs,
            f"<= {AIM_S:g} s", mine <= AIM_S,
        ),
        Figure("gap", f"idle gap, {case}, mean", f"{means[0]:.3f} s", f"Queue {means[1]:.3f} s", means[0] / means[1]),
        Figure("gap", f"idle gap, {case}, p95", f"{p95[0]:.3f} s", f"Queue {p95[1]:.3f} s", p95[0] / p95[1]),
    ]  # fmt: skip
