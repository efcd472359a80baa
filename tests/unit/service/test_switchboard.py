"""The switchboard: one event at a time, decisions to their sessions, bugs and stalls confined."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from routing import commands as c
from routing import events as e
from routing.engine import Engine
from routing.model import DeviceState, Line, Ring
from routing.need import Anybody
from routing.steps import Step, StepKind
from service import clock
from service.switchboard import Switchboard
from telephony import names
from tests.unit.routing.floor_plan import FREE, rules

LEASE_S = 3.0
BROKEN = "12366"  # a line whose rings cannot be looked at


class Clock:
    """Time as the test wants it."""

    def __init__(self) -> None:
        self.s = 1000.0

    def now(self) -> float:
        return self.s

    def wall(self) -> float:
        return 1_795_000_000.0 + self.s


class FakeSession:
    """A held AGI session: what it was told."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.decisions: list[str] = []
        self.closed = False
        self.on_decide: Callable[[], None] = lambda: None
        self._fault = fault

    def decide(self, value: str) -> None:
        self.on_decide()
        if self._fault is not None:
            raise self._fault
        self.decisions.append(value)

    def close(self) -> None:
        self.closed = True


async def until(true: Callable[[], object]) -> None:
    """Some turns of the loop, until it is true."""
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("not within 1000 turns of the loop")


class NeverDue(float):
    """A time that cannot be compared."""

    def __le__(self, other: float, /) -> bool:
        raise RuntimeError("a bug")


class Hotline:
    """A switchboard with a real engine, and everything that came out of it."""

    def __init__(self, time: Clock, seats: tuple[str, ...] = ("1001", "1002")) -> None:
        plan = rules(wrap_up_s=0.0)
        broken = Line(BROKEN, "broken", rings=(Ring(NeverDue(), Anybody()),))
        self.engine = Engine(replace(plan, lines={**plan.lines, BROKEN: broken}))
        self.time = time
        self.steps: list[Step] = []
        self.signs: list[c.WriteSignIn] = []
        self.dropped: list[tuple[str, str]] = []
        self.writes = 0
        self.looks = 0
        self.seen: list[str] = []
        self.on_count: Callable[[Step], None] = lambda step: None
        self.read_all = asyncio.Event()
        self.board = Switchboard(
            self.engine,
            write=self._write,
            count=lambda step: self.on_count(step),
            drop_leg=lambda call_id, seat_id: self.dropped.append((call_id, seat_id)),
            drained=self._drained,
        )
        self.board.on_change = self._changed
        self._numbers = itertools.count(1)
        self.board.submit(e.Picture((), dict.fromkeys(seats, FREE), time.wall()))
        self.board.submit(e.DecisionsAllowed())

    def _write(self, *records: Step | c.WriteSignIn) -> None:
        self.writes += 1
        self.steps += [record for record in records if isinstance(record, Step)]
        self.signs += [record for record in records if isinstance(record, c.WriteSignIn)]

    def _changed(self) -> None:
        self.looks += 1

    async def _drained(self) -> None:
        await self.read_all.wait()

    def call(self, call_id: str, number: str = "12345", session: FakeSession | None = None, **more: Any) -> FakeSession:
        held, handle = session or FakeSession(), next(self._numbers)
        self.board.sessions[handle] = held
        arrived_at = more.pop("arrived_at", self.time.wall())
        self.board.submit(e.CallHeld(call_id, handle, number, arrived_at, **more))
        return held

    def kinds(self, call_id: str) -> list[StepKind]:
        return [step.kind for step in self.steps if step.call_id == call_id]


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    time = Clock()
    monkeypatch.setattr(clock, "now", time.now)
    monkeypatch.setattr(clock, "wall", time.wall)
    return time


@pytest_asyncio.fixture
async def hotline(time: Clock) -> AsyncIterator[Hotline]:
    hotline = Hotline(time)
    yield hotline
    await hotline.board.stop()


# -- decisions --------------------------------------------------------------------------------------------------------


