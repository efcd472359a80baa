"""What every scheme owes its callers, and what each of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from metrics.erlang import erlang_a
from routing import commands as c
from routing import events as e
from routing.engine import Engine
from service.simulation.app_queue import AppQueue
from service.simulation.callers import Caller, callers_of
from service.simulation.day import Day, Habits, Shift
from service.simulation.figures import SCHEMES, simulate
from service.simulation.ours import Ours
from service.simulation.pools import BySkill, Pooled
from service.simulation.world import Fate


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_caller_has_one_fate_and_the_sums_agree(morning: Day, scheme: str) -> None:
    callers = callers_of(morning, 1)
    found = simulate(morning, callers, scheme)
    assert Fate.OPEN not in found.outcome.fates
    total = found.total
    assert total.offered == len(callers) == total.answered + total.abandoned + total.sent_away
    assert sum(number.offered for number in found.numbers) == total.offered
    assert sum(number.in_time for number in found.numbers) == total.in_time <= total.answered
    assert found.occupancy is not None
    assert 0 < found.occupancy < 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_same_callers_meet_the_same_fate_again(morning: Day, scheme: str) -> None:
    callers = callers_of(morning, 3)
    first, second = (simulate(morning, callers, scheme) for _ in range(2))
    assert first.outcome.waits_s == second.outcome.waits_s
    assert first.total == second.total


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nobody_waits_beyond_his_patience(morning: Day, scheme: str) -> None:
    outcome = simulate(morning, callers_of(morning, 1), scheme).outcome
    for caller, fate, wait_s in zip(outcome.callers, outcome.fates, outcome.waits_s, strict=True):
        assert wait_s <= caller.patience_s + 1e-6
        assert fate is not Fate.ABANDONED or wait_s == pytest.approx(caller.patience_s)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_handling_is_counted_once_for_every_answered_call(morning: Day, scheme: str) -> None:
    """Shifts here end after the last call, so nobody goes home during wrap-up."""
    stay = replace(morning, people=tuple(replace(p, shifts=(Shift(0.0, 86_400.0),)) for p in morning.people))
    outcome = simulate(stay, callers_of(stay, 1), scheme).outcome
    answered = [c for c, fate in zip(outcome.callers, outcome.fates, strict=True) if fate is Fate.ANSWERED]
    worked_s = sum(caller.talk_s + min(caller.wrap_up_s, 60) for caller in answered)
    assert outcome.hours.handled_s == pytest.approx(worked_s, abs=200)  # the last wrap-ups are not waited for


def test_the_engine_meets_nothing_that_its_tables_do_not_know(morning: Day) -> None:
    world = Ours(morning, callers_of(morning, 1))
    world.run()
    assert not world.engine.illegal
    assert not world.engine.calls


class Decisions:
    """What an engine decided, and when."""

    def __init__(self, world: Ours) -> None:
        self.made: list[tuple[float, str, tuple[str, ...]]] = []
        self.ticks = 0
        self._engine, self._handle = world.engine, world.engine.handle
        world.engine.handle = self.handle  # type: ignore[method-assign]

    def handle(self, event: e.Event, now: float, wall: float) -> list[c.Command]:
        self.ticks += isinstance(event, e.Tick)
        out = self._handle(event, now, wall)
        self.made += [(now, one.call_id, one.seat_ids) for one in out if isinstance(one, c.PresentCall)]
        return out


class ToTheMoment(Ours):
    def wakes(self) -> bool:
        return True


@pytest.mark.parametrize("seed", range(5))
def test_wake_ups_that_are_left_out_change_no_decision(morning: Day, seed: int) -> None:
    callers = callers_of(morning, seed)
    ours, exact = Ours(morning, callers), ToTheMoment(morning, callers)
    sparing, full = Decisions(ours), Decisions(exact)
    ours.run()
    exact.run()
    assert sparing.made == full.made
    assert ours.outcome.hours.handled_s == pytest.approx(exact.outcome.hours.handled_s, rel=1e-3)
    assert sparing.ticks < full.ticks / 2


def test_it_is_the_engine_that_routes_real_calls(morning: Day) -> None:
    assert type(Ours(morning, []).engine) is Engine


def test_the_pool_agrees_with_erlang_a(steady: Day) -> None:
    """34,560 calls of one day; the bounds are four times what days of other seeds scatter."""
    expected = erlang_a(24 / 60, 20, 9, 40, 15)
    found = simulate(steady, callers_of(steady, 1), Pooled.scheme)
    total = found.total
    assert total.ratio == pytest.approx(expected.in_time, abs=0.016)
    assert total.abandoned / total.offered == pytest.approx(expected.abandons, abs=0.01)
    assert found.occupancy == pytest.approx(expected.occupancy, abs=0.016)
    assert sum(found.outcome.waits_s) / total.offered == pytest.approx(expected.mean_wait_s, abs=0.45)


def test_our_engine_on_one_pool_is_the_pool(steady: Day) -> None:
    """Nothing to choose: who waits longest gets the seat that has been idle longest, as in Erlang's queue."""
    short = replace(steady, arrivals=(replace(steady.arrivals[0], shape=(1.0,) * 4 + (0.0,) * 92, per_day=24 * 60),))
    callers = callers_of(short, 2)
    assert simulate(short, callers, Ours.scheme).total.ratio == pytest.approx(
        simulate(short, callers, Pooled.scheme).total.ratio, abs=0.002
    )


