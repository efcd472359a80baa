"""Other rules beside the live ones: what would they have decided, of the same callers and the same free seats?

The shadow is an engine like the live one, fed with the same events. It decides, and then what it decided is taken back and
what the live engine decided is put in its place. So at every moment it looks at the live hotline and not at a world of its
own: each answer is exact for its decision, and no answer grows out of an earlier one. What the other rules would do to
the whole day is another question (`service.replay`).

Its own decision that the live engine does not take stays as a *hold* (the caller out of the queue, the seats taken) as
long as nothing happens to them, because other callers would find it so; and from its first moment on the caller is *ahead*.
When the live engine decides, all holds are taken back first and everything is decided anew, in that moment's hotline.

It reads the live engine when it begins and to see that both still agree; it never changes it, and nothing here is carried
out. Memory is bounded: by the calls there are, and by `EXAMPLES`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeAlias

from routing import commands as c
from routing import events as e
from routing import matching, presenting, restricting, waiting_room
from routing.agent_state import Agent, AgentEvent
from routing.call_state import CallEvent, CallState, IllegalTransition
from routing.calls import Call, Presentation
from routing.engine import Engine
from routing.model import Line, Rules
from routing.shadow_rules import over

TOGETHER_S: Final = 0.1  # a decision so little earlier is as good as at the same time
EXAMPLES: Final = 20  # kept of each kind, the newest
CATCH_UP: Final = 1000  # moments of its own between two events of the live engine
TICK: Final = e.Tick()
NOBODY: Final[tuple[str, ...]] = ()


class Result(StrEnum):
    """A live decision held against the shadow's; label `result` of `hotline_shadow_decisions_total`."""

    SAME = "same"
    SEAT = "seat"  # another seat, for the same caller at the same time
    EARLIER = "earlier"  # the caller would have been presented before
    LATER = "later"  # the caller would still wait
    ORDER = "order"  # the seat would ring for another caller first
    FOUND = "found"  # the live rules found no seat at all for the caller, these would have
    FALLBACK = "fallback"  # the caller would be left to the duty seats and telephone of the dialplan


class Difference(NamedTuple):
    """One decision that the shadow would have taken otherwise. `at`: epoch of the live decision (FOUND: of the shadow's).

    `live`, `shadow`: seats, none for a caller who waits on or is left to the dialplan. `earlier_s`: by so much. `rival`:
    for which call the seat would ring.
    """

    result: Result
    call_id: str
    line: str
    at: float
    wait_s: float
    live: tuple[str, ...]
    shadow: tuple[str, ...]
    earlier_s: float | None = None
    rival: str | None = None


class Hold(NamedTuple):
    """A decision of the shadow that is not the live engine's. `seats` none: left to the dialplan."""

    session: int
    seats: tuple[str, ...]
    line: Line
    people: tuple[Agent, ...]  # at the seats, as they were


class Ahead(NamedTuple):
    """When the shadow would have presented the caller for the first time, to whom, after which wait."""

    now: float
    at: float
    wait_s: float
    line: str
    seats: tuple[str, ...]


Decided: TypeAlias = c.PresentCall | c.SendToFallback | c.AnswerIntoNotice | c.Inform | c.Dismiss

# Events that concern one call and one seat at most.
NARROW: Final = frozenset(
    {
        e.CallHeld,
        e.CallSeen,
        e.SessionClosed,
        e.DecisionRefused,
        e.GoodbyeAsked,
        e.SeatDialing,
        e.SeatRinging,
        e.SeatPickedUp,
        e.SeatDialEnded,
        e.CallAnswered,
        e.AgentLegEnded,
        e.CallEnded,
        e.FallbackUsed,
        e.SeatStateChanged,
        e.Tick,
    }
)
TALKS: Final = frozenset({CallState.CONNECTED, CallState.PARTED, CallState.ENDED})


