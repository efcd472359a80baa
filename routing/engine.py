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

from collections.abc import Callable
from dataclasses import replace
from heapq import heappop, heappush
from typing import Any, Final

from routing import call_state, choice, rebuild
from routing import commands as c
from routing import events as e
from routing.agent_state import AgentEvent, AgentState
from routing.call_state import CallEvent, CallState, IllegalTransition
from routing.calls import Call, Presentation, Queue
from routing.floor import UNREACHABLE_PAUSE_S, Floor
from routing.model import EngineView, Line, Mode, Rules
from routing.steps import CallOutcome, Judgement, Outcome, Step, StepKind, Value
from routing.views import engine_view

VOID_AFTER_S: Final = 1.0  # sent, but Asterisk never began to dial
DEAD_PHONE_S: Final = 1.5  # dialing, but the phone never rang
EXPIRY_SLACK_S: Final = 3.0  # beyond ring_s a presentation is over, whatever nobody told us
GOODBYE_WAIT_S: Final = 0.5  # AGI asks about the goodbye before AMI has told of it
DECISION_TTL_S: Final = 1.0
SEVERAL: Final = 3  # seats ringing at once after ring_several_after_s
CLOCK_STEP_S: Final = 0.5
ENDED_KEPT_S: Final = 10.0  # late events of an ended call are recognised for so long

STATUS_OUTCOME: Final = {
    "BUSY": Outcome.BUSY,
    "CONGESTION": Outcome.BUSY,  # rejected (603) comes so
    "DONTCALL": Outcome.BUSY,
    "TORTURE": Outcome.BUSY,
    "GUARD": Outcome.GUARDED,
    "CHANUNAVAIL": Outcome.UNREACHABLE,
    "INVALIDARGS": Outcome.UNREACHABLE,
    "CANCEL": Outcome.CANCELLED,
    "": Outcome.VOID,
}


