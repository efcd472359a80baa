"""The routing engine alone: events a second, and how long one decision takes.

    python -m bench.engine profile    where the time goes

A hotline at full load in one process, without sockets: every end of a talk is a decision for one of the waiting, and
every decision goes through its whole life of ten events. The other way round, with seats free, every arrival is one.
"""

from __future__ import annotations

import cProfile
import pstats
import random
import sys
import time
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

from bench.machine import undisturbed
from bench.place import Options
from bench.report import Figure, quantile
from routing import commands as c
from routing import events as e
from routing.engine import Engine
from routing.model import AgentProfile, DeviceState, Line, Ring, Rules, SeatProfile, Timing
from routing.need import Skilled
from routing.shadow import Result, Shadow

EPOCH = 1_795_000_000.0
STEP_S = 0.01  # the hotline's own time that passes with every call
FREE = DeviceState.NOT_INUSE


@dataclass(frozen=True, slots=True)
class Size:
    """`waiting` 0: half of the seats stay free."""

    agents: int
    skills: int
    waiting: int

    def __str__(self) -> str:
        return f"{self.agents} agents, {self.skills} skills, {self.waiting} waiting"


SIZES = (Size(100, 6, 0), Size(100, 6, 200), Size(1000, 100, 0), Size(1000, 100, 2000))


def rules(size: Size) -> Rules:
    """A line a skill; everybody knows two skills and a little of everything, as cross-trained people do."""
    skills = [f"skill{n}" for n in range(size.skills)]
    lines = [
        Line(
            str(20000 + n),
            skill,
            rings=(Ring(0, Skilled(skill, 5)), Ring(3, Skilled(skill)), Ring(6, Skilled("general"))),
        )
        for n, skill in enumerate(skills)
    ]
    agents, seats = {}, {}
    for n in range(size.agents):
        id_ = str(1001 + n)
        known = {"general": 3, skills[n % size.skills]: 8, skills[(n + 1) % size.skills]: 2}
        agents[id_], seats[id_] = AgentProfile(id_, id_, known), SeatProfile(id_, f"PJSIP/{id_}")
    timing = Timing(wrap_up_s=0, answer_notice_after_s=0, ring_several_after_s=0)
    return Rules(timing, {line.number: line for line in lines}, agents, seats)


