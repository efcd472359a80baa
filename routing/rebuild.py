"""Taking over a picture that others tell us: the records at start, Asterisk after every (re)connect of AMI.

Asterisk's picture wins. What it no longer has is over; what it has and we did not know is known again, with the stamps
that the dialplan left on the channels. Nothing is judged or counted a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing import events as e
from routing import rejoining, talking
from routing.agent_state import AgentEvent, AgentState
from routing.call_state import CallState
from routing.calls import Call
from routing.floor import TIMED
from routing.joined import Place
from routing.steps import CallOutcome, StepKind

if TYPE_CHECKING:
    from routing.desk import Desk

# A call younger than this when the picture was taken may be missing from it by no fault: AGI told of it meanwhile. The
# link takes another picture soon after the first.
FRESH_S = 2.0
LONGEST_CALL_S = 7200.0  # the records tell of ended calls that arrived so long ago, not of older ones


def remember(desk: Desk, event: e.Remembered) -> None:
    """Calls that the records know as not ended, and who was signed in, from before our start."""
    for old in event.calls:
        line = desk.serving(old.number)
        if line is None or desk.known(old.call_id) is not None:
            continue
        arrived = desk.now - max(0.0, desk.wall - old.arrived_at)
        credit_s = desk.credit_s(old.number, old.trunk)
        call = Call(
            old.call_id,
            old.number,
            line,
            old.arrived_at,
            arrived,
            arrived - credit_s,
            judged=old.judged,
            test=old.test,
            answered_at=old.answered_at,
            seat_id=old.seat_id,
            trunk=old.trunk,
            emergency=old.emergency,
            caller_ref=old.caller_ref,
            credit_s=credit_s,
            last_seq=old.last_seq,
            case=old.case,
        )
        desk.calls[call.id] = call  # touched stays 0: the first picture decides whether it is still there
    for caller_ref, (agent_id, at) in event.spoke.items():
        desk.met(caller_ref, agent_id, desk.now - max(0.0, desk.wall - at))
    for left in event.left:
        if left.number in desk.rules.lines:
            desk.gave_up(left)
    desk.unseen_since = event.since
    for call_id in event.ended:
        desk.ended[call_id] = desk.now
        desk.timer(desk.now + talking.ENDED_KEPT_S, "ended", call_id)
    for agent_id, seat_id in event.signed_in.items():
        desk.floor.sign_in(agent_id, seat_id, desk.now, desk.wall, ready=True)
        reason = event.paused.get(agent_id)
        if reason is not None and reason not in TIMED and desk.floor.agent_at(seat_id) is not None:
            desk.agent(agent_id, AgentEvent.PAUSE_ASKED, reason=reason)


def noted(desk: Desk, event: e.EndNoted) -> None:
    """The dialplan's own note of an end. Only what nobody told us is news."""
    call = desk.known(event.call_id) or _never_seen(desk, event)
    if call is None:
        return
    if event.answered_at is not None and not _talk_told(call, event.seat_id):
        talking.note(desk, call, event.seat_id, event.answered_at)
    call = desk.calls[call.id]
    desk.step(
        call, StepKind.FLAG, flag="noted", detail="ended while AMI or the service was down; told by Asterisk's note"
    )
    talking.end(desk, desk.calls[call.id], event.ended_at, event.cause, event.by)


def _talk_told(call: Call, seat_id: str) -> bool:
    if call.state in (CallState.CONNECTED, CallState.PARTED):
        return True
    return call.answered_at is not None and call.leg_lost is None and call.seat_id == seat_id


def _never_seen(desk: Desk, event: e.EndNoted) -> Call | None:
    """It came and went while we were away, and the records do not have it."""
    late = event.ended_at > desk.unseen_since and event.arrived_at > desk.unseen_since - LONGEST_CALL_S
    if not late:
        return None
    return _arrive(desk, event)


def _arrive(desk: Desk, told: e.EndNoted | e.SeenCall) -> Call | None:
    return desk.arrive(
        told.call_id,
        told.number,
        told.arrived_at,
        trunk=told.trunk,
        emergency=told.emergency,
        case=told.case,
        test=told.test,
    )


