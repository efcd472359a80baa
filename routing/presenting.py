"""Presentations: one decision rings one seat (or several, late) for one caller, with a deadline for every stage."""

from __future__ import annotations

from typing import Final

from routing import choice, selection
from routing import commands as c
from routing import events as e
from routing.agent_state import AgentEvent, AgentState
from routing.call_state import CallEvent
from routing.calls import Call, Presentation
from routing.candidates import Candidates
from routing.desk import Desk
from routing.floor import BUSY, NO_ANSWER, NO_RINGING, SET_ASIDE, UNREACHABLE_PAUSE_S
from routing.model import Timing
from routing.probe import TESTED
from routing.steps import Outcome, StepKind

VOID_AFTER_S: Final = 1.0  # sent, but Asterisk never began to dial
DEAD_PHONE_S: Final = 1.5  # dialing, but the phone never rang
EARLY_S: Final = 0.5  # Dial that ends so long before its time was not ended by its time
LOOK_AGAIN_S: Final = 1.0  # whether another seat is there for who waits for a remote one
REMOTE_SLACK_S: Final = 1.0  # so much later than it should, at most, the dialplan ends the asking on a remote seat
EXPIRY_SLACK_S: Final = 3.0  # beyond ring_s a presentation is over, whatever nobody told us
DECISION_TTL_S: Final = 1.0

STATUS_OUTCOME: Final = {
    "BUSY": Outcome.BUSY,
    "CONGESTION": Outcome.BUSY,  # rejected (603) comes so
    "DONTCALL": Outcome.BUSY,
    "TORTURE": Outcome.BUSY,
    "GUARD": Outcome.GUARDED,
    "CHANUNAVAIL": Outcome.UNREACHABLE,
    "INVALIDARGS": Outcome.UNREACHABLE,
    "CANCEL": Outcome.CANCELLED,
    "CONTINUE": Outcome.NOT_CONFIRMED,  # answered, and Dial goes on without it
    "": Outcome.VOID,
}


_UNANSWERED: Final = frozenset({Outcome.NO_ANSWER, Outcome.NOT_CONFIRMED})
_MISSES: Final = _UNANSWERED | {Outcome.BUSY, Outcome.UNREACHABLE, Outcome.GUARDED}


def present(desk: Desk, call: Call, best: list[choice.SeatNow], candidates: Candidates) -> None:
    assert call.session is not None
    desk.presentation_no += 1
    seat_ids = tuple(now_at.seat.id for now_at in best)
    agents = ",".join(now_at.agent.id for now_at in best)
    id_ = f"{int(desk.wall * 1000):x}.{desk.presentation_no}"
    ring_s = _ring_s(desk.rules.timing, best)
    shown = Presentation(id_, seat_ids, ring_s, desk.now)
    entry = call.restriction
    limit_s = None if entry is None else entry.limit_s(desk.rules.restricting.short_call_s)
    warning_s = min(desk.rules.restricting.warning_s, limit_s / 2) if limit_s else 0.0
    session, ring = call.session, choice.first_ring(desk.waiting(call), best[0])
    call = send(desk, call._replace(limit_s=limit_s), shown)
    desk.out.append(
        c.PresentCall(call.id, session, id_, seat_ids, ring_s, desk.wall + DECISION_TTL_S, limit_s, warning_s)
    )
    wait_s = round(desk.now - call.arrived, 3)
    desk.step(
        call, StepKind.PRESENTED, presentation=id_, seats=",".join(seat_ids), agents=agents,
        ring=ring, open_rings=call.open_rings, wait_s=wait_s, session=session, ring_s=ring_s, prefers=call.prefers,
        limit_s=limit_s, candidates=candidates,
    )  # fmt: skip


def send(desk: Desk, call: Call, shown: Presentation) -> Call:
    """The decision is on its way: the call waits no longer, its seats ring for it. Raises IllegalTransition."""
    call = desk.move(call, CallEvent.SENT, presentation=shown, session=None)
    for seat_id in shown.seats:
        reason = TESTED if call.test else ""
        desk.agent(desk.floor.at_seat[seat_id], AgentEvent.CALL_PRESENTED, call_id=call.id, reason=reason)
    for after_s in (VOID_AFTER_S, desk.rules.timing.ring_s, shown.ring_s + EXPIRY_SLACK_S):
        desk.timer(desk.now + after_s, "presentation", call.id)
    return call


