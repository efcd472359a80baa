"""Restrictions at work: who is served last, who hears the notice, whose talk is limited.

A call is looked up when it comes, when the book changes and when an entry expires, as long as nobody has answered it. An
emergency is never looked up. Served last is a place in the queue and no other queue: `behind_s` behind the lowest class,
so that everybody who comes within that time goes first and nobody waits for ever.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from routing import commands as c
from routing import events as e
from routing.call_state import UNANSWERED, CallEvent
from routing.calls import Call
from routing.presenting import DECISION_TTL_S
from routing.restrictions import Afterwards, Book, Kind
from routing.steps import StepKind

if TYPE_CHECKING:
    from routing.desk import Desk


def changed(desk: Desk, event: e.RestrictionsChanged) -> None:
    desk.book = Book(event.restrictions)
    _look_at_everybody(desk)


def look(desk: Desk) -> None:
    """Asked with every event, because the clock on the wall may step."""
    if desk.wall >= desk.book_until:
        _look_at_everybody(desk)


def due(desk: Desk, _: str = "") -> None:
    """`look` has been asked already. A timer that comes early by the clock on the wall is set again."""
    when = desk.now + max(0.001, desk.book_until - desk.wall)
    if when < math.inf and not any(kind == "restriction" and at <= when for at, _, kind, _ in desk.timers):
        desk.timer(when, "restriction", "")


def _look_at_everybody(desk: Desk) -> None:
    desk.book_until = desk.book.next_expiry(desk.wall)
    due(desk)
    for call in list(desk.calls.values()):
        look_up(desk, call)


def look_up(desk: Desk, call: Call) -> Call:
    """The call with the restriction of this moment; once somebody has answered it stays as it was."""
    if call.answered_at is not None or call.state not in UNANSWERED:
        return call
    found = None if call.emergency else desk.book.find(call.caller_ref, call.caller_blocks, desk.wall)
    if found == call.restriction:
        return call
    call = desk.put(placed(desk, call._replace(restriction=found)))
    if call.id in desk.queue:
        desk.queue.put(call)
        desk.dirty_calls[call.id] = None
    if found is None:
        return desk.step(call, StepKind.RESTRICTED, rule="over")
    return desk.step(call, StepKind.RESTRICTED, restriction=found.id, rule=found.kind, reason=found.reason or None)


def placed(desk: Desk, call: Call) -> Call:
    """The call at its place: served last is as if he had come `behind_s` later, in the lowest class there is."""
    if call.restriction is None or not call.restriction.serves_last:
        return call if call.last_place is None else call._replace(last_place=None)
    lines, trunks = desk.rules.lines.values(), desk.rules.trunks.values()
    lowest = min((line.priority for line in lines), default=0) + min((way.priority for way in trunks), default=0)
    worth_s = min(call.credit_s, lowest * desk.rules.timing.class_worth_s)
    return call._replace(last_place=call.position + call.credit_s - worth_s + desk.rules.restricting.behind_s)


def tell(desk: Desk, call_id: str) -> None:
    """Whoever is rejected hears the notice before anything else, once; then he waits, or the call ends.

    It ends only when the dialplan says that he has heard it, and only where the notice is spoken.
    """
    call = desk.calls.get(call_id)
    if call is None or call_id not in desk.queue or call.session is None or call.answered_at is not None:
        return
    entry = call.restriction
    if entry is None or entry.kind is not Kind.REJECT:
        return
    deadline_at, session = desk.wall + DECISION_TTL_S, call.session
    if not call.informed:
        desk.out.append(c.Inform(call.id, session, deadline_at))
        call = desk.step(call, StepKind.SENT, verb="inform", session=session)
        desk.move(call, CallEvent.LET_GO, session=None, informed=True)
    elif call.heard and entry.afterwards is Afterwards.END and desk.rules.restricting.spoken_notice:
        desk.out.append(c.Dismiss(call.id, session, deadline_at))
        call = desk.step(call, StepKind.SENT, verb="dismiss", session=session)
        desk.move(call, CallEvent.LET_GO, session=None, dismissed=True)
