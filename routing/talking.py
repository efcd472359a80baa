"""From the bridge of caller and agent to the end of the call: answered, judged, lost or said goodbye, ended."""

from __future__ import annotations

from typing import Final

from routing import commands as c
from routing import events as e
from routing import gathering, judging, presenting, probing, storms, thirds
from routing.agent_state import AgentEvent
from routing.call_state import CallEvent, CallState
from routing.calls import Call, Presentation
from routing.desk import Desk
from routing.joined import Place
from routing.probe import TESTED
from routing.steps import CallOutcome, Judgement, Outcome, StepKind

GOODBYE_WAIT_S: Final = 0.5  # AGI asks about the goodbye before AMI has told of it
CLOCK_STEP_S: Final = 0.5
_OF_THE_RATIO: Final = frozenset({Judgement.IN_TIME, Judgement.LATE, Judgement.ABANDONED})
LIMIT_SLACK_S: Final = 0.3  # Asterisk counts from a moment before the bridge
ENDED_KEPT_S: Final = 10.0  # late events of an ended call are recognised for so long


def answered(desk: Desk, event: e.CallAnswered) -> None:
    call = desk.known(event.call_id)
    if call is None or call.state in (CallState.ENDED, CallState.CONNECTED):
        return
    connect(desk, call, event.seat_id, event.at)


def connect(desk: Desk, call: Call, seat_id: str, at: float) -> None:
    """Caller and agent are in one bridge at `at` (epoch, Asterisk's clock). First answer judges the call."""
    shown = call.presentation or call.lapsed
    first = call.answered_at is None
    _tell_answer(desk, resume(desk, call, seat_id, at), at, first, shown)


def note(desk: Desk, call: Call, seat_id: str, at: float) -> None:
    """As `connect`, but all of it is over: whoever sits there now is not touched."""
    shown = call.presentation or call.lapsed
    first = call.answered_at is None
    agent = desk.floor.agent_at(seat_id)
    _tell_answer(desk, _joined(desk, call, seat_id, agent.id if agent else None, at), at, first, shown)


def _tell_answer(desk: Desk, call: Call, at: float, first: bool, shown: Presentation | None) -> None:
    seat_id = call.seat_id
    ours = shown is not None and seat_id in shown.seats
    wait_s = _wait_s(desk, call, at)
    desk.step(
        call, StepKind.ANSWERED, at, seat=seat_id, agent=call.agent_id, wait_s=wait_s,
        presentation=shown.id if shown and ours else None, by="engine" if ours else "fallback",
    )  # fmt: skip
    if call.test:
        probing.answered(desk, call, at, "engine" if ours else "fallback")
    if first:
        judge(desk, call, judging.of_answer(wait_s, call.line.answer_within_s), wait_s, at)


def resume(desk: Desk, call: Call, seat_id: str, at: float) -> Call:
    """They talk since `at`: everybody else is released. By itself for a talk that was told before a restart."""
    take_from_others(desk, seat_id, call.id, at)
    agent = desk.floor.agent_at(seat_id)
    if agent is not None:
        desk.agent(agent.id, AgentEvent.CALL_ANSWERED, call_id=call.id, reason=TESTED if call.test else "")
    return _joined(desk, call, seat_id, agent.id if agent else None, at)


def _joined(desk: Desk, call: Call, seat_id: str, agent_id: str | None, at: float) -> Call:
    presenting.settle(desk, call.id, at, Outcome.CANCELLED, answered_by=seat_id)
    shown = call.presentation
    if shown is not None:
        for other in shown.seats:
            presenting.seat_over(desk, call.id, other, Outcome.ANSWERED if other == seat_id else Outcome.CANCELLED, at)
    call = desk.calls[call.id]
    if call.id in desk.joined:
        desk.joined[call.id] = desk.joined[call.id].afresh()
    desk.met(call.caller_ref, agent_id, desk.monotonic(at))
    storms.used_up(desk, call)
    for other in call.fallback_seats - {seat_id}:
        desk.release(other, call.id, AgentEvent.PRESENTATION_LIFTED)
    return desk.move(
        desk.calls[call.id], CallEvent.ANSWERED, answered_at=at if call.answered_at is None else call.answered_at,
        answered=desk.monotonic(at), seat_id=seat_id, agent_id=agent_id, session=None,
        presentation=None, fallback_seats=frozenset(), leg_lost=None, head=False,
    )  # fmt: skip


