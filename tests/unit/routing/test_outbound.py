"""Calls that agents place: their table, and what they do to the agent, who takes no caller meanwhile."""

from __future__ import annotations

import itertools

import pytest

from routing import calling_out
from routing import commands as c
from routing import events as e
from routing.agent_state import AgentState
from routing.model import DeviceState
from routing.outbound import IGNORED, REASON, TRANSITIONS, Outbound, OutEvent, OutKind, OutOutcome, OutState, step
from tests.unit.routing.floor_plan import EPOCH, FREE, Drive, presented

ID = "out-1-a"
HASTE = [OutEvent.AGENT_RINGS, OutEvent.AGENT_ANSWERED, OutEvent.DIALLED, OutEvent.CITIZEN_RINGS, OutEvent.CONNECTED]


def new() -> Outbound:
    return Outbound(ID, OutKind.CALLBACK, "1001", "1001", "12345", EPOCH)


def asked(drive: Drive, agent: str = "1001") -> list[c.Command]:
    return drive.send(
        e.OutboundAsked(ID, OutKind.CALLBACK, agent, "12345", "PJSIP/13800000000@carrier", "A1", 7, "cli")
    )


def moved(drive: Drive, *what: OutEvent, cause: int | None = None) -> list[c.Command]:
    return [command for one in what for command in drive.send(e.OutboundMoved(ID, one, drive.wall, cause))]


def last(out: list[c.Command]) -> Outbound:
    return [command.outbound for command in out if isinstance(command, c.WriteOutbound)][-1]


def state(drive: Drive, agent: str = "1001") -> AgentState:
    return drive.engine.floor.agents[agent].state


def test_every_pair_of_state_and_event_stands_in_exactly_one_table() -> None:
    pairs = set(itertools.product(OutState, OutEvent))
    assert TRANSITIONS.keys() | IGNORED.keys() == pairs
    assert not TRANSITIONS.keys() & IGNORED.keys()


def test_any_order_of_events_ends_in_the_same_state_and_never_goes_back() -> None:
    order = list(OutState)
    for events in itertools.permutations(HASTE):
        out = new()
        for event in events:
            before, out = out, step(out, event, EPOCH)
            assert order.index(out.state) >= order.index(before.state)
        assert out.state is OutState.TALKING
        assert None not in (out.agent_answered_at, out.dialled_at, out.answered_at)


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [(17, "busy"), (21, "refused"), (0, "no_answer"), (19, "no_answer"), (1, "failed"), (38, "failed")],
)
def test_cause_tells_why_the_citizen_was_not_reached(cause: int, outcome: str) -> None:
    out = step(step(new(), OutEvent.DIALLED, EPOCH), OutEvent.NOT_REACHED, EPOCH, cause)
    ended = step(out, OutEvent.GONE, EPOCH + 3, 16)
    assert (ended.outcome, ended.cause, ended.ended_at) == (outcome, cause, EPOCH + 3)


@pytest.mark.parametrize(
    ("cause", "outcome"), [(17, "agent_busy"), (19, "agent_no_answer"), (20, "agent_away"), (None, "failed")]
)
def test_end_before_the_agent_answered_says_what_his_phone_did(cause: int | None, outcome: str) -> None:
    assert step(new(), OutEvent.GONE, EPOCH, cause).outcome == outcome


def test_agent_who_hangs_up_first_has_cancelled_and_an_end_nobody_saw_is_unknown() -> None:
    ringing = step(new(), OutEvent.CITIZEN_RINGS, EPOCH)
    assert step(ringing, OutEvent.GONE, EPOCH, 16).outcome is OutOutcome.CANCELLED
    assert step(ringing, OutEvent.GONE, EPOCH, None, seen=False).outcome is OutOutcome.UNKNOWN


def test_agent_is_rung_through_his_seat_and_then_takes_no_caller() -> None:
    drive = Drive("1001", "1002")
    (dial,) = [command for command in asked(drive) if isinstance(command, c.DialOut)]
    assert (dial.seat_id, dial.agent_rings_s, dial.rings_s, dial.line) == ("1001", 20.0, 60.0, "12345")
    assert "138" not in repr(dial)
    assert (state(drive), drive.engine.floor.agents["1001"].reason) == (AgentState.RINGING, REASON)
    assert presented(drive.call("a")).seat_ids == ("1002",)
    moved(drive, OutEvent.AGENT_RINGS, OutEvent.AGENT_ANSWERED)
    assert (state(drive), drive.engine.floor.agents["1001"].reason) == (AgentState.TALKING, REASON)
    drive.answer("a", "1002")
    assert not [command for command in drive.call("b") if isinstance(command, c.PresentCall)]


def test_wrap_up_follows_and_nothing_of_it_is_a_call() -> None:
    drive = Drive("1001", wrap_up_s=4)
    asked(drive)
    moved(drive, *HASTE)
    ended = last(moved(drive, OutEvent.GONE, cause=16))
    assert (ended.outcome, ended.case, ended.callback) == (OutOutcome.ANSWERED, "A1", 7)
    assert state(drive) is AgentState.WRAP_UP
    assert (drive.engine.calls, drive.engine.outbound, drive.steps) == ({}, {}, [])
    drive.after(4)
    assert state(drive) is AgentState.READY


def test_agent_who_does_not_answer_his_own_call_is_ready_again_at_once() -> None:
    drive = Drive("1001")
    asked(drive)
    moved(drive, OutEvent.AGENT_RINGS)
    moved(drive, OutEvent.GONE, cause=19)
    assert (state(drive), drive.engine.floor.agents["1001"].misses) == (AgentState.READY, 0)