class Engine:
    """Owns the only mutable state of routing."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.floor = Floor(rules)
        self.calls: dict[str, Call] = {}
        self.queue = Queue()
        self.deciding = False
        self.now = self.wall = 0.0
        self.out: list[c.Command] = []
        self.illegal = 0  # transitions that our tables do not know: our picture differs from the switch
        self._timers: list[tuple[float, int, str, str]] = []
        self._timer_no = 0
        self._dirty_calls: dict[str, None] = {}
        self._redials: dict[str, tuple[float, float]] = {}  # caller_ref -> (position, left at)
        self._ended: dict[str, float] = {}
        self._presentation_no = 0

    # -- the one way in -----------------------------------------------------------------------------------------------

    def handle(self, event: e.Event, now: float, wall: float) -> list[c.Command]:
        """Takes one event, returns what should happen, in order. Never raises for an event that surprises us."""
        self.now, self.wall, self.out = max(now, self.now), wall, []
        try:
            _HANDLERS[type(event)](self, event)
        except IllegalTransition:
            self.illegal += 1
        self._fire_timers()
        self._match()
        for sign in self.floor.signs:
            self.out.append(sign)
        self.floor.signs.clear()
        return self.out

    def next_wake(self) -> float | None:
        """Monotonic time of the next `Tick` the engine wants, or None."""
        for when, agent_id in self.floor.woken:
            self._timer(when, "agent", agent_id)
        self.floor.woken.clear()
        return self._timers[0][0] if self._timers else None

    def view(self, now: float) -> EngineView:
        return engine_view(self, now)

    # -- calls --------------------------------------------------------------------------------------------------------

    def serving(self, number: str) -> Line | None:
        """The line that serves a dialled number; a merged number is served as another line."""
        line = self.rules.lines.get(number)
        if line is not None and line.mode is Mode.MERGED and line.into is not None:
            return self.rules.lines.get(line.into)
        return line

    def known(self, call_id: str) -> Call | None:
        return self.calls.get(call_id)

    def put(self, call: Call) -> Call:
        call = replace(call, touched=self.wall)
        self.calls[call.id] = call
        return call

    def move(self, call: Call, event: CallEvent, **changes: Any) -> Call:
        """The only place where a call changes its state. `changes` go with the transition."""
        state = call_state.step(call.state, event)
        if state is call.state and (call.state, event) in call_state.IGNORED:
            return self.put(call)
        call = self.put(replace(call, state=state, **changes))
        if state is not CallState.QUEUED:
            self.queue.drop(call.id)
        return call

    def step(self, call: Call, kind: StepKind, at: float | None = None, **data: Value) -> Call:
        """Records what happened; `seq` grows within the call, also across a restart."""
        call = self.calls.get(call.id, call)
        seq = max(call.last_seq + 1, int(self.wall * 1000))
        call = replace(call, last_seq=seq)
        if call.id in self.calls:
            self.calls[call.id] = call
        at = self.wall if at is None else at
        self.out.append(
            c.WriteStep(Step(call.id, seq, round(at, 3), kind, {k: v for k, v in data.items() if v is not None}))
        )
        return call

    def arrive(self, call_id: str, number: str, arrived_at: float, **facts: Any) -> Call | None:
        """A call we did not know. None when it ended already or nobody serves the number."""
        line = self.serving(number)
        if line is None or call_id in self._ended:
            return None
        arrived = self.now - max(0.0, self.wall - arrived_at)
        caller_ref = facts.get("caller_ref")
        sealed = facts.pop("caller_sealed", None)
        call = Call(call_id, number, line, arrived_at, arrived, self._position(arrived, caller_ref), **facts)
        call = self.put(call)
        return self.step(
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
        )

    def _position(self, arrived: float, caller_ref: str | None) -> float:
        """A redial within the time keeps the old place; the metric clock is not touched."""
        keeps = self.rules.timing.redial_keeps_place_s
        self._redials = {ref: old for ref, old in self._redials.items() if self.now - old[1] <= keeps}
        old = self._redials.pop(caller_ref, None) if caller_ref else None
        return arrived if old is None else min(arrived, old[0])

    def waiting(self, call: Call) -> choice.Waiting:
        return choice.Waiting(call.id, call.line, call.arrived, call.open_rings, call.missed)

    # -- AGI ----------------------------------------------------------------------------------------------------------

    def _held(self, event: e.CallHeld) -> None:
        call = self.known(event.call_id) or self.arrive(
            event.call_id,
            event.number,
            event.arrived_at,
            trunk=event.trunk,
            emergency=event.emergency,
            caller_ref=event.caller_ref,
            caller_sealed=event.caller_sealed,
        )
        if call is None:
            self.out.append(c.SendToFallback(event.call_id, event.session, self.wall + DECISION_TTL_S))
            return
        if call.presentation is not None:
            self._came_back(call, event)
        if call.state is CallState.CONNECTED:
            self._leg_over(call, lost=True, at=self.wall)
        call = self.calls[call.id]
        lost = call.state is CallState.PARTED
        if lost:
            call = self.step(call, StepKind.REQUEUED, cause="lost_leg")
        call = self.move(
            call,
            CallEvent.HELD,
            session=event.session,
            noticed=call.noticed or event.noticed,
            head=call.head or lost,
            fallback_seats=frozenset(),
        )
        call = self.step(call, StepKind.HELD, back_from=event.last_status or None)
        self._enqueue(call)

    def _came_back(self, call: Call, event: e.CallHeld) -> None:
        """The caller is back in AGI, so his presentation is over; the dialplan says how when it carried it out."""
        assert call.presentation is not None
        ours = event.last_presentation == call.presentation.id
        outcome = self._outcome(call.presentation, event.last_status) if ours else Outcome.VOID
        for seat_id in call.presentation.seats:
            self.seat_over(call.id, seat_id, outcome, self.wall)

    def _enqueue(self, call: Call) -> None:
        self.queue.put(call)
        self._dirty_calls[call.id] = None
        timing = self.rules.timing
        notice_s = timing.answer_notice_after_s
        if call.line.answer_notice_after_s is not None:
            notice_s = call.line.answer_notice_after_s
        looks = [ring.after_s for ring in call.line.rings]
        looks += [notice_s] if notice_s > 0 else []
        for after_s in looks:
            if call.arrived + after_s > self.now:
                self._timer(call.arrived + after_s, "call", call.id)
        if 0 < notice_s <= self.now - call.arrived:
            self._notice(call)

    def _closed(self, event: e.SessionClosed) -> None:
        call = self.known(event.call_id)
        if call is not None and call.session == event.session:
            self.move(call, CallEvent.LET_GO, session=None)

    def _goodbye_asked(self, event: e.GoodbyeAsked) -> None:
        call = self.known(event.call_id)
        if call is None or not self.floor.ami_up:
            if call is not None:
                self._leg_over(call, lost=False, at=self.wall)
            self.out.append(c.SayGoodbye(event.call_id, event.session))
            return
        if call.leg_lost is None:
            until = self.now + GOODBYE_WAIT_S
            self.put(replace(call, goodbye_session=event.session, goodbye_until=until))
            self._timer(until, "goodbye", call.id)
        else:
            self.put(replace(call, goodbye_session=event.session))
            self._answer_goodbye(call.id)

    def _answer_goodbye(self, call_id: str) -> None:
        call = self.calls[call_id]
        if call.goodbye_session is None:
            return
        verb = c.BringBack if call.leg_lost else c.SayGoodbye
        self.out.append(verb(call_id, call.goodbye_session))
        self.put(replace(call, goodbye_session=None, goodbye_until=None))

    # -- presentations ------------------------------------------------------------------------------------------------

    def _present(self, call: Call, best: list[choice.SeatNow], why: str) -> None:
        assert call.session is not None
        self._presentation_no += 1
        seat_ids = tuple(now_at.seat.id for now_at in best)
        agents = ",".join(now_at.agent.id for now_at in best)
        id_ = f"{int(self.wall * 1000):x}-{self._presentation_no}"
        ring_s = self.rules.timing.ring_s
        shown = Presentation(id_, seat_ids, ring_s, self.now)
        session = call.session
        call = self.move(call, CallEvent.SENT, presentation=shown, session=None)
        for now_at in best:
            self.agent(now_at.agent.id, AgentEvent.CALL_PRESENTED, call_id=call.id)
        self.out.append(c.PresentCall(call.id, session, id_, seat_ids, ring_s, self.wall + DECISION_TTL_S))
        wait_s = round(self.now - call.arrived, 3)
        self.step(
            call, StepKind.PRESENTED, presentation=id_, seats=",".join(seat_ids), agents=agents,
            ring=call.open_rings - 1, wait_s=wait_s, why=why,
        )  # fmt: skip
        for after_s in (VOID_AFTER_S, ring_s + EXPIRY_SLACK_S):
            self._timer(self.now + after_s, "presentation", call.id)

    def agent(self, agent_id: str, event: AgentEvent, **how: Any) -> None:
        self.floor.apply(agent_id, event, self.now, self.wall, **how)

    def _dialing(self, event: e.SeatDialing) -> None:
        call = self.known(event.call_id)
        if call is None:
            return
        shown = call.presentation
        if shown is not None and event.seat_id in shown.seats:
            if shown.dialing is None:
                self.put(replace(call, presentation=replace(shown, dialing=self.now)))
                self._timer(self.now + DEAD_PHONE_S, "presentation", call.id)
        else:
            self._rung_by_fallback(call, event.seat_id)
        self.step(call, StepKind.DIALING, event.at, seat=event.seat_id, presentation=shown.id if shown else None)

    def _rung_by_fallback(self, call: Call, seat_id: str) -> None:
        """The dialplan alone rings a seat: ours must not be offered another call meanwhile."""
        self.put(replace(call, fallback_seats=call.fallback_seats | {seat_id}))
        agent = self.floor.agent_at(seat_id)
        if agent is not None and agent.state is not AgentState.TALKING:
            self.agent(agent.id, AgentEvent.CALL_PRESENTED, call_id=call.id)

    def _ringing(self, event: e.SeatRinging) -> None:
        call = self.known(event.call_id)
        if call is None:
            return
        shown = call.presentation
        if shown is not None and event.seat_id in shown.seats:
            if event.seat_id in shown.rang:
                return
            rang_at = self.now if shown.rang_at is None else shown.rang_at
            shown = replace(
                shown, rang=shown.rang | {event.seat_id}, rang_at=rang_at, dialing=shown.dialing or self.now
            )
            self.put(replace(call, presentation=shown))
        self.step(call, StepKind.RINGING, event.at, seat=event.seat_id, presentation=shown.id if shown else None)

    def _dial_ended(self, event: e.SeatDialEnded) -> None:
        call = self.known(event.call_id)
        if call is None or event.status == "ANSWER":
            return
        shown = call.presentation
        if shown is not None and event.seat_id in shown.seats:
            self.seat_over(call.id, event.seat_id, self._outcome(shown, event.status, event.seat_id), event.at)
        elif event.seat_id in call.fallback_seats:
            self.put(replace(call, fallback_seats=call.fallback_seats - {event.seat_id}))
            self.release(event.seat_id, call.id, AgentEvent.PRESENTATION_LIFTED)

    def _outcome(self, shown: Presentation, status: str, seat_id: str | None = None) -> Outcome:
        """What a status of Asterisk means for the person at the seat. No ringing seen: a dead phone, not a person."""
        if status in STATUS_OUTCOME:
            return STATUS_OUTCOME[status]
        rang = bool(shown.rang) if seat_id is None else seat_id in shown.rang
        if status == "NOANSWER" and self.floor.ami_up and not rang:
            return Outcome.UNREACHABLE
        return Outcome.NO_ANSWER

    def seat_over(self, call_id: str, seat_id: str, outcome: Outcome, at: float) -> None:
        """One seat is done with its presentation; the last one sets the call down."""
        call = self.calls[call_id]
        shown = call.presentation
        if shown is None or seat_id in shown.over:
            return
        ring_s = None if shown.rang_at is None else round(self.now - shown.rang_at, 3)
        self.step(
            call, StepKind.PRESENTATION_ENDED, at, presentation=shown.id, seat=seat_id, outcome=outcome, ring_s=ring_s
        )
        shown = replace(shown, over=shown.over | {seat_id})
        call = self.calls[call_id]
        if outcome in (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.UNREACHABLE, Outcome.GUARDED):
            call = replace(call, missed=call.missed | {seat_id})
        self.put(replace(call, presentation=shown))
        self._blame(seat_id, call_id, outcome)
        if len(shown.over) == len(shown.seats):
            call = self.put(replace(self.calls[call_id], presentation=None))
            self.move(call, CallEvent.SET_DOWN)

    def _blame(self, seat_id: str, call_id: str, outcome: Outcome) -> None:
        """What the outcome costs the person: pauses of `[timing]`; void and cancelled cost nothing."""
        agent = self.floor.agent_at(seat_id)
        if agent is None or agent.call_id != call_id or agent.state is not AgentState.RINGING:
            return
        timing = self.rules.timing
        if outcome is Outcome.NO_ANSWER:
            misses = agent.misses + 1
            self.floor.agents[agent.id] = replace(agent, misses=misses)
            limit = timing.no_answer_pause_s if misses < 2 else None
            reason = "no answer" if misses < 2 else "set aside after two missed calls"
            self.agent(agent.id, AgentEvent.PRESENTATION_MISSED, limit_s=limit, reason=reason)
        elif outcome is Outcome.UNREACHABLE:
            self.agent(
                agent.id, AgentEvent.PRESENTATION_MISSED, limit_s=UNREACHABLE_PAUSE_S, reason="phone does not ring"
            )
        elif outcome in (Outcome.BUSY, Outcome.GUARDED):
            self.agent(agent.id, AgentEvent.PRESENTATION_MISSED, limit_s=timing.busy_pause_s, reason="busy")
        else:
            self.agent(agent.id, AgentEvent.PRESENTATION_LIFTED)

    def release(self, seat_id: str | None, call_id: str, event: AgentEvent) -> None:
        """The person at the seat is done with this call (and only if it is this call)."""
        agent = self.floor.agent_at(seat_id) if seat_id else None
        if agent is None or agent.call_id != call_id:
            return
        wrap_up_s = self.rules.timing.wrap_up_s
        if event is AgentEvent.CALL_ENDED and agent.state is AgentState.TALKING:
            self.agent(agent.id, event, limit_s=wrap_up_s)
            if wrap_up_s <= 0:
                self.agent(agent.id, AgentEvent.WOKEN)
        elif agent.state is AgentState.RINGING:
            self.agent(agent.id, AgentEvent.PRESENTATION_LIFTED)

    # -- talk ---------------------------------------------------------------------------------------------------------

    def _answered(self, event: e.CallAnswered) -> None:
        call = self.known(event.call_id)
        if call is None or call.state in (CallState.ENDED, CallState.CONNECTED):
            return
        self.connect(call, event.seat_id, event.at)

    def connect(self, call: Call, seat_id: str, at: float) -> None:
        """Caller and agent are in one bridge at `at` (epoch, Asterisk's clock). First answer judges the call."""
        shown = call.presentation
        ours = shown is not None and seat_id in shown.seats
        if shown is not None:
            for other in shown.seats:
                self.seat_over(call.id, other, Outcome.ANSWERED if other == seat_id else Outcome.CANCELLED, at)
        self._take_from_others(seat_id, call.id, at)
        agent = self.floor.agent_at(seat_id)
        if agent is not None:
            self.agent(agent.id, AgentEvent.CALL_ANSWERED, call_id=call.id)
        call = self.calls[call.id]
        for other in call.fallback_seats - {seat_id}:
            self.release(other, call.id, AgentEvent.PRESENTATION_LIFTED)
        first = call.answered_at is None
        call = self.move(
            self.calls[call.id], CallEvent.ANSWERED, answered_at=at if first else call.answered_at,
            answered=self.now, seat_id=seat_id, agent_id=agent.id if agent else None, session=None, presentation=None,
            fallback_seats=frozenset(), leg_lost=None, head=False,
        )  # fmt: skip
        wait_s = self._wait_s(call, at)
        self.step(
            call, StepKind.ANSWERED, at, seat=seat_id, agent=call.agent_id, wait_s=wait_s,
            presentation=shown.id if shown and ours else None, by="engine" if ours else "fallback",
        )  # fmt: skip
        if first:
            within = call.line.answer_within_s
            self.judge(call, Judgement.IN_TIME if wait_s <= within else Judgement.LATE, wait_s, at)

    def _take_from_others(self, seat_id: str, call_id: str, at: float) -> None:
        """The seat answered this call, so no presentation of another call can be open there."""
        agent = self.floor.agent_at(seat_id)
        other = self.calls.get(agent.call_id) if agent and agent.call_id else None
        if other is None or other.id == call_id or other.presentation is None:
            return
        if seat_id in other.presentation.seats:
            self.seat_over(other.id, seat_id, Outcome.VOID, at)

    def _wait_s(self, call: Call, at: float) -> float:
        """Arrival to `at` by Asterisk's clock; by our monotonic clock when the wall clock stepped meanwhile."""
        by_wall = at - call.arrived_at
        by_mono = self.now - call.arrived - max(0.0, self.wall - at)
        if abs(by_wall - by_mono) > CLOCK_STEP_S:
            self.step(call, StepKind.FLAG, flag="clock_step", detail=f"{by_wall - by_mono:+.3f} s")
            return round(max(0.0, by_mono), 3)
        return round(max(0.0, by_wall), 3)

    def judge(self, call: Call, result: Judgement, wait_s: float, at: float) -> None:
        call = self.calls.get(call.id, call)
        if not call.judged:
            self.calls[call.id] = replace(call, judged=True)
            self.step(
                call,
                StepKind.JUDGED,
                at,
                result=result,
                wait_s=round(wait_s, 3),
                line=call.line.number,
                number=call.number,
            )

    def _agent_leg_ended(self, event: e.AgentLegEnded) -> None:
        call = self.known(event.call_id)
        if call is not None and call.seat_id == event.seat_id:
            self._leg_over(call, event.lost, event.at)
            self._answer_goodbye(call.id)

    def _leg_over(self, call: Call, lost: bool, at: float) -> None:
        if call.state is CallState.CONNECTED:
            talk_s = None if call.answered is None else round(max(0.0, self.now - call.answered), 3)
            self.step(call, StepKind.TALK_ENDED, at, seat=call.seat_id, agent=call.agent_id, lost=lost, talk_s=talk_s)
        call = self.move(self.calls[call.id], CallEvent.LEG_ENDED, leg_lost=lost, parted_at=at)
        if lost:
            self.put(replace(call, missed=call.missed | {call.seat_id or ""}))
        self.release(call.seat_id, call.id, AgentEvent.CALL_ENDED)

    def _call_ended(self, event: e.CallEnded) -> None:
        call = self.known(event.call_id)
        if call is not None:
            self.end(call, event.at, event.cause, event.by)
        else:
            self._ended[event.call_id] = self.now

    def end(self, call: Call, at: float, cause: int | None, by: str, outcome: CallOutcome | None = None) -> None:
        """The caller's channel is gone: everybody else is released, the story is closed, once."""
        if call.presentation is not None:
            for seat_id in call.presentation.seats:
                self.seat_over(call.id, seat_id, Outcome.CANCELLED, at)
        for seat_id in call.fallback_seats:
            self.release(seat_id, call.id, AgentEvent.PRESENTATION_LIFTED)
        self.release(call.seat_id, call.id, AgentEvent.CALL_ENDED)
        call = self.move(self.calls[call.id], CallEvent.ENDED, session=None)
        answered = call.answered_at is not None
        if outcome is None:
            outcome = CallOutcome.ANSWERED if answered else CallOutcome.FAILED if by == "pbx" else CallOutcome.ABANDONED
        if not answered:
            failed = outcome is CallOutcome.FAILED
            self.judge(call, Judgement.FAILED if failed else Judgement.ABANDONED, self._wait_s(call, at), at)
        if outcome is CallOutcome.ABANDONED and call.caller_ref:
            self._redials[call.caller_ref] = (call.position, self.now)
        talk_s = round(max(0.0, (call.parted_at or at) - call.answered_at), 3) if call.answered_at is not None else None
        self.step(self.calls[call.id], StepKind.ENDED, at, outcome=outcome, by=by, cause=cause, talk_s=talk_s)
        del self.calls[call.id]
        self._ended[call.id] = self.now
        self._timer(self.now + ENDED_KEPT_S, "ended", call.id)

    # -- everything else ----------------------------------------------------------------------------------------------

    def _seen(self, event: e.CallSeen) -> None:
        if self.known(event.call_id) is None:
            self.arrive(
                event.call_id,
                event.number,
                event.arrived_at,
                trunk=event.trunk,
                emergency=event.emergency,
                caller_ref=event.caller_ref,
                caller_sealed=event.caller_sealed,
            )

    def _fallback(self, event: e.FallbackUsed) -> None:
        call = self.known(event.call_id)
        if call is None:
            return
        if call.presentation is not None:  # our decision was overtaken: nothing of ours rings any more
            for seat_id in call.presentation.seats:
                self.seat_over(call.id, seat_id, Outcome.VOID, event.at)
        call = self.move(self.calls[call.id], CallEvent.LET_GO, session=None)
        self.step(call, StepKind.FALLBACK, event.at, stage=event.stage)

    def _device(self, event: e.SeatStateChanged) -> None:
        self.floor.device(event.seat_id, event.state, self.now, self.wall)

    def _ami_lost(self, event: e.AmiLost) -> None:
        self.floor.ami_up = False
        for seat_id in self.floor.at_seat:
            self.floor.changed.add(seat_id)

    def _picture(self, event: e.Picture) -> None:
        self.floor.ami_up = True
        rebuild.take_picture(self, event)
        self._look_at_everything()

    def _remembered(self, event: e.Remembered) -> None:
        rebuild.remember(self, event)

    def _allowed(self, event: e.DecisionsAllowed) -> None:
        self.deciding = True
        self._look_at_everything()

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
            self.floor.agents[agent.id] = replace(agent, misses=0)
            self.agent(agent.id, AgentEvent.READY_ASKED)

    def _rules(self, event: e.RulesChanged) -> None:
        self.rules = event.rules
        self.floor.replace_rules(event.rules, self.now, self.wall)
        for call in list(self.calls.values()):
            line = self.serving(call.number)
            if line is not None:
                self.calls[call.id] = replace(call, line=line)
        self._look_at_everything()

    def _tick(self, event: e.Tick) -> None:
        """Nothing to do: timers fire after every event."""

    # -- time ---------------------------------------------------------------------------------------------------------

    def _timer(self, when: float, kind: str, key: str) -> None:
        self._timer_no += 1
        heappush(self._timers, (when, self._timer_no, kind, key))

    def _fire_timers(self) -> None:
        self.next_wake()
        while self._timers and self._timers[0][0] <= self.now:
            _, _, kind, key = heappop(self._timers)
            try:
                _TIMERS[kind](self, key)
            except IllegalTransition:
                self.illegal += 1
            self.next_wake()

    def _agent_due(self, agent_id: str) -> None:
        agent = self.floor.agents.get(agent_id)
        if agent is not None and agent.wake_at is not None and agent.wake_at <= self.now:
            self.agent(agent_id, AgentEvent.WOKEN)

    def _call_due(self, call_id: str) -> None:
        call = self.calls.get(call_id)
        if call is None or call.id not in self.queue:
            return
        self._dirty_calls[call_id] = None
        notice_s = call.line.answer_notice_after_s
        notice_s = self.rules.timing.answer_notice_after_s if notice_s is None else notice_s
        if 0 < notice_s <= self.now - call.arrived:
            self._notice(call)

    def _notice(self, call: Call) -> None:
        """Carriers end endless ringing: answer into notice and music; the caller asks again at once, at the same place."""
        if call.noticed or call.session is None or not self.deciding:
            return
        self.out.append(c.AnswerIntoNotice(call.id, call.session, self.wall + DECISION_TTL_S))
        self.step(call, StepKind.NOTICE, wait_s=round(self.now - call.arrived, 3))
        self.move(self.calls[call.id], CallEvent.LET_GO, session=None, noticed=True)

    def _presentation_due(self, call_id: str) -> None:
        call = self.calls.get(call_id)
        shown = call.presentation if call else None
        if call is None or shown is None:
            return
        if self.now >= shown.sent + shown.ring_s + EXPIRY_SLACK_S:
            outcome = Outcome.NO_ANSWER if shown.rang else Outcome.VOID
        elif self.floor.ami_up and shown.dialing is None and self.now >= shown.sent + VOID_AFTER_S:
            outcome = Outcome.VOID
        elif self._dead_phone(shown):
            for seat_id in shown.seats:
                self.out.append(c.DropLeg(call_id, seat_id))
            outcome = Outcome.UNREACHABLE
        else:
            return
        for seat_id in shown.seats:
            self.seat_over(call_id, seat_id, outcome, self.wall)

    def _dead_phone(self, shown: Presentation) -> bool:
        if not self.floor.ami_up or shown.dialing is None or shown.rang:
            return False
        return self.now >= shown.dialing + DEAD_PHONE_S

    def _goodbye_due(self, call_id: str) -> None:
        call = self.calls.get(call_id)
        if call is not None and call.goodbye_until is not None and call.goodbye_until <= self.now:
            self._answer_goodbye(call_id)

    def _ended_due(self, call_id: str) -> None:
        self._ended.pop(call_id, None)

    # -- who rings for whom -------------------------------------------------------------------------------------------

    def _look_at_everything(self) -> None:
        self.floor.changed.update(self.floor.at_seat)
        for call_id in self.queue:
            self._dirty_calls[call_id] = None

    def _match(self) -> None:
        """Restores the promise: no free seat that `eligible` admits while a caller waits.

        Only what changed is looked at: a seat that became free against the waiting in their order, a call that came or
        whose next ring opened against the free seats.
        """
        if not self.deciding:
            return
        if self.floor.presence_changed:
            self.floor.presence_changed = False
            self._look_at_everything()
        seats, self.floor.changed = self.floor.changed, set()
        dirty, self._dirty_calls = self._dirty_calls, {}
        if not self.queue:
            return
        for call_id in dirty:
            self._open_rings(call_id)
        fresh = [s for s in self.floor.candidates() if s.seat.id in seats]
        if not fresh and not dirty:
            return
        for call_id in self.queue:
            call = self.calls[call_id]
            admits = call_id in dirty or any(choice.eligible(self.waiting(call), seat) is None for seat in fresh)
            if admits and self._present_best(call):
                fresh = [s for s in self.floor.candidates() if s.seat.id in seats]
                if not fresh and not dirty.keys() & set(self.queue):
                    break
        self._give_up_on_nobody(dirty)

    def _open_rings(self, call_id: str) -> None:
        call = self.calls.get(call_id)
        if call is not None and call_id in self.queue:
            count = choice.open_rings(call.line, self.now - call.arrived, self.floor.anybody)
            if count != call.open_rings:
                self.calls[call_id] = replace(call, open_rings=count)

    def _present_best(self, call: Call) -> bool:
        waiting = self.waiting(call)
        admitted = [seat for seat in self.floor.candidates() if choice.eligible(waiting, seat) is None]
        if not admitted:
            return False
        demand = self._demand()
        admitted.sort(key=lambda seat: choice.rank(waiting, seat, demand))
        several_after_s = self.rules.timing.ring_several_after_s
        several = 0 < several_after_s <= self.now - call.arrived
        best = admitted[: SEVERAL if several else 1]
        why = choice.explanation(waiting, self.floor.all_seats(), tuple(seat.seat.id for seat in best))
        self._present(call, best, why)
        return True

    def _demand(self) -> dict[str, float]:
        """Callers waiting, by the skill their first ring asks for."""
        demand: dict[str, float] = {}
        for call_id in self.queue:
            need = self.calls[call_id].line.rings[0].need
            if need is not None and need.skill is not None:
                demand[need.skill] = demand.get(need.skill, 0.0) + 1.0
        return demand

    def _give_up_on_nobody(self, dirty: dict[str, None]) -> None:
        """Nobody is there for any ring of the line, and its last ring is open: the dialplan's duty seats and telephone."""
        for call_id in dirty:
            call = self.calls.get(call_id)
            if call is None or call_id not in self.queue or call.session is None:
                continue
            late = self.now - call.arrived >= call.line.rings[-1].after_s
            if late and not any(self.floor.anybody(ring) for ring in call.line.rings):
                self.out.append(c.SendToFallback(call_id, call.session, self.wall + DECISION_TTL_S))
                self.move(call, CallEvent.LET_GO, session=None)


_HANDLERS: Final[dict[type, Callable[[Engine, Any], None]]] = {
    e.CallHeld: Engine._held,
    e.SessionClosed: Engine._closed,
    e.GoodbyeAsked: Engine._goodbye_asked,
    e.CallSeen: Engine._seen,
    e.SeatDialing: Engine._dialing,
    e.SeatRinging: Engine._ringing,
    e.SeatDialEnded: Engine._dial_ended,
    e.CallAnswered: Engine._answered,
    e.AgentLegEnded: Engine._agent_leg_ended,
    e.CallEnded: Engine._call_ended,
    e.FallbackUsed: Engine._fallback,
    e.SeatStateChanged: Engine._device,
    e.AmiLost: Engine._ami_lost,
    e.Picture: Engine._picture,
    e.Remembered: Engine._remembered,
    e.DecisionsAllowed: Engine._allowed,
    e.DecisionsHeld: Engine._stalled,
    e.AgentSignedIn: Engine._signed_in,
    e.AgentSignedOut: Engine._signed_out,
    e.AgentPaused: Engine._paused,
    e.AgentReady: Engine._ready,
    e.RulesChanged: Engine._rules,
    e.Tick: Engine._tick,
}

_TIMERS: Final[dict[str, Callable[[Engine, str], None]]] = {
    "agent": Engine._agent_due,
    "call": Engine._call_due,
    "presentation": Engine._presentation_due,
    "goodbye": Engine._goodbye_due,
    "ended": Engine._ended_due,
}
