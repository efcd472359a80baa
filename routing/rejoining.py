"""Joined calls as Asterisk shows them after a restart of ours, a loss of AMI, or a doubt: who is where, what was under way.

The stamp of an act on the caller's channel says what was asked for and until when. What is missing to finish it is done
now; an act whose third party is nowhere any more has failed. A target is known again by its name only for emergencies, so
other acts go on with the routes that are dialled already.
"""

from __future__ import annotations

from typing import NamedTuple

from routing import act_book, alone, gathering, talking, thirds
from routing import events as e
from routing.agent_state import AgentEvent, AgentState
from routing.call_state import CallEvent, CallState
from routing.calls import Call
from routing.desk import Desk
from routing.joined import ALONE, DIALS, Act, Joined, Place, Third, Verb
from routing.steps import ActOutcome


class Stamp(NamedTuple):
    """HOTLINE_ACT read back. `verb` is None when no act was open. `acts`: the last number that an act had. `told`: when the
    last emergency of the dialplan alone was asked for that the records know, epoch.
    """

    verb: Verb | None
    no: int
    until: float  # epoch
    target: str
    acts: int = 0
    told: float = 0.0


def read_stamp(text: str) -> Stamp:
    """Whatever stands there: what makes no sense is no act."""
    verb, no, until, target, acts, told = [*text.split(":", 5), "", "", "", "", "", ""][:6]
    known = Verb(verb) if verb in set(Verb) else None
    return Stamp(known, _whole(no), float(_whole(until)), target, max(_whole(no), _whole(acts)), _whole(told) / 1000)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def take(desk: Desk, call: Call, seen: e.SeenCall) -> None:
    """Makes the book agree with one call of a picture."""
    stamp = read_stamp(seen.act)
    nothing = seen.place == Place.BRIDGE and not seen.thirds and stamp.verb is None and seen.alone is None
    if call.id not in desk.joined and nothing:
        if stamp.acts:
            desk.joined[call.id] = Joined(call.id, acts=stamp.acts)
        return
    joined = desk.joined.get(call.id) or Joined(call.id)
    ended = joined.act is None and stamp.verb is not None and stamp.no <= joined.acts  # just now, or while AMI was down
    call = _talks(desk, call, seen)
    joined = _with_thirds(desk, call, joined, seen)
    joined = joined._replace(caller=Place(seen.place), agent=Place(seen.agent_place), acts=max(joined.acts, stamp.acts))
    if call.seat_id is None:
        joined = joined._replace(agent=Place.GONE)
    joined = alone.found(desk, call, joined._replace(alone_told=max(joined.alone_told, stamp.told)), seen.alone)
    if joined.act is None and (_rings_on(stamp, joined) or (_is_open(desk, stamp) and not ended)):
        joined = joined._replace(act=_act(desk, stamp, joined))
    if ended or stamp.acts < joined.acts:  # one was refused while AMI was down
        act_book.stamp(desk, joined)
    if joined.goal is None:
        _go_on(desk, act_book.recover(desk, joined))
    else:
        act_book.recover(desk, joined)


def _is_open(desk: Desk, stamp: Stamp) -> bool:
    return stamp.verb is not None and stamp.until > desk.wall


def _rings_on(stamp: Stamp, joined: Joined) -> bool:
    """A centre that still rings past the time of its act is not hung up on when it answers."""
    return stamp.verb is Verb.EMERGENCY and any(third.act == stamp.no for third in joined.dialled)


def _talks(desk: Desk, call: Call, seen: e.SeenCall) -> Call:
    """A caller in the conference without an agent of ours is answered all the same."""
    if seen.place == Place.BRIDGE or call.state is CallState.CONNECTED:
        return call
    if call.answered_at is None and seen.answered_at is not None:
        talking.note(desk, call, seen.seat_id or "", seen.answered_at)
        call = desk.calls[call.id]
    else:
        call = desk.move(call, CallEvent.ANSWERED, answered=desk.now)
    return desk.put(call._replace(seat_id=None, agent_id=None))


def _with_thirds(desk: Desk, call: Call, joined: Joined, seen: e.SeenCall) -> Joined:
    found = tuple(_third(desk, call, joined, shown) for shown in seen.thirds if shown.key != joined.agent_key)
    for third in joined.thirds:
        if third.key not in {other.key for other in found} and desk.now - third.asked > gathering.MOVE_S:
            thirds.tell_ended(desk, call, third, thirds.outcome_of(third, None), None, desk.wall)
        elif third.key not in {other.key for other in found}:
            found = (*found, third)  # asked for in this moment
    return joined._replace(thirds=found)


def _third(desk: Desk, call: Call, joined: Joined, shown: e.SeenThird) -> Third:
    known = joined.third(shown.key)
    if known is None:
        act, _, leg = shown.key.removesuffix("e").partition(".")
        agent = desk.floor.agent_at(shown.seat_id) if shown.seat_id else None
        known = Third(
            _whole(act), _whole(leg), desk.now, shown.seat_id, agent.id if agent else None, shown.key.endswith("e")
        )
        if agent is not None and agent.state is not AgentState.TALKING:
            event = AgentEvent.CALL_ANSWERED if shown.joined else AgentEvent.CALL_PRESENTED
            desk.agent(agent.id, event, call_id=call.id)
    return known._replace(joined=shown.joined, sounded=known.sounded or shown.sounded)


def _act(desk: Desk, stamp: Stamp, joined: Joined) -> Act:
    assert stamp.verb is not None
    target = desk.rules.emergencies.get(stamp.target) if stamp.verb is Verb.EMERGENCY else None
    tried = max((third.leg for third in joined.thirds if third.act == stamp.no), default=0)
    until = desk.now + stamp.until - desk.wall
    return Act(
        stamp.no,
        stamp.verb,
        target,
        "",
        until,
        () if target is None else thirds.living_first(desk, target)[tried:],
        tried,
    )


def _go_on(desk: Desk, joined: Joined) -> None:
    """What the picture shows as not finished. Legs of an act that was given up before are left over; those of the dialplan
    alone are its own matter."""
    act = joined.act
    for third in joined.dialled:
        if third.act not in (ALONE, act.no if act is not None else 0):
            joined = thirds.drop(desk, joined, third)
    if joined.agent is Place.GONE and not any(act is not None and third.act == act.no for third in joined.there):
        joined = act_book.recover(desk, gathering.promoted(desk, joined))
        if act is None:
            gathering.left_alone(desk, joined)
    if act is None or act.alone:
        return
    if act.verb in DIALS:
        for third in joined.dialled:
            thirds.watch(desk, joined.call_id, third, act.target)
        ours = [third for third in joined.there if third.act == act.no]
        if ours:
            thirds.gather(desk, joined, act)
        elif not joined.dialled:
            joined = thirds.dial_next(desk, joined)
            if joined.act is None and joined.agent is Place.GONE:
                gathering.left_alone(desk, joined)
        return
    wanted = Place.HOLD if act.verb is Verb.HOLD else Place.ROOM
    if joined.caller is wanted or (act.verb is Verb.RETURN and joined.caller is Place.BRIDGE):
        act_book.end_act(desk, joined, ActOutcome.DONE)
    else:
        gathering.begin(desk, joined, wanted)
