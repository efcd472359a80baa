"""A city's lines in real time, every caller twice: once to the hotline, once to `Queue()` with penalties."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from bench.halls import FIRST_TWIN, TWIN_NUMBER, halls
from bench.place import FIRST_SEAT, LIMIT_S, Options, settled, users
from bench.report import Figure, quantile
from routing.model import Rules
from sandbox.people import Callers, Plan, Seats
from sandbox.scenario import Habit
from sandbox.trace import Leg
from service.cli.stage import Stage
from service.day_profiles import load_day
from service.simulation.app_queue import AppQueue
from service.simulation.callers import PICK_UPS, Caller
from service.simulation.day import DAY_S, Day, Person, Shift
from service.simulation.figures import Found, simulate
from service.simulation.ours import Ours
from service.simulation.world import Fate

SEED: Final = 12345
PICK_UPS_S: Final = (1.0, 1.4, 1.8, 2.3, 3.5)  # of the seats in turn: 2 s on average
IN_TIME_S: Final = 15.0
TOLD_EVERY_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class City:
    """`warm_s` come before those who count: the halls are empty at first. `pace`: all times of people are so many times
    the profile's.
    """

    seats: int = 60
    per_min: float = 16.5  # where the best that sixty people can do is some 95 % within 15 s
    warm_s: float = 300.0
    measured_s: float = 900.0
    wrap_up_s: int = 40
    pace: float = 1.0


WHOLE: Final = City()
QUICK: Final = City(seats=5, per_min=60.0, warm_s=2.0, measured_s=8.0, wrap_up_s=1, pace=0.02)


class Side(NamedTuple):
    """What became of the callers of one side, of those who count. `waits_s`: until the answer; `lost`: unanswered."""

    waits_s: list[float]
    lost: list[float]
    idle: float  # share of the seats' time in which nobody asked anything of them

    @property
    def ratio(self) -> float:
        return sum(wait <= IN_TIME_S for wait in self.waits_s) / (len(self.waits_s) + len(self.lost))

    @property
    def longest_s(self) -> float:
        return max([*self.waits_s, *self.lost])


async def run(options: Options) -> list[Figure]:
    city = QUICK if options.quick else WHOLE
    plans = callers(load_day("prefecture-city"), city)
    async with halls(options, city.seats, city.wrap_up_s) as stage, _people(stage, city) as phones:
        twins = [replace(plan, number=TWIN_NUMBER + plan.number) for plan in plans]
        both = [_callers(stage, name, side) for name, side in (("ours", plans), ("queue", twins))]
        async with both[0], both[1]:
            began = time.time()
            await _until_decided(both, city)
            sides = [_side(side, city, legs, began) for side, legs in zip(both, _halves(phones), strict=True)]
        await settled(stage)
    return [*_figures(city, *sides), _foretold(load_day("prefecture-city"), stage.settings.rules(), plans, city)]


def callers(day: Day, city: City) -> list[Plan]:
    """Who comes when and has how much to say, by the habits of the day; each number gets its share of the callers."""
    chance, habits = random.Random(SEED), day.habits
    numbers, shares = [item.number for item in day.arrivals], [item.per_day for item in day.arrivals]
    plans: list[Plan] = []
    at = chance.expovariate(city.per_min / 60)
    while at < city.warm_s + city.measured_s:
        (number,) = chance.choices(numbers, shares)
        talk_s, patience_s = (spread.draw(chance) * city.pace for spread in (habits.talk, habits.patience))
        plans.append(Plan(number, f"138{len(plans):08}", patience_s=patience_s, talk_s=talk_s, after_s=at))
        at += chance.expovariate(city.per_min / 60)
    return plans


def _callers(stage: Stage, name: str, plans: Sequence[Plan]) -> Callers:
    return Callers(stage.pbx, plans, stage.folder / f"callers-{name}", per_s=500, sound=False)


@contextlib.asynccontextmanager
async def _people(stage: Stage, city: City) -> AsyncIterator[list[Seats]]:
    """Both halls registered, those of the hotline known as ready; a group for each time to pick up, ours first."""
    async with contextlib.AsyncExitStack() as stack:
        groups: list[Seats] = []
        for first in (FIRST_SEAT, FIRST_TWIN):
            hall = users(city.seats, first)
            for index, ring_s in enumerate(PICK_UPS_S):
                mine, habit = hall[index :: len(PICK_UPS_S)], Habit(ring_s=ring_s * city.pace, audio=False)
                group = Seats(stage.pbx, mine, stage.folder / f"seats-{mine[0]}", habit=habit, messages=False)
                groups.append(await stack.enter_async_context(group))

        async def ready() -> bool:
            return sum(seat["state"] == "ready" for seat in await stage.api("/api/v1/seats")) == city.seats

        await stage.until(ready, LIMIT_S, "all seats ready")
        yield groups


def _halves(groups: list[Seats]) -> tuple[list[Leg], list[Leg]]:
    ours, twins = ([leg for group in half for leg in group.legs] for half in (groups[:5], groups[5:]))
    return ours, twins


async def _until_decided(both: Sequence[Callers], city: City) -> None:
    """Until every caller was answered or has gone; a line a minute says how it stands."""
    began = time.monotonic()
    while not all(len(side.legs) == len(side.plans) and all(map(_decided, side.legs)) for side in both):
        passed_s = time.monotonic() - began
        stands = ", ".join(f"{sum(leg.answered_at is not None for leg in side.legs)} answered" for side in both)
        total_min = (city.warm_s + city.measured_s) / 60
        print(f"city: {passed_s / 60:.0f} of {total_min:.0f} min, {stands} (ours, Queue)", file=sys.stderr, flush=True)
        await asyncio.sleep(min(TOLD_EVERY_S, city.measured_s / 4))


def _decided(leg: Leg) -> bool:
    return leg.answered_at is not None or leg.ended_at is not None


def _side(side: Callers, city: City, legs: Iterable[Leg], began: float) -> Side:
    waits_s, lost = [], []
    for plan, leg in zip(side.plans, side.reports(), strict=True):
        if plan.after_s < city.warm_s:
            continue
        assert leg is not None, "every caller has dialled"
        if leg.answer_s is not None:
            waits_s.append(leg.answer_s)
        else:
            lost.append((leg.ended_at or leg.invited_at) - leg.invited_at)
    return Side(waits_s, lost, idle_share(legs, city, began + city.warm_s))


def idle_share(legs: Iterable[Leg], city: City, since: float) -> float:
    """Of the seats' time since then: neither ringing nor talking nor in wrap-up."""
    until, busy_s = since + city.measured_s, 0.0
    for leg in legs:
        ended = until if leg.ended_at is None else leg.ended_at + (city.wrap_up_s if leg.answered_at is not None else 0)
        busy_s += max(0.0, min(ended, until) - max(leg.invited_at, since))
    return 1 - busy_s / (city.seats * city.measured_s)


