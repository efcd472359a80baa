"""Who rings for whom: keeps the promise that no free seat which `eligible` admits is left while a caller waits."""

from __future__ import annotations

from collections.abc import Collection
from heapq import nsmallest
from typing import Final

from routing import choice, presenting
from routing import commands as c
from routing.call_state import CallEvent
from routing.calls import Call, Want
from routing.desk import Desk
from routing.presenting import DECISION_TTL_S

SEVERAL: Final = 3  # seats ringing at once after ring_several_after_s


def look_at_everything(desk: Desk) -> None:
    desk.floor.changed.update(desk.floor.at_seat)
    for call_id in desk.queue:
        desk.dirty_calls[call_id] = None


def match(desk: Desk) -> None:
    """Restores the promise: no free seat that `eligible` admits while a caller waits.

    Only what changed is looked at: a seat that became free against what the waiting want, a call that came or whose
    next ring opened against the free seats. Callers are served in their order.
    """
    if not desk.deciding:
        return
    if desk.floor.presence_differs():
        look_at_everything(desk)
    seats, desk.floor.changed = desk.floor.changed, set()
    dirty, desk.dirty_calls = desk.dirty_calls, {}
    if not desk.queue:
        return
    for call_id in dirty:
        _open_rings(desk, call_id)
    _serve(desk, seats, {call_id for call_id in dirty if call_id in desk.queue})
    _give_up_on_nobody(desk, dirty)


def _serve(desk: Desk, seats: set[str], dirty: set[str]) -> None:
    """Presents to those whom a fresh seat may take, and to the dirty ones whom any free seat may take."""
    fresh = [] if len(dirty) == len(desk.queue) else _still_free(desk, seats)
    if not fresh and not dirty:
        return
    in_vain: set[Want] = set()
    for call_id in desk.queue.those(_wanted(desk, fresh), frozenset(dirty)):
        desk.suspect = call_id
        want = desk.queue.want(call_id)
        dirty.discard(call_id)
        if want in in_vain:
            continue
        if not _present_best(desk, desk.calls[call_id]):
            in_vain.add(want)
        elif fresh:
            fresh = _still_free(desk, seats)
        if not fresh and not dirty:
            return


def _still_free(desk: Desk, seats: set[str]) -> list[choice.SeatNow]:
    candidates = (seat for seat in desk.floor.candidates() if seat.seat.id in seats)
    return [seat for seat in candidates if choice.takes_nobody(seat) is None]


def _wanted(desk: Desk, fresh: list[choice.SeatNow]) -> set[Want]:
    """What some of these seats may take, of what is waiting."""
    found: set[Want] = set()
    for want, call_id, _ in desk.queue.wants() if fresh else ():
        desk.suspect = call_id
        waiting = desk.waiting(desk.calls[call_id])
        if any(choice.eligible(waiting, seat) is None for seat in fresh):
            found.add(want)
    return found


def _open_rings(desk: Desk, call_id: str) -> None:
    desk.suspect = call_id
    call = desk.calls.get(call_id)
    if call is not None and call_id in desk.queue:
        count = choice.open_rings(call.line, desk.now - call.arrived, desk.floor.anybody)
        if count != call.open_rings:
            desk.calls[call_id] = call._replace(open_rings=count)
            desk.queue.put(desk.calls[call_id])


def _present_best(desk: Desk, call: Call) -> bool:
    waiting = desk.waiting(call)
    admitted, others = _looked_at(desk, waiting)
    if not admitted:
        return False
    demand = _demand(desk)
    desk.suspect = call.id
    several_after_s = desk.rules.timing.ring_several_after_s
    several = 0 < several_after_s <= desk.now - call.arrived
    best = nsmallest(SEVERAL if several else 1, admitted, key=lambda seat: choice.rank(waiting, seat, demand))
    chosen = [seat.seat.id for seat in best]
    others["free"] = [seat.seat.id for seat in admitted if seat.seat.id not in chosen]
    presenting.present(desk, call, best, choice.explanation(waiting, chosen, others))
    return True


def _looked_at(desk: Desk, waiting: choice.Waiting) -> tuple[list[choice.SeatNow], dict[str, Collection[str]]]:
    """The seats that the call may have now; and reason -> ids of all others."""
    admitted: list[choice.SeatNow] = []
    refused: dict[str, list[str]] = {}
    for seat in desk.floor.candidates():
        reason = choice.eligible(waiting, seat)
        if reason is None:
            admitted.append(seat)
        else:
            refused.setdefault(reason, []).append(seat.seat.id)
    return admitted, {**desk.floor.refused(), **refused}


def _demand(desk: Desk) -> dict[str, float]:
    """Callers waiting, by the skill their first ring asks for."""
    demand: dict[str, float] = {}
    for _, call_id, count in desk.queue.wants():
        desk.suspect = call_id
        need = desk.calls[call_id].line.rings[0].need
        if need is not None and need.skill is not None:
            demand[need.skill] = demand.get(need.skill, 0.0) + count
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
