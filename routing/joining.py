"""Acts on a call in progress: consult, merge, three-way, transfer, blind, return, hold, resume, emergency.

The caller's leg is never put at risk: whoever is to come is dialled first, into the conference of the call, while caller
and agent go on talking; when somebody has answered, caller and agent are moved there by one act of Asterisk (`gathering`).
Acts on one call are serialised by the table of what is legal in which state; an emergency goes before everything.

Source: design §5; asterisk-facts §1.1: a lone redirect of the agent's leg would look like a goodbye to the dialplan.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from routing import act_book, gathering, thirds
from routing import commands as c
from routing import events as e
from routing.call_state import CallState
from routing.calls import Call
from routing.desk import Desk
from routing.joined import DIALS, LEGAL, Act, Joined, JoinState, Place, Verb
from routing.steps import ActOutcome, StepKind, ThirdOutcome
from routing.targets import Target, TargetKind

DIAL_SLACK_S: Final = 5.0  # beyond the time that all routes together may take
STATE_WORDS: Final = {
    JoinState.TALKING: "caller and agent talk with each other",
    JoinState.DIALING: "a third party is being dialled",
    JoinState.EMERGENCY: "an emergency centre is being dialled",
    JoinState.GATHERING: "people are being joined at this moment",
    JoinState.HELD: "the caller is on hold",
    JoinState.CONSULTING: "the agent consults a third party",
    JoinState.THREE_WAY: "a third party is on the line",
    JoinState.HANDING_OVER: "the agent has left",
    JoinState.HANDED_OVER: "the agent has left",
    JoinState.RETURNING: "the agent has left",
}


class Refusal(NamedTuple):
    """Why an act cannot be done now. `kind`: unknown (no such call), state, or target."""

    kind: str
    sentence: str


def state(desk: Desk, call_id: str) -> JoinState | None:
    """None: nobody talks with the caller."""
    call, joined = desk.calls.get(call_id), desk.joined.get(call_id)
    if call is None or call.state is not CallState.CONNECTED:
        return None
    return JoinState.TALKING if joined is None else joined.state


def refusal(desk: Desk, call_id: str, verb: Verb, target: Target | None) -> Refusal | None:
    """What stands against the act, with what is allowed instead."""
    call = desk.calls.get(call_id)
    if call is None:
        ended = call_id in desk.ended
        return Refusal("state" if ended else "unknown", f"call {call_id} {'is over' if ended else 'is not known'}")
    now = state(desk, call_id)
    if now is None:
        return Refusal("state", f"nobody talks with the caller of {call_id} yet, so there is nothing to {_word(verb)}")
    if not desk.floor.ami_up:
        return Refusal("down", "Asterisk Manager is not connected: acts wait until it is; the talk itself goes on")
    if now not in LEGAL[verb]:
        return Refusal(
            "state", f"{_word(verb)} is not possible: {STATE_WORDS[now]}. Possible now: {possible(desk, call_id)}"
        )
    return _emergency_refusal(desk, call_id, verb) or _target_refusal(desk, call, verb, target)


def _emergency_refusal(desk: Desk, call_id: str, verb: Verb) -> Refusal | None:
    joined = desk.joined.get(call_id)
    if joined is None or not joined.emergency:
        return None
    if verb is Verb.HOLD:
        return Refusal("state", "an emergency centre is on the line: the caller is not put on hold")
    if verb is Verb.EMERGENCY and joined.state is JoinState.EMERGENCY:
        return Refusal("state", "an emergency centre is being dialled already")
    return None


def _target_refusal(desk: Desk, call: Call, verb: Verb, target: Target | None) -> Refusal | None:
    if verb not in DIALS:
        return None
    if target is None:
        return Refusal("target", f"{_word(verb)} needs a target: department, hotline, agent, skill or number")
    if (verb is Verb.EMERGENCY) != (target.kind is TargetKind.EMERGENCY):
        return Refusal("target", "emergency centres are reached by the act emergency, and by nothing else")
    if (
        target.kind in (TargetKind.AGENT, TargetKind.SKILL)
        and thirds.free_agent(desk, call, target, frozenset()) is None
    ):
        return Refusal("target", thirds.why_nobody(desk, target))
    if target.kind not in (TargetKind.AGENT, TargetKind.SKILL) and not target.routes:
        return Refusal("target", f"{target.name} has no number")
    return None


def possible(desk: Desk, call_id: str) -> str:
    """The acts that are legal now, as people read them."""
    now = state(desk, call_id)
    found = [_word(verb) for verb in Verb if now in LEGAL[verb]]
    return ", ".join(found) if found else "nothing"


def _word(verb: Verb) -> str:
    return verb.value.replace("_", "-")


def asked(desk: Desk, event: e.JoinAsked) -> None:
    """Begins an act. One that is refused changes nothing; who asked was told why by `refusal`."""
    against = refusal(desk, event.call_id, event.verb, event.target)
    call = desk.calls.get(event.call_id)
    if call is None:
        return
    joined = desk.joined.get(call.id) or Joined(call.id)
    no = joined.acts + 1
    target, case = event.target, event.case or _own_case(call, event.target)
    _note_asked(desk, call, no, event, case)
    if against is not None:
        desk.step(
            call, StepKind.ACT_ENDED, act=no, verb=event.verb, outcome=ActOutcome.REFUSED, reason=against.sentence
        )
        act_book.refused(desk, joined, no)
        return
    if joined.act is not None and joined.act.alone:
        desk.out.append(c.StopAlone(call.id))
    if joined.act is not None:
        joined = act_book.end_act(desk, joined, ActOutcome.CANCELLED, "another act took its place")
    joined = thirds.drop_dialled(desk, joined)
    until = desk.now + _patience_s(event.verb, target)
    routes = () if target is None else thirds.living_first(desk, target)
    act = Act(no, event.verb, target, event.by, until, case=case, routes=routes)
    joined = act_book.put(desk, joined._replace(act=act, acts=no))
    act_book.stamp(desk, joined)
    _BEGIN[event.verb](desk, joined)


def _own_case(call: Call, target: Target | None) -> str:
    """What came with the call goes on to whoever sees the citizen's number, too."""
    return call.case if target is not None and target.shows_caller else ""


