"""The routing engine in the simulated world: the same code that routes real calls, fed as AGI and AMI would feed it.

It is told only what changes a decision: callers held, phones ringing, answers, ends, missed calls, sign-ins, and its own
wake-ups. Device states are left out: people here have no calls but ours, and for those the engine keeps the state of the
person. While nobody waits to be decided on and nobody's pause runs out, wake-ups are left out too: the engine does what
fell due with the next event, before it decides; a test holds that to what it decides when woken to the moment. Telephony
takes no time; nothing is lost on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from routing import commands as c
from routing import events as e
from routing.agent_state import AgentState
from routing.engine import Engine
from routing.floor import SET_ASIDE
from routing.model import DeviceState, Rules, SignIn
from service.simulation.callers import Caller
from service.simulation.day import Day, Person, wrap_up_limit_s
from service.simulation.world import Fate, Tell, World

TICK: Final = e.Tick()
OUT, PAUSED = AgentState.SIGNED_OUT.value, AgentState.PAUSED.value
TALKING, WRAP_UP = AgentState.TALKING.value, AgentState.WRAP_UP.value


class Rung(NamedTuple):
    """A presentation under way. `seat_id`: who will answer, None when nobody does in time."""

    caller: Caller
    presentation: str
    seats: tuple[str, ...]
    seat_id: str | None


class Ours(World):
    scheme = "ours"

    def __init__(self, day: Day, callers: Sequence[Caller], tell: Tell | None = None) -> None:
        super().__init__(day, callers, tell)
        rules = _rules(day)
        self.engine = Engine(rules)
        self.wrap_up_s: dict[str, float] = {}  # of the last call, by agent
        self.rung: dict[int, Rung] = {}  # by caller
        self.presented: dict[int, int] = {}  # seats so far, by caller
        self.held: set[int] = set()  # callers who wait to be decided on
        self.noticed: set[int] = set()
        self.session = 0
        self.states: dict[str, tuple[str, float]] = {}  # agent -> state, since
        self.paused: set[str] = set()
        self._send(e.WorkdaysChanged(day.workdays))
        self._send(e.Picture((), dict.fromkeys(rules.seats, DeviceState.NOT_INUSE), self.wall))
        self._send(e.DecisionsAllowed())

    @property
    def wall(self) -> float:
        return self.day.midnight + self.now

    def step(self) -> bool:
        if self.wakes() or not self.agenda:
            wake = self.engine.next_wake()
            if wake is not None and (not self.agenda or wake < self.agenda[0][0]):
                self.now = max(self.now, wake)
                self._send(TICK)
                return True
        return super().step()

    def wakes(self) -> bool:
        """Whether the engine's wake-ups are kept to the moment now."""
        return bool(self.held or self.paused)

    def _send(self, event: e.Event) -> None:
        for command in self.engine.handle(event, self.now, self.wall):
            act = _ACTS.get(type(command))
            if act is not None:
                act(self, command)

    # -- people -------------------------------------------------------------------------------------------------------

    def begin_shift(self, person: Person) -> None:
        self._send(e.AgentSignedIn(person.agent.id, person.seat.id))
        self._send(e.AgentReady(person.agent.id))

    def end_shift(self, person: Person) -> None:
        self._send(e.AgentSignedOut(person.agent.id))

    def _state_told(self, command: c.WriteSignIn) -> None:
        self._account(command.agent_id)
        self.states[command.agent_id] = command.state, self.now
        if command.state != PAUSED:
            self.paused.discard(command.agent_id)
        elif command.reason == SET_ASIDE:
            self.at(self.now + self.day.habits.returns_after_s, self._returns, (command.agent_id, self.now))
        else:
            self.paused.add(command.agent_id)

    def _returns(self, who: tuple[str, float]) -> None:
        """Set aside after two missed calls; somebody went and asked."""
        if self.states.get(who[0]) == (PAUSED, who[1]):
            self._send(e.AgentReady(who[0]))

    def _work_done(self, who: tuple[str, float]) -> None:
        """Ready before the time for wrap-up is over."""
        if self.states.get(who[0]) == (WRAP_UP, who[1]):
            self._send(e.AgentReady(who[0]))

    def _account(self, agent_id: str) -> None:
        state, since = self.states.get(agent_id, (OUT, self.now))
        passed_s, hours = self.now - since, self.outcome.hours
        if state != OUT:
            hours.signed_in_s += passed_s
        if state == PAUSED:
            hours.paused_s += passed_s
        elif state == TALKING:
            hours.handled_s += passed_s
        elif state == WRAP_UP:
            hours.handled_s += min(passed_s, self.wrap_up_s[agent_id])  # its end may be told late, see above

    def close(self) -> None:
        for agent_id in self.states:
            self._account(agent_id)

    # -- callers ------------------------------------------------------------------------------------------------------

    def comes(self, caller: Caller) -> None:
        self._hold(caller)

    def _hold(self, caller: Caller, presentation: str | None = None, status: str = "") -> None:
        self.session += 1
        self.held.add(caller.nth)
        self._send(
            e.CallHeld(
                str(caller.nth),
                self.session,
                caller.number,
                self.day.midnight + caller.at,
                last_presentation=presentation,
                last_status=status,
                noticed=caller.nth in self.noticed,
            )
        )

    def gives_up(self, caller: Caller) -> None:
        self.rung.pop(caller.nth, None)
        self.held.discard(caller.nth)
        self._send(e.CallEnded(str(caller.nth), self.wall, 16, "caller"))

    def _present(self, command: c.PresentCall) -> None:
        caller = self.callers[int(command.call_id)]
        self.held.discard(caller.nth)
        before = self.presented.get(caller.nth, 0)
        self.presented[caller.nth] = before + len(command.seat_ids)
        taken = [(caller.pick_up_s(before + n), seat_id) for n, seat_id in enumerate(command.seat_ids)]
        first_s, seat_id = min(taken)
        answers = first_s <= command.ring_s
        rung = Rung(caller, command.presentation, command.seat_ids, seat_id if answers else None)
        self.rung[caller.nth] = rung
        self.at(self.now + (first_s if answers else command.ring_s), self._rung_out, rung)
        for each in command.seat_ids:
            self._send(e.SeatRinging(command.call_id, each, self.wall))

    def _rung_out(self, rung: Rung) -> None:
        """Answered, or the ring time is over."""
        caller = rung.caller
        if self.rung.get(caller.nth) is not rung:
            return
        del self.rung[caller.nth]
        call_id, wall = str(caller.nth), self.wall
        if rung.seat_id is not None:
            self.settle(caller, Fate.ANSWERED)
            self.at(self.now + caller.talk_s, self._talk_ends, (caller, rung.seat_id))
            self._send(e.CallAnswered(call_id, rung.seat_id, wall))
            return
        for seat_id in rung.seats:
            self._send(e.SeatDialEnded(call_id, seat_id, "NOANSWER", wall))
        self._hold(caller, rung.presentation, "NOANSWER")

    def _talk_ends(self, talk: tuple[Caller, str]) -> None:
        caller, seat_id = talk
        agent_id = self.engine.floor.at_seat[seat_id]
        self.wrap_up_s[agent_id] = limit_s = wrap_up_limit_s(self.engine.rules, caller.number)
        if caller.wrap_up_s < limit_s:
            self.at(self.now + caller.wrap_up_s, self._work_done, (agent_id, self.now))
        self.call_over(caller)
        self._send(e.CallEnded(str(caller.nth), self.wall, 16, "caller"))

    def _notice(self, command: c.AnswerIntoNotice) -> None:
        """Answered into the notice, the caller asks again at once."""
        caller = self.callers[int(command.call_id)]
        self.noticed.add(caller.nth)
        self._hold(caller)

    def _sent_away(self, command: c.SendToFallback) -> None:
        caller = self.callers[int(command.call_id)]
        self.held.discard(caller.nth)
        self.settle(caller, Fate.SENT_AWAY)
        self.call_over(caller)
        self._send(e.CallEnded(command.call_id, self.wall, 16, "pbx"))


_ACTS: Final[dict[type, Callable[[Ours, Any], None]]] = {
    c.PresentCall: Ours._present,
    c.AnswerIntoNotice: Ours._notice,
    c.SendToFallback: Ours._sent_away,
    c.WriteSignIn: Ours._state_told,
}


def _rules(day: Day) -> Rules:
    """The day's rules with the day's people, who sign in by their shifts and not by their phones."""
    agents = {person.agent.id: replace(person.agent, sign_in=SignIn.AGENT) for person in day.people}
    return replace(day.rules, agents=agents, seats={person.seat.id: person.seat for person in day.people})