async def test_free_seat_is_decided_at_once_on_the_callers_own_session(hotline: Hotline) -> None:
    session = hotline.call("a")
    (decision,) = session.decisions
    verb, presentation, deadline_ms, ring_s, seats = decision.split(":")
    assert (verb, ring_s, seats) == ("present", "6", "1001")
    assert presentation
    assert int(deadline_ms) > hotline.time.wall() * 1000
    assert not session.closed
    assert hotline.board.sessions == {}


async def test_caller_who_waits_keeps_the_session_until_a_seat_is_free(hotline: Hotline) -> None:
    for call_id in ("a", "b"):
        hotline.call(call_id)
    waiting = hotline.call("c")
    assert waiting.decisions == []
    hotline.board.submit(e.CallEnded("a", hotline.time.wall(), 16, "caller"))
    assert len(waiting.decisions) == 1


async def test_number_that_nobody_serves_goes_to_the_fallback(hotline: Hotline) -> None:
    (decision,) = hotline.call("a", "99999").decisions
    assert decision.startswith("fallback::")


async def test_caller_who_waits_long_is_answered_into_the_notice(hotline: Hotline) -> None:
    for call_id in ("a", "b"):
        hotline.call(call_id)
        hotline.board.submit(e.CallAnswered(call_id, {"a": "1001", "b": "1002"}[call_id], hotline.time.wall()))
    waiting = hotline.call("c")
    hotline.time.s += 50
    hotline.board.submit(e.Tick())
    (decision,) = waiting.decisions
    assert decision.startswith("notice::")


@pytest.mark.parametrize(("lost", "verb"), [(True, names.Verb.BACK), (False, names.Verb.GOODBYE)])
async def test_after_the_agents_leg_ended_the_caller_is_brought_back_or_let_go(
    hotline: Hotline, lost: bool, verb: str
) -> None:
    hotline.call("a")
    hotline.board.submit(e.CallAnswered("a", "1001", hotline.time.wall()))
    hotline.board.submit(e.AgentLegEnded("a", "1001", lost, hotline.time.wall()))
    asking = hotline.board.sessions[77] = FakeSession()
    hotline.board.submit(e.GoodbyeAsked("a", 77, "1001"))
    assert asking.decisions == [f"{verb}::::"]


async def test_leg_that_does_not_ring_is_dropped(hotline: Hotline) -> None:
    hotline.call("a")
    hotline.board.submit(e.SeatDialing("a", "1001", hotline.time.wall()))
    hotline.time.s += 2
    hotline.board.submit(e.Tick())
    assert hotline.dropped == [("a", "1001")]


async def test_decision_for_a_session_that_is_gone_is_left_out(hotline: Hotline) -> None:
    hotline.board.submit(e.CallHeld("a", 99, "12345", hotline.time.wall()))
    assert StepKind.PRESENTED in hotline.kinds("a")
    assert hotline.board.bugs == 0


async def test_session_that_refuses_a_decision_is_closed_and_the_seat_is_free_for_the_next(hotline: Hotline) -> None:
    refusing = hotline.call("a", session=FakeSession(ValueError("a character that no decision may hold")))
    assert refusing.closed
    assert hotline.board.bugs == 1
    assert StepKind.PRESENTATION_ENDED in hotline.kinds("a")
    assert {hotline.call(call_id).decisions[0].split(":")[-1] for call_id in "bc"} == {"1001", "1002"}


async def test_decision_leaves_before_the_records_of_its_event_and_these_go_by_one_write(hotline: Hotline) -> None:
    writes = hotline.writes
    written_when_decided: list[int] = []
    session = FakeSession()
    session.on_decide = lambda: written_when_decided.append(hotline.writes)
    hotline.call("a", session=session)
    assert (written_when_decided, hotline.writes) == ([writes], writes + 1)