def _ring_s(timing: Timing, best: list[choice.SeatNow]) -> float:
    """How long all of these seats may take. A carrier needs seconds to ring a remote one, and the key takes some more;
    a phone that rings beside it is left alone by the dialplan after its own time."""
    if not any(now_at.seat.remote for now_at in best):
        return timing.ring_s
    return timing.remote_ring_s + timing.remote_confirm_s + REMOTE_SLACK_S


def dialing(desk: Desk, event: e.SeatDialing) -> None:
    call = desk.known(event.call_id)
    if call is None:
        return
    shown = call.presentation
    if shown is not None and event.seat_id in shown.seats:
        if shown.dialing is None:
            desk.timer(desk.now + DEAD_PHONE_S, "presentation", call.id)
        desk.put(call._replace(presentation=_dialled(desk, shown, event.seat_id)))
    else:
        _rung_by_fallback(desk, call, event.seat_id)
    desk.step(call, StepKind.DIALING, event.at, seat=event.seat_id, presentation=shown.id if shown else None)


def _dialled(desk: Desk, shown: Presentation, seat_id: str) -> Presentation:
    dialing = desk.now if shown.dialing is None else shown.dialing
    return shown._replace(dialing=dialing, dialled=shown.dialled | {seat_id})


def _rung_by_fallback(desk: Desk, call: Call, seat_id: str) -> None:
    """The dialplan alone rings a seat: ours must not be offered another call meanwhile."""
    desk.put(call._replace(fallback_seats=call.fallback_seats | {seat_id}))
    agent = desk.floor.agent_at(seat_id)
    if agent is not None and agent.state not in (AgentState.TALKING, AgentState.RINGING):  # an open presentation stays
        desk.agent(agent.id, AgentEvent.CALL_PRESENTED, call_id=call.id)


def ringing(desk: Desk, event: e.SeatRinging) -> None:
    call = desk.known(event.call_id)
    if call is None:
        return
    shown = call.presentation
    if shown is not None and event.seat_id in shown.seats:
        if event.seat_id in shown.rang:
            return
        rang_at = desk.now if shown.rang_at is None else shown.rang_at
        shown = _dialled(desk, shown, event.seat_id)._replace(rang=shown.rang | {event.seat_id}, rang_at=rang_at)
        desk.put(call._replace(presentation=shown))
    desk.step(call, StepKind.RINGING, event.at, seat=event.seat_id, presentation=shown.id if shown else None)


def picked_up(desk: Desk, event: e.SeatPickedUp) -> None:
    call = desk.known(event.call_id)
    shown = None if call is None else call.presentation
    if call is not None and shown is not None and event.seat_id in shown.seats:
        desk.put(call._replace(presentation=shown._replace(picked_up=shown.picked_up | {event.seat_id})))


def dial_ended(desk: Desk, event: e.SeatDialEnded) -> None:
    """The end of a leg may be told when its caller is back already and the same seat is presented to him anew: a leg that
    this presentation has not dialled yet is the one before."""
    call = desk.known(event.call_id)
    if call is None or event.status == "ANSWER":
        return
    shown = call.presentation
    if shown is not None and event.seat_id in shown.seats:
        if event.seat_id not in shown.dialled:
            return
        outcome = _outcome(desk, shown, event.status, event.seat_id)
        seat_over(desk, call.id, event.seat_id, outcome, event.at, event.status)
    elif event.seat_id in call.fallback_seats:
        desk.put(call._replace(fallback_seats=call.fallback_seats - {event.seat_id}))
        desk.release(event.seat_id, call.id, AgentEvent.PRESENTATION_LIFTED)


