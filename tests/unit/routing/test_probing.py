"""Test calls: their table, which call that comes in is one, and that no citizen is touched by any."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from routing import commands as c
from routing import events as e
from routing import probing
from routing.agent_state import AgentState
from routing.model import ProbeRules, Surge
from routing.probe import IGNORED, TRANSITIONS, Fault, Limits, Probe, ProbeEvent, ProbeOutcome, ProbeState, faults, step
from routing.steps import StepKind
from tests.unit.routing.floor_plan import EPOCH, FREE, Drive

ID = "test-1-a"
DIAL = "PJSIP/12345@outside"
LIMITS = Limits(2.0, 10.0)


def new(**more: Any) -> Probe:
    return Probe(ID, "12345", "cli", EPOCH, **more)


def driven(*seats: str, most_waiting: int = 0) -> Drive:
    drive = Drive(*seats)
    rules = replace(drive.engine.rules, probing=ProbeRules(most_waiting=most_waiting, ring_s=30.0, talk_s=4.0))
    drive.send(e.RulesChanged(rules))
    return drive


def ask(drive: Drive, probe_id: str = ID) -> list[c.Command]:
    return drive.send(e.ProbeAsked(probe_id, "12345", "cli", DIAL))


def moved(drive: Drive, *what: ProbeEvent, cause: int | None = None, sip: int | None = None) -> list[c.Command]:
    return [command for one in what for command in drive.send(e.ProbeMoved(ID, one, drive.wall, cause, sip))]


def come(drive: Drive, call_id: str = "t", **more: Any) -> list[c.Command]:
    return drive.call(call_id, test=ID, caller_ref="ref", caller_blocks=("b",), **more)


def last(out: list[c.Command]) -> Probe:
    return [command.probe for command in out if isinstance(command, c.WriteProbe)][-1]


def kinds(out: list[c.Command]) -> set[type]:
    return {type(command) for command in out}


# -- the table ---------------------------------------------------------------------------------------------------------


def test_every_pair_of_state_and_event_stands_in_exactly_one_table() -> None:
    assert TRANSITIONS.keys() | IGNORED.keys() == set(itertools.product(ProbeState, ProbeEvent))
    assert not TRANSITIONS.keys() & IGNORED.keys()


def test_any_order_of_events_ends_answered_and_never_goes_back() -> None:
    order = list(ProbeState)
    for events in itertools.permutations([ProbeEvent.DIALLED, ProbeEvent.RINGS, ProbeEvent.ANSWERED]):
        probe = new()
        for event in events:
            before, probe = probe, step(probe, event, EPOCH)
            assert order.index(probe.state) >= order.index(before.state)
        assert (probe.state, probe.dialled_at) == (ProbeState.ANSWERED, EPOCH)


def test_what_a_citizen_would_measure_is_counted_from_the_dialling() -> None:
    probe = step(new(), ProbeEvent.DIALLED, EPOCH + 0.1)
    probe = step(probe, ProbeEvent.RINGS, EPOCH + 1.35)
    probe = step(probe, ProbeEvent.ANSWERED, EPOCH + 5.6)
    assert (probe.dial_delay_s, probe.ring_s, probe.answer_s) == (1.25, 4.25, 5.5)


@pytest.mark.parametrize(
    ("rang", "cause", "outcome"),
    [
        (False, 17, "busy"), (True, 17, "busy"), (False, 34, "refused"), (False, 1, "refused"), (True, 38, "refused"),
        (False, 0, "silent"), (False, 18, "silent"), (True, 19, "no_answer"), (True, 0, "no_answer"),
    ],
)  # fmt: skip
def test_end_without_an_answer_says_what_the_far_side_did(rang: bool, cause: int, outcome: str) -> None:
    probe = step(new(), ProbeEvent.DIALLED, EPOCH)
    probe = step(probe, ProbeEvent.RINGS, EPOCH) if rang else probe
    ended = step(probe, ProbeEvent.GONE, EPOCH + 1, cause, 503)
    assert (ended.outcome, ended.cause, ended.sip) == (outcome, cause, 503)


def test_leg_that_never_was_and_end_that_nobody_saw_are_told_apart() -> None:
    assert step(new(), ProbeEvent.GONE, EPOCH).outcome is ProbeOutcome.NOT_DIALLED
    assert step(new(), ProbeEvent.GONE, EPOCH, seen=False).outcome is ProbeOutcome.UNKNOWN


GOOD = new(
    outcome=ProbeOutcome.ANSWERED, dialled_at=EPOCH, ringing_at=EPOCH + 2, answered_at=EPOCH + 10, call_id="t",
    in_answered_at=EPOCH + 10,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, ()),
        ({"ringing_at": EPOCH + 2.001}, (Fault.SLOW_RINGING,)),
        ({"answered_at": EPOCH + 10.001}, (Fault.SLOW_ANSWER,)),
        ({"call_id": ""}, (Fault.ELSEWHERE,)),
        ({"in_answered_at": None}, (Fault.NO_AGENT,)),
        ({"outcome": ProbeOutcome.REFUSED}, (Fault.NOT_REACHED,)),
        ({"outcome": ProbeOutcome.GAVE_WAY}, (Fault.NOT_MEASURED,)),
        ({"outcome": ProbeOutcome.UNKNOWN}, (Fault.NOT_MEASURED,)),
        ({"outcome": None}, ()),
    ],
)
def test_faults_are_what_is_beyond_a_limit_and_what_was_not_reached(changes: dict[str, Any], found: object) -> None:
    assert faults(GOOD._replace(**changes), LIMITS) == found


def test_no_limit_finds_nothing_slow() -> None:
    assert faults(GOOD._replace(answered_at=EPOCH + 90), Limits(0, 0)) == ()


# -- out ---------------------------------------------------------------------------------------------------------------


def test_test_call_is_dialled_and_its_dial_string_is_in_no_text() -> None:
    drive = driven("1001")
    (dial,) = [command for command in ask(drive) if isinstance(command, c.DialProbe)]
    assert (dial.probe_id, dial.number, dial.rings_s, dial.dial) == (ID, "12345", 30.0, DIAL)
    assert DIAL not in repr(dial)


def test_there_is_one_at_a_time() -> None:
    drive = driven("1001")
    ask(drive)
    assert probing.refusal(drive.engine, 0) == "a test call is under way"
    assert not ask(drive, "test-2-b")
    moved(drive, ProbeEvent.DIALLED, ProbeEvent.GONE, cause=34)
    assert probing.refusal(drive.engine, 0) is None


@pytest.mark.parametrize(("most", "allowed"), [(0, False), (1, False), (2, True)])
def test_none_is_dialled_while_more_citizens_wait_than_allowed(most: int, allowed: bool) -> None:
    drive = driven(most_waiting=most)
    drive.call("a")
    drive.call("b")
    assert (c.DialProbe in kinds(ask(drive))) is allowed


def test_citizen_whose_phone_rings_already_does_not_wait() -> None:
    drive = driven("1001")
    drive.call("a")
    assert probing.refusal(drive.engine, 0) is None


def test_none_is_dialled_in_a_surge() -> None:
    drive = driven("1001")
    drive.send(e.SurgeDeclared(Surge(drive.wall, drive.wall + 60, "storm", "cli")))
    assert probing.refusal(drive.engine, 9) == "a surge is declared"
    assert not ask(drive)


def test_end_shuts_the_door_and_is_written_with_its_cause() -> None:
    drive = driven("1001")
    ask(drive)
    out = moved(drive, ProbeEvent.DIALLED, ProbeEvent.GONE, cause=34, sip=503)
    assert c.CloseProbe(ID) in out
    assert (last(out).outcome, last(out).cause, last(out).sip) == ("refused", 34, 503)


def test_test_call_that_asterisk_does_not_end_is_ended_by_us_and_then_forgotten() -> None:
    drive = driven("1001")
    ask(drive)
    moved(drive, ProbeEvent.DIALLED)
    assert c.DropProbe(ID) in drive.after(36)
    assert last(drive.after(6)).outcome is ProbeOutcome.SILENT
    assert not drive.engine.probes


# -- in ----------------------------------------------------------------------------------------------------------------


def test_marked_call_is_a_test_from_its_first_step_and_keeps_nothing_of_its_number() -> None:
    drive = driven("1001")
    ask(drive)
    come(drive)
    offered = drive.last("t", StepKind.OFFERED).data
    assert (offered["test"], "caller_ref" in offered, "caller_sealed" in offered) == (True, False, False)
    assert all(step.data["test"] is True for step in drive.steps if step.call_id == "t")
    drive.ring("t", "1001")
    drive.answer("t", "1001")
    assert drive.last("t", StepKind.JUDGED).data["result"] == "test"
    probe = drive.engine.probes[ID]
    assert (probe.call_id, probe.seat_id, probe.agent_id, probe.answered_by) == ("t", "1001", "1001", "engine")


def test_second_call_with_the_same_mark_is_a_citizen() -> None:
    drive = driven("1001", "1002")
    ask(drive)
    come(drive, "t")
    come(drive, "u")
    assert (drive.engine.calls["t"].test, drive.engine.calls["u"].test) == (True, False)
    assert drive.engine.calls["u"].caller_ref == "ref"


def test_call_from_an_emergency_centre_is_never_a_test() -> None:
    drive = driven("1001")
    ask(drive)
    come(drive, emergency=True)
    assert not drive.engine.calls["t"].test


def test_mark_is_believed_when_the_test_call_itself_is_not_known_any_more() -> None:
    """The dialplan gives it to one call alone; the service was restarted meanwhile."""
    drive = driven("1001")
    come(drive)
    assert drive.engine.calls["t"].test


def test_every_citizen_goes_first_whenever_he_came() -> None:
    drive = driven("1001", most_waiting=9)
    drive.call("first")
    drive.answer("first", "1001")
    ask(drive)
    come(drive)
    drive.after(20)
    drive.call("late")
    drive.send(e.CallEnded("first", drive.wall, 16, "caller"))
    drive.free("1001")
    drive.after(11)
    shown = [step.call_id for step in drive.steps if step.kind is StepKind.PRESENTED]
    assert shown == ["first", "late", "t"], "nobody picks up for the citizen, and then it is the test's turn"


def test_test_call_gives_way_as_soon_as_a_citizen_waits() -> None:
    drive = driven("1001")
    ask(drive)
    moved(drive, ProbeEvent.DIALLED, ProbeEvent.RINGS)
    come(drive)
    drive.ring("t", "1001")
    assert c.DropProbe(ID) in drive.call("citizen")
    out = moved(drive, ProbeEvent.GONE, cause=16)
    assert last(out).outcome is ProbeOutcome.GAVE_WAY


def test_test_call_that_was_answered_is_not_cut_short() -> None:
    drive = driven("1001")
    ask(drive)
    moved(drive, ProbeEvent.DIALLED, ProbeEvent.RINGS)
    come(drive)
    drive.answer("t", "1001")
    moved(drive, ProbeEvent.ANSWERED)
    assert c.DropProbe not in kinds(drive.call("citizen"))


def test_agent_of_a_test_call_is_ready_at_once_and_its_time_is_named() -> None:
    drive = driven("1001")
    ask(drive)
    come(drive)
    agent = drive.engine.floor.agents
    assert (agent["1001"].state, agent["1001"].reason) == (AgentState.RINGING, "auto: test call")
    assert drive.engine.view(drive.now).seats[0].reason == "", "nobody is warned while it rings"
    drive.answer("t", "1001")
    assert agent["1001"].reason == "auto: test call"
    drive.send(e.AgentLegEnded("t", "1001", False, drive.wall))
    assert agent["1001"].state is AgentState.READY


def test_lost_leg_of_a_test_call_ends_it() -> None:
    drive = driven("1001")
    ask(drive)
    come(drive)
    drive.answer("t", "1001")
    drive.send(e.AgentLegEnded("t", "1001", True, drive.wall))
    assert c.SayGoodbye("t", 7) in drive.send(e.GoodbyeAsked("t", 7, "1001"))


def test_test_call_shows_in_no_gauge_and_is_answered_into_no_notice() -> None:
    drive = driven("1001", most_waiting=9)
    drive.call("first")
    drive.answer("first", "1001")
    come(drive)
    assert c.AnswerIntoNotice not in kinds(drive.after(60))
    line = drive.engine.view(drive.now).lines[0]
    assert (line.waiting, line.longest_wait_s, line.talking) == (0, 0.0, 1)


def test_test_call_touches_neither_redials_nor_the_last_agent() -> None:
    drive = driven("1001")
    ask(drive)
    come(drive)
    drive.answer("t", "1001")
    drive.send(e.CallEnded("t", drive.wall, 16, "caller"))
    assert (drive.engine.redials, drive.engine.spoke, drive.engine.numbers) == ({}, {}, {})


def test_after_a_restart_the_call_is_still_a_test_and_what_is_gone_is_over() -> None:
    drive = Drive(ami=False)
    old = new(state=ProbeState.RINGING, dialled_at=EPOCH, call_id="t")
    call = e.RememberedCall("t", "12345", drive.wall - 9, 5, judged=True, test=True)
    drive.send(e.Remembered((call,), probes=(old,)))
    assert drive.engine.calls["t"].test
    out = drive.send(e.Picture((), {"1001": FREE}, drive.wall))
    assert (last(out).outcome, drive.engine.probes) == (ProbeOutcome.UNKNOWN, {})


def test_picture_that_has_the_leg_lets_the_test_call_go_on() -> None:
    drive = Drive(ami=False)
    drive.send(e.Remembered((), probes=(new(state=ProbeState.RINGING, dialled_at=EPOCH),)))
    drive.send(e.Picture((), {"1001": FREE}, drive.wall, probes=frozenset({ID})))
    assert ID in drive.engine.probes


def test_note_of_a_test_call_that_nobody_saw_is_a_test() -> None:
    drive = Drive(ami=False)
    drive.send(e.Remembered((), since=0.0))
    drive.send(e.EndNoted("t", "12345", drive.wall - 9, drive.wall - 1, "caller", 16, drive.wall - 5, "1001", test=ID))
    assert drive.last("t", StepKind.JUDGED).data["result"] == "test"