def _foretold(day: Day, rules: Rules, plans: Sequence[Plan], city: City) -> Figure:
    """The same callers and people on simulated time: so far is `hotline simulate` to be believed."""
    chance = random.Random(SEED)
    pick_ups = [tuple(city.pace * s for s in chance.choices(PICK_UPS_S, k=PICK_UPS)) for _ in plans]
    coming = [
        Caller(nth, plan.number, plan.after_s, plan.patience_s or 0.0, plan.talk_s or 0.0, city.wrap_up_s, pick_up_s)
        for nth, (plan, pick_up_s) in enumerate(zip(plans, pick_ups, strict=True))
    ]
    there = (Shift(0.0, DAY_S),)
    people = tuple(Person(agent, rules.seats[agent.id], there) for agent in rules.agents.values())
    stands = replace(day, rules=rules, people=people)
    mine, theirs = (_in_time(simulate(stands, coming, scheme), city) for scheme in (Ours.scheme, AppQueue.scheme))
    return Figure("city", "15 s ratio, simulated", f"{mine:.2%}", f"Queue {theirs:.2%}", mine / theirs)


def _in_time(found: Found, city: City) -> float:
    outcome = found.outcome
    fates = zip(outcome.callers, outcome.fates, outcome.waits_s, strict=True)
    judged = [fate is Fate.ANSWERED and wait_s <= IN_TIME_S for who, fate, wait_s in fates if who.at >= city.warm_s]
    return sum(judged) / len(judged)


def _figures(city: City, ours: Side, queue: Side) -> list[Figure]:
    what = f"{city.seats} seats, {city.per_min:g} calls/min for {city.measured_s:.0f} s"
    mine, theirs = ours.ratio * 100, queue.ratio * 100
    means = [sum(side.waits_s) / len(side.waits_s) for side in (ours, queue)]
    return [
        Figure(
            "city", f"{what}: 15 s ratio", f"{mine:.2f} %", f"Queue {theirs:.2f} %", mine / theirs,
            "not behind Queue", mine >= theirs,
        ),
        _beside("longest wait", ours.longest_s, queue.longest_s),
        _beside("mean time to the answer", *means),
        _beside("time to the answer, p95", *(quantile(side.waits_s, 0.95) for side in (ours, queue))),
        Figure(
            "city", "seats idle", f"{ours.idle:.2%}", f"Queue {queue.idle:.2%}",
            ours.idle / queue.idle if queue.idle > 0 else None,
        ),
        Figure("city", "gave up, of those who came", f"{len(ours.lost)} of {len(ours.waits_s) + len(ours.lost)}",
               f"Queue {len(queue.lost)} of {len(queue.waits_s) + len(queue.lost)}"),
    ]  # fmt: skip


def _beside(what: str, ours_s: float, queue_s: float) -> Figure:
    return Figure("city", what, f"{ours_s:.1f} s", f"Queue {queue_s:.1f} s", ours_s / queue_s)
