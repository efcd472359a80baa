"""Callers who wait: held by an AGI session, let go again, answered into the notice, taken over by the dialplan alone."""

from __future__ import annotations

from routing import commands as c
from routing import events as e
from routing import presenting, restricting, storms, talking, thirds
from routing.call_state import CallEvent, CallState
from routing.calls import Call
from routing.desk import Desk
from routing.presenting import DECISION_TTL_S
from routing.steps import Outcome, StepKind


def held(desk: Desk, event: e.CallHeld) -> None:
    call = _known(desk, event) or _arrived(desk, event)
    if call is None:
        desk.out.append(c.SendToFallback(event.call_id, event.session, desk.wall + DECISION_TTL_S))
        return
    presenting.came_back(desk, call, event)
    call = desk.calls[call.id]
    joined = call.state is CallState.CONNECTED and call.id in desk.joined
    if joined:
        call = thirds.back_in_queue(desk, call)
    elif call.state is CallState.CONNECTED:
        talking.leg_over(desk, call, lost=True, at=desk.wall)
    call = desk.calls[call.id]
    lost = call.state is CallState.PARTED
    if lost and not joined:
        call = desk.step(call, StepKind.REQUEUED, cause="lost_leg")
    call = desk.move(
        call,
        CallEvent.HELD,
        session=event.session,
        noticed=event.noticed,
        head=call.head or lost,
        heard=call.heard or event.heard,
        informed=call.informed or event.heard,
        behind=False,
        fallback_seats=frozenset(),
    )
    back_from, presentation = event.last_status or None, event.last_presentation or None
    call = desk.step(call, StepKind.HELD, session=event.session, back_from=back_from, presentation=presentation)
    _enqueue(desk, call)


def _arrived(desk: Desk, event: e.CallHeld | e.CallSeen) -> Call | None:
    call = desk.arrive(
        event.call_id, event.number, event.arrived_at, trunk=event.trunk, emergency=event.emergency,
        caller_ref=event.caller_ref, caller_sealed=event.caller_sealed, caller_blocks=event.caller_blocks,
        case=event.case, test=event.test,
    )  # fmt: skip
    if call is not None:
        storms.came(desk, call)
        call = restricting.look_up(desk, call)
    return call


def _known(desk: Desk, event: e.CallHeld) -> Call | None:
    """A call from before our start: the records do not tell which blocks its number lies in."""
    call = desk.known(event.call_id)
    if call is None or call.test or call.caller_blocks or not event.caller_blocks:
        return call
    call = desk.put(call._replace(caller_ref=event.caller_ref, caller_blocks=event.caller_blocks))
    storms.came(desk, call)
    return restricting.look_up(desk, call)


def _enqueue(desk: Desk, call: Call) -> None:
    desk.queue.put(call)
    desk.dirty_calls[call.id] = None
    set_timers(desk, call)
    notice_s = _notice_after_s(desk, call)
    if 0 < notice_s <= desk.now - call.arrived:
        _notice(desk, call)


def set_timers(desk: Desk, call: Call) -> None:
    """When the next rings of the line open, and the notice."""
    notice_s = _notice_after_s(desk, call)
    looks = [ring.after_s for ring in call.line.rings]
    looks += [notice_s] if notice_s > 0 else []
    looks += [call.line.last_agent_s] if call.prefers is not None else []
    looks += [call.line.answer_within_s] if desk.lending else []
    for after_s in looks:
        if call.arrived + after_s > desk.now:
            desk.timer(call.arrived + after_s, "call", call.id)


def closed(desk: Desk, event: e.SessionClosed) -> None:
    call = desk.known(event.call_id)
    if call is not None and call.session == event.session:
        call = desk.step(call, StepKind.LET_GO, session=event.session, reason=event.reason or None)
        desk.move(call, CallEvent.LET_GO, session=None)


def _notice(desk: Desk, call: Call) -> None:
    """Carriers end endless ringing: answer into notice and music; the caller asks again at once, at the same place."""
    if call.noticed or call.session is None or not desk.deciding:
        return
    desk.out.append(c.AnswerIntoNotice(call.id, call.session, desk.wall + DECISION_TTL_S))
    desk.step(call, StepKind.NOTICE, wait_s=round(desk.now - call.arrived, 3), session=call.session)
    desk.move(desk.calls[call.id], CallEvent.LET_GO, session=None, noticed=True)


def _notice_after_s(desk: Desk, call: Call) -> float:
    """The trunk's own patience is the carrier's; else the line's, else everybody's. 0: never, nor for a test."""
    if call.test:
        return 0.0
    trunk = desk.rules.trunks.get(call.trunk)
    own = (trunk.answer_notice_after_s if trunk else None, call.line.answer_notice_after_s)
    return next((after_s for after_s in own if after_s is not None), desk.rules.timing.answer_notice_after_s)


def call_due(desk: Desk, call_id: str) -> None:
    desk.suspect = call_id
    call = desk.calls.get(call_id)
    if call is None or (call.id not in desk.queue and not call.behind):
        return
    desk.dirty_calls[call_id] = None
    notice_s = _notice_after_s(desk, call)
    if 0 < notice_s <= desk.now - call.arrived:
        _notice(desk, call)


def seen(desk: Desk, event: e.CallSeen) -> None:
    if desk.known(event.call_id) is None:
        _arrived(desk, event)


def fallback(desk: Desk, event: e.FallbackUsed) -> None:
    call = desk.known(event.call_id)
    if call is None:
        return
    presenting.settle(desk, call.id, event.at, Outcome.VOID)
    call = desk.calls[call.id]
    if call.presentation is not None:  # our decision was overtaken: nothing of ours rings any more
        for seat_id in call.presentation.seats:
            presenting.seat_over(desk, call.id, seat_id, Outcome.VOID, event.at)
    call = desk.move(desk.calls[call.id], CallEvent.LET_GO, session=None)
    desk.step(call, StepKind.FALLBACK, event.at, stage=event.stage)