# -- callers put there by hand -----------------------------------------------------------------------------------------


def caller(
    index: int, number: str, at: float, *pick_ups: float, patience_s: float = 1e4, talk_s: float = 100
) -> Caller:
    return Caller(index, number, at, patience_s, talk_s, 0.0, tuple(pick_ups or (2.0,)) * 4)


def only(day: Day, *seats: str, **timing: float) -> Day:
    """The day with these people alone, there all day, and no wrap-up."""
    people = tuple(replace(p, shifts=(Shift(0.0, 86_400.0),)) for p in day.people if p.seat.id in seats)
    rules = replace(day.rules, timing=replace(day.rules.timing, wrap_up_s=0.0, **timing))
    return replace(day, people=people, rules=rules)


def waits(world: type[Any], day: Day, callers: Sequence[Caller]) -> list[float]:
    return [round(wait_s, 3) for wait_s in world(day, callers).run().waits_s]


def test_a_ring_opens_for_ours_when_it_is_due_and_never_by_skill(morning: Day) -> None:
    """The one who knows labour law talks; a general seat is idle: rings reach it after 6 s, pools by skill wait."""
    day = only(morning, "1001", "1201")
    callers = [caller(0, "12333", 0.0), caller(1, "12333", 10.0)]
    assert waits(Ours, day, callers) == [2.0, 8.0]
    assert waits(BySkill, day, callers) == [2.0, 94.0]
    assert waits(Pooled, day, callers) == [2.0, 2.0]


def test_app_queue_looks_once_a_second(morning: Day) -> None:
    """The seat is free at 102; who came at 50.3 looks at 102.3. With a free seat on arrival nobody waits for a look."""
    day = only(morning, "1001")
    callers = [caller(0, "12345", 0.0), caller(1, "12345", 50.3)]
    assert waits(AppQueue, day, callers) == [2.0, 54.0]
    assert waits(Ours, day, callers) == [2.0, 53.7]


def test_app_queue_gives_a_seat_to_the_queue_that_looks_first(morning: Day) -> None:
    """Who came later by another number looks at 102.1, who came first at 102.9: queues do not know of each other."""
    day = only(morning, "1001")
    callers = [caller(0, "12345", 0.0), caller(1, "12345", 50.9), caller(2, "12333", 60.1)]
    first, second, third = waits(AppQueue, day, callers)
    assert (first, third) == (2.0, 44.0)  # looks at 102.1, picked up at 104.1
    assert second > third + 100
    assert waits(Ours, day, callers)[1] == pytest.approx(53.1)


def test_app_queue_rings_again_who_just_let_it_ring(morning: Day) -> None:
    """Three idle seats; the first one does not answer: it is rung again a second later, and again."""
    day = only(morning, "1001", "1002", "1003")
    late = [caller(0, "12345", 0.0)._replace(pick_ups=(9.0, 9.0, 2.0, 2.0))]
    assert waits(AppQueue, day, late) == [6 + 1 + 6 + 1 + 2]
    assert waits(Ours, day, late) == [6 + 6 + 2]


def late(*pick_ups: float) -> list[Caller]:
    """One seat talks for long; the other lets the second caller ring out."""
    return [caller(0, "12345", 0.0, talk_s=1000.0), caller(1, "12345", 10.0)._replace(pick_ups=pick_ups)]


def test_a_seat_that_lets_it_ring_is_paused_by_ours(morning: Day) -> None:
    day = only(morning, "1001", "1002", no_answer_pause_s=30.0)
    assert waits(Ours, day, late(9.0, 2.0, 2.0, 2.0)) == [2.0, 6 + 30 + 2]


