"""One number, one place in the queue: who calls again and again does not stand there several times.

Of the calls of one number that wait, one holds the place: the newest, for its caller is the likeliest to be still on the
line; it takes the arrival of the oldest. The others wait behind it, ring no seat, and follow when it is gone. While one of
them rings, none of the others does. Once one is answered the place is used up: the others stand where a caller stands who
comes now, so everybody else has his turn between two of them.

Withheld numbers, emergencies and numbers behind which many people stand (service numbers, which lie in no block) have
nothing to do with this; neither has a caller who comes back to the head because his agent's leg was lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from routing import restricting
from routing.call_state import CallState
from routing.calls import Call
from routing.steps import StepKind

BEHIND: Final = "another call of the same number holds the place of both"

if TYPE_CHECKING:
    from routing.desk import Desk


def came(desk: Desk, call: Call) -> None:
    """From now on the call belongs to its number."""
    if call.caller_ref and call.caller_blocks and not call.emergency and desk.rules.restricting.one_place:
        calls = desk.numbers.setdefault(call.caller_ref, {})
        calls[call.id] = None
        if len(calls) > 1:
            desk.stirred.add(call.caller_ref)


def left(desk: Desk, call: Call) -> None:
    """It is over."""
    others = desk.numbers.get(call.caller_ref or "", {})
    others.pop(call.id, None)
    if others:
        desk.stirred.add(call.caller_ref or "")
    else:
        desk.numbers.pop(call.caller_ref or "", None)


def settle(desk: Desk) -> None:
    """Whose calls came, went or changed since."""
    stirred, desk.stirred = desk.stirred, set()
    for caller_ref in sorted(stirred):
        _settle(desk, [desk.calls[call_id] for call_id in desk.numbers.get(caller_ref, ())])


def used_up(desk: Desk, call: Call) -> None:
    """Somebody has answered this call: for the others of its number the waiting begins anew, as far as places go."""
    for other_id in desk.numbers.get(call.caller_ref or "", ()):
        other = desk.calls.get(other_id)
        if other is None or other.id == call.id or other.answered_at is not None:
            continue
        position = max(other.position, desk.now - other.credit_s)
        other = desk.put(restricting.placed(desk, other._replace(position=position)))
        if other.id in desk.queue:
            desk.queue.put(other)


def _settle(desk: Desk, calls: list[Call]) -> None:
    waiting = [call for call in calls if call.state is CallState.QUEUED and not call.head]
    taken = any(call.state is CallState.PRESENTED or (call.head and call.state is CallState.QUEUED) for call in calls)
    holder = None if taken or not waiting else max(waiting, key=lambda call: (call.arrived, call.id))
    for call in waiting:
        if call is holder:
            _hold_the_place(desk, call, min(waiting, key=lambda one: one.position))
        elif call.id in desk.queue:
            desk.queue.drop(call.id)
            desk.step(desk.put(call._replace(behind=True)), StepKind.FLAG, flag="storm", detail=BEHIND)


def _hold_the_place(desk: Desk, call: Call, first: Call) -> None:
    """With the arrival of the first of them, as far as the place goes: the metric clock is the call's own."""
    if call is first and not call.behind:
        return
    call = call._replace(position=first.position, credit_s=first.credit_s, behind=False)
    desk.queue.put(desk.put(restricting.placed(desk, call)))
    desk.dirty_calls[call.id] = None