def _outcome(desk: Desk, shown: Presentation, status: str, seat_id: str | None = None) -> Outcome:
    """What a status of Asterisk means for the person at the seat. No ringing seen: a dead phone, not a person.

    A phone that rang was there: it declined (603), which Asterisk calls CHANUNAVAIL when it reads the leg's end before its
    answer (seen on 16.28). The caller may be back before AMI told of the leg (`seat_id` None): then a Dial that ended well
    before its time without an answer was ended by the phone itself (480, do not disturb).
    """
    rang = bool(shown.rang) if seat_id is None else seat_id in shown.rang
    outcome = STATUS_OUTCOME.get(status)
    if outcome is not None:
        return Outcome.BUSY if outcome is Outcome.UNREACHABLE and rang else outcome
    if status == "NOANSWER" and desk.floor.ami_up and not rang:
        remote = any(_is_remote(desk, id_) for id_ in shown.seats)
        rings_s = desk.rules.timing.remote_ring_s if remote else shown.ring_s
        said_so = seat_id is None and desk.now < shown.sent + rings_s - EARLY_S
        return Outcome.BUSY if said_so else Outcome.UNREACHABLE
    return Outcome.NO_ANSWER


def seat_over(desk: Desk, call_id: str, seat_id: str, outcome: Outcome, at: float, status: str | None = None) -> None:
    """One seat is done with its presentation; the last one sets the call down. `status`: what Asterisk called it."""
    call = desk.calls[call_id]
    shown = call.presentation
    if shown is None or seat_id in shown.over:
        return
    ring_s = None if shown.rang_at is None else round(desk.now - shown.rang_at, 3)
    desk.step(
        call, StepKind.PRESENTATION_ENDED, at, presentation=shown.id, seat=seat_id, outcome=outcome, ring_s=ring_s,
        status=status or None,
    )  # fmt: skip
    shown = shown._replace(over=shown.over | {seat_id})
    call = desk.calls[call_id]
    if outcome in _MISSES:
        call = call._replace(missed=call.missed | {seat_id})
    desk.put(call._replace(presentation=shown))
    _blame(desk, seat_id, call_id, outcome)
    if len(shown.over) == len(shown.seats):
        call = desk.put(desk.calls[call_id]._replace(presentation=None))
        desk.move(call, CallEvent.SET_DOWN)


def _blame(desk: Desk, seat_id: str, call_id: str, outcome: Outcome) -> None:
    """What the outcome costs the person: pauses of `[timing]`; void and cancelled cost nothing.

    A remote seat is refused by the guard for a leg of ours alone, and that is a telephone on which the asking for the key
    has not yet noticed that nobody waits any more.
    """
    agent = desk.floor.agent_at(seat_id)
    if agent is None or agent.call_id != call_id or agent.state is not AgentState.RINGING:
        return
    timing = desk.rules.timing
    if outcome in _UNANSWERED:
        misses = agent.misses + 1
        desk.floor.agents[agent.id] = agent._replace(misses=misses)
        limit = timing.no_answer_pause_s if misses < 2 else None
        reason = NO_ANSWER if misses < 2 else SET_ASIDE
        desk.agent(agent.id, AgentEvent.PRESENTATION_MISSED, limit_s=limit, reason=reason)
        if limit is None:
            desk.step(desk.calls[call_id], StepKind.SET_ASIDE, seat=seat_id, agent=agent.id)
    elif outcome is Outcome.UNREACHABLE:
        desk.agent(agent.id, AgentEvent.PRESENTATION_MISSED, limit_s=UNREACHABLE_PAUSE_S, reason=NO_RINGING)
    elif outcome in (Outcome.BUSY, Outcome.GUARDED):
        ours = outcome is Outcome.GUARDED and _is_remote(desk, seat_id)
        limit = min(REMOTE_SLACK_S, timing.busy_pause_s) if ours else timing.busy_pause_s
        desk.agent(agent.id, AgentEvent.PRESENTATION_MISSED, limit_s=limit, reason=BUSY)
    else:
        desk.agent(agent.id, AgentEvent.PRESENTATION_LIFTED)


def presentation_due(desk: Desk, call_id: str) -> None:
    call = desk.calls.get(call_id)
    shown = call.presentation if call else None
    if call is None or shown is None:
        return
    if _unheard_of(desk, shown):
        lapse(desk, call)
        return
    if desk.now >= shown.sent + shown.ring_s + EXPIRY_SLACK_S:
        outcome, seats = Outcome.NO_ANSWER, shown.seats
    elif _dead_phone(desk, shown):
        outcome, seats = Outcome.UNREACHABLE, tuple(id_ for id_ in shown.seats if not _is_remote(desk, id_))
    elif seats := _holds_back(desk, call, shown):
        outcome = Outcome.CANCELLED
        desk.put(call._replace(missed=call.missed.union(seats)))
    else:
        return
    if outcome is not Outcome.NO_ANSWER:
        desk.out += [c.DropLeg(call_id, seat_id) for seat_id in seats]
    for seat_id in seats:
        seat_over(desk, call_id, seat_id, outcome, desk.wall)


