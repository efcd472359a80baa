"""Who rings for whom: keeps the promise that no free seat which `eligible` admits is left while a caller waits."""

from __future__ import annotations

from routing import choice, presenting, restricting, selection
from routing import commands as c
from routing.call_state import CallEvent
from routing.calls import Call, Key, Want
from routing.desk import Desk
from routing.floor import AWAY
from routing.presenting import DECISION_TTL_S
from routing.steps import StepKind


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
    if _another_zone_lends(desk) or desk.floor.present.differs:
        desk.floor.present.differs = False
        look_at_everything(desk)
    _look_for_the_last_agents(desk)
    seats, desk.floor.changed = desk.floor.changed, set()
    dirty, desk.dirty_calls = desk.dirty_calls, {}
    if not desk.queue:
        return
    for call_id in dirty:
        desk.suspect = call_id
        restricting.tell(desk, call_id)
        _open_rings(desk, call_id)
    _serve(desk, seats, {call_id for call_id in dirty if call_id in desk.queue})
    _note_nobody(desk, dirty)
    _give_up_on_nobody(desk, dirty)


def _serve(desk: Desk, seats: set[str], dirty: set[str]) -> None:
    """Presents to those whom a fresh seat may take, and to the dirty ones whom any free seat may take, in their order."""
    wanted = set() if len(dirty) == len(desk.queue) else _wanted(desk, seats)
    ordered = sorted(map(desk.queue.key, dirty), reverse=True)
    in_vain: set[Want] = set()
    while (call_id := _next(desk, wanted, ordered)) is not None:
        desk.suspect = call_id
        want = desk.queue.want(call_id)
        if want in in_vain:
            continue
        if not _present_best(desk, desk.calls[call_id]):
            in_vain.add(want)
            wanted.discard(want)
        elif wanted:
            wanted = _wanted(desk, seats) - in_vain
        if not desk.floor.free:
            return


def _next(desk: Desk, wanted: set[Want], ordered: list[Key]) -> str | None:
    """Who is served next: the first who wants what is wanted, or of `ordered` (the last comes first), which loses him."""
    while ordered and ordered[-1][2] not in desk.queue:
        ordered.pop()
    first = desk.queue.first(wanted)
    if ordered and (first is None or ordered[-1] <= first):
        return ordered.pop()[2]
    return None if first is None else first[2]


def _wanted(desk: Desk, seats: set[str]) -> set[Want]:
    """What those of these seats that are still free may take, of what is waiting."""
    free = desk.floor.free
    kept = desk.lending.kept
    found: set[Want] = set()
    for seat_id in seats if desk.queue.hoping else ():
        if seat_id in free:
            found |= desk.queue.hoping.get(desk.floor.at_seat[seat_id], set())
    for kind in {free.kind(seat_id) for seat_id in seats if seat_id in free}:
        rings = kind.rings  # what `ring` would say, for hundreds of wants at each goodbye
        for want, line in desk.queue.wants():
            ring = rings.get(want.line)
            if ring is None:
                _, _, desk.suspect = desk.queue.first({want}) or (0, 0.0, None)
                ring = kind.ring(line)
            if ring < want.open_rings and (want.overdue or kind.agent.zone not in kept or kind.agent.zone == line.zone):
                found.add(want)
    return found


def _open_rings(desk: Desk, call_id: str) -> None:
    desk.suspect = call_id
    call = desk.calls.get(call_id)
    if call is not None and call_id in desk.queue:
        prefers = call.prefers if _may_still_come(desk, call) else None
        count = 0 if prefers else choice.open_rings(call.line, desk.now - call.arrived, desk.floor.anybody)
        overdue = bool(desk.lending) and desk.now - call.arrived >= call.line.answer_within_s
        if (count, prefers, overdue) != (call.open_rings, call.prefers, call.overdue):
            desk.calls[call_id] = call._replace(open_rings=count, prefers=prefers, overdue=overdue)
            desk.queue.put(desk.calls[call_id])


def _may_still_come(desk: Desk, call: Call) -> bool:
    """The agent whom the caller prefers is there, has not missed him, and may take him, within the first seconds."""
    agent = desk.floor.agents.get(call.prefers or "")
    now_at = desk.floor.seat_now(agent.seat_id) if agent and agent.seat_id else None
    if now_at is None or now_at.agent.state in AWAY or now_at.seat.id in call.missed:
        return False
    fits = choice.first_ring_of(now_at.profile, now_at.seat, call.line.rings) is not None
    return fits and desk.now < call.arrived + call.line.last_agent_s


def _another_zone_lends(desk: Desk) -> bool:
    """Looked at after every event, before anything is decided; a timer only for who lends again by mere waiting."""
    if not desk.lending:
        return False
    differs = desk.lending.look(lambda zone_id: _longest_wait_s(desk, zone_id), desk.now)
    when = desk.lending.next_change(desk.now)
    if when is not None and desk.lends_again_at <= desk.now:
        desk.lends_again_at = when
        desk.timer(when, "lending", "")
    return differs


def _longest_wait_s(desk: Desk, zone_id: str) -> float:
    call_id = desk.queue.longest_wait_of(zone_id)
    return 0.0 if call_id is None or desk.calls[call_id].test else desk.now - desk.calls[call_id].arrived


def _look_for_the_last_agents(desk: Desk) -> None:
    """Who waits for one agent alone is looked at again when that agent is gone."""
    for agent_id, wants in desk.queue.hoping.items():
        agent = desk.floor.agents.get(agent_id)
        if agent is None or agent.state in AWAY:
            desk.dirty_calls.update(dict.fromkeys(id_ for want in wants for id_ in desk.queue.alike(want)))


def _present_best(desk: Desk, call: Call) -> bool:
    found = selection.select(desk, call)
    if found is None:
        return False
    presenting.present(desk, call, *found)
    return True


def _note_nobody(desk: Desk, dirty: dict[str, None]) -> None:
    """Who still waits is told of once for every ring that opens: so later it is known why nobody answered then."""
    for call_id in dirty:
        desk.suspect = call_id
        call = desk.calls.get(call_id)
        if call is None or call_id not in desk.queue or call.open_rings <= call.noted_rings:
            continue
        desk.put(call._replace(noted_rings=call.open_rings))
        desk.step(
            call, StepKind.NOBODY, open_rings=call.open_rings, prefers=call.prefers, place=desk.queue.place(call_id),
            wait_s=round(desk.now - call.arrived, 3), candidates=selection.candidates(desk, call),
        )  # fmt: skip


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
            call = desk.step(call, StepKind.SENT, verb="fallback", session=call.session)
            desk.move(call, CallEvent.LET_GO, session=None)
