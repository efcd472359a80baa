"""Legs to third parties: dialled one route after the other, heard, joined, ended.

A department or a number is tried route by route. An emergency centre's next route is dialled *beside* the first when that
gives no sound in `first_sound_s` or no answer in `answer_s`; a ringing one is kept until one of them answers. An agent, or
whoever has a skill, is chosen among those who are free, and is busy for the queue meanwhile.
"""

from __future__ import annotations

from typing import Final

from routing import act_book, gathering
from routing import commands as c
from routing import events as e
from routing.agent_state import Agent, AgentEvent, AgentState
from routing.call_state import CallEvent
from routing.calls import Call
from routing.desk import Desk
from routing.joined import ALONE, Act, Joined, Place, Third, Verb
from routing.steps import ActOutcome, StepKind, ThirdOutcome
from routing.targets import Route, Target, TargetKind

EMERGENCY_RINGS_S: Final = 120.0  # carriers end a ringing call sooner
DROPS_S: Final = 3.0  # an emergency centre that leaves so soon was no person
SLACK_S: Final = 3.0  # Asterisk ends an unanswered leg by itself; so much later we do
ROUNDED_S: Final = 0.001  # a timer is never early by more than the last digit of a float
_OURS: Final = frozenset({TargetKind.AGENT, TargetKind.SKILL})
_BY_CAUSE: Final = {17: ThirdOutcome.BUSY, 19: ThirdOutcome.NO_ANSWER, 21: ThirdOutcome.REFUSED}


# -- whom to dial ------------------------------------------------------------------------------------------------------


def free_agent(desk: Desk, call: Call, target: Target, avoid: frozenset[str]) -> Agent | None:
    """Who may be rung as a third party: the agent named, or the best of those with the skill. None: nobody is free."""
    if target.kind is TargetKind.AGENT:
        wanted = [target.id]
    else:
        able = [id_ for id_, profile in desk.rules.agents.items() if profile.skills.get(target.id, 0) > 0]
        wanted = sorted(able, key=lambda id_: _rank(desk, id_, target.id))
    agents = (desk.floor.agents.get(id_) for id_ in wanted if id_ not in avoid)
    return next(
        (a for a in agents if a is not None and (a.seat_id or "") in desk.floor.free and a.id != call.agent_id), None
    )


def _rank(desk: Desk, agent_id: str, skill: str) -> tuple[int, float]:
    """Highest level first, then who has been idle for longest."""
    return -desk.rules.agents[agent_id].skills[skill], desk.floor.agents[agent_id].idle_since


def why_nobody(desk: Desk, target: Target) -> str:
    if target.kind is TargetKind.AGENT:
        agent = desk.floor.agents.get(target.id)
        return f"agent {target.id} is {'not known' if agent is None else agent.state.value.replace('_', ' ')}"
    return f"nobody with the skill {target.name} is free now"


def living_first(desk: Desk, target: Target) -> tuple[Route, ...]:
    """Routes over a trunk that is known to be dead are tried last, and are tried all the same."""
    return tuple(sorted(target.routes, key=lambda route: not desk.trunks.get(route.trunk, True)))


def dial_next(desk: Desk, joined: Joined) -> Joined:
    """The next route of the act, or its failure when there is none and nothing rings any more."""
    act, call = joined.act, desk.calls[joined.call_id]
    assert act is not None
    target = act.target
    if target is None:  # not known any more after a restart: what was dialled already was all
        return _nobody_left(desk, joined)
    third = Third(act.no, act.tried + 1, desk.now, emergency=act.verb is Verb.EMERGENCY, target=target)
    if target.kind in _OURS:
        agent = free_agent(desk, call, target, act.avoid)
        if agent is None:
            return _nobody_left(desk, joined)
        third = third._replace(seat_id=agent.seat_id, agent_id=agent.id)
        act = act._replace(avoid=act.avoid | {agent.id})
        desk.agent(agent.id, AgentEvent.CALL_PRESENTED, call_id=call.id)
        dial, way = None, f"seat {agent.seat_id}"
    else:
        if not act.routes:
            return _nobody_left(desk, joined)
        route, act = act.routes[0], act._replace(routes=act.routes[1:])
        dial, way = route.dial, route.name
    joined = joined._replace(act=act._replace(tried=third.leg), thirds=(*joined.thirds, third))
    desk.step(call, StepKind.THIRD_DIALED, act=act.no, leg=third.leg, route=third.leg, way=way, seat=third.seat_id)
    rings_s = _rings_s(third, target)
    case = act.case if target.shows_caller else ""
    desk.out.append(c.DialThird(call.id, third.key, dial, third.seat_id, rings_s, target.shows_caller, case))
    watch(desk, joined.call_id, third, target)
    return act_book.put(desk, joined)


