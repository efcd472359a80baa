"""The desk at which routing is done: the calls, the queue, the floor, and the few acts everything else is made of.

State only the engine's own modules may touch; every record in it is frozen.
"""

from __future__ import annotations

import math
from collections import Counter
from heapq import heappush
from itertools import islice
from typing import Any, Final

from routing import call_state, cases, choice, probing
from routing import commands as c
from routing import events as e
from routing.agent_state import AgentEvent, AgentState
from routing.call_state import CallEvent, CallState
from routing.calls import Call, Queue
from routing.candidates import Candidates
from routing.floor import Floor
from routing.joined import Joined
from routing.lending import Lending
from routing.model import Line, Rules, Surge
from routing.outbound import Outbound
from routing.probe import Probe
from routing.restrictions import Book
from routing.steps import Step, StepKind, Value

LAST_AGENT_KEPT_S: Final = 86400.0
REDIALS_KEPT_S: Final = 7200.0  # from before a restart: who dials again and again keeps the first place


class Desk:
    """Owns the only mutable state of routing."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.floor = Floor(rules)
        self.calls: dict[str, Call] = {}
        self.queue = Queue()
        self.joined: dict[str, Joined] = {}  # by call: those on which an act was done
        self.trunks: dict[str, bool] = {}  # to emergency centres: whether the other end answers; unknown is not there
        self.outbound: dict[str, Outbound] = {}  # calls that agents place: no part of `calls`
        self.probes: dict[str, Probe] = {}  # test calls under way, by id
        self.surge: Surge | None = None
        self.declined: dict[str, float] = {}  # agent -> until when he is offered no call-back
        self.deciding = False
        self.now = self.wall = 0.0
        self.out: list[c.Command] = []
        self.suspect: str | None = None  # the call in hand: whom a bug has met
        self.illegal: Counter[str] = (
            Counter()
        )  # by machine: transitions that our tables do not know: our picture differs from the switch
        self.timers: list[tuple[float, int, str, str]] = []
        self.timer_no = 0
        self.dirty_calls: dict[str, None] = {}
        self.redials: dict[str, tuple[float, float]] = {}  # caller_ref -> (position, left at)
        self.spoke: dict[str, tuple[str, float]] = {}  # caller_ref -> (agent id, when), the last one last
        self.book, self.book_until = Book(), math.inf  # until when nothing of it expires
        self.numbers: dict[str, dict[str, None]] = {}  # caller_ref -> its calls, see `storms`
        self.stirred: set[str] = set()  # of these to look at again
        self.lending = Lending(rules.zones)
        self.lends_again_at = -math.inf  # for when the timer was set last
        self.ended: dict[str, float] = {}
        self.unseen_since = math.inf  # epoch; what ended later may have passed unseen
        self.presentation_no = 0

    def serving(self, number: str) -> Line | None:
        return self.rules.serving(number)

    def known(self, call_id: str) -> Call | None:
        return self.calls.get(call_id)

    def put(self, call: Call) -> Call:
        call = call._replace(touched=self.wall)
        self.calls[call.id] = call
        return call

    def move(self, call: Call, event: CallEvent, **changes: Any) -> Call:
        """The only place where a call changes its state. `changes` go with the transition."""
        state = call_state.step(call.state, event)
        if state is call.state and (call.state, event) in call_state.IGNORED:
            return self.put(call)
        call = self.put(call._replace(state=state, **changes))
        if state is not CallState.QUEUED:
            self.queue.drop(call.id)
        if len(self.numbers.get(call.caller_ref or "", ())) > 1:
            self.stirred.add(call.caller_ref or "")
        return call

    def agent_of(self, call_id: str) -> str | None:
        """Who talks with the caller. Before the first picture the records tell the seat alone."""
        call = self.calls.get(call_id)
        if call is None or call.agent_id is not None or not call.seat_id:
            return None if call is None else call.agent_id
        agent = self.floor.agent_at(call.seat_id)
        return None if agent is None else agent.id

    def step(
        self, call: Call, kind: StepKind, at: float | None = None, candidates: Candidates | None = None, **data: Value
    ) -> Call:
        """Records what happened; `seq` grows within the call, also across a restart."""
        call = self.calls.get(call.id, call)
        seq = max(call.last_seq + 1, int(self.wall * 1000))
        call = call._replace(last_seq=seq)
        if call.id in self.calls:
            self.calls[call.id] = call
        at = self.wall if at is None else at
        known = {k: v for k, v in data.items() if v is not None} | ({"test": True} if call.test else {})
        self.out.append(c.WriteStep(Step(call.id, seq, round(at, 3), kind, known, candidates)))
        return call

    def answer_goodbye(self, call: Call, answer: c.Answer) -> None:
        """The word that the dialplan waits for after a talk, if it still does."""
        if call.goodbye_session is None:
            return
        self.out.append(answer(call.id, call.goodbye_session))
        call = self.step(call, StepKind.SENT, verb=c.ANSWERS[answer], session=call.goodbye_session)
        self.put(call._replace(goodbye_session=None, goodbye_until=None))

    def monotonic(self, at: float) -> float:
        """The monotonic twin of a moment that may be told late: after a restart, or by a service that was frozen."""
        return self.now - max(0.0, self.wall - at)

    def talk_ended(self, call: Call, lost: bool, at: float) -> float | None:
        """Records the end of an agent's talk; returns how long it was, in seconds."""
        talk_s = None if call.answered is None else round(max(0.0, self.monotonic(at) - call.answered), 3)
        self.step(call, StepKind.TALK_ENDED, at, seat=call.seat_id, agent=call.agent_id, lost=lost, talk_s=talk_s)
        return talk_s

    def arrive(self, call_id: str, number: str, arrived_at: float, **facts: Any) -> Call | None:
        """A call we did not know. None when it ended already or nobody serves the number."""
        line = self.serving(number)
        if line is None or call_id in self.ended:
            return None
        arrived = self.now - max(0.0, self.wall - arrived_at)
        facts["test"] = probing.taken_in(self, call_id, arrived_at, facts)
        caller_ref = facts.get("caller_ref")
        sealed = facts.pop("caller_sealed", None)
        told = facts.pop("case", "")
        credit_s = self.credit_s(number, facts.get("trunk", ""))
        position = self._position(arrived - credit_s, caller_ref)
        prefers = None if facts.get("emergency") else self.last_agent(line, caller_ref)
        call = Call(call_id, number, line, arrived_at, arrived, position, prefers=prefers, credit_s=credit_s, **facts)
        call = self.put(call._replace(case=cases.readable(told)))
        call = self.step(
            call,
            StepKind.OFFERED,
            arrived_at,
            number=number,
            line=line.number,
            trunk=call.trunk,
            arrived_at=arrived_at,
            caller_ref=caller_ref,
            caller_sealed=sealed,
            emergency=call.emergency,
            case=call.case or None,
        )
        if call.case != told:
            call = self.step(call, StepKind.FLAG, arrived_at, flag="case_dropped", detail=cases.DROPPED)
        return call

    def credit_s(self, number: str, trunk: str) -> float:
        """What the classes of line and trunk are worth: so much longer the caller has waited, as far as his place goes.

        It is finite, so nobody starves: who waits longer than the span of all classes stands before every later caller.
        """
        way_in = self.rules.trunks.get(trunk)
        priority = self.rules.lines[number].priority + (way_in.priority if way_in else 0)
        return priority * self.rules.timing.class_worth_s

    def _position(self, place: float, caller_ref: str | None) -> float:
        """A redial within the time keeps the old place; the metric clock is not touched."""
        keeps = self.rules.timing.redial_keeps_place_s
        self.redials = {ref: old for ref, old in self.redials.items() if self.now - old[1] <= keeps}
        return self._kept(place, caller_ref, self.now)

    def _kept(self, place: float, caller_ref: str | None, at: float) -> float:
        old = self.redials.pop(caller_ref, None) if caller_ref else None
        if old is None or at - old[1] > self.rules.timing.redial_keeps_place_s:
            return place
        return min(place, old[0])

    def gave_up(self, left: e.LeftCall) -> None:
        """Somebody left before our start; told in the order of arrival, so that who dialled again and again is known."""
        arrived, left_at = (self.now - max(0.0, self.wall - at) for at in (left.arrived_at, left.left_at))
        place = arrived - self.credit_s(left.number, left.trunk)
        self.redials[left.caller_ref] = self._kept(place, left.caller_ref, arrived), left_at

    def met(self, caller_ref: str | None, agent_id: str | None, at: float) -> None:
        """They speak with each other, since `at` (monotonic)."""
        if caller_ref is None or agent_id is None:
            return
        self.spoke.pop(caller_ref, None)
        self.spoke[caller_ref] = agent_id, at
        for known in list(islice(self.spoke, 2)):  # the oldest go as fast as new ones come
            if self.now - self.spoke[known][1] > LAST_AGENT_KEPT_S:
                del self.spoke[known]

    def last_agent(self, line: Line, caller_ref: str | None) -> str | None:
        """For whom a caller who has just come waits first (`last_agent_s` of the line)."""
        if line.last_agent_s <= 0 or caller_ref is None:
            return None
        agent_id, at = self.spoke.get(caller_ref, (None, 0.0))
        return None if self.now - at > LAST_AGENT_KEPT_S else agent_id

    def waiting(self, call: Call) -> choice.Waiting:
        kept = frozenset[str]() if call.overdue else self.lending.kept - {call.line.zone}
        return choice.Waiting(call.id, call.line, call.arrived, call.open_rings, call.missed, call.prefers, kept)

    def agent(self, agent_id: str, event: AgentEvent, **how: Any) -> None:
        self.floor.apply(agent_id, event, self.now, self.wall, **how)

    def release(self, seat_id: str | None, call_id: str, event: AgentEvent) -> None:
        """The person at the seat is done with this call (and only if it is this call)."""
        agent = self.floor.agent_at(seat_id) if seat_id else None
        if agent is None or agent.call_id != call_id:
            return
        wrap_up_s = self._wrap_up_s(call_id)
        if event is AgentEvent.CALL_ENDED and agent.state is AgentState.TALKING:
            self.agent(agent.id, event, limit_s=wrap_up_s)
            if wrap_up_s <= 0 and self.floor.agents[agent.id].state is AgentState.WRAP_UP:  # no wish to pause or leave
                self.agent(agent.id, AgentEvent.WOKEN)
        elif agent.state is AgentState.RINGING:
            self.agent(agent.id, AgentEvent.PRESENTATION_LIFTED)

    def _wrap_up_s(self, call_id: str) -> float:
        call, out = self.calls.get(call_id), self.outbound.get(call_id)
        if call is not None and call.test:
            return 0.0
        line = call.line if call is not None else None if out is None else self.serving(out.line)
        own = None if line is None else line.wrap_up_s
        return self.rules.timing.wrap_up_s if own is None else own

    def timer(self, when: float, kind: str, key: str) -> None:
        self.timer_no += 1
        heappush(self.timers, (when, self.timer_no, kind, key))