def take_from_others(desk: Desk, seat_id: str, call_id: str, at: float) -> None:
    """The seat answered this call, so no presentation of another call can be open there."""
    agent = desk.floor.agent_at(seat_id)
    other = desk.calls.get(agent.call_id) if agent and agent.call_id else None
    if other is None or other.id == call_id or other.presentation is None:
        return
    if seat_id in other.presentation.seats:
        presenting.seat_over(desk, other.id, seat_id, Outcome.VOID, at)


def goodbye_asked(desk: Desk, event: e.GoodbyeAsked) -> None:
    call = desk.known(event.call_id)
    if call is not None and _is_joined(desk, call):
        gathering.goodbye_asked(desk, call, event.session)
        return
    if call is None or not desk.floor.ami_up:
        if call is not None:
            leg_over(desk, call, lost=False, at=desk.wall)
            if call.presentation is not None and call.answered_at is None:  # nobody told us that it was answered
                presenting.lapse(desk, desk.calls[call.id])
            desk.step(call, StepKind.SENT, verb="goodbye", session=event.session)
        desk.out.append(c.SayGoodbye(event.call_id, event.session))
        return
    if call.leg_lost is None:
        until = desk.now + GOODBYE_WAIT_S
        desk.put(call._replace(goodbye_session=event.session, goodbye_until=until))
        desk.timer(until, "goodbye", call.id)
    else:
        desk.put(call._replace(goodbye_session=event.session))
        _answer_goodbye(desk, call.id)


def _answer_goodbye(desk: Desk, call_id: str) -> None:
    call = desk.calls[call_id]
    desk.answer_goodbye(call, c.BringBack if call.leg_lost and not call.test else c.SayGoodbye)


def agent_leg_ended(desk: Desk, event: e.AgentLegEnded) -> None:
    call = desk.known(event.call_id)
    if call is not None and call.seat_id == event.seat_id and _is_joined(desk, call):
        gathering.agent_left(desk, call, lost=event.lost, at=event.at)
        gathering.answer_goodbye(desk, desk.joined[call.id])
    elif call is not None and call.seat_id == event.seat_id:
        leg_over(desk, call, event.lost, event.at)
        _answer_goodbye(desk, call.id)


def _is_joined(desk: Desk, call: Call) -> bool:
    """Some act has moved the caller, or is under way; else the end of the agent's leg is that of an ordinary talk."""
    joined = desk.joined.get(call.id)
    return joined is not None and (joined.caller is not Place.BRIDGE or joined.act is not None)


def leg_over(desk: Desk, call: Call, lost: bool, at: float) -> None:
    """The agent's leg of a talk ended. Told late, of a talk that is over already, it changes nothing."""
    if call.state is not CallState.CONNECTED:
        desk.move(call, CallEvent.LEG_ENDED)
        return
    talk_s = desk.talk_ended(call, lost, at)
    call = desk.move(desk.calls[call.id], CallEvent.LEG_ENDED, leg_lost=lost, parted_at=at)
    if lost:
        desk.put(call._replace(missed=call.missed | {call.seat_id or ""}))
    elif call.limit_s is not None and talk_s is not None and talk_s > call.limit_s - LIMIT_SLACK_S:
        desk.step(desk.put(call._replace(cut=True)), StepKind.FLAG, flag="talk_limit", detail=f"{call.limit_s:g} s")
    desk.release(call.seat_id, call.id, AgentEvent.CALL_ENDED)