def watch(desk: Desk, call_id: str, third: Third, target: Target | None) -> None:
    """Sets the times at which the leg is looked at, from the moment when it was asked for or found."""
    if target is not None and target.first_sound_s is not None:
        desk.timer(third.asked + target.first_sound_s, "third", call_id)
    if target is not None and third.emergency:
        desk.timer(third.asked + target.answer_s, "third", call_id)
    desk.timer(third.asked + _rings_s(third, target) + SLACK_S, "third", call_id)


def _rings_s(third: Third, target: Target | None) -> float:
    """Asterisk ends the leg then; what a target that is not known any more wanted, no route does for longer."""
    return EMERGENCY_RINGS_S if third.emergency or target is None else target.answer_s


def _nobody_left(desk: Desk, joined: Joined) -> Joined:
    act = joined.act
    assert act is not None
    if joined.dialled:
        return joined
    return act_book.end_act(desk, joined, ActOutcome.FAILED, act.failed or "nobody is free")


# -- what Asterisk tells of them ---------------------------------------------------------------------------------------


def _of(desk: Desk, call_id: str, key: str) -> tuple[Call, Joined, Third] | None:
    call, joined = desk.calls.get(call_id), desk.joined.get(call_id)
    third = None if joined is None else joined.third(key)
    return None if call is None or joined is None or third is None else (call, joined, third)


def _with(joined: Joined, third: Third) -> Joined:
    return joined._replace(thirds=tuple(third if other.key == third.key else other for other in joined.thirds))


def ringing(desk: Desk, event: e.ThirdRinging) -> None:
    found = _of(desk, event.call_id, event.key)
    if found is not None and not found[2].sounded:
        call, joined, third = found
        desk.step(call, StepKind.THIRD_RINGING, event.at, act=third.act, leg=third.leg)
        act_book.put(desk, _with(joined, third._replace(sounded=True)))


def answered(desk: Desk, event: e.ThirdAnswered) -> None:
    found = _of(desk, event.call_id, event.key)
    if found is not None and not found[2].answered:
        call, joined, third = found
        desk.step(call, StepKind.THIRD_ANSWERED, event.at, act=third.act, leg=third.leg)
        act_book.put(desk, _with(joined, third._replace(sounded=True, answered=True)))


def arrived(desk: Desk, event: e.ThirdJoined) -> None:
    """It is in the conference."""
    answered(desk, e.ThirdAnswered(event.call_id, event.key, event.at))
    found = _of(desk, event.call_id, event.key)
    if found is None:
        _too_late(desk, event)
        return
    call, joined, third = found
    if third.joined:
        return
    desk.step(call, StepKind.THIRD_JOINED, event.at, act=third.act, leg=third.leg)
    if third.agent_id is not None:
        desk.agent(third.agent_id, AgentEvent.CALL_ANSWERED, call_id=call.id)
    third, act = third._replace(joined=True, joined_at=desk.now), joined.act
    joined = _with(joined, third)._replace(reached=act if third.emergency else joined.reached)
    if third.act == ALONE and not third.dropped:
        joined = act_book.put(desk, joined)
        if act is not None and act.alone:
            act_book.end_act(desk, joined, ActOutcome.DONE)  # the dialplan moves the others
    elif third.dropped or act is None or act.no != third.act:
        drop(desk, joined, third)  # it answered in the instant in which it was given up
    else:
        gather(desk, joined, act)


def _too_late(desk: Desk, event: e.ThirdJoined) -> None:
    """One of ours that was given up long ago. What the dialplan alone has dialled (act 0) is no concern of this."""
    if event.call_id in desk.joined and not event.key.startswith(f"{ALONE}."):
        desk.out.append(c.DropThird(event.call_id, event.key))


def gather(desk: Desk, joined: Joined, act: Act) -> None:
    """A third party of the act is in the conference: its other routes are given up, the others come to it."""
    for other in joined.dialled:
        joined = _dropped(desk, joined, other)
    consults = act.verb is Verb.CONSULT and joined.agent is not Place.GONE
    gathering.begin(desk, joined, Place.HOLD if consults else Place.ROOM)


