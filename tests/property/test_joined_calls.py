"""Whatever people do and whenever they do it: the caller of a joined call is with somebody, or on the way to somebody.

Walks are random but weighted, so that they get deep: an act is asked for, happens, somebody answers, somebody leaves in the
middle of it. What Asterisk is asked for happens at a moment of the walk's choice.
"""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from routing import events as e
from routing.call_state import CallState
from routing.joined import LEGAL, TRANSITIONS, JoinState, Place, Verb, state_of
from routing.joining import state
from routing.targets import Route, Target, TargetKind
from tests.property.joined_world import CALL, EXPERT, World

DEPARTMENT = Target(TargetKind.DEPARTMENT, "water", "水务", (Route("PJSIP/1@d", "1"), Route("PJSIP/2@d", "2")), 10.0)
CENTRE = Target(
    TargetKind.EMERGENCY, "110", "公安", (Route("PJSIP/110@p", "1"), Route("PJSIP/110@c", "2")), 20.0, 3.0, True
)
COLLEAGUE = Target(TargetKind.AGENT, EXPERT, "乙", answer_s=10.0)
WITH_TARGET = {Verb.CONSULT, Verb.THREE_WAY, Verb.BLIND}

STEPS = {
    "act": 20,
    "asterisk": 40,
    "third answers": 25,
    "third rings": 8,
    "third fails": 6,
    "third leaves": 6,
    "agent leaves": 3,
    "agent is lost": 1,
    "caller leaves": 1,
    "service restarts": 2,
    "time": 8,
}


class Walk:
    def __init__(self, seed: int) -> None:
        self.chance, self.world = random.Random(seed), World()
        self.told: list[str] = []
        self.seen: set[tuple[JoinState | None, JoinState | None]] = set()

    def go(self, steps: int) -> None:
        for _ in range(steps):
            (step,) = self.chance.choices(list(STEPS), list(STEPS.values()))
            self.told.append(step)
            before = state(self.world.drive.engine, CALL)
            getattr(self, "_" + step.replace(" ", "_"))()
            self.seen.add((before, state(self.world.drive.engine, CALL)))
            self.check()

    # -- steps --

    def _act(self) -> None:
        """Mostly what is legal now."""
        now = state(self.world.drive.engine, CALL)
        verbs = [verb for verb in Verb if now in LEGAL[verb]] or list(Verb)
        verb = self.chance.choice(verbs if self.chance.random() < 0.9 else list(Verb))
        target = None
        if verb is Verb.EMERGENCY:
            target = CENTRE
        elif verb in WITH_TARGET:
            target = self.chance.choice((DEPARTMENT, COLLEAGUE))
        self.told[-1] += f" {verb}"
        self.world.send(e.JoinAsked(CALL, verb, "1001", "api", target))

    def _asterisk(self) -> None:
        if self.world.asked:
            self.world.do(self.world.asked.pop(0))

    def _one(self, *states: str) -> str | None:
        keys = sorted(key for key, at in self.world.thirds.items() if at in states)
        return self.chance.choice(keys) if keys else None

    def _third_rings(self) -> None:
        if key := self._one("dialled"):
            self.world.third_rings(key)

    def _third_answers(self) -> None:
        if key := self._one("dialled", "rings"):
            self.world.third_answers(key)

    def _third_fails(self) -> None:
        if key := self._one("dialled", "rings"):
            self.world.third_leaves(key, self.chance.choice((17, 19, 20, 21, 34)))

    def _third_leaves(self) -> None:
        if key := self._one("room"):
            self.world.third_leaves(key, 16, told_late=self.chance.random() < 0.5)

    def _agent_leaves(self) -> None:
        self.world.agent_leaves(lost=False, told_late=self.chance.random() < 0.5)

    def _agent_is_lost(self) -> None:
        self.world.agent_leaves(lost=True, told_late=self.chance.random() < 0.5)

    def _caller_leaves(self) -> None:
        self.world.caller_ends()

    def _service_restarts(self) -> None:
        self.world.restart()

    def _time(self) -> None:
        self.world.wait(self.chance.choice((0.1, 1.0, 3.0, 10.0, 30.0)))

    # -- what must hold --

    def check(self) -> None:
        engine = self.world.drive.engine
        for joined in engine.joined.values():
            assert joined.state is state_of(joined), self.told
        assert engine.illegal["joined"] == 0, self.told
        if self.world.caller == "gone":
            assert CALL not in engine.joined, self.told
            assert all(agent.call_id != CALL for agent in engine.floor.agents.values()), self.told

    def end(self) -> None:
        """What is under way comes to its end, and then the caller is with a person, or is being taken to one."""
        world = self.world
        for _ in range(60):
            while world.asked:
                world.do(world.asked.pop(0))
            world.wait(4.0)
        self.check()
        joined = world.drive.engine.joined.get(CALL)
        if world.caller == "gone":
            assert not world.thirds, self.told
            return
        if world.caller == "queue":
            waiting = (CallState.QUEUED, CallState.PRESENTED, CallState.ARRIVED)
            assert world.drive.engine.calls[CALL].state in waiting, self.told
            return
        somebody = world.agent is not None or "room" in world.thirds.values()
        assert somebody, self.told
        assert world.caller in ("bridge", "room", "hold"), (world.caller, self.told)
        assert joined is None or (joined.goal is None and joined.caller == Place(world.caller)), self.told
        assert joined is None or joined.act is None, ("an act never ended", joined, self.told)
        if world.caller == "hold":
            assert world.agent == "room" or (joined is not None and joined.agent_key), self.told


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_walk_leaves_a_caller_alone(seed: int) -> None:
    walk = Walk(seed)
    walk.go(45)
    walk.end()


def test_the_walks_see_every_state_and_most_changes() -> None:
    """Else the test above would prove little."""
    seen: Counter[tuple[JoinState | None, JoinState | None]] = Counter()
    for seed in range(400):
        walk = Walk(seed)
        walk.go(45)
        seen.update(walk.seen)
    states = {after for _, after in seen}
    assert set(JoinState) <= states
    known = {(before, after) for before, others in TRANSITIONS.items() for after in others}
    assert len(known & seen.keys()) >= 0.6 * len(known), sorted(known - seen.keys())


def test_every_state_can_be_reached_and_left() -> None:
    reached = {after for others in TRANSITIONS.values() for after in others}
    assert reached == set(JoinState) == set(TRANSITIONS)
    assert all(TRANSITIONS[state] for state in JoinState)
