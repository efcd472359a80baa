"""The AMI link of the service: one connection after the other, and one queue through which everything passes.

Theory of operation. One task lives as long as the link is wanted; it begins a session, follows it until it is lost, waits,
and begins again. Events are believed from the session's first picture on (`session`, `feed`). At the loss AmiLost is
emitted behind the last event that was read; nothing that was under way is sent again.

A refusal (password, version, missing class) is told once, in one line that says what to do, and tried again slowly; so
nobody's log is flooded, and a repaired configuration is noticed without a restart.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Final

from routing.commands import CloseProbe, DialOut, DialProbe, DropOutbound, DropProbe
from routing.events import Event, OutboundMoved, ProbeMoved
from routing.outbound import OutEvent
from routing.probe import ProbeEvent
from telephony import names
from telephony.ami import actions, joins, outbound, probes
from telephony.ami.actions import AmiAction
from telephony.ami.client import AmiDisconnected, AmiError, AmiRefused
from telephony.ami.codec import AmiFieldError, Message
from telephony.ami.events import FullyBooted, ShuttingDown
from telephony.ami.feed import Feed
from telephony.ami.intake import Intake
from telephony.ami.joiner import JoinCommand, Joiner
from telephony.ami.session import Session, Terms, Unusable
from telephony.ami.stats import LinkStats

__all__ = ["AmiDisconnected", "AmiError", "AmiLink", "AmiRefused", "LinkState"]

UNKNOWN: Final = "unknown"  # key of `fallback_counts` for calls to numbers that are not ours

log = logging.getLogger("hotline.ami")


class LinkState(StrEnum):
    DOWN = "down"  # no connection, or not usable; trying again
    REFUSED = "refused"  # Asterisk answers, but will not or must not be used; trying again slowly
    REBUILDING = "rebuilding"  # logged in, the picture is not complete
    UP = "up"
    STOPPED = "stopped"


class AmiLink:
    """`on_event` gets routing events one at a time, in order; `on_state` each change of (state, reason)."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        username: str,
        secret: str,
        seats: Mapping[str, str],
        on_event: Callable[[Event], None],
        on_state: Callable[[LinkState, str], None],
        unseen_since: Callable[[], float] = lambda: math.inf,
        allow_known_deadlock: bool = False,
        ping_interval_s: float = 3.0,
        action_timeout_s: float = 5.0,
        reconcile_interval_s: float = 60.0,
        second_look_s: float = 1.0,
        retry_first_s: float = 0.25,
        retry_most_s: float = 5.0,
        retry_refused_s: float = 30.0,
    ) -> None:
        """`seats`: seat id -> dial string. Needs no running loop until start().

        `unseen_since`: epoch seconds; calls that ended later are told as EndNoted before each first picture.
        """
        self._unseen_since = unseen_since
        self._terms = Terms(
            host,
            port,
            username,
            secret,
            allow_known_deadlock,
            ping_interval_s,
            action_timeout_s,
            reconcile_interval_s,
            second_look_s,
        )
        self._retry_first_s, self._retry_most_s, self._retry_refused_s = retry_first_s, retry_most_s, retry_refused_s
        self._on_state = on_state
        self._state = (LinkState.STOPPED, "")
        self._feed = Feed(seats, on_event)
        self._stats = LinkStats()
        self._field_errors_told = 0
        self._session: Session | None = None
        self._intake = Intake(self._pause, self._resume)
        self._tasks: set[asyncio.Task[None]] = set()
        self._on_event = on_event
        tell = partial(self._tell_later, on_event)
        self._joiner = Joiner(self._feed.tracker, self.action, tell)

    # -- what others use -----------------------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """The picture is rebuilt and followed."""
        return self._state[0] is LinkState.UP

    @property
    def state(self) -> tuple[LinkState, str]:
        return self._state

    @property
    def stats(self) -> LinkStats:
        feed, stats = self._feed, self._stats
        stats.events, stats.unknown_numbers = feed.events, feed.unknown_numbers
        stats.field_errors, stats.drift = feed.field_errors, feed.tracker.drift
        stats.stamps_differ = feed.tracker.stamps_differ
        stats.consumer_failures = self._intake.failures
        stats.queue_depth, stats.queue_longest = self._intake.depth, self._intake.longest
        return stats

    def start(self) -> None:
        """Begin to connect, and go on for ever. Inside a running loop; a second call while it runs does nothing."""
        if not self._tasks:
            self._keep(self._intake.run())
            self._keep(self._live())

    async def stop(self) -> None:
        """No event and no reconnect after this. What waits for an answer gets AmiDisconnected."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._drop("the service stops")
        self._intake.clear()
        self._feed.forget()
        self._turn(LinkState.STOPPED, "")

    async def action(self, action: AmiAction, timeout_s: float | None = None) -> list[Message]:
        """Sent once. Raises AmiDisconnected, AmiRefused, TimeoutError, AmiUnsafeValue.

        After a TimeoutError nobody knows whether it happened.
        """
        if self._session is None:
            raise AmiDisconnected(f"{action.name} was not sent: there is no AMI link")
        return await self._session.ask(action, timeout_s=timeout_s)

    async def fallback_counts(self) -> dict[str, int]:
        """Calls that the dialplan alone took to each stage, and `unknown`: calls to numbers that are not ours.

        Counted by the dialplan since Asterisk's start, so nothing is lost while no link was up. Raises as action().
        """
        wanted = {stage.value: names.FALLBACK_COUNT + stage for stage in names.Stage} | {UNKNOWN: names.UNKNOWN_COUNT}
        return {key: await self._counter(variable) for key, variable in wanted.items()}

    async def _counter(self, variable: str) -> int:
        answer = await self.action(actions.getvar(variable))
        value = answer[-1].one("Value")
        return int(value) if value.isascii() and value.isdigit() else 0

    def drop_leg(self, call_id: str, seat_id: str) -> None:
        """Hang up the leg of a seat that is dialled for this call, unless it has been answered meanwhile."""
        uniqueid = self._feed.tracker.dialled_leg(call_id, seat_id)
        if uniqueid is not None:
            self._keep(self._hang_up(uniqueid, call_id))

    async def _hang_up(self, uniqueid: str, call_id: str) -> None:
        try:
            await self.action(actions.hangup(uniqueid))
        except (AmiError, TimeoutError) as error:
            log.info("leg of call %s not dropped: %s", call_id, error)

    def join(self, command: JoinCommand) -> None:
        """Carries out what routing wants of a joined call; what Asterisk refuses comes back as an event."""
        self._keep(self._joiner.carry_out(command))

    def answer_keys(self, leg: str, ack: names.Ack) -> None:
        """Tells whoever pressed keys in a talk; before everything that is asked of the link after it."""
        self._keep(self._answer_keys(leg, ack))

    async def _answer_keys(self, leg: str, ack: names.Ack) -> None:
        try:
            await self.action(joins.answer_keys(leg, ack))
        except (AmiError, TimeoutError) as error:
            log.info("keys of leg %s not answered: %s", leg, error)

    def call_out(self, command: DialOut | DropOutbound) -> None:
        """Places or ends an outbound call; what Asterisk refuses comes back as an event."""
        action = outbound.originate(command) if isinstance(command, DialOut) else actions.hangup(command.out_id)
        self._keep(self._call_out(command, action))

    async def _call_out(self, command: DialOut | DropOutbound, action: AmiAction) -> None:
        """After a timeout nobody knows whether it happened: its own time in routing settles it."""
        try:
            await self.action(action)
        except (AmiError, TimeoutError) as error:
            log.warning("%s of %s was not done: %s", type(command).__name__, command.out_id, error)
            if not isinstance(error, TimeoutError):
                self._tell_later(self._on_event, OutboundMoved(command.out_id, OutEvent.GONE, None))

    def probe(self, command: DialProbe | DropProbe | CloseProbe, caller: str, now: float) -> None:
        """Places or ends a test call; `caller`: the number of its trunk. What Asterisk refuses comes back as an event."""
        self._keep(self._probe(command, probes.actions_of(command, caller, now)))

    async def _probe(self, command: DialProbe | DropProbe | CloseProbe, wanted: Sequence[AmiAction]) -> None:
        try:
            for action in wanted:
                await self.action(action)
        except (AmiError, TimeoutError) as error:
            log.warning("%s of %s was not done: %s", type(command).__name__, command.probe_id, error)
            if isinstance(command, DialProbe) and not isinstance(error, TimeoutError):
                self._tell_later(self._on_event, ProbeMoved(command.probe_id, ProbeEvent.GONE, None))

    def _tell_later(self, on_event: Callable[[Event], None], event: Event) -> None:
        self._intake.put(partial(on_event, event))

    def light(self, seat_id: str, state: str) -> None:
        """Shows a state (NOT_INUSE, BUSY, ...) on the lamp of a seat. While there is no link it is not sent."""
        if self.up:
            self._keep(self._light(f"Custom:{names.LAMP_DEVICE}-{seat_id}", state))

    async def _light(self, device: str, state: str) -> None:
        try:
            await self.action(actions.set_device_state(device, state))
        except (AmiError, TimeoutError) as error:
            log.info("lamp %s not set: %s", device, error)

    def set_seats(self, seats: Mapping[str, str]) -> None:
        """After a reload of the configuration; the states of new seats come with a new picture, at once."""
        self._feed.set_seats(seats)
        self.look_soon()

    def look_soon(self) -> None:
        """Somebody doubts the picture: a new one at once, instead of with the next reconcile."""
        if self._session is not None and self.up:
            self._keep(self._session.look_quietly())

    # -- life ----------------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        failures = 0
        while True:
            try:
                await self._one_session()
                failures, delay_s = 0, self._retry_first_s
            except Unusable as error:
                delay_s = self._retry_refused_s
                self._ended(LinkState.REFUSED, str(error))
            except (OSError, TimeoutError, AmiError, AmiFieldError) as error:
                failures += 1
                delay_s = min(self._retry_most_s, self._retry_first_s * 2 ** min(failures, 10))
                self._ended(LinkState.DOWN, self._told_apart(error))
            except Exception:
                log.exception("a bug ended the AMI link")
                delay_s = self._retry_most_s
                self._ended(LinkState.DOWN, "a bug ended the AMI link")
            await asyncio.sleep(delay_s * random.uniform(0.7, 1.3))

    async def _one_session(self) -> None:
        """From connect to loss. Returns when a link that was up is lost, raises for one that never was."""
        session = self._session = Session(self._terms, self._feed, self._stats, self._intake.put, self._read)
        await session.begin()
        self._turn(LinkState.REBUILDING, "")
        await session.read_ends(self._unseen_since())
        await session.look()
        self._turn(LinkState.UP, "")
        reason = await session.follow()
        self._stats.losses += 1
        self._ended(LinkState.DOWN, f"{self._where}: {reason}")

    @property
    def _where(self) -> str:
        return f"Asterisk Manager at {self._terms.host}:{self._terms.port}"

    def _told_apart(self, error: Exception) -> str:
        """One stable line: the same fault must give the same words, so that it is told once."""
        if self._session is not None and self._session.lost.done():
            return f"{self._where}: {self._session.lost.result()}"
        if isinstance(error, TimeoutError):
            return f"{self._where} does not answer"
        if isinstance(error, OSError):
            return f"{self._where} cannot be reached: {os.strerror(error.errno) if error.errno else error}"
        return f"{self._where}: {error}"

    def _ended(self, state: LinkState, reason: str) -> None:
        self._drop(reason)
        self._turn(state, reason)

    def _drop(self, reason: str) -> None:
        """Leave no connection behind; AmiLost follows behind the last event that was read."""
        session, self._session = self._session, None
        if session is not None:
            session.client.abort(reason)
            self._stats.framing_errors += session.client.framing_errors
            self._intake.put(self._feed.lost)

    # -- plumbing ------------------------------------------------------------------------------------------------------

    def _read(self, message: Message) -> None:
        """Called inside the read: only put it into the queue."""
        self._intake.put(partial(self._acted_on, message))

    def _acted_on(self, message: Message) -> None:
        event = self._feed.message(message)
        self._tell_field_errors()
        if isinstance(event, FullyBooted) and self._session is not None:
            self._session.booted()
        elif isinstance(event, ShuttingDown) and self._session is not None:
            self._session.client.abort("Asterisk is shutting down")

    def _tell_field_errors(self) -> None:
        """Each kind once: it is our configuration or Asterisk's version, and comes with every message."""
        if len(self._feed.field_errors) > self._field_errors_told:
            self._field_errors_told = len(self._feed.field_errors)
            log.warning("dropped a message, counted from here on: %s", self._feed.last_field_error)

    def _pause(self) -> None:
        if self._session is not None:
            self._session.client.pause()

    def _resume(self) -> None:
        if self._session is not None:
            self._session.client.resume()

    def _turn(self, state: LinkState, reason: str) -> None:
        if (state, reason) != self._state:
            self._state = (state, reason)
            self._on_state(state, reason)

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
