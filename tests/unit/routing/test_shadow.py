"""What a shadow says of one decision, and that what other rules would have done is taken back to the last bit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing import commands as c
from routing import events as e
from routing.model import Line, PacingRules, Ring, Rules, Surge, Timing, Trunk, Zone
from routing.need import Anybody, InGroup, Named, Need
from routing.outbound import OutEvent
from routing.restrictions import Kind, Restriction
from routing.shadow import EXAMPLES, Difference, Result, Shadow
from routing.shadow_rules import not_compared, over
from tests.unit.routing.floor_plan import Drive, presented, rules


class Beside(Drive):
    """The small hotline with a shadow beside it, once it is there."""

    shadow: Shadow | None = None

    def send(self, event: e.Event) -> list[c.Command]:
        wake = self.engine.next_wake()
        out = self.engine.handle(event, self.now, self.wall)
        if self.shadow is not None:
            self.shadow.follow(event, self.now, self.wall, out, wake)
            assert self.shadow.rebuilt == 0
        return [x for x in out if not isinstance(x, c.WriteStep | c.WriteSignIn)]

    def beside(self, other: Rules) -> Shadow:
        self.shadow = Shadow(self.engine, other)
        return self.shadow


def with_rings(number: str, *rings: tuple[float, Need]) -> Rules:
    known = rules()
    line = replace(known.lines[number], rings=tuple(Ring(after_s, need) for after_s, need in rings))
    return replace(known, lines={**known.lines, number: line})


def only(shadow: Shadow) -> Difference:
    (found,) = [found for kept in shadow.examples.values() for found in kept]
    assert shadow.counts[found.line, found.result] == 1
    return found


def test_same_rules_say_the_same() -> None:
    drive = Beside("1001", "1002")
    shadow = drive.beside(rules())
    drive.call("a")
    assert shadow.counts == {("12345", Result.SAME): 1}
    assert shadow.examples == {}


def test_another_seat_for_the_same_caller() -> None:
    drive = Beside("1001", "1002")
    shadow = drive.beside(with_rings("12345", (0, Named("1002"))))
    assert presented(drive.call("a")).seat_ids == ("1001",)
    assert only(shadow) == Difference(Result.SEAT, "a", "12345", drive.wall, 0.0, ("1001",), ("1002",))


def test_a_merged_number_counts_for_the_line_that_serves_it() -> None:
    drive = Beside("1001", "1002")
    shadow = drive.beside(with_rings("12345", (0, Named("1002"))))
    drive.call("a", "12336")
    assert only(shadow).line == "12345"


def waiting_for_an_expert() -> Beside:
    """The one expert for 12333 talks; 1001 is free, and rings for 12333 after 6 s."""
    drive = Beside("1001", "1003")
    drive.call("busy", "12333")
    drive.ring("busy", "1003")
    drive.answer("busy", "1003")
    return drive


@pytest.mark.parametrize("from_s", [0.0, 2.0, 5.5])
def test_a_caller_who_would_have_been_presented_earlier_and_by_how_much(from_s: float) -> None:
    """To the moment, though the live engine had nothing to do then."""
    drive = waiting_for_an_expert()
    shadow = drive.beside(with_rings("12333", (0, Named("1003")), (from_s, Anybody())))
    drive.call("a", "12333")
    drive.after(60)
    wait_s, at = 6.0, drive.wall - 54
    expected = Difference(Result.EARLIER, "a", "12333", at, wait_s, ("1001",), ("1001",), earlier_s=6 - from_s)
    assert only(shadow) == expected
    assert shadow.ahead == {}


def test_a_live_engine_that_is_woken_late_does_not_differ_from_its_like() -> None:
    """At its moment nobody decided; what the shadow would have done then is what the live engine does late."""
    drive = waiting_for_an_expert()
    shadow = drive.beside(rules())
    drive.call("a", "12333")
    drive.now += 9
    assert presented(drive.send(e.Tick())).seat_ids == ("1001",)
    assert shadow.counts == {("12333", Result.SAME): 1}


def test_a_caller_who_would_still_wait() -> None:
    drive = waiting_for_an_expert()
    shadow = drive.beside(with_rings("12333", (0, Named("1003")), (30, Anybody())))
    drive.call("a", "12333")
    drive.after(8)
    found = only(shadow)
    assert (found.result, found.live, found.shadow, found.wait_s) == (Result.LATER, ("1001",), (), 6.0)


def test_a_seat_that_would_ring_for_another_caller_first() -> None:
    drive = Beside("1001", wrap_up_s=0)
    drive.call("busy")
    drive.ring("busy", "1001")
    drive.answer("busy", "1001")
    known = rules()
    first = replace(known.lines["12333"], priority=1)
    shadow = drive.beside(replace(known, lines={**known.lines, "12333": first}))
    drive.call("a")
    drive.after(1)
    drive.call("b", "12333")
    drive.after(10)
    drive.send(e.CallEnded("busy", drive.wall, 16, "caller"))
    assert presented(drive.free("1001")).call_id == "a"
    found = only(shadow)
    assert (found.result, found.call_id, found.live, found.rival) == (Result.ORDER, "a", ("1001",), "b")


def test_a_caller_who_left_before_the_live_rules_had_a_seat() -> None:
    drive = waiting_for_an_expert()
    shadow = drive.beside(with_rings("12333", (0, Named("1003")), (1, Anybody())))
    drive.call("a", "12333")
    began = drive.wall
    drive.after(3)
    drive.send(e.CallEnded("a", drive.wall, 16, "caller"))
    assert only(shadow) == Difference(Result.FOUND, "a", "12333", began + 1, 1.0, (), ("1001",))
    assert not shadow.ahead
    assert not shadow.holds


def test_a_caller_left_to_the_dialplan_by_either_rules() -> None:
    nobody = with_rings("12345", (0, InGroup("night")))
    drive = Beside("1001")
    shadow = drive.beside(nobody)
    presented(drive.call("a"))
    assert only(shadow).result is Result.FALLBACK
    other = Beside("1001")
    other.send(e.RulesChanged(nobody))
    shadow = other.beside(rules())
    other.call("a")
    assert (only(shadow).result, only(shadow).shadow) == (Result.FOUND, ("1001",))


def test_what_the_shadow_would_do_leaves_the_seat_free_for_whom_the_live_rules_ring_it() -> None:
    """1001 is held for a by the other rules; the live rules give it to b, and later nobody of either is in the way."""
    drive = waiting_for_an_expert()
    shadow = drive.beside(with_rings("12333", (0, Anybody())))
    drive.call("a", "12333")
    assert set(shadow.holds) == {"a"}
    assert presented(drive.call("b")).seat_ids == ("1001",)
    assert [found.result for kept in shadow.examples.values() for found in kept] == [Result.ORDER]
    drive.send(e.CallEnded("b", drive.wall, 16, "caller"))
    assert set(shadow.holds) == {"a"}
    (out,) = [x for x in drive.after(7) if isinstance(x, c.PresentCall)]
    assert (out.call_id, out.seat_ids) == ("a", ("1001",))
    assert shadow.examples[Result.EARLIER][-1].earlier_s == 6.0


def test_a_thought_leaves_no_limit_of_a_talk_behind() -> None:
    """Only the other rules would present the caller whose talk is to be short."""
    drive = waiting_for_an_expert()
    drive.send(e.RestrictionsChanged((Restriction(1, "ref", Kind.SHORT_CALL, drive.wall + 600, "abuse"),)))
    shadow = drive.beside(with_rings("12333", (0, Anybody())))
    drive.call("a", "12333", caller_ref="ref", caller_blocks=("block",))
    assert set(shadow.holds) == {"a"}
    drive.send(e.AgentPaused("1001"))
    assert shadow.holds == {}
    assert shadow.engine.calls["a"].limit_s is None
    assert not shadow.call_differs("a")


def test_a_shadow_that_begins_in_the_middle_knows_who_waits_and_who_talks() -> None:
    drive = waiting_for_an_expert()
    drive.call("a", "12333")
    drive.after(2)
    shadow = drive.beside(rules())
    assert not any(map(shadow.call_differs, drive.engine.calls))
    drive.after(10)
    assert shadow.counts == {("12333", Result.SAME): 1}


def test_reload_and_surge_reach_the_shadow_too() -> None:
    drive = Beside("1001", "1002")
    shadow = drive.beside(with_rings("12345", (0, Named("1002"))))
    people = {**rules().agents, "1005": replace(rules().agents["1001"], id="1005")}
    drive.send(e.RulesChanged(replace(rules(wrap_up_s=77), agents=people)))
    drive.send(e.SurgeDeclared(Surge(drive.wall, drive.wall + 60, "storm", "x")))
    own = shadow.engine
    assert "1005" in own.rules.agents
    assert own.configured.timing.wrap_up_s == 77
    assert own.surge == drive.engine.surge
    assert own.configured.lines["12345"].rings == (Ring(0, Named("1002")),)


def test_a_picture_that_is_not_the_live_one_is_made_anew() -> None:
    drive = Beside("1001", "1002")
    shadow = drive.beside(rules())
    drive.call("a")
    shadow.engine.calls["a"] = shadow.engine.calls["a"]._replace(presentation=None)
    now, wall = drive.now, drive.wall
    event = e.SeatDialing("a", "1001", wall)
    shadow.follow(event, now, wall, drive.engine.handle(event, now, wall))
    assert shadow.rebuilt == 1
    assert not shadow.call_differs("a")


def test_examples_are_the_newest_and_few() -> None:
    drive = Beside("1001", "1002")
    shadow = drive.beside(with_rings("12345", (0, Named("1002"))))
    for number in range(EXAMPLES + 5):
        drive.call(f"call-{number}")
        drive.send(e.CallEnded(f"call-{number}", drive.wall, 16, "caller"))
    kept = shadow.examples[Result.SEAT]
    assert len(kept) == EXAMPLES
    assert kept[-1].call_id == f"call-{EXAMPLES + 4}"


def test_rules_of_a_shadow_choose_otherwise_and_are_free_and_busy_as_the_live_ones() -> None:
    live = replace(rules(), trunks={"carrier": Trunk(40.0, 0)})
    line = Line("12345", "x", rings=(Ring(0, Anybody()),), wrap_up_s=99.0, priority=2, answer_notice_after_s=1.0)
    timing = Timing(wrap_up_s=99, ring_s=20, class_worth_s=7, ring_several_after_s=3)
    seats = {"1001": replace(live.seats["1001"], groups=frozenset({"night"}), lines=frozenset({"12345"}), dial="x")}
    zones = {"hrss": Zone("hrss", "x", 0.9)}
    other = replace(
        live, timing=timing, lines={"12345": line}, seats=seats, zones=zones, trunks={"carrier": Trunk(9.0, 4)}
    )
    found = over(live, other)
    assert found.timing == replace(live.timing, class_worth_s=7, ring_several_after_s=3)
    assert found.lines["12345"] == replace(live.lines["12345"], rings=line.rings, priority=2)
    assert found.lines["12333"] == live.lines["12333"]
    assert found.seats["1001"] == replace(seats["1001"], dial="PJSIP/1001")
    assert found.seats["1002"] == live.seats["1002"]
    assert (found.zones, found.trunks, found.agents) == (zones, {"carrier": Trunk(40.0, 4)}, live.agents)
    assert not_compared(live, other) == [
        "line 12345.answer_notice_after_s unset -> 1",
        "line 12345.wrap_up_s unset -> 99",
        "timing.ring_s 6 -> 20",
        "timing.wrap_up_s 10 -> 99",
        "trunk carrier.answer_notice_after_s 40 -> 9",
    ]
    assert not_compared(live, live) == []


@pytest.mark.parametrize("begins", ["before", "after"])
def test_agent_who_calls_back_is_the_live_one_and_takes_no_caller_in_either(begins: str) -> None:
    """By the other rules 1002 alone would take the line. The shadow begins before the offer, or after it."""
    drive = Beside("1001", "1002")
    pace = PacingRules(keep_free=0, keep_free_ratio=0.0)
    drive.send(e.RulesChanged(replace(drive.engine.rules, pacing=pace)))
    other = with_rings("12345", (0, Named("1002")))
    shadow = drive.beside(other) if begins == "before" else None
    drive.send(e.CallbackOffered("out-1", 7, "12345", "x", "r"))
    shadow = shadow or drive.beside(other)
    for engine in (drive.engine, shadow.engine):
        assert [out.agent_id for out in engine.outbound.values()] == ["1001"]
        assert engine.floor.agents["1001"].call_id == "out-1"
        assert engine.floor.agents["1002"].call_id is None
    drive.call("a")
    drive.call("b", "12333")  # live it goes before the call-back; the shadow only hears that it has ended
    assert drive.engine.outbound["out-1"].dropped
    assert not shadow.engine.outbound["out-1"].dropped
    drive.send(e.OutboundMoved("out-1", OutEvent.GONE, drive.wall, 16))
    assert shadow.engine.outbound == {}
