"""Outbound calls at the desk: the agent is taken from routing while one lasts, and times are kept.

The agent goes through the states of any other talk (ringing, talking, wrap-up) with a reason of its own, so whatever holds
of a talk holds here too: nothing is presented to him, and with AMI down his seat is the last choice, behind the guard.
Nothing of it is a `Call`: no step, no figure, no place in a queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from routing import commands as c
from routing import events as e
from routing.agent_state import Agent, AgentEvent, AgentState
from routing.model import DeviceState
from routing.outbound import HAS_AGENT, REASON, TIDY_S, TONE_S, Outbound, OutEvent, OutState, step

if TYPE_CHECKING:
    from routing.desk import Desk

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
    seat_id = desk.floor.agents[event.agent_id].seat_id or ""
    out = Outbound(
        event.out_id, event.kind, event.agent_id, seat_id, event.line, desk.wall, event.case, event.callback, event.by
    )
    desk.agent(event.agent_id, AgentEvent.CALL_PRESENTED, call_id=out.id, reason=REASON)
    _put(desk, out)
    timing = desk.rules.timing
    rings_s = agent_rings_s(desk, seat_id)
    desk.out.append(c.DialOut(out.id, seat_id, rings_s, timing.call_out_ring_s, out.line, event.dial))


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


def _over(desk: Desk, out: Outbound) -> None:
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