async def test_what_the_engine_writes_reaches_records_and_metrics(hotline: Hotline) -> None:
    counted: list[Step] = []
    hotline.on_count = counted.append
    hotline.call("a")
    assert hotline.kinds("a") == [StepKind.OFFERED, StepKind.HELD, StepKind.PRESENTED]
    assert counted == [step for step in hotline.steps if step.call_id == "a"]
    assert {sign.agent_id for sign in hotline.signs} >= {"1001", "1002"}


# -- one at a time ----------------------------------------------------------------------------------------------------


async def test_event_that_arrives_while_another_is_handled_waits_its_turn(hotline: Hotline) -> None:
    ended = e.CallEnded("a", hotline.time.wall(), 16, "caller")

    def hangs_up_while_offered(step: Step) -> None:
        if step.kind is StepKind.OFFERED:
            hotline.board.submit(ended)
            assert hotline.kinds("a") == [StepKind.OFFERED], "nothing may be handled inside"

    hotline.on_count = hangs_up_while_offered
    session = hotline.call("a")
    assert len(session.decisions) == 1
    assert hotline.kinds("a")[-1] is StepKind.ENDED
    assert hotline.engine.calls == {}


async def test_others_are_told_once_when_all_that_was_due_is_done(hotline: Hotline) -> None:
    hotline.on_count = lambda step: hotline.board.submit(e.Tick()) if step.kind is StepKind.OFFERED else None
    before = hotline.looks
    hotline.call("a")
    assert hotline.looks == before + 1


async def test_engine_gets_the_tick_it_asked_for(hotline: Hotline) -> None:
    """No clock stands here: the moment is put into the past, and the loop's next turn must bring it."""
    for call_id in ("a", "b"):
        hotline.call(call_id)
    waiting = hotline.call("c")
    hotline.time.s += 60
    hotline.board._arm()
    await until(lambda: waiting.decisions)


# -- bugs -------------------------------------------------------------------------------------------------------------


async def test_bug_that_an_event_meets_costs_its_caller_the_session_and_nobody_else(hotline: Hotline) -> None:
    senseless: Any = "no time"
    met = hotline.call("a", arrived_at=senseless)
    assert met.closed
    assert met.decisions == []
    assert hotline.board.bugs == 1
    assert len(hotline.call("b").decisions) == 1
    assert hotline.board.sessions == {}


async def test_bug_in_matching_costs_the_call_it_met_and_not_the_one_whose_event_it_was(hotline: Hotline) -> None:
    for call_id in ("a", "b"):
        hotline.call(call_id)
    met = hotline.call("c", BROKEN)
    assert met.closed
    waiting = hotline.call("d")
    assert not waiting.closed
    hotline.board.submit(e.CallEnded("a", hotline.time.wall(), 16, "caller"))
    assert len(waiting.decisions) == 1
    assert hotline.kinds("a")[-1] is StepKind.ENDED


async def test_call_with_a_bug_in_front_of_the_queue_does_not_hold_up_those_behind_it(hotline: Hotline) -> None:
    hotline.board.submit(e.DecisionsHeld())
    met = [hotline.call(call_id, BROKEN) for call_id in ("x", "y")]
    waiting = [hotline.call(call_id) for call_id in ("a", "b")]
    hotline.board.submit(e.DecisionsAllowed())
    assert [session.closed for session in met] == [True, True]
    assert [len(session.decisions) for session in waiting] == [1, 1]
    assert hotline.board.bugs == 2
    assert list(hotline.engine.queue) == []


async def test_what_the_engine_wanted_before_a_bug_is_done(hotline: Hotline) -> None:
    hotline.call("c", BROKEN)
    assert hotline.kinds("c")[:2] == [StepKind.OFFERED, StepKind.HELD]


async def test_caller_of_a_call_with_a_bug_may_come_back_and_is_let_go_each_time(hotline: Hotline) -> None:
    sessions = [hotline.call("c", BROKEN) for _ in range(3)]
    assert all(session.closed for session in sessions)
    assert hotline.board.bugs == 3


