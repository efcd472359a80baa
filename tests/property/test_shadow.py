"""Whatever happens in whatever order: a shadow sees the live hotline, changes nothing of it, and agrees with its like."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import INVARIANT_MARKER, invariant, rule

from routing import commands as c
from routing import events as e
from routing.engine import Engine
from routing.model import Ring, Rules, Zone
from routing.need import Anybody, InGroup, Named, Not, Skilled
from routing.shadow import Result, Shadow
from tests.property.test_routing_machine import AnyOrder
from tests.unit.routing.floor_plan import Drive, rules


class Broken(Shadow):
    """Fails at every event, when half of it is done."""

    def _handle(self, event: e.Event, now: float, wall: float) -> None:
        super()._handle(event, now, wall)
        raise RuntimeError("a bug of the shadow")


def with_lines(known: Rules, **changes: Any) -> Rules:
    return replace(known, lines={number: replace(line, **changes) for number, line in known.lines.items()})


def others() -> list[Rules]:
    """Rules that choose otherwise: everybody at once, almost nobody, several seats, other order, a zone that keeps."""
    known = rules()
    at_once = with_lines(known, rings=(Ring(0, Anybody()),))
    narrow = with_lines(known, rings=(Ring(0, Named("1003")), Ring(20, Not(Skilled("general", 4)))))
    nobody = with_lines(known, rings=(Ring(0, InGroup("night")),))
    many = replace(at_once, timing=replace(known.timing, ring_several_after_s=0.5, class_worth_s=600.0))
    first = {"12333": replace(many.lines["12333"], priority=3, last_agent_s=5.0)}
    keeps = replace(known, zones={"hrss": Zone("hrss", "人社专区", lend_wait_s=1.0)})
    return [at_once, narrow, nobody, replace(many, lines={**many.lines, **first}), keeps]


def told(commands: list[c.Command]) -> list[object]:
    """The commands as what can be compared, the seats' codes of each decision included."""
    return [
        (replace(x.step, candidates=None), str(x.step.candidates)) if isinstance(x, c.WriteStep) else x
        for x in commands
    ]


class Shadowed(Drive):
    """The live engine with shadows beside it, and a twin that has none."""

    def __init__(self, *seats: str) -> None:
        self.shadows: list[Shadow] = []
        self.like: Shadow | None = None
        self.twin = Engine(rules())
        self.decided = 0
        super().__init__(*seats)
        self.broken = Broken(self.engine, others()[0])
        self.shadows = [Shadow(self.engine, other) for other in others()]

    def send(self, event: e.Event) -> list[c.Command]:
        wake = self.engine.next_wake()
        commands = self.engine.handle(event, self.now, self.wall)
        assert told(commands) == told(self.twin.handle(event, self.now, self.wall)), "as without shadows"
        self.steps += [x.step for x in commands if isinstance(x, c.WriteStep)]
        if self.like is None or isinstance(event, e.RulesChanged):
            self.like = Shadow(self.engine, self.engine.configured)
        else:
            self.follow(self.like, event, commands, wake)
        for shadow in self.shadows:
            self.follow(shadow, event, commands, wake)
        if self.shadows:
            self._with_the_broken_one(event, commands)
            known = self.engine.calls
            self.decided += sum(
                isinstance(x, c.PresentCall | c.SendToFallback) and x.call_id in known for x in commands
            )
        return [x for x in commands if not isinstance(x, c.WriteStep | c.WriteSignIn)]

    def follow(self, shadow: Shadow, event: e.Event, commands: list[c.Command], wake: float | None) -> None:
        shadow.follow(event, self.now, self.wall, commands, wake)

    def _with_the_broken_one(self, event: e.Event, commands: list[c.Command]) -> None:
        try:
            self.broken.follow(event, self.now, self.wall, commands)
        except RuntimeError:
            return


class ShadowInAnyOrder(AnyOrder):
    """The rules of `AnyOrder`; what it says of the live engine alone is said there."""

    make = Shadowed

    @property
    def shadows(self) -> list[Shadow]:
        assert isinstance(self.drive, Shadowed)
        assert self.drive.like is not None
        return [self.drive.like, *self.drive.shadows]

    @rule(seconds=st.floats(0, 70))
    def the_loop_is_slow(self, seconds: float) -> None:
        """Nothing is told, and no wake-up given, for a while."""
        self.drive.now += seconds
        self.send(e.Tick())

    @invariant()
    def a_shadow_with_the_same_rules_never_differs(self) -> None:
        like, *_ = self.shadows
        assert {result for _, result in like.counts} <= {Result.SAME}
        assert not like.holds
        assert not like.ahead

    @invariant()
    def a_shadow_sees_the_live_hotline_whatever_its_rules(self) -> None:
        live = self.drive.engine
        for shadow in self.shadows:
            assert shadow.rebuilt == 0
            assert not any(map(shadow.call_differs, {*live.calls, *shadow.engine.calls}))
            assert not any(map(shadow.seat_differs, live.rules.seats))
            assert set(shadow.ahead) <= set(live.calls)

    @invariant()
    def every_live_decision_is_held_against_the_shadow_once(self) -> None:
        assert isinstance(self.drive, Shadowed)
        for shadow in self.drive.shadows:
            by_result = Counter[Result]()
            for (_, result), count in shadow.counts.items():
                by_result[result] += count
            of_live = by_result.total() - by_result[Result.FOUND]
            assert of_live <= self.drive.decided <= by_result.total()


for name in [name for name, told in vars(AnyOrder).items() if hasattr(told, INVARIANT_MARKER)]:
    setattr(ShadowInAnyOrder, name, None)
TestShadow = ShadowInAnyOrder.TestCase
TestShadow.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
