"""One connection to an Asterisk Manager: the only place that knows panoramisk.

panoramisk 1.4 gives the manager, the protocol and the action with its id and future. Its reading, its answers and its
reconnecting are replaced here, each for a defect that was reproduced (`docs/decisions/0005-ami-link.md` has the list):
bytes are decoded per message, an exception in a handler does not cost the link, every waiter is told when the link goes,
nothing is ever sent twice, nothing that would inject lines is sent at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from panoramisk import actions as panoramisk_actions
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from telephony.ami.actions import AmiAction, list_is_complete, refused
from telephony.ami.codec import AmiFramingError, Message, MessageReader, encode
from telephony.ami.events import WANTED

Answered = Callable[[list[Message]], None]


class AmiError(Exception):
    """An act over AMI did not happen, or nobody knows whether it did. Never a reason to repeat it unseen."""


class AmiDisconnected(AmiError):
    """There is no link, or it went before the answer came."""


class AmiRefused(AmiError):
    """Asterisk answered Error."""


class PendingAction(panoramisk_actions.Action):  # type: ignore[misc]
    """An action on its way. `answered` is called inside the read that brings the last message: that is what keeps a
    list in its place among the events; the future resolves a turn of the loop later."""

    def __init__(self, action: AmiAction, answered: Answered | None) -> None:
        super().__init__({"Action": action.name}, as_list=action.listed)
        self._action = action
        self._answered = answered
        self.future.add_done_callback(_retrieved)

    def wire(self) -> bytes:
        """Raises AmiUnsafeValue."""
        return encode([("Action", self._action.name), ("ActionID", self.id), *self._action.fields])

    def add_message(self, message: Message) -> bool:
        """True when this was the last message of the answer."""
        self.responses.append(message)
        if self._action.listed and not list_is_complete(message):
            return False
        if self.future.done():
            return True
        if refused(message):
            text = message.first("Message") or "no reason given"
            self.future.set_exception(AmiRefused(f"Asterisk refuses {self._action.name}: {text}"))
            return True
        if self._answered is not None:
            self._answered(self.responses)
        self.future.set_result(self.responses)
        return True

    def lost(self) -> None:
        if not self.future.done():
            self.future.set_exception(AmiDisconnected(f"the AMI link was lost during {self._action.name}"))


def _retrieved(future: asyncio.Future[Any]) -> None:
    """A waiter that gave up must not make asyncio complain of an exception that nobody fetched."""
    if not future.cancelled():
        future.exception()


class ClientProtocol(AMIProtocol):  # type: ignore[misc]
    """Bytes to messages to whom they belong: the action that waits, or the link's event handler."""

    transport: asyncio.Transport

    def __init__(self, client: Client) -> None:
        self._client = client
        self.reader = MessageReader(WANTED)
        self.waiting: dict[str, PendingAction] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.factory = self._client

    def data_received(self, data: bytes) -> None:
        try:
            for message in self.reader.feed(data):
                self.handle_message(message)
        except AmiFramingError as error:
            self._client.framing_errors += 1
            self._client.abort(str(error))

    def handle_message(self, message: Message) -> None:
        action = self.waiting.get(message.first("ActionID") or "")
        if action is None:
            self._client.dispatch(message)
        elif action.add_message(message):
            self.waiting.pop(action.id, None)

    def send(self, data: PendingAction, as_list: bool | None = None) -> asyncio.Future[list[Message]]:
        """Raises AmiUnsafeValue before anything is written. One write per action."""
        self.transport.write(data.wire())
        self.waiting[data.id] = data
        data.future.add_done_callback(lambda _: self.waiting.pop(data.id, None))
        future: asyncio.Future[list[Message]] = data.future
        return future

    def connection_lost(self, exc: Exception | None) -> None:
        self.close()
        self._client.connection_lost(exc)

    def close(self) -> None:
        waiting, self.waiting = self.waiting, {}
        for action in waiting.values():
            action.lost()
        self.closed = True
        self.transport.close()

    def eof_received(self) -> bool:
        return False


class Client(Manager):  # type: ignore[misc]
    """One connection, from open() to its loss. `on_lost` is called once, with the reason."""

    def __init__(self, *, host: str, port: int, on_message: Callable[[Message], None], on_lost: Callable[[str], None]):
        super().__init__(host=host, port=port, loop=asyncio.get_running_loop())
        self._on_message = on_message
        self._on_lost = on_lost
        self._reason = ""
        self.framing_errors = 0

    async def open(self, timeout_s: float) -> None:
        """Raises OSError, TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self.loop.create_connection(self._protocol_made, self.config["host"], self.config["port"])

    def _protocol_made(self) -> ClientProtocol:
        self.protocol = ClientProtocol(self)
        return self.protocol

    async def action(self, action: AmiAction, timeout_s: float, answered: Answered | None = None) -> list[Message]:
        """All messages of the answer. Raises AmiDisconnected, AmiRefused, TimeoutError, AmiUnsafeValue."""
        if self.protocol is None or self.protocol.closed or self.protocol.transport.is_closing():
            raise AmiDisconnected(f"{action.name} was not sent: there is no AMI link")
        async with asyncio.timeout(timeout_s):
            answer: list[Message] = await self.protocol.send(PendingAction(action, answered))
            return answer

    def dispatch(self, event: Message) -> None:
        if event.is_event:  # an answer whose waiter gave up belongs to nobody
            self._on_message(event)

    def connection_lost(self, exc: Exception | None) -> None:
        on_lost, self._on_lost = self._on_lost, _ignored
        on_lost(self._reason or (f"the AMI link broke: {exc}" if exc else "Asterisk closed the AMI link"))

    def abort(self, reason: str) -> None:
        """Drop the link at once, without waiting for a peer that may not be there."""
        self._reason = self._reason or reason
        if self.protocol is not None and not self.protocol.closed:
            self.protocol.transport.abort()

    def pause(self) -> None:
        if self.protocol is not None and not self.protocol.closed:
            self.protocol.transport.pause_reading()

    def resume(self) -> None:
        if self.protocol is not None and not self.protocol.closed:
            self.protocol.transport.resume_reading()


def _ignored(reason: str) -> None:
    """The loss was told already."""