async def test_bug_without_a_caller_is_counted_and_the_next_event_is_handled(hotline: Hotline) -> None:
    nonsense: Any = object()
    hotline.board.submit(nonsense)
    assert hotline.board.bugs == 1
    assert len(hotline.call("a").decisions) == 1


@pytest.mark.parametrize("where", ["rostering.look", "restricting.look", "probing.look", "calling_out.give_way"])
async def test_bug_that_every_event_meets_is_loud_and_callers_are_served_and_keep_their_sessions(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def look(engine: Engine) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(f"routing.{where}", look)
    served = [hotline.call(call_id) for call_id in ("a", "b")]
    waiting = hotline.call("c")
    assert [len(session.decisions) for session in served] == [1, 1]
    assert not waiting.closed
    assert hotline.board.bugs == 3


async def test_bug_in_counting_costs_neither_the_record_nor_the_decision(hotline: Hotline) -> None:
    def fails(step: Step) -> None:
        raise RuntimeError("a metric")

    hotline.on_count = fails
    assert len(hotline.call("a").decisions) == 1
    assert hotline.kinds("a") == [StepKind.OFFERED, StepKind.HELD, StepKind.PRESENTED]
    assert hotline.board.bugs == 3


# -- stalls -----------------------------------------------------------------------------------------------------------


async def test_short_pause_of_the_loop_is_no_stall(hotline: Hotline) -> None:
    hotline.board.start(LEASE_S)
    hotline.time.s += LEASE_S / 2
    assert len(hotline.call("a").decisions) == 1
    assert hotline.board.stalls == 0


async def test_after_a_stall_longer_than_half_a_lease_nothing_is_decided_until_the_sockets_are_drained(
    hotline: Hotline,
) -> None:
    hotline.board.start(LEASE_S)
    hotline.time.s += LEASE_S / 2 + 0.01
    gone, there = hotline.call("a"), hotline.call("b")
    assert hotline.board.stalls == 1
    assert not hotline.engine.deciding
    hotline.board.submit(e.SessionClosed("a", 1))  # what was on the wire: the dialplan took this caller back
    hotline.read_all.set()
    await until(lambda: hotline.engine.deciding)
    assert gone.decisions == []
    assert len(there.decisions) == 1


async def test_stall_before_the_first_decision_is_counted_and_allows_none(hotline: Hotline) -> None:
    hotline.board.submit(e.DecisionsHeld())
    hotline.board.start(LEASE_S)
    hotline.read_all.set()
    hotline.time.s += 10
    hotline.call("a")
    for _ in range(10):
        await asyncio.sleep(0)
    assert hotline.board.stalls == 1
    assert not hotline.engine.deciding


async def test_draining_that_fails_does_not_keep_callers_waiting_for_ever(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> None:
        raise RuntimeError("drain")

    monkeypatch.setattr(hotline.board, "_drained", fails)
    hotline.board.start(LEASE_S)
    hotline.time.s += 10
    waiting = hotline.call("a")
    await until(lambda: waiting.decisions)
    assert hotline.board.bugs == 1


async def test_phone_of_a_seat_that_becomes_free_during_a_stall_gets_the_one_who_waited_longest(
    hotline: Hotline,
) -> None:
    for call_id, seat in (("a", "1001"), ("b", "1002")):
        hotline.call(call_id)
        hotline.board.submit(e.CallAnswered(call_id, seat, hotline.time.wall()))
    second = hotline.call("d", arrived_at=hotline.time.wall())
    first = hotline.call("c", arrived_at=hotline.time.wall() - 1)
    hotline.board.start(LEASE_S)
    hotline.time.s += 2
    hotline.board.submit(e.CallEnded("a", hotline.time.wall(), 16, "caller"))
    hotline.board.submit(e.SeatStateChanged("1001", DeviceState.NOT_INUSE, hotline.time.wall()))
    assert first.decisions == []
    hotline.read_all.set()
    await until(lambda: first.decisions)
    assert second.decisions == []