def _patience_s(verb: Verb, target: Target | None) -> float:
    """How long the act may take at most; so long the dialplan alone waits for its third party."""
    if target is None:
        return gathering.MOVE_S
    routes = max(1, len(target.routes))
    each_s = thirds.EMERGENCY_RINGS_S if verb is Verb.EMERGENCY else target.answer_s * routes
    return each_s + DIAL_SLACK_S


def not_asked(desk: Desk, event: e.JoinRefused) -> None:
    """Tells the story of an act that never began."""
    call = desk.calls.get(event.call_id)
    if call is None:
        return
    joined = desk.joined.get(call.id) or Joined(call.id)
    no = joined.acts + 1
    plain = event.kind == TargetKind.NUMBER  # may be a citizen's
    desk.step(
        call, StepKind.ACT_ASKED, act=no, verb=event.verb, by=event.by, via=event.via, case=event.case or None,
        target_kind=event.kind or None, target=None if plain else event.target,
    )  # fmt: skip
    if event.closed:
        desk.step(call, StepKind.THIRD_ENDED, act=no, leg=0, outcome=ThirdOutcome.OUT_OF_HOURS, talked=False)
    desk.step(call, StepKind.ACT_ENDED, act=no, verb=event.verb, outcome=ActOutcome.REFUSED, reason=event.reason)
    act_book.refused(desk, joined, no)


def _note_asked(desk: Desk, call: Call, no: int, event: e.JoinAsked, case: str) -> None:
    target = event.target
    desk.step(
        call, StepKind.ACT_ASKED, act=no, verb=event.verb, by=event.by, via=event.via, case=case or None,
        target_kind=None if target is None else target.kind, target=None if target is None else target.id,
        name=None if target is None else target.name,
    )  # fmt: skip


def _dial(desk: Desk, joined: Joined) -> None:
    """An emergency takes the caller out of the music at once, and out of a talk with a limit, while it is dialled."""
    act, call = joined.act, desk.calls[joined.call_id]
    assert act is not None
    joined = thirds.dial_next(desk, joined)
    limited = call.limit_s is not None and joined.caller is Place.BRIDGE
    if act.verb is Verb.EMERGENCY and (joined.caller is Place.HOLD or limited):
        gathering.begin(desk, joined, Place.ROOM)


def _hold(desk: Desk, joined: Joined) -> None:
    gathering.begin(desk, joined, Place.HOLD)


def _to_room(desk: Desk, joined: Joined) -> None:
    gathering.begin(desk, joined, Place.ROOM)


def _return(desk: Desk, joined: Joined) -> None:
    """Third parties go; the caller comes back to the agent."""
    for third in joined.there:
        joined = thirds.drop(desk, joined, third)
    if joined.caller is Place.HOLD:
        gathering.begin(desk, joined, Place.ROOM)
    else:
        act_book.end_act(desk, joined, ActOutcome.DONE)


def _transfer(desk: Desk, joined: Joined) -> None:
    """The caller is with the third party first, then the agent leaves."""
    if joined.caller is Place.ROOM:
        gathering.reached(desk, joined)
    else:
        gathering.begin(desk, joined, Place.ROOM)


_BEGIN: Final = {
    Verb.CONSULT: _dial,
    Verb.THREE_WAY: _dial,
    Verb.BLIND: _dial,
    Verb.EMERGENCY: _dial,
    Verb.MERGE: _to_room,
    Verb.TRANSFER: _transfer,
    Verb.RETURN: _return,
    Verb.HOLD: _hold,
    Verb.RESUME: _to_room,
}
