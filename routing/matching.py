"""Who rings for whom: keeps the promise that no free seat which `eligible` admits is left while a caller waits."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from routing import choice, presenting
from routing import commands as c
from routing.call_state import CallEvent
from routing.calls import Call
from routing.desk import Desk
from routing.presenting import DECISION_TTL_S

SEVERAL: Final = 3  # seats ringing at once after ring_several_after_s


def look_at_everything(desk: Desk) -> None:
    desk.floor.changed.update(desk.floor.at_seat)
    for call_id in desk.queue:
        desk.dirty_calls[call_id] = None


def match(desk: Desk) -> None:
    """Restores the promise: no free seat that `eligible` admits while a caller waits.

    Only what changed is looked at: a seat that became free against the waiting in their order, a call that came or
    whose next ring opened against the free seats.
    """
    if not desk.deciding:
        return
    if desk.floor.presence_changed:
        desk.floor.presence_changed = False
        look_at_everything(desk)
    seats, desk.floor.changed = desk.floor.changed, set()
    dirty, desk.dirty_calls = desk.dirty_calls, {}
    if not desk.queue:
        return
    for call_id in dirty:
        _open_rings(desk, call_id)
    fresh = [s for s in desk.floor.candidates() if s.seat.id in seats]
    if not fresh and not dirty:
        return
    for call_id in desk.queue:
        desk.suspect = call_id
        call = desk.calls[call_id]
        admits = call_id in dirty or any(choice.eligible(desk.waiting(call), seat) is None for seat in fresh)
        if admits and _present_best(desk, call):
            fresh = [s for s in desk.floor.candidates() if s.seat.id in seats]
            if not fresh and not dirty.keys() & set(desk.queue):
                break
    _give_up_on_nobody(desk, dirty)


def _open_rings(desk: Desk, call_id: str) -> None:
    desk.suspect = call_id
    call = desk.calls.get(call_id)
    if call is not None and call_id in desk.queue:
        count = choice.open_rings(call.line, desk.now - call.arrived, desk.floor.anybody)
        if count != call.open_rings:
            desk.calls[call_id] = replace(call, open_rings=count)


def _present_best(desk: Desk, call: Call) -> bool:
    waiting = desk.waiting(call)
    admitted = [seat for seat in desk.floor.candidates() if choice.eligible(waiting, seat) is None]
    if not admitted:
        return False
    demand = _demand(desk)
    desk.suspect = call.id
    admitted.sort(key=lambda seat: choice.rank(waiting, seat, demand))
    several_after_s = desk.rules.timing.ring_several_after_s
    several = 0 < several_after_s <= desk.now - call.arrived
    best = admitted[: SEVERAL if several else 1]
    why = choice.explanation(waiting, desk.floor.all_seats(), tuple(seat.seat.id for seat in best))
    presenting.present(desk, call, best, why)
    return True


def _demand(desk: Desk) -> dict[str, float]:
    """Callers waiting, by the skill their first ring asks for."""
    demand: dict[str, float] = {}
    for call_id in desk.queue:
        desk.suspect = call_id
        need = desk.calls[call_id].line.rings[0].need
        if need is not None and need.skill is not None:
            demand[need.skill] = demand.get(need.skill, 0.0) + 1.0
    return demand


def _give_up_on_nobody(desk: Desk, dirty: dict[str, None]) -> None:
    """Nobody is there for any ring of the line, and its last ring is open: the dialplan's duty seats and telephone.

    At once when AMI is down and nobody is signed in at all, for then no phone that appears would be seen.
    """
    empty = not desk.floor.ami_up and not desk.floor.at_seat
    for call_id in dirty:
        desk.suspect = call_id
        call = desk.calls.get(call_id)
        if call is None or call_id not in desk.queue or call.session is None:
            continue
        late = empty or desk.now - call.arrived >= call.line.rings[-1].after_s
        if late and not any(desk.floor.anybody(ring) for ring in call.line.rings):
            desk.out.append(c.SendToFallback(call_id, call.session, desk.wall + DECISION_TTL_S))
            desk.move(call, CallEvent.LET_GO, session=None)