def ended(desk: Desk, event: e.ThirdEnded) -> None:
    found = _of(desk, event.call_id, event.key)
    if found is None:
        _agent_of_old(desk, event)
        return
    call, joined, third = found
    outcome = outcome_of(third, event.cause)
    tell_ended(desk, call, third, outcome, event.cause, event.at)
    joined = joined._replace(thirds=tuple(other for other in joined.thirds if other.key != third.key))
    if third.joined:
        joined = joined._replace(said_goodbye=False)
        if _left_at_once(desk, joined, third):
            _go_on(desk, joined)
            return
        if not third.dropped and joined.agent is not Place.GONE:
            desk.out.append(c.TellAgent(call.id, c.Tone.LEFT, joined.agent_key))
        gathering.left_alone(desk, joined, dropped=third.dropped)
        _after_last(desk, call.id)
        return
    joined = act_book.put(desk, joined)
    act = joined.act
    if act is not None and act.no == third.act and not third.dropped:
        joined = act_book.put(desk, joined._replace(act=act._replace(failed=outcome.value)))
        if not act.alone and (not third.late or not joined.dialled):
            dial_next(desk, joined)


def _left_at_once(desk: Desk, joined: Joined, third: Third) -> bool:
    """An emergency centre answered and was gone, while the agent is there to go on with the next route."""
    own = joined.reached is not None and joined.reached.no == third.act
    early = desk.now - third.joined_at < DROPS_S and not third.dropped
    return third.emergency and own and early and not joined.there and joined.agent is not Place.GONE


def _go_on(desk: Desk, joined: Joined) -> None:
    """The routes that are left, in the act that is still open, else in one of its own."""
    act = joined.reached
    assert act is not None
    if joined.act is None:
        call, target, no = desk.calls[joined.call_id], act.target, joined.acts + 1
        act = act._replace(no=no, tried=0, alone=False)
        joined = joined._replace(acts=no)
        desk.step(
            call, StepKind.ACT_ASKED, act=no, verb=act.verb, by=act.by, via="again", case=act.case or None,
            target_kind=None if target is None else target.kind, target=None if target is None else target.id,
            name=None if target is None else target.name,
        )  # fmt: skip
    elif joined.act.no != act.no:
        act_book.put(desk, joined)
        return  # something else is under way already
    until = desk.now + EMERGENCY_RINGS_S + (0.0 if act.target is None else act.target.answer_s * len(act.routes))
    act = act._replace(until=until, failed="the centre answered and left at once")
    joined = act_book.put(desk, joined._replace(act=act, reached=None))
    act_book.stamp(desk, joined)
    dial_next(desk, joined)


def _agent_of_old(desk: Desk, event: e.ThirdEnded) -> None:
    """An agent who came as a third party and then had the call for himself."""
    joined, call = desk.joined.get(event.call_id), desk.calls.get(event.call_id)
    if joined is not None and call is not None and joined.agent_key == event.key:
        _tell_agent_ended(desk, call, joined, event.cause, event.at)
        gathering.agent_left(desk, call, lost=event.lost, at=event.at)
        _after_last(desk, call.id)


def _tell_agent_ended(desk: Desk, call: Call, joined: Joined, cause: int | None, at: float) -> None:
    """The leg of such an agent, with which his story as a third party ends."""
    act, _, leg = joined.agent_key.partition(".")
    if act:
        outcome = ThirdOutcome.ANSWERED
        desk.step(call, StepKind.THIRD_ENDED, at, act=int(act), leg=int(leg), outcome=outcome, cause=cause, talked=True)


def _after_last(desk: Desk, call_id: str) -> None:
    """The dialplan may be waiting for our word."""
    joined = desk.joined.get(call_id)
    if joined is not None and desk.calls[call_id].goodbye_session is not None:
        gathering.answer_goodbye(desk, joined)


def outcome_of(third: Third, cause: int | None) -> ThirdOutcome:
    """A route that was silent until another was dialled beside it was not reached, although it is we who end it."""
    if third.joined:
        return ThirdOutcome.ANSWERED
    if third.dropped:
        return ThirdOutcome.NOT_REACHED if third.late and not third.sounded else ThirdOutcome.CANCELLED
    known = _BY_CAUSE.get(cause or 0)
    return known or (ThirdOutcome.NO_ANSWER if third.sounded else ThirdOutcome.NOT_REACHED)