@dataclass(slots=True)
class Hotline:
    """Feeds the engine as AGI and AMI would, and takes the time of each event."""

    size: Size
    engine: Engine = field(init=False)
    now: float = 1000.0
    events: int = 0
    spent_s: float = 0.0
    decisions_s: list[float] = field(default_factory=list)
    talking: dict[str, str] = field(default_factory=dict)  # call -> seat
    chance: random.Random = field(default_factory=lambda: random.Random(12345))
    numbers: count[int] = field(default_factory=count)
    shadow: Shadow | None = None
    beside_s: float = 0.0  # spent by the shadow

    def __post_init__(self) -> None:
        self.engine = Engine(rules(self.size))
        devices = dict.fromkeys(self.engine.rules.seats, FREE)
        self.engine.handle(e.Picture((), devices, self.wall), self.now, self.wall)
        self.engine.handle(e.DecisionsAllowed(), self.now, self.wall)

    @property
    def wall(self) -> float:
        return EPOCH + self.now

    def fill(self) -> None:
        """The hotline at its load; not measured."""
        for _ in range(self.size.agents + self.size.waiting if self.size.waiting else self.size.agents // 2):
            self.arrive()
        self.now += 10  # all rings of those who wait are open
        self.send(e.Tick())
        self.events, self.spent_s = 0, 0.0
        self.decisions_s.clear()

    def send(self, event: e.Event) -> None:
        wake, began = self.engine.next_wake(), time.perf_counter()
        commands = self.engine.handle(event, self.now, self.wall)
        self.engine.next_wake()
        took = time.perf_counter() - began
        self.events, self.spent_s = self.events + 1, self.spent_s + took
        if self.shadow is not None:
            self.shadow.follow(event, self.now, self.wall, commands, wake)
            self.beside_s += time.perf_counter() - began - took
        decisions = [command for command in commands if isinstance(command, c.PresentCall)]
        if decisions:
            self.decisions_s.append(took)
        for decision in decisions:
            self._carried_out(decision)

    def _carried_out(self, decision: c.PresentCall) -> None:
        call_id, seat_id = decision.call_id, decision.seat_ids[0]
        self.talking[call_id] = seat_id
        self.send(e.SeatDialing(call_id, seat_id, self.wall))
        self.send(e.SeatRinging(call_id, seat_id, self.wall))
        self.send(e.SeatStateChanged(seat_id, DeviceState.RINGING, self.wall))
        self.send(e.CallAnswered(call_id, seat_id, self.wall))
        self.send(e.SeatStateChanged(seat_id, DeviceState.INUSE, self.wall))

    def arrive(self) -> None:
        number = next(self.numbers)
        self.now += STEP_S
        line = str(20000 + self.chance.randrange(self.size.skills))
        self.send(
            e.CallHeld(
                f"call-{number:07d}", number, line, self.wall, caller_ref=f"ref-{number}", caller_blocks=("+86",)
            )
        )

    def one_goes_one_comes(self) -> None:
        """Somebody's talk is over and somebody else dials: the load stays what it is."""
        call_id = self.chance.choice(list(self.talking))
        seat_id = self.talking.pop(call_id)
        self.send(e.AgentLegEnded(call_id, seat_id, lost=False, at=self.wall))
        self.send(e.CallEnded(call_id, self.wall, 16, "caller"))
        self.send(e.SeatStateChanged(seat_id, FREE, self.wall))
        self.arrive()


async def measure(size: Size, calls: int) -> Hotline:
    hotline = Hotline(size)
    hotline.fill()
    for _ in range(calls):
        hotline.one_goes_one_comes()
    return hotline


def others(known: Rules) -> Rules:
    """Rules that decide otherwise: everybody with the skill at once, lines of even numbers first."""
    lines = {
        number: replace(line, rings=line.rings[1:], priority=int(number) % 2) for number, line in known.lines.items()
    }
    return replace(known, lines=lines)


async def measure_beside(size: Size, calls: int, same: bool) -> Hotline:
    """Event by event in turns, so that what disturbs the one disturbs the other."""
    hotline = Hotline(size)
    hotline.fill()
    known = hotline.engine.configured
    hotline.shadow = Shadow(hotline.engine, known if same else others(known))
    for _ in range(calls):
        hotline.one_goes_one_comes()
    return hotline


async def run_beside(options: Options) -> list[Figure]:
    found = []
    for size in SIZES[:2] if options.quick else SIZES:
        for same in (True, False):
            hotline = await undisturbed(partial(measure_beside, size, 50 if options.quick else 500, same))
            assert hotline.shadow is not None
            rate, with_it = hotline.events / hotline.spent_s, hotline.events / (hotline.spent_s + hotline.beside_s)
            counts = hotline.shadow.counts
            alike = sum(many for (_, result), many in counts.items() if result is Result.SAME)
            beside = f"{rate:,.0f} events/s without; {alike / counts.total():.0%} decided alike"
            what = f"with a shadow of {'the same' if same else 'other'} rules, {size}"
            found.append(Figure("engine", what, f"{with_it:,.0f} events/s", beside, with_it / rate))
    return found


async def run(options: Options) -> list[Figure]:
    found = []
    for size in SIZES[:2] if options.quick else SIZES:
        hotline = await undisturbed(partial(measure, size, 50 if options.quick else 1000))
        p50, p99 = quantile(hotline.decisions_s, 0.5), quantile(hotline.decisions_s, 0.99)
        rate = hotline.events / hotline.spent_s
        decision = f"decision p50 {p50 * 1000:.2f} ms, p99 {p99 * 1000:.2f} ms"
        found.append(Figure("engine", str(size), f"{rate:,.0f} events/s", decision))
    return found + await run_beside(options)


def profile() -> None:
    hotline = Hotline(SIZES[-1])
    hotline.fill()
    with cProfile.Profile() as profiler:
        for _ in range(300):
            hotline.one_goes_one_comes()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


if __name__ == "__main__" and sys.argv[1:] == ["profile"]:
    profile()