def _holds_back(desk: Desk, call: Call, shown: Presentation) -> tuple[str, ...]:
    """Remote seats alone have rung for as long as a phone may, nobody has picked up, and another seat is there: those that
    ring. Looked at every second from then on. One that rang for this caller already is none to leave them for."""
    left = tuple(id_ for id_ in shown.seats if id_ not in shown.over)
    if desk.now < shown.sent + desk.rules.timing.ring_s or not all(_is_remote(desk, id_) for id_ in left):
        return ()
    desk.timer(desk.now + LOOK_AGAIN_S, "presentation", call.id)
    if shown.picked_up or not desk.floor.ami_up:
        return ()
    rings = choice.open_rings(call.line, desk.now - call.arrived, desk.floor.anybody)
    found = selection.select(desk, call._replace(open_rings=rings, prefers=None))
    return left if found is not None and found[0][0].seat.id not in call.missed else ()


def _is_remote(desk: Desk, seat_id: str) -> bool:
    """A carrier may ring it later than any phone here."""
    seat = desk.rules.seats.get(seat_id)
    return seat is not None and seat.remote


def _unheard_of(desk: Desk, shown: Presentation) -> bool:
    """Asterisk does not dial, or AMI is too slow or too dead to say so."""
    limit_s = VOID_AFTER_S if desk.floor.ami_up and shown.dialing is None else shown.ring_s + EXPIRY_SLACK_S
    return desk.now >= shown.sent + limit_s and not (desk.floor.ami_up and shown.rang)


def lapse(desk: Desk, call: Call) -> None:
    """Nobody tells how it went: its seats are free for others, and `settle` tells the end once it is known."""
    shown = call.presentation
    assert shown is not None
    call = desk.put(call._replace(presentation=None, lapsed=shown))
    for seat_id in shown.seats:
        desk.release(seat_id, call.id, AgentEvent.PRESENTATION_LIFTED)
    desk.move(desk.calls[call.id], CallEvent.SET_DOWN)


def settle(desk: Desk, call_id: str, at: float, outcome: Outcome, answered_by: str | None = None) -> None:
    """How a lapsed presentation ended, if there was one."""
    call = desk.calls[call_id]
    shown = call.lapsed
    if shown is None:
        return
    desk.put(call._replace(lapsed=None))
    for seat_id in set(shown.seats) - shown.over:
        told = Outcome.ANSWERED if seat_id == answered_by else outcome
        desk.step(call, StepKind.PRESENTATION_ENDED, at, presentation=shown.id, seat=seat_id, outcome=told)


def _dead_phone(desk: Desk, shown: Presentation) -> bool:
    if not desk.floor.ami_up or shown.dialing is None or shown.rang:
        return False
    return desk.now >= shown.dialing + DEAD_PHONE_S


def came_back(desk: Desk, call: Call, event: e.CallHeld) -> None:
    """The caller is back in AGI, so his presentation is over; the dialplan says how when it carried it out."""
    if call.lapsed is not None:
        ours = event.last_presentation == call.lapsed.id
        settle(desk, call.id, desk.wall, _outcome(desk, call.lapsed, event.last_status) if ours else Outcome.VOID)
    if call.presentation is None:
        return
    ours = event.last_presentation == call.presentation.id
    outcome = _outcome(desk, call.presentation, event.last_status) if ours else Outcome.VOID
    for seat_id in call.presentation.seats:
        seat_over(desk, call.id, seat_id, outcome, desk.wall, event.last_status if ours else None)


def refused(desk: Desk, event: e.DecisionRefused) -> None:
    call = desk.known(event.call_id)
    if call is None:
        return
    call = desk.step(call, StepKind.REFUSED, session=event.session, presentation=_id(call.presentation))
    if call.presentation is not None and call.presentation.dialing is None:
        for seat_id in call.presentation.seats:
            seat_over(desk, call.id, seat_id, Outcome.VOID, desk.wall)


def _id(shown: Presentation | None) -> str | None:
    return None if shown is None else shown.id