def test_only_who_is_ready_at_a_free_phone_can_call_out() -> None:
    drive = Drive("1001", "1002")
    assert calling_out.refusal(drive.engine, "1004") == "agent 1004 is not signed in"
    drive.send(e.AgentPaused("1002", "rest"))
    assert "only who is ready" in (calling_out.refusal(drive.engine, "1002") or "")
    drive.send(e.SeatStateChanged("1001", DeviceState.INUSE, drive.wall))
    assert "in use or not there" in (calling_out.refusal(drive.engine, "1001") or "")
    assert asked(drive) == []


def test_what_asterisk_leaves_open_is_ended_after_its_time_and_then_given_up() -> None:
    drive = Drive("1001")
    asked(drive)
    dropped = drive.after(26)
    assert [command for command in dropped if isinstance(command, c.DropOutbound)]
    late = drive.after(6)
    assert last(late).outcome is OutOutcome.UNKNOWN
    assert state(drive) is AgentState.READY


def test_without_ami_nothing_is_ended_that_may_go_on() -> None:
    drive = Drive("1001")
    asked(drive)
    drive.send(e.AmiLost())
    assert not [command for command in drive.after(300) if isinstance(command, c.DropOutbound | c.WriteOutbound)]


def test_talk_has_no_limit() -> None:
    drive = Drive("1001")
    asked(drive)
    moved(drive, *HASTE)
    assert not [command for command in drive.after(7200) if isinstance(command, c.DropOutbound)]


def restarted(state: OutState, *reached: OutEvent) -> tuple[Drive, list[c.Command]]:
    """A new engine, whom the records tell of one outbound call, and its first picture."""
    drive = Drive(ami=False)
    old = new()._replace(state=state, asked_at=drive.wall - 30)
    drive.send(e.Remembered((), {"1001": "1001"}, outbound=(old,)))
    seen = (e.SeenOutbound(ID, tuple((what, None) for what in reached)),) if reached else ()
    return drive, drive.send(e.Picture((), {"1001": DeviceState.INUSE if reached else FREE}, drive.wall, seen))


def test_after_a_restart_the_call_goes_on_and_its_agent_talks() -> None:
    drive, out = restarted(OutState.CITIZEN_RINGING, OutEvent.AGENT_ANSWERED, OutEvent.DIALLED, OutEvent.CONNECTED)
    assert last(out).state is OutState.TALKING
    assert state(drive) is AgentState.TALKING
    moved(drive, OutEvent.GONE, cause=16)
    assert state(drive) is AgentState.WRAP_UP


def test_citizen_who_was_rung_out_while_nobody_looked_was_not_cancelled_by_the_agent() -> None:
    """The agent hears the tone, and then it is over."""
    drive = Drive(ami=False)
    rang = new()._replace(state=OutState.CITIZEN_RINGING, asked_at=drive.wall - 30, dialled_at=drive.wall - 20)
    drive.send(e.Remembered((), {"1001": "1001"}, outbound=(rang,)))
    seen = e.SeenOutbound(ID, ((OutEvent.AGENT_ANSWERED, None),))
    out = drive.send(e.Picture((), {"1001": DeviceState.INUSE}, drive.wall, (seen,)))
    assert (last(out).state, last(out).outcome) == (OutState.UNREACHED, OutOutcome.UNKNOWN)
    assert state(drive) is AgentState.TALKING


def test_picture_taken_while_the_citizen_was_being_dialled_ends_nothing() -> None:
    drive = Drive("1001")
    asked(drive)
    moved(drive, OutEvent.AGENT_ANSWERED)
    moved(drive, OutEvent.DIALLED)
    seen = e.SeenOutbound(ID, ((OutEvent.AGENT_ANSWERED, None),))
    drive.send(e.Picture((), {"1001": DeviceState.INUSE}, drive.wall, (seen,)))
    assert drive.engine.outbound[ID].state is OutState.DIALLING


def test_after_a_restart_an_agent_who_is_still_rung_is_not_free() -> None:
    drive, _ = restarted(OutState.AGENT_RINGING, OutEvent.AGENT_RINGS)
    assert state(drive) is AgentState.RINGING


def test_call_that_ended_while_the_service_was_away_is_finished() -> None:
    drive, out = restarted(OutState.CITIZEN_RINGING)
    assert (last(out).outcome, last(out).ended_at) == (OutOutcome.UNKNOWN, drive.wall)
    assert (drive.engine.outbound, state(drive)) == ({}, AgentState.READY)


def test_talk_that_ended_while_the_service_was_away_was_answered() -> None:
    old = step(new(), OutEvent.CONNECTED, EPOCH)
    assert step(old, OutEvent.GONE, EPOCH + 9, seen=False).outcome is OutOutcome.ANSWERED


def test_picture_that_is_older_than_the_call_does_not_end_it() -> None:
    drive = Drive("1001")
    asked(drive)
    drive.send(e.Picture((), {"1001": FREE}, drive.wall))
    assert ID in drive.engine.outbound
    assert state(drive) is AgentState.RINGING


def test_seat_that_was_tried_while_ami_was_down_talks_again_with_the_picture() -> None:
    drive = Drive("1001")
    asked(drive)
    moved(drive, *HASTE)
    drive.send(e.AmiLost())
    assert presented(drive.call("a")).seat_ids == ("1001",)
    drive.call("a", last_presentation=drive.engine.calls["a"].presentation.id, last_status="GUARD")  # type: ignore[union-attr]
    drive.now += 10
    seen = (e.SeenOutbound(ID, ((OutEvent.CONNECTED, None),)),)
    drive.send(e.Picture((), {"1001": DeviceState.INUSE}, drive.wall, seen))
    agent = drive.engine.floor.agents["1001"]
    assert (agent.state, agent.call_id) == (AgentState.TALKING, ID)
