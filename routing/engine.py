"""The routing engine: `handle(event, now, wall) -> commands`.

Synchronous, one event at a time, in order of arrival. `now` is a monotonic clock, `wall` epoch seconds; both only come
in as parameters. Timers are data: the shell asks `next_wake()` and sends `Tick` then.

Two sources tell of the same call. The AGI session says that a caller waits and how the last presentation ended; AMI says
what the phones do. Each may be missing or late, so every fact is taken from whoever tells it first and the second
telling is without effect (see the tables). With AMI down the engine goes on by AGI and its own deadlines alone.

What a presentation goes through, and what ends it:

    sent --DialBegin--> dialing --ringing--> rings --bridge--> answered
      |                   |                    '--DialEnd or the caller back with a status--> missed, busy, ...
      |                   '-- no ringing within 1.5 s: the leg is dropped, a dead phone is not a person
      '-- no DialBegin within 1 s: void, costs the seat nothing
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from heapq import heappop
from typing import Any, Final

from routing import (
    alone,
    calling_out,
    gathering,
    joining,
    matching,
    presenting,
    probing,
    rebuild,
    restricting,
    rostering,
    storms,
    surging,
    talking,
    thirds,
    waiting_room,
)
from routing import commands as c
from routing import events as e
from routing.agent_state import AgentEvent
from routing.call_state import CallState, IllegalTransition
from routing.desk import Desk
from routing.model import EngineView, Rules, Surge
from routing.recording import held
from routing.steps import StepKind
from routing.views import engine_view
from routing.workdays import Workdays


class Engine(Desk):
    """The one way in is `handle`.

    `configured` are the rules as they were given, `rules` those of the moment, by surge and roster (`duty`).
    """

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.configured, self.workdays, self.duty = rules, Workdays(), rostering.NOT_LOOKED

    def handle(self, event: e.Event, now: float, wall: float) -> list[c.Command]:
        """Takes one event, returns what should happen, in order. Never raises for an event that surprises us.

        Raises whatever a bug raises. `suspect` is the call that it met, None if it met no call; `out` is what should
        happen all the same.
        """
        self.now, self.wall, self.out = max(now, self.now), wall, []
        bugs = self._bugs_of(rostering.look, restricting.look)
        self.suspect = getattr(event, "call_id", None)
        try:
            _HANDLERS[type(event)](self, event)
        except IllegalTransition as error:
            self.illegal[error.machine] += 1
        self._fire_timers()
        self._match()
        bugs += self._bugs_of(probing.look, calling_out.give_way)
        for sign in self.floor.signs:
            self.out.append(sign)
        self.floor.signs.clear()
        if bugs:
            self.suspect = None
            raise bugs[0]
        return self.out

    def _bugs_of(self, *looks: Callable[[Engine], None]) -> list[Exception]:
        """What is looked at with every event would let nobody be served if a bug in it ended the event: it is raised when
        callers have been seen to, by what was in force before."""
        bugs = []
        for look in looks:
            try:
                look(self)
            except Exception as error:
                bugs.append(error)
        return bugs

    def _match(self) -> None:
        """Who gave his place up lets the next call of his number have it."""
        storms.settle(self)
        matching.match(self)
        while self.stirred:
            storms.settle(self)
            matching.match(self)

    def next_wake(self) -> float | None:
        """Monotonic time of the next `Tick` the engine wants, or None. None while nothing is decided: what fell due
        meanwhile, and was not settled by what happened meanwhile, is done then."""
        self._take_wakes()
        return self.timers[0][0] if self.timers and self.deciding else None

    def _take_wakes(self) -> None:
        for when, agent_id in self.floor.woken:
            self.timer(when, "agent", agent_id)
        self.floor.woken.clear()

    def absent(self) -> int:
        """Callers known to wait whose session is not with us: after a start they come back within their retry pause."""
        return sum(call.state is CallState.ARRIVED and not call.fallback_seats for call in self.calls.values())

    def view(self, now: float) -> EngineView:
        return replace(engine_view(self, now, self.duty.view), surge=self.surge, trunks=dict(self.trunks))

    def _device(self, event: e.SeatStateChanged) -> None:
        self.floor.device(event.seat_id, event.state, self.now, self.wall)

    def _trunk(self, event: e.TrunkStateChanged) -> None:
        self.trunks[event.trunk] = event.up

    def _ami_lost(self, event: e.AmiLost) -> None:
        if self.floor.ami_up:
            self.unseen_since = self.wall - talking.ENDED_KEPT_S  # the loss may be some seconds old
        self.floor.ami(up=False)

    def _picture(self, event: e.Picture) -> None:
        self.floor.ami(up=True)
        rebuild.take_picture(self, event)
        calling_out.take_picture(self, event)
        probing.take_picture(self, event)
        self.unseen_since = math.inf
        matching.look_at_everything(self)

    def _remembered(self, event: e.Remembered) -> None:
        rebuild.remember(self, event)
        calling_out.remember(self, event.outbound)
        probing.remember(self, event.probes)

    def _allowed(self, event: e.DecisionsAllowed) -> None:
        self.deciding = True
        for call in list(self.calls.values()):
            if call.state is CallState.QUEUED:
                waiting_room.call_due(self, call.id)
        matching.look_at_everything(self)

    def _stalled(self, event: e.DecisionsHeld) -> None:
        self.deciding = False

    def _signed_in(self, event: e.AgentSignedIn) -> None:
        self.floor.sign_in(event.agent_id, event.seat_id, self.now, self.wall)

    def _signed_out(self, event: e.AgentSignedOut) -> None:
        if event.agent_id in self.floor.agents:
            self.floor.sign_out(event.agent_id, self.now, self.wall)

    def _paused(self, event: e.AgentPaused) -> None:
        if event.agent_id in self.floor.agents:
            self.agent(event.agent_id, AgentEvent.PAUSE_ASKED, reason=event.reason)

    def _ready(self, event: e.AgentReady) -> None:
        agent = self.floor.agents.get(event.agent_id)
        if agent is not None:
            self.floor.agents[agent.id] = agent._replace(misses=0)
            self.agent(agent.id, AgentEvent.READY_ASKED)

    def _extended(self, event: e.WrapUpExtended) -> None:
        if event.agent_id in self.floor.agents:
            self.agent(event.agent_id, AgentEvent.EXTENSION_ASKED)

    def _recording(self, event: e.RecordingHeld) -> None:
        """It is only noted: routing does not care."""
        call = self.known(event.call_id)
        if call is not None:
            self.step(call, StepKind.RECORDING, event.at, **held(event.paused, event.reason, event.by))

    def _rules(self, event: e.RulesChanged) -> None:
        self.configured = event.rules
        self.lending.replace(event.rules.zones)
        self._work_out()
        self.floor.replace_rules(self.rules, self.now, self.wall)
        self.take_lines()

    def _work_out(self) -> None:
        """The rules of the moment: configured, surge, roster."""
        self.duty = rostering.in_force(self.wished, self.workdays, self.wall)
        self.rules = rostering.on_duty(self.wished, self.duty)
        rostering.wake(self)

    def take_moment(self, surge: Surge | None, workdays: Workdays) -> None:
        """What holds for the moment is known from elsewhere."""
        self.surge, self.workdays = surge, workdays
        self._work_out()

    @property
    def wished(self) -> Rules:
        """The configured rules, or those of the surge: before the roster is asked."""
        return self.configured if self.surge is None else surging.in_surge(self.configured)

    def _surge_declared(self, event: e.SurgeDeclared) -> None:
        if event.surge.until > self.wall:
            self._take_surge(event.surge, event.surge.by)
            self.timer(self.now + event.surge.until - self.wall, "surge", "")

    def _surge_ended(self, event: e.SurgeEnded) -> None:
        if self.surge is not None:
            self._take_surge(None, event.by)

    def _surge_due(self, _: str) -> None:
        """A surge that was replaced or prolonged left its timer behind; one that comes early by the wall is set again."""
        if self.surge is None:
            return
        left_s = self.surge.until - self.wall
        if left_s > 0:
            self.timer(self.now + left_s, "surge", "")
        else:
            self._take_surge(None, "expiry")

    def _take_surge(self, surge: Surge | None, by: str) -> None:
        self.surge = surge
        self._work_out()
        self.floor.replace_lines(self.rules)
        self.take_lines()
        self.out.append(c.TellSurge(surge, by))

    def _workdays(self, event: e.WorkdaysChanged) -> None:
        self.workdays = event.workdays
        rostering.put_in_force(self)

    def take_lines(self) -> None:
        """The lines are others than before: everybody waits on, at his place, by their rings."""
        for call in list(self.calls.values()):
            line = self.serving(call.number)
            if line is not None:
                self.calls[call.id] = call._replace(line=line)
                if call.id in self.queue:
                    self.queue.put(self.calls[call.id])
                    waiting_room.set_timers(self, self.calls[call.id])
        matching.look_at_everything(self)

    def _lending_due(self, _: str) -> None:
        """Nothing to do: who lends is looked at after every event."""

    def _tick(self, event: e.Tick) -> None:
        """Nothing to do: timers fire after every event."""

    def _fire_timers(self) -> None:
        self._take_wakes()
        while self.deciding and self.timers and self.timers[0][0] <= self.now:
            _, _, kind, key = heappop(self.timers)
            self.suspect = key
            try:
                _TIMERS[kind](self, key)
            except IllegalTransition as error:
                self.illegal[error.machine] += 1
            self._take_wakes()

    def _agent_due(self, agent_id: str) -> None:
        agent = self.floor.agents.get(agent_id)
        if agent is not None and agent.wake_at is not None and agent.wake_at <= self.now:
            self.agent(agent_id, AgentEvent.WOKEN)

    def _ended_due(self, call_id: str) -> None:
        """Without AMI nothing is forgotten: a note of its end is still to come."""
        if self.floor.ami_up:
            self.ended.pop(call_id, None)
        elif call_id in self.ended:
            self.timer(self.now + talking.ENDED_KEPT_S, "ended", call_id)


_HANDLERS: Final[dict[type, Callable[[Engine, Any], None]]] = {
    e.CallHeld: waiting_room.held,
    e.SessionClosed: waiting_room.closed,
    e.DecisionRefused: presenting.refused,
    e.GoodbyeAsked: talking.goodbye_asked,
    e.CallSeen: waiting_room.seen,
    e.SeatDialing: presenting.dialing,
    e.SeatRinging: presenting.ringing,
    e.SeatPickedUp: presenting.picked_up,
    e.SeatDialEnded: presenting.dial_ended,
    e.CallAnswered: talking.answered,
    e.AgentLegEnded: talking.agent_leg_ended,
    e.CallEnded: talking.call_ended,
    e.FallbackUsed: waiting_room.fallback,
    e.CallerPlaced: gathering.caller_placed,
    e.AgentPlaced: gathering.agent_placed,
    e.EmergencyAlone: alone.told,
    e.ThirdRinging: thirds.ringing,
    e.ThirdAnswered: thirds.answered,
    e.ThirdJoined: thirds.arrived,
    e.ThirdEnded: thirds.ended,
    e.MoveRefused: gathering.refused,
    e.JoinAsked: joining.asked,
    e.JoinRefused: joining.not_asked,
    e.OutboundAsked: calling_out.asked,
    e.CallbackOffered: calling_out.offered,
    e.OutboundMoved: calling_out.moved,
    e.ProbeAsked: probing.asked,
    e.ProbeMoved: probing.moved,
    e.OutboundNoted: calling_out.noted,
    e.SeatStateChanged: Engine._device,
    e.TrunkStateChanged: Engine._trunk,
    e.AmiLost: Engine._ami_lost,
    e.Picture: Engine._picture,
    e.EndNoted: rebuild.noted,
    e.Remembered: Engine._remembered,
    e.DecisionsAllowed: Engine._allowed,
    e.DecisionsHeld: Engine._stalled,
    e.AgentSignedIn: Engine._signed_in,
    e.AgentSignedOut: Engine._signed_out,
    e.AgentPaused: Engine._paused,
    e.AgentReady: Engine._ready,
    e.WrapUpExtended: Engine._extended,
    e.RecordingHeld: Engine._recording,
    e.RulesChanged: Engine._rules,
    e.SurgeDeclared: Engine._surge_declared,
    e.SurgeEnded: Engine._surge_ended,
    e.WorkdaysChanged: Engine._workdays,
    e.RestrictionsChanged: restricting.changed,
    e.Tick: Engine._tick,
}

_TIMERS: Final[dict[str, Callable[[Engine, str], None]]] = {
    "agent": Engine._agent_due,
    "call": waiting_room.call_due,
    "presentation": presenting.presentation_due,
    "goodbye": talking.goodbye_due,
    "ended": Engine._ended_due,
    "roster": rostering.due,
    "lending": Engine._lending_due,
    "surge": Engine._surge_due,
    "restriction": restricting.due,
    "joined": gathering.due,
    "third": thirds.due,
    "outbound": calling_out.due,
    "probe": probing.due,
}
