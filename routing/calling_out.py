"""Outbound calls at the desk: the agent is taken from routing while one lasts, and times are kept.

The agent goes through the states of any other talk (ringing, talking, wrap-up) with a reason of its own, so whatever holds
of a talk holds here too: nothing is presented to him, and with AMI down his seat is the last choice, behind the guard.
Nothing of it is a `Call`: no step, no figure, no place in a queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from routing import commands as c
from routing import events as e
from routing import pacing
from routing.agent_state import Agent, AgentEvent, AgentState
from routing.model import DeviceState
from routing.outbound import (
    HAS_AGENT,
    REASON,
    TIDY_S,
    TONE_S,
    Outbound,
    OutEvent,
    OutKind,
    OutOutcome,
    OutState,
    step,
)

if TYPE_CHECKING:
    from routing.desk import Desk
    from routing.engine import Engine

BY_SERVICE: Final = "service"  # stands where the name of a token stands
PROMISED, LOST = "回拨", "未接回拨"  # on the agent's phone: a call-back that was promised, one of a lost call
FRESH_S: Final = 3.0  # asked for so lately: a picture may not have it yet
_AGENT_IS_RUNG: Final = frozenset({OutState.ASKED, OutState.AGENT_RINGING})


def refusal(desk: Desk, agent_id: str) -> str | None:
    """Why this agent cannot call out now, as a sentence; None when he can."""
    agent = desk.floor.agents.get(agent_id)
    if agent is None or agent.seat_id is None:
        return f"agent {agent_id} is not signed in"
    if agent.state is not AgentState.READY:
        return f"agent {agent_id} is {agent.state.value.replace('_', ' ')}; only who is ready can call out"
    now_at = desk.floor.seat_now(agent.seat_id)
    if now_at is None or now_at.device is not DeviceState.NOT_INUSE:
        return f"the phone of seat {agent.seat_id} is in use or not there"
    return None


def asked(desk: Desk, event: e.OutboundAsked) -> None:
    """Rings the agent. Without effect when `refusal` has a reason: who asks looks first."""
    if event.out_id in desk.outbound or refusal(desk, event.agent_id) is not None:
        return
    out = Outbound(
        event.out_id, event.kind, event.agent_id, _seat_of(desk, event.agent_id), event.line, desk.wall, event.case,
        event.callback, event.by, caller_ref=event.caller_ref,
    )  # fmt: skip
    _ring_agent(desk, out, event.dial)


def offered(desk: Engine, event: e.CallbackOffered) -> None:
    """Rings an agent who can be spared; without effect when there is none, or when this citizen is served already."""
    agent_id = pacing.agent_for(desk, event.line, desk.workdays)
    if agent_id is None or pacing.is_served(desk, event.caller_ref, event.owed_at):
        return
    out = Outbound(
        event.out_id, OutKind.CALLBACK, agent_id, _seat_of(desk, agent_id), event.line, desk.wall, event.case,
        event.callback, BY_SERVICE, caller_ref=event.caller_ref, paced=True,
    )  # fmt: skip
    _ring_agent(desk, out, event.dial, LOST if event.owed_at is not None else PROMISED)


def _seat_of(desk: Desk, agent_id: str) -> str:
    return desk.floor.agents[agent_id].seat_id or ""


def _ring_agent(desk: Desk, out: Outbound, dial: str, why: str = PROMISED) -> None:
    """The agent sees on his phone that it is a call-back, of which entry and what for."""
    desk.agent(out.agent_id, AgentEvent.CALL_PRESENTED, call_id=out.id, reason=REASON)
    _put(desk, out)
    rings_s, shown = agent_rings_s(desk, out.seat_id), "" if out.callback is None else f"{why} {out.callback}"
    desk.out.append(c.DialOut(out.id, out.seat_id, rings_s, desk.rules.timing.call_out_ring_s, out.line, dial, shown))


def agent_rings_s(desk: Desk, seat_id: str) -> float:
    """How long it may take until the agent has answered; of a remote seat he also has to press the key."""
    timing, seat = desk.rules.timing, desk.rules.seats.get(seat_id)
    if seat is not None and seat.remote:
        return timing.remote_ring_s + timing.remote_confirm_s
    return timing.call_out_agent_ring_s


def moved(desk: Desk, event: e.OutboundMoved) -> None:
    out = desk.outbound.get(event.out_id)
    if out is not None:
        _take(desk, out, event.what, desk.wall if event.at is None else event.at, event.cause)


def _take(desk: Desk, out: Outbound, what: OutEvent, at: float, cause: int | None = None, *, seen: bool = True) -> None:
    changed = step(out, what, at, cause, seen=seen)
    if changed is out:
        return
    if changed.state is OutState.ENDED:
        _over(desk, changed)
    else:
        _put(desk, changed)
        _hold_agent(desk, changed)


def _put(desk: Desk, out: Outbound) -> None:
    """Keeps it with the time of its new state, and writes it down."""
    limit_s = _limit_s(desk, out)
    out = out._replace(until=None if limit_s is None else desk.now + limit_s)
    desk.outbound[out.id] = out
    if out.until is not None:
        desk.timer(out.until, "outbound", out.id)
    desk.out.append(c.WriteOutbound(out))


def _limit_s(desk: Desk, out: Outbound) -> float | None:
    if out.state is OutState.TALKING:
        return None
    if out.state is OutState.UNREACHED:
        return TONE_S
    ring_s = agent_rings_s(desk, out.seat_id) if out.state in _AGENT_IS_RUNG else desk.rules.timing.call_out_ring_s
    return ring_s + TIDY_S


def _hold_agent(desk: Desk, out: Outbound) -> None:
    """He is taken from routing: as somebody who talks once he has answered, before that as one whose phone rings."""
    agent = desk.floor.agent_at(out.seat_id)
    if agent is None or agent.id != out.agent_id:
        return
    if out.state not in HAS_AGENT:
        if agent.state is AgentState.READY:
            desk.agent(agent.id, AgentEvent.CALL_PRESENTED, call_id=out.id, reason=REASON)
    elif agent.state is not AgentState.TALKING and not _has_caller(desk, agent):
        desk.agent(agent.id, AgentEvent.CALL_ANSWERED, call_id=out.id, reason=REASON)


def _has_caller(desk: Desk, agent: Agent) -> bool:
    """A caller is with him: who came by the fallback, say. What is known of callers goes first."""
    return agent.state is AgentState.TALKING and agent.call_id in desk.calls


def give_way(desk: Desk) -> None:
    """Callers go first: looked at after every event, when those whom a free seat could take have one."""
    if not (desk.outbound and desk.deciding and desk.floor.ami_up):
        return
    for out_id in pacing.to_withdraw(desk):
        out = desk.outbound[out_id]._replace(outcome=OutOutcome.WITHDRAWN, dropped=True, until=desk.now + TIDY_S)
        desk.outbound[out_id] = out
        desk.timer(desk.now + TIDY_S, "outbound", out_id)
        desk.out += [c.WriteOutbound(out), c.DropOutbound(out_id)]


def _declined(desk: Desk, out: Outbound) -> None:
    """He may refuse, or not be there: for some time he is offered no other, and callers come to him as before."""
    gave_up = out.dialled_at is None or out.outcome is OutOutcome.CANCELLED
    if out.paced and gave_up and out.outcome is not OutOutcome.WITHDRAWN:
        desk.declined = {agent_id: until for agent_id, until in desk.declined.items() if until > desk.now}
        desk.declined[out.agent_id] = desk.now + desk.rules.pacing.declined_pause_s


def _over(desk: Desk, out: Outbound) -> None:
    _declined(desk, out)
    desk.release(out.seat_id, out.id, AgentEvent.CALL_ENDED)
    desk.outbound.pop(out.id, None)
    desk.out.append(c.WriteOutbound(out))


def due(desk: Desk, out_id: str) -> None:
    """Its time is over. Without AMI nobody can see or end it: looked at again later."""
    out = desk.outbound.get(out_id)
    if out is None or out.until is None or out.until > desk.now:
        return
    if out.dropped and desk.floor.ami_up:
        _take(desk, out, OutEvent.GONE, desk.wall, seen=False)
        desk.out.append(c.LookAgain())
        return
    if desk.floor.ami_up:
        desk.out.append(c.DropOutbound(out_id))
    desk.outbound[out_id] = out._replace(dropped=desk.floor.ami_up, until=desk.now + TIDY_S)
    desk.timer(desk.now + TIDY_S, "outbound", out_id)


# -- after a restart, and with every picture ---------------------------------------------------------------------------


def remember(desk: Desk, outs: tuple[Outbound, ...]) -> None:
    """Those that the records know as not ended; the first picture decides what they are."""
    for out in outs:
        limit_s = _limit_s(desk, out)
        desk.outbound[out.id] = out._replace(until=None if limit_s is None else desk.now + limit_s)
        if limit_s is not None:
            desk.timer(desk.now + limit_s, "outbound", out.id)


def noted(desk: Desk, event: e.OutboundNoted) -> None:
    """What the dialplan says of one that ended unseen: whom nobody has seen dialled is not taken for one who was not."""
    for what, at in (
        (OutEvent.DIALLED, event.dialled_at),
        (OutEvent.CONNECTED, event.answered_at),
        (OutEvent.NOT_REACHED, None if event.cause is None else event.ended_at),
        (OutEvent.GONE, event.ended_at),
    ):
        out = desk.outbound.get(event.out_id)
        if out is not None and at is not None:
            _take(desk, out, what, at, event.cause)


def take_picture(desk: Desk, picture: e.Picture) -> None:
    """What Asterisk has goes on, what it has no more is over."""
    there = {seen.out_id: seen for seen in picture.outbound}
    for out in list(desk.outbound.values()):
        seen = there.get(out.id)
        if seen is not None:
            for what, at in seen.reached:
                _take(desk, desk.outbound[out.id], what, picture.at if at is None else at)
            if _rang_unwatched(desk.outbound[out.id], seen, picture.at):
                _take(desk, desk.outbound[out.id], OutEvent.NOT_REACHED, picture.at, seen=False)
            _hold_agent(desk, desk.outbound[out.id])
        elif out.asked_at < picture.at - FRESH_S:
            _take(desk, out, OutEvent.GONE, picture.at, seen=False)


def _rang_unwatched(out: Outbound, seen: e.SeenOutbound, at: float) -> bool:
    """The citizen was dialled, and his leg is there no more: nobody was told why, and the agent hears the tone by now."""
    dialled = out.state in (OutState.DIALLING, OutState.CITIZEN_RINGING) and (out.dialled_at or at) < at - FRESH_S
    return dialled and all(what is not OutEvent.DIALLED for what, _ in seen.reached)
