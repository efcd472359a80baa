"""Whatever happens on the floor: no call-back is placed while a caller waits whom its agent could take."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from routing import commands as c
from routing import events as e
from routing.choice import first_ring_of
from routing.model import DeviceState, PacingRules
from routing.outbound import OutEvent
from routing.pacing import UNANSWERED, Group, chosen, kept_free
from tests.unit.routing.floor_plan import FREE, Drive

SEATS = ("1001", "1002", "1003")
CALLS = ("a", "b", "c", "d")
acts = st.lists(
    st.tuples(
        st.sampled_from(["call", "answer", "end", "offer", "out", "gone", "pause", "ready", "device", "time"]),
        st.sampled_from(CALLS),
        st.sampled_from(SEATS),
        st.sampled_from(["12345", "12333"]),
        st.sampled_from([OutEvent.AGENT_RINGS, OutEvent.AGENT_ANSWERED, OutEvent.DIALLED, OutEvent.CONNECTED]),
    ),
    max_size=60,
)
rules = st.builds(PacingRules, keep_free=st.integers(0, 2), keep_free_ratio=st.sampled_from([0.0, 0.4]))


def could_take(drive: Drive, seat_id: str) -> list[str]:
    """Callers not answered yet whom the agent of this seat could take in some ring of their line."""
    now_at = drive.engine.floor.seat_now(seat_id)
    assert now_at is not None
    waiting = (call for call in drive.engine.calls.values() if call.state in UNANSWERED)
    return [call.id for call in waiting if first_ring_of(now_at.profile, now_at.seat, call.line.rings) is not None]


def event_of(drive: Drive, act: tuple[str, str, str, str, OutEvent], number: int) -> e.Event | None:
    what, call, seat, line, out = act
    newest = next(reversed(drive.engine.outbound), "out-none")
    match what:
        case "answer":
            return e.CallAnswered(call, seat, drive.wall)
        case "end":
            return e.CallEnded(call, drive.wall, 16, "caller")
        case "offer":
            return e.CallbackOffered(f"out-{number}", number, line, "x", f"r{number}")
        case "out":
            return e.OutboundMoved(newest, out, drive.wall)
        case "gone":
            return e.OutboundMoved(newest, OutEvent.GONE, drive.wall, 19)
        case "pause":
            return e.AgentPaused(seat, "rest")
        case "ready":
            return e.AgentReady(seat)
        case "device":
            return e.SeatStateChanged(seat, DeviceState.INUSE if number % 2 else FREE, drive.wall)
    return None


@given(acts=acts, pace=rules)
@settings(max_examples=200, deadline=None)
def test_no_call_back_is_placed_while_a_caller_waits_whom_that_agent_could_take(
    acts: list[tuple[str, str, str, str, OutEvent]], pace: PacingRules
) -> None:
    drive = Drive(*SEATS)
    drive.send(e.RulesChanged(replace(drive.engine.rules, pacing=pace)))
    for number, act in enumerate(acts):
        if act[0] == "call":
            out = drive.call(act[1], act[3])
        elif act[0] == "time":
            out = drive.after(3)
        else:
            event = event_of(drive, act, number)
            out = [] if event is None else drive.send(event)
        for command in out:
            if isinstance(command, c.DialOut):
                assert could_take(drive, command.seat_id) == []
        for rung in drive.engine.outbound.values():
            if rung.state in ("asked", "agent_ringing") and not rung.dropped and drive.engine.queue:
                queued = [call for call in could_take(drive, rung.seat_id) if call in drive.engine.queue]
                assert queued == []  # or it would have been withdrawn


lines = st.frozensets(st.sampled_from(["1", "2", "3"]), min_size=1)
groups = st.lists(
    st.builds(
        lambda lines, ring, free, more, who: Group(lines, ring, free + more, free, (float(ring), who) if free else None),
        lines, st.integers(0, 2), st.integers(0, 3), st.integers(0, 4), st.uuids().map(str),
    ),
    max_size=6,
)  # fmt: skip


@given(groups=groups, waiting=st.frozensets(st.sampled_from(["1", "2", "3"])), pace=rules)
def test_every_line_of_the_chosen_agent_keeps_its_seats_and_has_nobody_waiting(
    groups: list[Group], waiting: frozenset[str], pace: PacingRules
) -> None:
    agent = chosen(groups, waiting, "1", pace)
    if agent is None:
        return
    (his,) = [group for group in groups if group.first and group.first[1] == agent]
    assert "1" in his.lines
    assert not his.lines & waiting
    for line in his.lines:
        serving = [group for group in groups if line in group.lines]
        left, there = sum(group.free for group in serving) - 1, sum(group.there for group in serving)
        assert left >= kept_free(there, pace)