def test_who_was_set_aside_comes_back(morning: Day) -> None:
    day = replace(only(morning, "1001", "1002", no_answer_pause_s=30.0), habits=Habits(returns_after_s=200.0))
    assert waits(Ours, day, late(9.0, 9.0, 2.0, 2.0)) == [2.0, 6 + 30 + 6 + 200 + 2]


def test_with_everybody_paused_the_caller_is_sent_to_the_duty_seats(morning: Day) -> None:
    """As the engine decides: nobody is there for any ring, and the last one is open."""
    outcome = Ours(only(morning, "1001"), [caller(0, "12345", 0.0, 9.0)]).run()
    assert (outcome.fates, outcome.waits_s) == ([Fate.SENT_AWAY], [6.0])


@pytest.mark.parametrize("scheme", [Ours, BySkill, AppQueue, Pooled])
def test_who_gives_up_while_it_rings_frees_the_seat_at_once(morning: Day, scheme: type[Any]) -> None:
    day = only(morning, "1001")
    callers = [caller(0, "12345", 0.0, 5.0, patience_s=3.0), caller(1, "12345", 1.0)]
    first, second = waits(scheme, day, callers)
    assert first == 3.0
    assert second == 4.0


@pytest.mark.parametrize("scheme", [Ours, BySkill, AppQueue, Pooled])
def test_who_goes_home_finishes_the_call_and_takes_no_other(morning: Day, scheme: type[Any]) -> None:
    day = only(morning, "1001")
    day = replace(day, people=(replace(day.people[0], shifts=(Shift(0.0, 50.0), Shift(500.0, 600.0))),))
    callers = [caller(0, "12345", 10.0, talk_s=100.0), caller(1, "12345", 400.5, patience_s=300.0)]
    world = scheme(day, callers)
    outcome = world.run()
    assert outcome.fates[0] is Fate.ANSWERED
    if scheme is Ours:  # nobody is there for any ring: the duty seats
        assert outcome.fates[1] is Fate.SENT_AWAY
    else:
        assert outcome.waits_s[1] == pytest.approx(101.5, abs=1.01)
    assert outcome.hours.signed_in_s >= 112.0


def test_several_seats_ring_late_and_the_first_to_answer_talks(morning: Day) -> None:
    """After 12 s three seats ring at once: here the two that are not paused."""
    day = only(morning, "1001", "1002", "1003", no_answer_pause_s=1.0, ring_several_after_s=12.0)
    callers = [caller(0, "12345", 0.0)._replace(pick_ups=(9.0, 9.0, 5.0, 3.0))]
    assert waits(Ours, day, callers) == [6 + 6 + 3]


def test_wrap_up_ends_when_the_work_is_done_and_at_the_rules_limit_at_the_latest(morning: Day) -> None:
    day = only(morning, "1001")
    day = replace(day, rules=replace(day.rules, timing=replace(day.rules.timing, wrap_up_s=30.0)))
    for done_s, ends_s in ((12.0, 12.0), (80.0, 30.0)):
        callers = [caller(0, "12345", 0.0)._replace(wrap_up_s=done_s), caller(1, "12345", 50.0)]
        for scheme in (Ours, BySkill, Pooled):
            assert waits(scheme, day, callers)[1] == pytest.approx(102 + ends_s - 50 + 2)


def test_a_line_may_have_a_wrap_up_of_its_own(morning: Day) -> None:
    day = only(morning, "1001")
    lines = {number: replace(line, wrap_up_s=20.0) for number, line in day.rules.lines.items()}
    day = replace(day, rules=replace(day.rules, lines=lines))
    callers = [caller(0, "12345", 0.0)._replace(wrap_up_s=80.0), caller(1, "12345", 50.0)]
    for scheme in (Ours, BySkill, Pooled):
        assert waits(scheme, day, callers)[1] == pytest.approx(102 + 20 - 50 + 2)


@pytest.mark.parametrize("scheme", [Ours, BySkill, AppQueue, Pooled])
def test_who_has_waited_longest_is_served_first(morning: Day, scheme: type[Any]) -> None:
    day = only(morning, "1001")
    found = waits(scheme, day, [caller(0, "12345", 0.0), caller(1, "12345", 10.0), caller(2, "12345", 20.0)])
    assert 0 < found[0] < found[1] < found[2]