def tell_ended(desk: Desk, call: Call, third: Third, outcome: ThirdOutcome, cause: int | None, at: float) -> None:
    desk.step(
        call, StepKind.THIRD_ENDED, at, act=third.act, leg=third.leg, outcome=outcome, cause=cause,
        talked=third.joined, **act_book.told(third.target),
    )  # fmt: skip
    if third.seat_id is None or third.agent_id is None:
        return
    agent = desk.floor.agents.get(third.agent_id)
    missed = agent is not None and agent.state is AgentState.RINGING and outcome is ThirdOutcome.NO_ANSWER
    if missed and agent is not None and agent.call_id == call.id:
        pause_s = desk.rules.timing.no_answer_pause_s
        desk.agent(agent.id, AgentEvent.PRESENTATION_MISSED, reason="auto: no answer", limit_s=pause_s)
    else:
        desk.release(third.seat_id, call.id, AgentEvent.CALL_ENDED)


# -- giving up ---------------------------------------------------------------------------------------------------------


def drop(desk: Desk, joined: Joined, third: Third) -> Joined:
    """Asks for the end of a leg; it is over when Asterisk says so."""
    return act_book.put(desk, _dropped(desk, joined, third))


def _dropped(desk: Desk, joined: Joined, third: Third) -> Joined:
    desk.out.append(c.DropThird(joined.call_id, third.key))
    return _with(joined, third._replace(dropped=True))


def drop_dialled(desk: Desk, joined: Joined) -> Joined:
    for third in joined.dialled:
        joined = drop(desk, joined, third)
    return joined


def due(desk: Desk, call_id: str) -> None:
    """A route that gave no sound or no answer in time."""
    joined = desk.joined.get(call_id)
    if joined is None or call_id not in desk.calls or joined.act is None or joined.act.alone:
        return
    for third in joined.dialled:
        target, age_s = joined.act.target, desk.now - third.asked + ROUNDED_S
        if target is not None and third.emergency and not third.late and (why := _late(third, target, age_s)):
            joined = _next_beside(desk, _with(joined, third._replace(late=True)), why)
        elif age_s >= _rings_s(third, target) + SLACK_S:
            desk.out.append(c.DropThird(call_id, third.key))  # Asterisk should have ended it by itself
            ended(desk, e.ThirdEnded(call_id, third.key, desk.wall, None, lost=False))
            return


def _late(third: Third, target: Target, age_s: float) -> str:
    """Why the next route is dialled beside this one; "": it is not."""
    if not third.sounded and target.first_sound_s is not None and age_s >= target.first_sound_s:
        return "no sound"
    return "no answer" if age_s >= target.answer_s else ""


def _next_beside(desk: Desk, joined: Joined, why: str) -> Joined:
    act = joined.act
    assert act is not None
    assert act.target is not None
    if act.routes:
        return dial_next(desk, act_book.put(desk, joined))
    act_book.alarm(desk, joined, act.target, f"{why} yet on any route; still being dialled")
    return act_book.put(desk, joined)


def _close_all(desk: Desk, call: Call, joined: Joined, at: float) -> None:
    _tell_agent_ended(desk, call, joined, None, at)
    for third in joined.thirds:
        desk.out.append(c.DropThird(call.id, third.key))
        dropped = third._replace(dropped=True)
        tell_ended(desk, desk.calls[call.id], dropped, outcome_of(dropped, None), None, at)


def call_over(desk: Desk, call: Call, at: float) -> None:
    """The caller is gone: everybody is released, and the story of each is closed."""
    joined = desk.joined.pop(call.id)
    _close_all(desk, call, joined, at)
    if joined.agent is Place.ROOM:
        desk.out.append(c.DropAgent(call.id, joined.agent_key))
    if joined.act is not None:
        desk.step(
            desk.calls[call.id], StepKind.ACT_ENDED, act=joined.act.no, verb=joined.act.verb,
            outcome=ActOutcome.CANCELLED, reason="the call is over", **act_book.told(joined.act.target),
        )  # fmt: skip


def back_in_queue(desk: Desk, call: Call) -> Call:
    """A caller without anybody is held by a session of ours again; the book keeps the number of his acts alone."""
    joined = desk.joined[call.id]
    _close_all(desk, call, joined, desk.wall)
    if joined.act is not None:
        joined = act_book.end_act(desk, joined, ActOutcome.CANCELLED, "the caller is back in the queue")
    if call.seat_id is not None:  # whose end we have not heard of
        desk.talk_ended(desk.calls[call.id], True, desk.wall)
        desk.release(call.seat_id, call.id, AgentEvent.CALL_ENDED)
    desk.move(desk.calls[call.id], CallEvent.LEG_ENDED, leg_lost=True, parted_at=desk.wall)
    desk.joined[call.id] = joined.afresh()
    return desk.step(desk.calls[call.id], StepKind.REQUEUED, cause="left_alone")
