"""The AMI link of the service: connect, log in, rebuild, follow, notice the loss, begin again.

Theory of operation. One task lives as long as the link is wanted and runs one connection after the other:

    connect -> log in -> FullyBooted -> version -> look -> UP: ping, look again each minute -> loss -> back-off -> ...

A *look* asks for device states and channels; the lists pass through the same queue as the events, in the order of the
wire, so the picture they make and the events after it fit together (see `feed`). Events are believed from the first look
on. At the loss AmiLost is emitted behind the last event that was read; nothing that was under way is sent again.

A peer that says nothing is found by awaited pings, within `ping_interval_s + action_timeout_s`. A refusal (password,
version, missing class) is told once, in one line that says what to do, and tried again slowly; so nobody's log is flooded,
and a repaired configuration is noticed without a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
from collections.abc import Callable, Coroutine, Mapping
from enum import StrEnum
from functools import partial
from typing import Final

from routing.events import Event
from telephony import names
from telephony.ami import actions
from telephony.ami.actions import AmiAction
from telephony.ami.client import AmiDisconnected, AmiError, AmiRefused, Answered, Client
from telephony.ami.codec import AmiFieldError, Message
from telephony.ami.events import FullyBooted, ShuttingDown
from telephony.ami.feed import Feed
from telephony.ami.intake import Intake
from telephony.ami.stats import LinkStats
from telephony.ami.versions import unfit

__all__ = ["AmiDisconnected", "AmiError", "AmiLink", "AmiRefused", "LinkState"]

BOOT_S: Final = 30.0  # Asterisk takes logins before it is ready
UNKNOWN: Final = "unknown"  # key of `fallback_counts` for calls to numbers that are not ours

log = logging.getLogger("hotline.ami")


class LinkState(StrEnum):
    DOWN = "down"  # no connection, or not usable; trying again
    REFUSED = "refused"  # Asterisk answers, but will not or must not be used; trying again slowly
    REBUILDING = "rebuilding"  # logged in, the picture is not complete
    UP = "up"
    STOPPED = "stopped"


class _Unusable(AmiError):
    """The peer answers, but it will not let us work or must not be used."""


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
        allow_known_deadlock: bool = False,
        ping_interval_s: float = 3.0,
        action_timeout_s: float = 5.0,
        reconcile_interval_s: float = 60.0,
        second_look_s: float = 1.0,
        retry_first_s: float = 0.25,
        retry_most_s: float = 5.0,
        retry_refused_s: float = 30.0,
    ) -> None:
        """`seats`: seat id -> dial string. Needs no running loop until start()."""
        self._host, self._port = host, port
        self._login = actions.login(username, secret)
        self._username = username
        self._allow_known_deadlock = allow_known_deadlock
        self._ping_interval_s, self._action_timeout_s = ping_interval_s, action_timeout_s
        self._reconcile_interval_s, self._second_look_s = reconcile_interval_s, second_look_s
        self._retry_first_s, self._retry_most_s, self._retry_refused_s = retry_first_s, retry_most_s, retry_refused_s
        self._on_state = on_state
        self._state = (LinkState.STOPPED, "")
        self._feed = Feed(seats, on_event)
        self._stats = LinkStats()
        self._client: Client | None = None
        self._intake: Intake | None = None
        self._booted = asyncio.Event()
        self._lost: asyncio.Future[str] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

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
        if self._intake is not None:
            stats.consumer_failures = self._intake.failures
            stats.queue_depth, stats.queue_longest = self._intake.depth, self._intake.longest
        return stats

    def start(self) -> None:
        """Begin to connect, and go on for ever. Inside a running loop; a second call while it runs does nothing."""
        if self._tasks:
            return
        self._intake = Intake(self._pause, self._resume)
        self._keep(self._intake.run())
        self._keep(self._live())

    async def stop(self) -> None:
        """No event and no reconnect after this. What waits for an answer gets AmiDisconnected."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._drop("the service stops")
        self._feed.forget()
        self._turn(LinkState.STOPPED, "")

    async def action(self, action: AmiAction, timeout_s: float | None = None) -> list[Message]:
        """Sent once. Raises AmiDisconnected, AmiRefused, TimeoutError; after a TimeoutError nobody knows if it happened."""
        return await self._ask(action, timeout_s=timeout_s)

    async def fallback_counts(self) -> dict[str, int]:
        """Calls that the dialplan alone took to each stage, and `unknown`: calls to numbers that are not ours.

        Counted by the dialplan since Asterisk's start, so nothing is lost while no link was up.
        """
        wanted = {stage.value: names.FALLBACK_COUNT + stage for stage in names.Stage} | {UNKNOWN: names.UNKNOWN_COUNT}
        return {key: await self._counter(variable) for key, variable in wanted.items()}

    async def _counter(self, variable: str) -> int:
        answer = await self._ask(actions.getvar(variable))
        value = answer[-1].first("Value") or ""
        return int(value) if value.isascii() and value.isdigit() else 0

    def drop_leg(self, call_id: str, seat_id: str) -> None:
        """Hang up the leg of a seat that is dialled for this call, unless it has been answered meanwhile."""
        uniqueid = self._feed.tracker.dialled_leg(call_id, seat_id)
        if uniqueid is not None:
            self._keep(self._hang_up(uniqueid, call_id))

    async def _hang_up(self, uniqueid: str, call_id: str) -> None:
        try:
            await self._ask(actions.hangup(uniqueid))
        except (AmiError, TimeoutError) as error:
            log.info("leg of call %s not dropped: %s", call_id, error)

    def set_seats(self, seats: Mapping[str, str]) -> None:
        """After a reload of the configuration; the states of new seats come with the next picture."""
        self._feed.set_seats(seats)
        if self.up:
            self._keep(self._look_quietly())

    # -- life ----------------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        failures = 0
        while True:
            try:
                await self._connection()
                failures = 0
            except _Unusable as error:
                self._drop(str(error))
                self._turn(LinkState.REFUSED, str(error))
                await asyncio.sleep(self._retry_refused_s * random.uniform(0.9, 1.1))
                continue
            except (OSError, TimeoutError, AmiError, AmiFieldError) as error:
                reason = self._told_apart(error)
                self._drop(reason)
                self._turn(LinkState.DOWN, reason)
                failures += 1
            delay = min(self._retry_most_s, self._retry_first_s * 2 ** min(failures, 10))
            await asyncio.sleep(delay * random.uniform(0.7, 1.3))

    def _told_apart(self, error: Exception) -> str:
        """One stable line: the same fault must give the same words, so that it is told once."""
        where = f"Asterisk Manager at {self._host}:{self._port}"
        if self._lost is not None and self._lost.done():
            return f"{where}: {self._lost.result()}"
        if isinstance(error, TimeoutError):
            return f"{where} does not answer"
        if isinstance(error, OSError):
            return f"{where} cannot be reached: {os.strerror(error.errno) if error.errno else error}"
        return f"{where}: {error}"

    async def _connection(self) -> None:
        """From connect to loss. Returns when a link that was up is lost, raises for one that never was."""
        self._booted.clear()
        lost = self._lost = asyncio.get_running_loop().create_future()
        self._client = Client(host=self._host, port=self._port, on_message=self._read, on_lost=partial(_settle, lost))
        await self._client.open(self._action_timeout_s)
        await self._log_in()
        self._turn(LinkState.REBUILDING, "")
        await self._check_version()
        await self._look()
        self._turn(LinkState.UP, "")
        await self._follow(lost)

    async def _log_in(self) -> None:
        try:
            await self._ask(self._login)
        except AmiRefused as error:
            self._stats.login_failures += 1
            raise _Unusable(
                f"Asterisk at {self._host}:{self._port} refuses AMI user {self._username!r}: check user and secret_file "
                "of [[pbx]] against manager.conf, and its permit and deny"
            ) from error
        self._stats.connects += 1
        try:
            async with asyncio.timeout(BOOT_S):
                await self._booted.wait()
        except TimeoutError:
            raise _Unusable(
                f"AMI user {self._username!r} is told nothing of FullyBooted: Asterisk is still starting, "
                "or the user lacks read = system,call,user in manager.conf"
            ) from None

    async def _check_version(self) -> None:
        version = (await self._ask(actions.CORE_SETTINGS))[-1].one("AsteriskVersion")
        reason = unfit(version, allow_known_deadlock=self._allow_known_deadlock)
        if reason is not None:
            self._stats.version_refusals += 1
            raise _Unusable(reason)

    async def _follow(self, lost: asyncio.Future[str]) -> None:
        """Until the link is lost: pings, and a look each minute."""
        pinging, looking = self._keep(self._ping()), self._keep(self._reconcile())
        try:
            reason = await lost
        finally:
            pinging.cancel()
            looking.cancel()
        self._stats.losses += 1
        self._drop(reason)
        self._turn(LinkState.DOWN, f"Asterisk Manager at {self._host}:{self._port}: {reason}")

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(self._ping_interval_s)
            try:
                await self._ask(actions.PING)
            except TimeoutError:
                self._abort(f"no answer to a ping within {self._action_timeout_s:g} s")
            except AmiError:
                return

    async def _reconcile(self) -> None:
        while True:
            await asyncio.sleep(self._reconcile_interval_s * random.uniform(0.9, 1.1))
            await self._look_quietly()

    async def _look_quietly(self) -> None:
        with contextlib.suppress(AmiError, AmiFieldError, TimeoutError):  # a dead link is the pings' business
            await self._look()

    async def _look(self) -> None:
        """Device states, then channels; a second time when the first look found something that may just be late."""
        if not await self._looked_once():
            await asyncio.sleep(self._second_look_s)
            await self._looked_once()

    async def _looked_once(self) -> bool:
        certain: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        try:
            await self._ask(actions.DEVICE_STATE_LIST, answered=self._queued(self._feed.devices))
            pong = await self._ask(actions.PING)
            at = float(pong[-1].one("Timestamp"))
            step = partial(self._channels_listed, at, certain)
            await self._ask(actions.CORE_SHOW_CHANNELS, answered=self._queued(step))
        except AmiRefused as error:
            raise _Unusable(
                f"{error}: AMI user {self._username!r} needs write = system,call,reporting, "
                "and Asterisk the module res_manager_devicestate.so"
            ) from error
        async with asyncio.timeout(self._action_timeout_s):
            return await certain

    def _channels_listed(self, at: float, certain: asyncio.Future[bool], items: list[Message]) -> None:
        result = self._feed.channels(items, at)
        if not certain.done():
            certain.set_result(result)

    def _queued(self, step: Callable[[list[Message]], object]) -> Answered:
        """A list takes its place in the queue at the moment when its last message is read."""
        return lambda answer: self._put(partial(step, actions.list_items(answer)))

    # -- plumbing ------------------------------------------------------------------------------------------------------

    async def _ask(
        self, action: AmiAction, *, timeout_s: float | None = None, answered: Answered | None = None
    ) -> list[Message]:
        if self._client is None:
            raise AmiDisconnected(f"{action.name} was not sent: there is no AMI link")
        return await self._client.action(action, timeout_s or self._action_timeout_s, answered)

    def _read(self, message: Message) -> None:
        """Called inside the read: only put it into the queue."""
        self._put(partial(self._acted_on, message))

    def _acted_on(self, message: Message) -> None:
        event = self._feed.message(message)
        if isinstance(event, FullyBooted):
            self._booted.set()
        elif isinstance(event, ShuttingDown):
            self._abort("Asterisk is shutting down")

    def _put(self, step: Callable[[], object]) -> None:
        if self._intake is not None:
            self._intake.put(step)

    def _drop(self, reason: str) -> None:
        """Leave no connection behind; AmiLost follows behind the last event that was read."""
        client, self._client = self._client, None
        if client is not None:
            client.abort(reason)
            self._stats.framing_errors += client.framing_errors
            self._put(self._feed.lost)

    def _abort(self, reason: str) -> None:
        if self._client is not None:
            self._client.abort(reason)

    def _pause(self) -> None:
        if self._client is not None:
            self._client.pause()

    def _resume(self) -> None:
        if self._client is not None:
            self._client.resume()

    def _turn(self, state: LinkState, reason: str) -> None:
        if (state, reason) != self._state:
            self._state = (state, reason)
            self._on_state(state, reason)

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _settle(lost: asyncio.Future[str], reason: str) -> None:
    if not lost.done():
        lost.set_result(reason)