def call_ended(desk: Desk, event: e.CallEnded) -> None:
    call = desk.known(event.call_id)
    if call is not None:
        if event.crossed:
            call = desk.step(call, StepKind.FLAG, flag="crossed", detail="given up in the instant of the answer")
        end(desk, call, event.at, event.cause, "pbx" if call.cut and event.by == "agent" else event.by)
    else:
        desk.ended[event.call_id] = desk.now


def end(desk: Desk, call: Call, at: float, cause: int | None, by: str, outcome: CallOutcome | None = None) -> None:
    """The caller's channel is gone: everybody else is released, the story is closed, once."""
    presenting.settle(desk, call.id, at, Outcome.CANCELLED)
    if call.id in desk.joined:
        thirds.call_over(desk, desk.calls[call.id], at)
    if call.presentation is not None:
        for seat_id in call.presentation.seats:
            presenting.seat_over(desk, call.id, seat_id, Outcome.CANCELLED, at)
    for seat_id in call.fallback_seats:
        desk.release(seat_id, call.id, AgentEvent.PRESENTATION_LIFTED)
    desk.release(call.seat_id, call.id, AgentEvent.CALL_ENDED)
    call = desk.move(desk.calls[call.id], CallEvent.ENDED, session=None)
    answered = call.answered_at is not None
    if outcome is None:
        outcome = CallOutcome.FAILED if by == "pbx" else CallOutcome.ABANDONED
        outcome = CallOutcome.ANSWERED if answered else CallOutcome.DISMISSED if call.dismissed else outcome
    if not answered:
        judge(desk, call, judging.of_end(outcome), _wait_s(desk, call, at), at)
    if outcome is CallOutcome.ABANDONED and call.caller_ref:
        desk.redials[call.caller_ref] = (call.position, desk.now)
    talk_s = round(max(0.0, (call.parted_at or at) - call.answered_at), 3) if call.answered_at is not None else None
    desk.step(desk.calls[call.id], StepKind.ENDED, at, outcome=outcome, by=by, cause=cause, talk_s=talk_s)
    del desk.calls[call.id]
    storms.left(desk, call)
    desk.ended[call.id] = desk.now
    desk.timer(desk.now + ENDED_KEPT_S, "ended", call.id)


def goodbye_due(desk: Desk, call_id: str) -> None:
    call = desk.calls.get(call_id)
    if call is None or call.goodbye_until is None or call.goodbye_until > desk.now:
        return
    if _is_joined(desk, call):
        gathering.answer_goodbye(desk, desk.joined[call.id], at_last=True)
    else:
        _answer_goodbye(desk, call_id)


def _wait_s(desk: Desk, call: Call, at: float) -> float:
    """Arrival to `at` by Asterisk's clock; by our monotonic clock when the wall clock stepped meanwhile."""
    by_wall = at - call.arrived_at
    by_mono = desk.now - call.arrived - max(0.0, desk.wall - at)
    if abs(by_wall - by_mono) > CLOCK_STEP_S:
        desk.step(call, StepKind.FLAG, flag="clock_step", detail=f"{by_wall - by_mono:+.3f} s")
        return round(max(0.0, by_mono), 3)
    return round(max(0.0, by_wall), 3)


def judge(desk: Desk, call: Call, result: Judgement, wait_s: float, at: float) -> None:
    call = desk.calls.get(call.id, call)
    if not call.judged:
        if call.test:
            result = Judgement.TEST
        elif call.restriction is not None and call.restriction.serves_last:
            result = Judgement.RESTRICTED
        desk.calls[call.id] = call._replace(judged=True)
        if result in _OF_THE_RATIO:
            desk.lending.judged(call.line.zone, result is Judgement.IN_TIME, desk.now)
        desk.step(
            call,
            StepKind.JUDGED,
            at,
            result=result,
            wait_s=round(wait_s, 3),
            line=call.line.number,
            number=call.number,
        )
