"""The server over real sockets on loopback: what one session's trouble may and may not do to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio

from telephony.agi.server import AgiServer, HeldSession
from tests.contract.agi_peer import CALL_ID, FakeAsterisk

LISTEN = "tcp:0:interface=127.0.0.1"


class Service:
    """The service's side: writes down what it was told, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.sessions: list[HeldSession] = []
        self.on_request: Callable[[HeldSession], None] = lambda session: None
        self._changed = asyncio.Event()
        self.server = self.make()

    def make(self, **options: Any) -> AgiServer:
        return AgiServer(
            on_request=self._request,
            on_closed=lambda session, reason: self._note("closed", session.id, reason),
            on_decided=lambda session, accepted: self._note("decided", session.id, accepted),
            **{"lease_s": 3.0, **options},
        )

    def _request(self, session: HeldSession) -> None:
        self.sessions.append(session)
        self._note("request", session.id)
        self.on_request(session)

    def _note(self, *what: Any) -> None:
        self.heard.append(what)
        self._changed.set()

    async def hears(self, *what: Any) -> None:
        while what not in self.heard:
            self._changed.clear()
            await self._changed.wait()


@pytest_asyncio.fixture(loop_scope="session")
async def service() -> AsyncIterator[Service]:
    it = Service()
    await it.server.start(LISTEN)
    yield it
    await it.server.stop(1.0)


async def test_a_caller_is_held_until_the_service_decides(service: Service) -> None:
    peer = await FakeAsterisk.calls(service.server.address)
    await service.hears("request", 1)
    assert service.sessions[0].request.call_id == CALL_ID
    service.sessions[0].decide("present:p1:1795302614000:6:1001")
    await peer.ended()
    assert peer.variables["HOTLINE_DECISION"] == "present:p1:1795302614000:6:1001"
    await service.hears("decided", 1, True)
    assert service.heard == [("request", 1), ("decided", 1, True)]
