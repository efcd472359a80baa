"""The service's side of the FastAGI server in tests: writes down what it was told, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from telephony.agi.server import AgiServer, HeldSession

LISTEN = "tcp:0:interface=127.0.0.1"


class Service:
    """`heard` holds ("request", id), ("decided", id, accepted), ("closed", id, reason)."""

    def __init__(self, **options: Any) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.sessions: list[HeldSession] = []
        self.on_request: Callable[[HeldSession], None] = lambda session: None
        self.on_decided: Callable[[HeldSession, bool], None] = lambda session, accepted: None
        self.on_closed: Callable[[HeldSession, str], None] = lambda session, reason: None
        self._changed = asyncio.Event()
        self.server = AgiServer(
            on_request=self._requested,
            on_closed=self._closed,
            on_decided=self._decided,
            **{"lease_s": 3.0, **options},
        )

    def _requested(self, session: HeldSession) -> None:
        self.sessions.append(session)
        self._note("request", session.id)
        self.on_request(session)

    def _decided(self, session: HeldSession, accepted: bool) -> None:
        self._note("decided", session.id, accepted)
        self.on_decided(session, accepted)

    def _closed(self, session: HeldSession, reason: str) -> None:
        self._note("closed", session.id, reason)
        self.on_closed(session, reason)

    def _note(self, *what: Any) -> None:
        self.heard.append(what)
        self._changed.set()

    async def hears(self, *what: Any) -> None:
        """Waits until it was told so."""
        while what not in self.heard:
            self._changed.clear()
            await self._changed.wait()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until the condition holds, whatever time that takes."""
        while not condition():  # noqa: ASYNC110 - counters tell nobody when they change
            await asyncio.sleep(0.005)
