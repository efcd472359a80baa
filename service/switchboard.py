"""Between the engine and the world: events go in one at a time, commands are carried out, timers are kept.

Nobody else calls the engine. An event that arrives while another is being handled waits its turn. A bug in the engine is
confined to the call it met, whosever event that was: logged loudly, counted, and that caller's session is closed, so that
the dialplan takes the caller. What the engine wanted before the bug is done, and what it had no time for is done after it.

A stall of the loop (frozen process, thawed) longer than half a lease means that Asterisk may have taken callers back
meanwhile. `beat` notices it before the first event after it is handled: nothing is decided until the sockets are drained.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog

from routing import commands as c
from routing import events as e
from routing.engine import Engine
from routing.outbound import Outbound
from routing.probe import Probe
from routing.steps import Step, StepKind
from service import clock
from telephony import names
from telephony.ami.joiner import JoinCommand

log = structlog.get_logger("hotline")

Drop = Callable[[str, str], None]
# Sees an event with its times after it is done with, what the engine wanted, and when it had wanted to be woken.
Beside = Callable[[e.Event, float, float, list[c.Command], float | None], None]


class Session(Protocol):
    """What the switchboard needs of a held AGI session."""

    def decide(self, value: str) -> None: ...
    def close(self) -> None: ...


class Switchboard:
    def __init__(
        self,
        engine: Engine,
        *,
        write: Callable[..., None],
        count: Callable[[Step], None],
        drop_leg: Drop,
        drained: Callable[[], Awaitable[None]],
    ) -> None:
        """`write` takes all records of one event: steps and sign-ins, in order."""
        self.engine = engine
        self.sessions: dict[int, Session] = {}
        self.stalls = 0
        self.bugs = 0
        self.on_change: Callable[[], None] = lambda: None
        self.join: Callable[[JoinCommand], None] = lambda command: None
        self.call_out: Callable[[c.DialOut | c.DropOutbound], None] = lambda command: None
        self.look: Callable[[], None] = lambda: None
        self.on_alarm: Callable[[c.RaiseAlarm], None] = lambda alarm: None
        self.on_outbound: Callable[[Outbound], None] = lambda out: None  # it is over
        self.probe: Callable[[c.DialProbe | c.DropProbe | c.CloseProbe], None] = lambda command: None
        self.on_probe: Callable[[Probe], None] = lambda probe: None  # it is over
        self.on_surge: Callable[[c.TellSurge], None] = lambda change: None
        self.beside: Beside = lambda event, now, wall, commands, wake: None
        self._write, self._count, self._drop_leg, self._drained = write, count, drop_leg, drained
        self._events: deque[e.Event] = deque()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._wake: float | None = None
        self._beat_at = clock.now()
        self._beat_task: asyncio.Task[None] | None = None
        self._drain_task: asyncio.Task[None] | None = None

    # -- events -------------------------------------------------------------------------------------------------------

    def submit(self, event: e.Event) -> None:
        """Hands one event to the engine and carries out what it wants. Never raises."""
        self._notice_stall()
        self._events.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._events:
                self._handle(self._events.popleft())
        finally:
            self._busy = False
        self._arm()
        self.on_change()

    def _handle(self, event: e.Event) -> None:
        now, wall, wake = clock.now(), clock.wall(), self._wake
        try:
            commands = self.engine.handle(event, now, wall)
        except Exception:
            self.bugs += 1
            log.exception("engine failed", call_id=self.engine.suspect, event_kind=type(event).__name__)
            commands = self.engine.out
            self._let_go(event)
        self._wake = self.engine.next_wake()
        self._carry_out(commands)
        self.beside(event, now, wall, commands, wake)

    def _let_go(self, event: e.Event) -> None:
        """Gives the caller whom the bug met back to the dialplan; then the engine looks at all the others again.

        Each session goes once, so a bug that comes again with every event ends when nobody is left whom it meets.
        """
        call_id = self.engine.suspect
        call = self.engine.calls.get(call_id or "")
        numbers = [None if call is None else call.session]
        if call_id == getattr(event, "call_id", None):
            numbers.append(getattr(event, "session", None))
        for number in numbers:
            session = None if number is None else self.sessions.pop(number, None)
            if call_id is None or number is None or session is None:
                continue
            session.close()
            self._events.append(e.SessionClosed(call_id, number, "bug"))
            if self.engine.deciding:
                self._events.append(e.DecisionsAllowed())

    # -- commands -----------------------------------------------------------------------------------------------------

    def _carry_out(self, commands: list[c.Command]) -> None:
        """What callers and phones wait for goes out first; the records of an event go by one write after it."""
        records: list[Step | c.WriteSignIn | c.WriteOutbound | c.WriteProbe] = []
        for command in commands:
            match command:
                case c.WriteStep(step):
                    records.append(step)
                case c.WriteSignIn():
                    records.append(command)
                case c.TellSurge():
                    self._attempt(self.on_surge, command)
                case c.DropLeg(call_id, seat_id):
                    self._attempt(self._drop_leg, call_id, seat_id)
                case (
                    c.StampAct()
                    | c.DialThird()
                    | c.DropThird()
                    | c.StopAlone()
                    | c.Gather()
                    | c.DropAgent()
                    | c.TellAgent()
                ):
                    self._attempt(self.join, command)
                case c.DialProbe() | c.DropProbe() | c.CloseProbe():
                    self._attempt(self.probe, command)
                case c.WriteOutbound() | c.WriteProbe():
                    records.append(command)
                case c.DialOut() | c.DropOutbound():
                    self._attempt(self.call_out, command)
                case c.RaiseAlarm():
                    self._attempt(self.on_alarm, command)
                case c.LookAgain():
                    self.look()
                case _:
                    self._attempt(self._decide, command)
        if records:
            self._attempt(self._write, *records)
        for record in records:
            self._attempt(self._tell, record)

    def note(self, step: Step) -> None:
        """Keeps, counts and logs a step of a call that the engine has no part in any more."""
        self._attempt(self._write, step)
        self._attempt(self._tell, step)

    def _attempt(self, act: Callable[..., None], *what: Any) -> None:
        try:
            act(*what)
        except Exception:
            self.bugs += 1
            log.exception("command failed", command_kind=type(what[0]).__name__)

    def _tell(self, record: Step | c.WriteSignIn | c.WriteOutbound | c.WriteProbe) -> None:
        """Metrics and log."""
        if isinstance(record, c.WriteOutbound):
            self._tell_outbound(record.outbound)
            return
        if isinstance(record, c.WriteProbe):
            self._tell_probe(record.probe)
            return
        if isinstance(record, c.WriteSignIn):
            agent, seat, state, reason = record.agent_id, record.seat_id, record.state, record.reason
            log.info("agent", agent=agent, seat=seat, state=state, reason=reason)
            return
        self._count(record)
        if record.kind is not StepKind.HELD:
            say = log.warning if record.kind is StepKind.SET_ASIDE else log.info
            say(record.kind.value, call_id=record.call_id, at=record.at, **record.data)

    def _tell_outbound(self, out: Outbound) -> None:
        log.info(
            "outbound call", outbound=out.id, out_kind=out.kind.value, agent=out.agent_id, seat=out.seat_id,
            state=out.state.value, outcome=None if out.outcome is None else out.outcome.value, callback=out.callback,
        )  # fmt: skip
        if out.ended_at is not None:
            self.on_outbound(out)

    def _tell_probe(self, probe: Probe) -> None:
        log.info(
            "test call", probe=probe.id, number=probe.number, state=probe.state.value, call_id=probe.call_id or None,
            outcome=None if probe.outcome is None else probe.outcome.value, cause=probe.cause, by=probe.by,
        )  # fmt: skip
        if probe.ended_at is not None:
            self.on_probe(probe)

    def _decide(self, command: Any) -> None:
        session = self.sessions.pop(command.session, None)
        if session is None:
            return
        try:
            session.decide(_decision(command))
        except Exception:
            self.bugs += 1
            log.exception("decision failed", call_id=command.call_id)
            session.close()
            self._events.append(e.DecisionRefused(command.call_id, command.session))

    # -- time ---------------------------------------------------------------------------------------------------------

    def start(self, lease_s: float) -> None:
        """Begins to watch for stalls longer than half a lease."""
        self._stall_s = lease_s / 2
        self._beat_at = clock.now()
        self._beat_task = asyncio.create_task(self._beat(lease_s / 10), name="switchboard-beat")

    async def stop(self) -> None:
        for task in (self._beat_task, self._drain_task):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        wake = self._wake
        loop = asyncio.get_running_loop()
        self._timer = None if wake is None else loop.call_later(max(0.0, wake - clock.now()), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.submit(e.Tick())

    async def _beat(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            self._notice_stall()
            self._beat_at = clock.now()

    def _notice_stall(self) -> None:
        if self._beat_task is None or clock.now() - self._beat_at <= self._stall_s:
            return
        stalled_s, self._beat_at = clock.now() - self._beat_at, clock.now()
        self.stalls += 1
        log.warning("loop stalled, draining the sockets before deciding", stalled_s=round(stalled_s, 3))
        if self.engine.deciding:
            self._events.append(e.DecisionsHeld())
            self._drain_task = asyncio.create_task(self._drain(), name="switchboard-drain")

    async def _drain(self) -> None:
        try:
            await self._drained()
        except Exception:
            self.bugs += 1
            log.exception("draining failed")
        self.submit(e.DecisionsAllowed())


def _decision(command: Any) -> str:
    """The value of HOTLINE_DECISION for a command that answers an AGI session."""
    match command:
        case c.PresentCall():
            ms, ring_s = int(command.deadline_at * 1000), max(1, round(command.ring_s))
            limit_s = command.talk_limit_s
            limit = None if limit_s is None else (round(limit_s * 1000), round(command.warning_s * 1000))
            return names.decision(names.Verb.PRESENT, command.presentation, ms, ring_s, command.seat_ids, limit)
        case c.Inform():
            return names.decision(names.Verb.INFORM, deadline_ms=int(command.deadline_at * 1000))
        case c.Dismiss():
            return names.decision(names.Verb.DISMISS, deadline_ms=int(command.deadline_at * 1000))
        case c.AnswerIntoNotice():
            return names.decision(names.Verb.NOTICE, deadline_ms=int(command.deadline_at * 1000))
        case c.SendToFallback():
            return names.decision(names.Verb.FALLBACK, deadline_ms=int(command.deadline_at * 1000))
        case c.SayGoodbye():
            return names.decision(names.Verb.GOODBYE)
        case c.BringBack():
            return names.decision(names.Verb.BACK)
        case c.AwaitThird():
            return names.decision(names.Verb.WAIT)
    raise TypeError(f"no decision for {type(command).__name__}")