class Follower(Engine):
    """An engine that remembers how people were before it presented a call to them."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.before: dict[str, Agent] = {}

    def agent(self, agent_id: str, event: AgentEvent, **how: Any) -> None:
        if event is AgentEvent.CALL_PRESENTED:
            self.before[agent_id] = self.floor.agents[agent_id]
        super().agent(agent_id, event, **how)


class Shadow:
    """`follow` every event of the live engine, right after it was handled; `counts` and `examples` tell what differed."""

    def __init__(self, live: Engine, other: Rules, count: Callable[[str, Result], None] = lambda line, result: None):
        """`count` is told of every comparison: line, result."""
        self._live, self._other, self._count = live, other, count
        self.counts: Counter[tuple[str, Result]] = Counter()
        self.examples: dict[Result, deque[Difference]] = {}
        self.rebuilt = 0  # times that the picture was not the live one's, and was made anew
        self.holds: dict[str, Hold] = {}
        self.ahead: dict[str, Ahead] = {}
        self._held_seats: set[str] = set()
        self.engine = self._mirrored()

    def follow(
        self, event: e.Event, now: float, wall: float, commands: Sequence[c.Command], wake: float | None = None
    ) -> None:
        """One event that the live engine was given at `now`, and what it wanted.

        `wake`: when the live engine had asked to be woken, before this event. Up to then it had nothing to do, so what the
        shadow would have done meanwhile is exact to the moment.
        """
        self._catch_up(now if wake is None else min(now, wake))
        if isinstance(event, e.RulesChanged):
            event = e.RulesChanged(over(event.rules, self._other))
        if isinstance(event, e.CallbackOffered):
            event = _as_placed(event, commands)
        decided = [x for x in commands if isinstance(x, Decided)]
        if decided or not self._apart(event):
            self._take_all_back()
        self._handle(event, now, wall)
        self._look_who_left(event)
        if decided:
            self._held_against(decided)
            self._take_all_back()
            self._adopt(decided)
            if self.engine.queue:
                self._handle(TICK, now, wall)
        if self._differs(event, decided):
            self.rebuilt += 1
            self._make_anew()

    def try_others(self, other: Rules) -> None:
        """Other rules than before; what was counted stays."""
        self._other = other
        self._make_anew()

    def let_go(self) -> None:
        """It is over: only what was counted stays."""
        self.holds.clear()
        self.ahead.clear()
        self._held_seats.clear()
        self.engine = Follower(replace(self._live.configured, lines={}, agents={}, seats={}))

    # -- the live hotline, as the other rules see it ------------------------------------------------------------------

    def _mirrored(self) -> Follower:
        """An engine with the other rules and the live engine's picture of this moment."""
        live = self._live
        own = Follower(over(live.configured, self._other))
        own.now, own.wall, own.deciding = live.now, live.wall, live.deciding
        own.take_moment(live.surge, live.workdays)
        floor = own.floor
        floor.ami_up, floor.agents = live.floor.ami_up, dict(live.floor.agents)
        floor.devices, floor.at_seat = dict(live.floor.devices), dict(live.floor.at_seat)
        floor.replace_lines(own.rules)
        own.lending.learn(live.lending)
        own.joined = dict(live.joined)
        own.redials, own.spoke, own.ended = dict(live.redials), dict(live.spoke), dict(live.ended)
        own.unseen_since, own.presentation_no = live.unseen_since, live.presentation_no
        own.book, own.book_until = live.book, live.book_until
        own.outbound = {
            id_: out._replace(paced=False) for id_, out in live.outbound.items()
        }  # they end as they do live
        own.probes = dict(live.probes)
        own.numbers = {caller_ref: dict(calls) for caller_ref, calls in live.numbers.items()}
        own.timers += [timer for timer in live.timers if timer[2] not in ("roster", "lending")]
        own.timers.sort()
        own.timer_no += live.timer_no
        for call in live.calls.values():
            self._take_over(own, call)
        matching.look_at_everything(own)
        return own

    def _take_over(self, own: Follower, call: Call) -> None:
        line = own.serving(call.number) or call.line
        more_s = own.credit_s(call.number, call.trunk) - self._live.credit_s(call.number, call.trunk)
        call = call._replace(
            line=line,
            position=call.position - more_s,
            credit_s=call.credit_s + more_s,
            prefers=None if call.emergency else own.last_agent(line, call.caller_ref),
            open_rings=0,
            overdue=False,
        )
        own.calls[call.id] = call = restricting.placed(own, call)
        if call.state is CallState.QUEUED and not call.behind:
            own.queue.put(call)
            waiting_room.set_timers(own, call)

    def _differs(self, event: e.Event, decided: Sequence[Decided]) -> bool:
        """Whether what the event was about is not with us as it is with the live engine."""
        calls = {command.call_id for command in decided} | {getattr(event, "call_id", "")}
        return any(map(self.call_differs, calls)) or self.seat_differs(getattr(event, "seat_id", None))

    def call_differs(self, call_id: str) -> bool:
        live, own, hold = self._live.calls.get(call_id), self.engine.calls.get(call_id), self.holds.get(call_id)
        if live is None or own is None:
            return live is not own
        if hold is not None:
            own = own._replace(state=CallState.QUEUED, session=hold.session, presentation=None, limit_s=live.limit_s)
        return _of_the_call(live) != _of_the_call(own)

    def seat_differs(self, seat_id: str | None) -> bool:
        if seat_id is None or seat_id in self._held_seats:
            return False
        live, own = self._live.floor.agent_at(seat_id), self.engine.floor.agent_at(seat_id)
        return (live and (live.id, live.state, live.call_id)) != (own and (own.id, own.state, own.call_id))

    def _make_anew(self) -> None:
        self.holds.clear()
        self._held_seats.clear()
        self.engine = self._mirrored()

    # -- deciding without acting --------------------------------------------------------------------------------------

    def _catch_up(self, until: float) -> None:
        """What the shadow would have done of itself before the live engine had anything to do."""
        for _ in range(CATCH_UP):
            wake = self.engine.next_wake()
            if wake is None or wake >= until:
                return
            now = max(wake, self.engine.now)
            self._handle(TICK, now, self.engine.wall + now - self.engine.now)

    def _handle(self, event: e.Event, now: float, wall: float) -> None:
        for command in self.engine.handle(event, now, wall):
            if isinstance(command, c.PresentCall):
                self._hold(command.call_id, command.session, command.seat_ids)
            elif isinstance(command, c.SendToFallback):
                self._hold(command.call_id, command.session, NOBODY)

    def _hold(self, call_id: str, session: int, seats: tuple[str, ...]) -> None:
        own = self.engine
        call = own.calls.get(call_id)
        if call is None:  # of a number that nobody serves
            return
        people = tuple(own.before[own.floor.at_seat[seat_id]] for seat_id in seats)
        self.holds[call_id] = Hold(session, seats, call.line, people)
        self._held_seats.update(seats)
        own.calls[call_id] = call._replace(presentation=None)  # so no deadline of it falls due
        if seats and call_id not in self.ahead:
            wait_s = round(own.now - call.arrived, 3)
            self.ahead[call_id] = Ahead(own.now, own.wall, wait_s, self._line(call), seats)

    def _apart(self, event: e.Event) -> bool:
        """Whether the event leaves all who are held, and their seats, as they are."""
        if not self.holds:
            return True
        if type(event) not in NARROW or not self.engine.floor.ami_up:
            return False
        seat_id, caller_ref = getattr(event, "seat_id", None), getattr(event, "caller_ref", None)
        if caller_ref is not None and any(self.engine.calls[id_].caller_ref == caller_ref for id_ in self.holds):
            return False  # calls of one number share a place
        return getattr(event, "call_id", None) not in self.holds and seat_id not in self._held_seats

    def _take_all_back(self) -> None:
        own = self.engine
        for call_id, hold in self.holds.items():
            live = self._live.calls.get(call_id)
            limit_s = live.limit_s if live is not None else None  # of the talk that was offered, not of this thought
            call = own.calls[call_id]._replace(state=CallState.QUEUED, session=hold.session, limit_s=limit_s)
            own.calls[call_id] = call
            own.queue.put(call)
            own.dirty_calls[call_id] = None
            if call.line is not hold.line:  # another roster, meanwhile
                waiting_room.set_timers(own, call)
            for agent in hold.people:
                own.floor.put_back(agent)
        self.holds.clear()
        self._held_seats.clear()

    def _adopt(self, decided: Sequence[Decided]) -> None:
        """The live engine's decisions are what happens."""
        own = self.engine
        for command in decided:
            call = own.calls.get(command.call_id)
            if call is None or call.state is not CallState.QUEUED:
                continue
            try:
                if isinstance(command, c.PresentCall):
                    shown = Presentation(command.presentation, command.seat_ids, command.ring_s, own.now)
                    presenting.send(own, call._replace(limit_s=command.talk_limit_s), shown)
                elif isinstance(command, c.SendToFallback):
                    own.move(call, CallEvent.LET_GO, session=None)
            except (IllegalTransition, KeyError):  # `_differs` sees it
                continue

    # -- comparing ----------------------------------------------------------------------------------------------------

    def _held_against(self, decided: Sequence[Decided]) -> None:
        for command in decided:
            call = self.engine.calls.get(command.call_id)
            if call is not None and not call.test and isinstance(command, c.PresentCall | c.SendToFallback):
                self._compare(call, command.seat_ids if isinstance(command, c.PresentCall) else NOBODY)

    def _compare(self, call: Call, live: tuple[str, ...]) -> None:
        """`live` none: left to the dialplan."""
        own, ahead = self.holds.get(call.id), self.ahead.pop(call.id, None)
        now, wait_s = self.engine.now, round(self.engine.now - call.arrived, 3)
        found = Difference(Result.LATER, call.id, self._line(call), self.engine.wall, wait_s, live, NOBODY)
        if ahead is not None and (own is None or now - ahead.now >= TOGETHER_S):
            result = Result.EARLIER if live else Result.FOUND
            found = found._replace(result=result, shadow=ahead.seats, earlier_s=round(now - ahead.now, 3))
        elif own is None:
            rival = next((id_ for id_, hold in self.holds.items() if set(hold.seats) & set(live)), None)
            found = found._replace(result=Result.ORDER, rival=rival) if rival else found
        elif set(own.seats) == set(live):
            found = found._replace(result=Result.SAME)
        else:
            result = Result.FOUND if not live else Result.SEAT if own.seats else Result.FALLBACK
            found = found._replace(result=result, shadow=own.seats)
        self._keep(found)

    def _look_who_left(self, event: e.Event) -> None:
        """Callers who left, or were found a person by the dialplan alone, before the live engine presented them."""
        ids = list(self.ahead) if type(event) not in NARROW else [getattr(event, "call_id", "")]
        for call_id in ids:
            ahead, call = self.ahead.get(call_id), self.engine.calls.get(call_id)
            left = call is None or call.state in TALKS or isinstance(event, e.FallbackUsed)
            if ahead is not None and left:
                del self.ahead[call_id]
            if ahead is not None and left and not (call is not None and call.test):
                self._keep(Difference(Result.FOUND, call_id, ahead.line, ahead.at, ahead.wait_s, NOBODY, ahead.seats))

    def _keep(self, found: Difference) -> None:
        self.counts[found.line, found.result] += 1
        self._count(found.line, found.result)
        if found.result is not Result.SAME:
            self.examples.setdefault(found.result, deque(maxlen=EXAMPLES)).append(found)

    def _line(self, call: Call) -> str:
        line = self._live.serving(call.number)
        return call.number if line is None else line.number


def _of_the_call(call: Call) -> tuple[object, ...]:
    shown = call.presentation
    told = call.informed, call.heard, call.dismissed, call.limit_s, call.restriction
    return call.state, call.session, call.seat_id, call.leg_lost, shown and (shown.id, shown.over), call.missed, *told


def _as_placed(event: e.CallbackOffered, commands: Sequence[c.Command]) -> e.Event:
    """Which agent calls a citizen back, if any, is not compared: he is taken from routing as he is live."""
    placed = (command.outbound for command in commands if isinstance(command, c.WriteOutbound))
    out = next((out for out in placed if out.id == event.out_id), None)
    if out is None:
        return TICK
    return e.OutboundAsked(out.id, out.kind, out.agent_id, out.line, "", out.case, out.callback, out.by, out.caller_ref)
