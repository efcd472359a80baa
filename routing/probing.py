"""Test calls at the desk: one at a time, never in a citizen's way, and which incoming call is one.

The dialplan marks the incoming call: the number of the trunk that dials, the line that was dialled, within the seconds for
which the service has opened the door, and only once. What comes in with the mark is a `Call` as any other, so that it
meets the real service; it differs in what is told here and nowhere else:

* it is served after every citizen, whatever is waiting (`Call.order`);
* nothing of its number is kept, so no place, restriction or last agent of anybody is touched;
* it is judged `test` from its first step, which is what every figure goes by (`judging.is_test`);
* while it waits or rings it gives way as soon as more citizens wait than is allowed;
* its agent has no wrap-up, and a lost leg ends it.

A call from an emergency centre is never one, nor is a second call with the same mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from routing import commands as c
from routing import events as e
from routing.call_state import CallState
from routing.probe import TIDY_S, Probe, ProbeEvent, ProbeOutcome, ProbeState, step

if TYPE_CHECKING:
    from routing.calls import Call
    from routing.desk import Desk

FRESH_S: Final = 3.0  # asked for so lately: a picture may not have it yet


def refusal(desk: Desk, most_waiting: int) -> str | None:
    """Why no test call can be placed now, as a sentence; None when one can."""
    if desk.probes:
        return "a test call is under way"
    if desk.surge is not None:
        return "a surge is declared"
    waiting = _waiting(desk)
    return f"{waiting} callers wait" if waiting > most_waiting else None


def _waiting(desk: Desk) -> int:
    """Citizens who have to wait; one whose phone rings already is served."""
    return sum(call.state is CallState.QUEUED and not call.test for call in desk.calls.values())


def asked(desk: Desk, event: e.ProbeAsked) -> None:
    """Dials. Without effect when `refusal` has a reason: who asks looks first."""
    if refusal(desk, desk.rules.probing.most_waiting) is not None:
        return
    rings_s = desk.rules.probing.ring_s
    probe = Probe(event.probe_id, event.number, event.by, desk.wall, event.slot)
    _put(desk, probe._replace(until=desk.now + rings_s + TIDY_S))
    desk.timer(desk.now + rings_s + TIDY_S, "probe", probe.id)
    desk.out.append(c.DialProbe(probe.id, probe.number, rings_s, event.dial))


def moved(desk: Desk, event: e.ProbeMoved) -> None:
    probe = desk.probes.get(event.probe_id)
    if probe is not None:
        _take(desk, probe, event.what, desk.wall if event.at is None else event.at, event.cause, event.sip)


def _take(desk: Desk, probe: Probe, what: ProbeEvent, at: float, *why: int | None, seen: bool = True) -> None:
    changed = step(probe, what, at, *why, seen=seen)
    if changed is probe:
        return
    if changed.state is ProbeState.ANSWERED:
        changed = changed._replace(until=desk.now + desk.rules.probing.talk_s + 2 * TIDY_S)
        desk.timer(desk.now + desk.rules.probing.talk_s + 2 * TIDY_S, "probe", probe.id)
    _put(desk, changed)
    if changed.state is ProbeState.ENDED:
        del desk.probes[probe.id]
        desk.out.append(c.CloseProbe(probe.id))


def _put(desk: Desk, probe: Probe) -> None:
    desk.probes[probe.id] = probe
    desk.out.append(c.WriteProbe(probe))


def due(desk: Desk, probe_id: str) -> None:
    """Its time is over. Without AMI nobody can see or end it: looked at again later."""
    probe = desk.probes.get(probe_id)
    if probe is None or probe.until is None or probe.until > desk.now:
        return
    if probe.dropped is not None and desk.floor.ami_up:
        _take(desk, probe, ProbeEvent.GONE, desk.wall, seen=False)
        return
    if desk.floor.ami_up:
        silent = ProbeOutcome.SILENT if probe.ringing_at is None else ProbeOutcome.NO_ANSWER
        drop(desk, probe, silent)
    else:
        _wait_on(desk, probe)


def drop(desk: Desk, probe: Probe, why: ProbeOutcome) -> None:
    """We ask for its end; `why` is its outcome when nobody has answered."""
    _wait_on(desk, probe._replace(dropped=why))
    desk.out.append(c.DropProbe(probe.id))


def _wait_on(desk: Desk, probe: Probe) -> None:
    desk.probes[probe.id] = probe._replace(until=desk.now + TIDY_S)
    desk.timer(desk.now + TIDY_S, "probe", probe.id)


# -- the call that comes in --------------------------------------------------------------------------------------------


def taken_in(desk: Desk, call_id: str, arrived_at: float, facts: dict[str, Any]) -> bool:
    """Whether the call that arrives is a test. Then nothing of its number stays in `facts`."""
    mark = facts.pop("test", "")
    if not mark or facts.get("emergency"):
        return False
    probe = desk.probes.get(mark)
    if probe is not None:
        if probe.call_id not in ("", call_id):
            return False
        _put(desk, probe._replace(call_id=call_id, arrived_at=arrived_at))
    facts.update(caller_ref=None, caller_sealed=None, caller_blocks=())
    return True


def answered(desk: Desk, call: Call, at: float, by: str) -> None:
    """An agent has answered the call that came in."""
    for probe in list(desk.probes.values()):
        if probe.call_id == call.id and probe.in_answered_at is None:
            seat, agent = call.seat_id or "", call.agent_id or ""
            _put(desk, probe._replace(in_answered_at=at, seat_id=seat, agent_id=agent, answered_by=by))


def look(desk: Desk) -> None:
    """A test that nobody has answered gives way to citizens; asked with every event."""
    if not desk.probes or not desk.floor.ami_up:
        return
    if desk.surge is None and _waiting(desk) <= desk.rules.probing.most_waiting:
        return
    for probe in list(desk.probes.values()):
        if probe.dropped is None and probe.answered_at is None and probe.in_answered_at is None:
            drop(desk, probe, ProbeOutcome.GAVE_WAY)


# -- after a restart, and with every picture ---------------------------------------------------------------------------


def remember(desk: Desk, probes: tuple[Probe, ...]) -> None:
    """Those that the records know as not ended; the first picture decides what they are."""
    until = desk.now + desk.rules.probing.ring_s + TIDY_S
    for probe in probes:
        desk.probes[probe.id] = probe._replace(until=until, dropped=None)
        desk.timer(until, "probe", probe.id)


def take_picture(desk: Desk, picture: e.Picture) -> None:
    """What Asterisk has no more is over."""
    for probe in list(desk.probes.values()):
        if probe.id not in picture.probes and probe.asked_at < picture.at - FRESH_S:
            _take(desk, probe, ProbeEvent.GONE, picture.at, seen=False)
