"""Carries out what routing wants of joined calls, one call's commands in their order, different calls' side by side.

A command that Asterisk refuses is told back as an event; nothing is sent twice. Success means that Asterisk has queued it:
that it happened is told by the events of the legs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from routing import commands as c
from routing import events as e
from telephony import names
from telephony.ami import actions, joins
from telephony.ami.actions import AmiAction
from telephony.ami.client import AmiError
from telephony.ami.codec import Message
from telephony.ami.legs import TrackedCall
from telephony.ami.tracker import Tracker

KEYS_LOOK_S: Final = 0.05
KEYS_PATIENCE: Final = 10  # looks after which a leg that asks by keys is asked to leave them
KEYS_LOOKS: Final = 40

log = logging.getLogger("hotline.ami")

JoinCommand: TypeAlias = c.StampAct | c.DialThird | c.DropThird | c.StopAlone | c.Gather | c.DropAgent | c.TellAgent


class Joiner:
    """`act` sends one action, `tell` hands a routing event to where all events pass."""

    def __init__(
        self,
        tracker: Tracker,
        act: Callable[[AmiAction], Awaitable[list[Message]]],
        tell: Callable[[e.Event], None],
    ) -> None:
        self._tracker, self._act, self._tell = tracker, act, tell
        self._order: dict[str, asyncio.Lock] = {}

    async def carry_out(self, command: JoinCommand) -> None:
        lock = self._order.setdefault(command.call_id, asyncio.Lock())
        async with lock:
            try:
                await self._do(command)
            except (AmiError, TimeoutError) as error:
                log.warning("%s of call %s was not done: %s", type(command).__name__, command.call_id, error)
                self._failed(command)
        if command.call_id not in self._tracker.calls and not lock.locked():
            self._order.pop(command.call_id, None)

    async def _do(self, command: JoinCommand) -> None:
        call = self._tracker.calls.get(command.call_id)
        if call is None:
            self._failed(command)
            return
        match command:
            case c.StampAct():
                await self._act(joins.stamp(command, call))
            case c.DialThird():
                await self._act(joins.originate(command, call, await self._shown(command, call)))
            case c.DropThird():
                for uniqueid in joins.legs_of_third(call, command.key):
                    await self._act(actions.hangup(uniqueid))
            case c.StopAlone():
                for uniqueid in joins.diallers(call):
                    await self._act(actions.hangup(uniqueid))
            case c.DropAgent():
                await self._drop_agent(command, call)
            case c.Gather():
                action = joins.gather(command, call)
                if action is None:
                    self._failed(command)
                else:
                    if command.with_agent and call.talk:
                        await self._away_from_keys(call.talk)
                    await self._act(action)
            case c.TellAgent():
                for uniqueid in self._agent(command.key, call)[:1]:
                    await self._act(joins.whisper(command.tone, uniqueid))

    async def _away_from_keys(self, leg: str) -> None:
        """A leg that is moved while it asks by keys would be lost: seen on 16.28 and 22.10. It leaves them at once."""
        for again in range(KEYS_LOOKS):
            if (await self._act(joins.at_keys(leg)))[-1].one("Value") != "1":
                return
            if again == KEYS_PATIENCE:
                await self._act(joins.answer_keys(leg, names.Ack.LEAVE))
            await asyncio.sleep(KEYS_LOOK_S)
        log.warning("leg %s is moved although it is at its keys", leg)

    async def _shown(self, command: c.DialThird, call: TrackedCall) -> str:
        if not command.shows_caller:
            return call.number
        answer = await self._act(joins.shown_number(call))
        return answer[-1].one("Value")

    async def _drop_agent(self, command: c.DropAgent, call: TrackedCall) -> None:
        for uniqueid in self._agent(command.key, call):
            await self._act(actions.hangup(uniqueid))

    @staticmethod
    def _agent(key: str, call: TrackedCall) -> list[str]:
        """Uniqueids of the agent's leg, the phone's first."""
        if key:
            return joins.legs_of_third(call, key)
        return [call.talk] if call.talk is not None and call.talk in call.legs else []

    def _failed(self, command: JoinCommand) -> None:
        if isinstance(command, c.Gather):
            self._tell(e.MoveRefused(command.call_id))
        elif isinstance(command, c.DialThird) and command.call_id in self._tracker.calls:
            at = self._tracker.calls[command.call_id].arrived_at
            self._tell(e.ThirdEnded(command.call_id, command.key, at, None, lost=False))