def take_picture(desk: Desk, picture: e.Picture) -> None:
    """Makes our picture agree with Asterisk's."""
    for seat_id, state in picture.seats.items():
        desk.floor.device(seat_id, state, desk.now, desk.wall)
    for seen in picture.calls:
        _take_call(desk, seen)
    there = {seen.call_id for seen in picture.calls}
    for call in list(desk.calls.values()):
        if call.id not in there and call.session is None and _not_just_missed(call, picture.at):
            _gone(desk, call, picture.at)
    _free_agents(desk, picture)


def _not_just_missed(call: Call, at: float) -> bool:
    """It was there long before the picture was taken: AMI itself told of a talk, and AGI is never so far ahead."""
    return call.state in (CallState.CONNECTED, CallState.PARTED) or call.arrived_at < at - FRESH_S


def _take_call(desk: Desk, seen: e.SeenCall) -> None:
    call = desk.known(seen.call_id)
    if call is None:
        call = _arrive(desk, seen)
        if call is None:
            return
    talks = seen.seat_id is not None and seen.bridged
    recovered = call.touched == 0.0 or (talks and call.state is not CallState.CONNECTED)
    if recovered:
        state = "talking" if talks else "waiting" if seen.place == Place.BRIDGE else "joined"
        desk.step(desk.put(call), StepKind.RECOVERED, state=state)
        call = desk.calls[call.id]
    if talks and call.state is not CallState.CONNECTED:
        assert seen.seat_id is not None
        tell = talking.resume if _told_before(call, seen) else talking.connect
        tell(desk, call, seen.seat_id, seen.answered_at or desk.wall)
    elif talks:
        _seat_again(desk, call)
    elif call.state is CallState.CONNECTED and not seen.ringing:
        desk.release(call.seat_id, call.id, AgentEvent.CALL_ENDED)
    rejoining.take(desk, desk.calls[call.id], seen)
    for seat_id in seen.ringing:
        agent = desk.floor.agent_at(seat_id)
        if call.presentation is None and agent is not None and agent.state is not AgentState.RINGING:
            desk.put(desk.calls[call.id]._replace(fallback_seats=call.fallback_seats | {seat_id}))
            desk.agent(agent.id, AgentEvent.CALL_PRESENTED, call_id=call.id)


def _told_before(call: Call, seen: e.SeenCall) -> bool:
    """The records knew of this very talk when they were read at the start."""
    open_talk = call.answered_at is not None and call.leg_lost is None and call.state is CallState.ARRIVED
    return open_talk and call.seat_id == seen.seat_id


def _seat_again(desk: Desk, call: Call) -> None:
    """While AMI was down the agent of a talk may have been tried and paused: he talks."""
    agent = desk.floor.agent_at(call.seat_id) if call.seat_id else None
    if agent is not None and (agent.state is not AgentState.TALKING or agent.call_id != call.id):
        talking.take_from_others(desk, agent.seat_id or "", call.id, desk.wall)
        desk.agent(agent.id, AgentEvent.CALL_ANSWERED, call_id=call.id)


def _gone(desk: Desk, call: Call, at: float) -> None:
    """It ended while nobody told us. Without a stamp nothing proves an answer, so it never improves a figure."""
    desk.step(call, StepKind.FLAG, flag="unseen", detail="ended while AMI or the service was down")
    call = desk.calls[call.id]
    answered = call.answered_at is not None
    talking.end(desk, call, at, None, "unknown", CallOutcome.ANSWERED if answered else CallOutcome.FAILED)


def _free_agents(desk: Desk, picture: e.Picture) -> None:
    """Nobody stays talking or ringing for a call that Asterisk does not have."""
    for agent in list(desk.floor.agents.values()):
        busy = agent.state in (AgentState.TALKING, AgentState.RINGING)
        known = agent.call_id in desk.calls or agent.call_id in desk.outbound
        if busy and not known:
            event = AgentEvent.CALL_ENDED if agent.state is AgentState.TALKING else AgentEvent.PRESENTATION_LIFTED
            desk.agent(agent.id, event, limit_s=0.0 if event is AgentEvent.CALL_ENDED else None)
