"""uvicorn as a task of the loop that everything else runs on (docs/decisions/0007).

Its signal handlers stay off (the service has its own), its access log stays off (an address may carry a token), and
connections that stand still are cut: uvicorn itself waits for a reader for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Any, Final

import structlog
import uvicorn
from fastapi import FastAPI

from console.events import events_of

log = structlog.get_logger(__name__)

BACKLOG: Final = 128
MAX_CONNECTIONS: Final = 400
MAX_HEADER_BYTES: Final = 16 * 1024
STOP_S: Final = 2  # an unfinished answer may take so long when the service ends
LOOK_S: Final = 2.0
STALLED_S: Final = 10.0


class HttpListenError(Exception):
    """The address cannot be listened on; the text says which and what to do."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._server: _Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stalled: dict[Any, float] = {}
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen and serve; `port` 0 takes any, `self.port` tells which. Raises HttpListenError."""
        sock = _listen(host, port)
        self.port = sock.getsockname()[1]
        self._server = _Server(_config(self._app))
        self._tasks = [
            asyncio.create_task(self._server.serve([sock]), name="http"),
            asyncio.create_task(self._cut_stalled(), name="http-stalled"),
        ]

    async def stop(self) -> None:
        """End the streams, let answers finish for `STOP_S`, close. Harmless when it never started."""
        if self._server is None:
            return
        events_of(self._app).close()
        self._server.should_exit = True
        serve, cutter = self._tasks
        cutter.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await cutter
        await serve
        self._server = None

    async def _cut_stalled(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self.cut_stalled(asyncio.get_running_loop().time())
            except Exception:  # what it looks at belongs to uvicorn, which may change it
                log.exception("stalled connections not looked for")

    def cut_stalled(self, now: float) -> None:
        """Cut what has not moved since `STALLED_S`: a reader that takes nothing, a request that never becomes whole."""
        assert self._server is not None
        connections = self._server.server_state.connections
        standing = {c for c in connections if _stands_still(c)}
        self._stalled = {c: self._stalled.get(c, now) for c in standing}
        for connection, since in self._stalled.items():
            if now - since >= STALLED_S:
                connection.transport.abort()


def _stands_still(connection: Any) -> bool:
    """It waits for its reader, or for the rest of a request, and no timer of uvicorn's watches it."""
    if connection.flow.write_paused or connection.cycle is None:
        return True
    return bool(connection.cycle.response_complete and connection.timeout_keep_alive_task is None)


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="none",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        timeout_graceful_shutdown=STOP_S,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        sock = socket.create_server(found[0][4][:2], family=found[0][0], backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise HttpListenError(_why(host, port, error)) from None
    sock.setblocking(False)
    return sock


def _why(host: str, port: int, error: Exception) -> str:
    where = f"HTTP cannot listen on {host}:{port}"
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return f"{where}: another program holds this port; end it or set another `http` under [service]."
    if code in (errno.EACCES, errno.EPERM):
        return f"{where}: ports below 1024 need a privilege; set another `http` under [service]."
    return f"{where}: no address of this machine by that name; correct `http` under [service]."
