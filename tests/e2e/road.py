"""A road between service and AMI on which somebody else speaks, too."""

from __future__ import annotations

import asyncio


class _End(asyncio.Protocol):
    """One end of the road: what comes in goes to the other end, as soon as there is one."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._early = b""
        self.other: asyncio.Transport | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early += data
        else:
            self.other.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self.other is not None:
            self.other.abort()

    def join(self, other: asyncio.Transport) -> None:
        self.other = other
        other.write(self._early)


class _Near(_End):
    """The service's end; it brings the other one into being."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._road.dialling = asyncio.ensure_future(self._road.dial(self))


class Road:
    """A road to AMI on which somebody else speaks, too. It has no task of its own while it stands."""

    def __init__(self, far: int) -> None:
        self._far = far
        self._near: _Near | None = None
        self._server: asyncio.Server | None = None
        self.dialling: asyncio.Future[None] | None = None
        self.port = 0
        self.connections = 0

    async def __aenter__(self) -> Road:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Near(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        if self._near is not None:
            self._near.transport.abort()

    async def dial(self, near: _Near) -> None:
        self.connections += 1
        self._near = near
        _, end = await asyncio.get_running_loop().create_connection(lambda: _End(self), "127.0.0.1", self._far)
        end.join(near.transport)
        near.join(end.transport)

    def say(self, data: bytes) -> None:
        """Bytes for the service, between Asterisk's own."""
        assert self._near is not None
        self._near.transport.write(data)
