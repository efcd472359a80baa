"""One connection to Asterisk, from log-in to loss: what is checked before it is believed, and how the picture is made.

    open -> log in -> FullyBooted -> version -> look -> (now it may be followed) ping, look again each minute -> lost

A *look* asks for device states and channels. Both lists pass through the same queue as the events, in the order of the
wire, so the picture they make and the events after it fit together (see `feed`).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from telephony import names
from telephony.ami import actions
from telephony.ami.actions import AmiAction
from telephony.ami.client import AmiDisconnected, AmiError, AmiRefused, Answered, Client
from telephony.ami.codec import AmiFieldError, Message
from telephony.ami.ends import minutes
from telephony.ami.events import pong_at
from telephony.ami.feed import Feed
from telephony.ami.stats import LinkStats
from telephony.ami.versions import unfit

BOOT_S: Final = 30.0  # Asterisk takes log-ins before it is ready
SETTLED_S: Final = 3.0

Step = Callable[[], object]


class Unusable(AmiError):
    """The peer answers, but it will not let us work or must not be used. One line that says what to do."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Where the PBX is, who we are there, and how long we wait for what."""

    host: str
    port: int
    username: str
    secret: str
    allow_known_deadlock: bool
    ping_interval_s: float
    action_timeout_s: float
    reconcile_interval_s: float
    second_look_s: float

    def __repr__(self) -> str:
        return f"Terms({self.username!r} at {self.host}:{self.port})"


class Session:
    """`put` queues a step behind the events that were read so far. Raises from `begin`: OSError, TimeoutError, AmiError,
    AmiFieldError; `Unusable` among them is no matter of the network."""

    def __init__(
        self,
        terms: Terms,
        feed: Feed,
        stats: LinkStats,
        put: Callable[[Step], None],
        on_message: Callable[[Message], None],
    ) -> None:
        self._terms, self._feed, self._stats, self._put = terms, feed, stats, put
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._booted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.client = Client(host=terms.host, port=terms.port, on_message=on_message, on_lost=self._is_lost)

    def booted(self) -> None:
        if not self._booted.done():
            self._booted.set_result(None)

    def _is_lost(self, reason: str) -> None:
        self._booted.cancel()
        if not self.lost.done():
            self.lost.set_result(reason)

    async def ask(
        self, action: AmiAction, *, timeout_s: float | None = None, answered: Answered | None = None
    ) -> list[Message]:
        return await self.client.action(action, timeout_s or self._terms.action_timeout_s, answered)

    # -- before it is believed -----------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Connected, logged in, booted, and of a version that we serve."""
        await self.client.open(self._terms.action_timeout_s)
        await self._log_in()
        await self._wait_until_booted()
        await self._check_version()

    async def _log_in(self) -> None:
        terms = self._terms
        try:
            await self.ask(actions.login(terms.username, terms.secret))
        except AmiRefused as error:
            self._stats.login_failures += 1
            raise Unusable(
                f"Asterisk at {terms.host}:{terms.port} refuses AMI user {terms.username!r}: check user and secret_file "
                "of [[pbx]] against manager.conf, and its permit and deny"
            ) from error
        self._stats.connects += 1

    async def _wait_until_booted(self) -> None:
        await asyncio.wait([self._booted], timeout=BOOT_S)
        if self._booted.cancelled():
            raise AmiDisconnected("the AMI link was lost while Asterisk was starting")
        if not self._booted.done():
            raise Unusable(
                f"AMI user {self._terms.username!r} is told nothing of FullyBooted: Asterisk is still starting, "
                "or the user lacks read = system,call,user in manager.conf"
            )

    async def _check_version(self) -> None:
        version = (await self.ask(actions.CORE_SETTINGS))[-1].one("AsteriskVersion")
        reason = unfit(version, allow_known_deadlock=self._terms.allow_known_deadlock)
        if reason is not None:
            self._stats.version_refusals += 1
            raise Unusable(reason)

    # -- the picture ---------------------------------------------------------------------------------------------------

    async def read_ends(self, since: float) -> None:
        """What ended since then, by the dialplan's own notes. An Asterisk that cannot list them is served without."""
        if since == math.inf:
            return
        now = pong_at((await self.ask(actions.PING))[-1])
        with contextlib.suppress(AmiRefused):
            for minute in minutes(since, now):
                await self.ask(actions.database_tree(names.ENDS, minute), answered=self._queued(self._feed.ends))

    async def look(self) -> None:
        """Device states, then channels; a second time when the first look found something that may just be late."""
        if not await self._looked():
            await asyncio.sleep(self._terms.second_look_s)
            await self._looked()

    async def look_quietly(self) -> None:
        with contextlib.suppress(AmiError, AmiFieldError, TimeoutError):  # a dead link is the pings' business
            await self.look()

    async def _looked(self) -> bool:
        certain: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        try:
            await self.ask(actions.DEVICE_STATE_LIST, answered=self._queued(self._feed.devices))
            pong = await self.ask(actions.PING)
            step = partial(self._channels_listed, pong_at(pong[-1]), certain)
            await self.ask(actions.CORE_SHOW_CHANNELS, answered=self._queued(step))
        except AmiRefused as error:
            raise Unusable(
                f"{error}: AMI user {self._terms.username!r} needs write = call,reporting, "
                "and Asterisk the module res_manager_devicestate.so"
            ) from error
        async with asyncio.timeout(self._terms.action_timeout_s):
            return await certain

    def _channels_listed(self, at: float, certain: asyncio.Future[bool], items: list[Message]) -> None:
        result = self._feed.channels(items, at)
        if not certain.done():
            certain.set_result(result)

    def _queued(self, step: Callable[[list[Message]], object]) -> Answered:
        """A list takes its place in the queue at the moment when its last message is read."""
        return lambda answer: self._put(partial(step, actions.list_items(answer)))

    # -- while it lasts ------------------------------------------------------------------------------------------------

    async def follow(self) -> str:
        """Until the loss; returns its reason. A peer that says nothing is found by its missing answer to a ping."""
        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(self._ping()), tasks.create_task(self._reconcile())]
            reason = await self.lost
            for task in watching:
                task.cancel()
        return reason

    async def _ping(self) -> None:
        while not self.lost.done():
            await asyncio.sleep(self._terms.ping_interval_s)
            try:
                await self.ask(actions.PING)
            except TimeoutError:
                self.client.abort(f"no answer to a ping within {self._terms.action_timeout_s:g} s")
            except AmiError:
                return

    async def _reconcile(self) -> None:
        """The first comes soon: what was too young to be missed in the first picture is settled by it."""
        await asyncio.sleep(min(SETTLED_S, self._terms.reconcile_interval_s))
        while True:
            await self.look_quietly()
            await asyncio.sleep(self._terms.reconcile_interval_s * random.uniform(0.9, 1.1))
