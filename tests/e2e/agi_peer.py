"""A FastAGI server that does what a test says: decides, is silent, closes, talks nonsense. It shares no code with ours."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final, Self

from telephony import names

Script = Callable[["Session"], Awaitable[None]]
ROUTE_FIELDS: Final = ("call", "line", "arrived", "trunk", "last_presentation", "last_status", "noticed")


class Session:
    """One AGI session. `fields` holds its arguments by name, `environment` all headers as they came."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, environment: dict[str, str]) -> None:
        self._reader, self._writer = reader, writer
        self.environment = environment
        self.script = environment.get("agi_network_script", "")
        arguments = [environment.get(f"agi_arg_{number}", "") for number in range(1, len(ROUTE_FIELDS) + 1)]
        self.fields = dict(zip(ROUTE_FIELDS, arguments, strict=True))

    async def command(self, text: str) -> str:
        """Asterisk's reply to one command; HANGUP lines are not replies."""
        self._writer.write(f"{text}\n".encode())
        await self._writer.drain()
        while line := await self._reader.readline():
            if not line.startswith(b"HANGUP"):
                return line.decode().strip()
        raise ConnectionError

    async def decide(self, decision: str) -> None:
        await self.command(f'SET VARIABLE {names.DECISION} "{decision}"')

    async def closed(self) -> None:
        """Returns when Asterisk ends the session."""
        while await self._reader.read(1000):
            pass


def present(seats: str, *, ring_s: int = 5, presentation: str = "p1", within_s: float = 2.0) -> str:
    """A decision to ring seats ("1001&1002")."""
    deadline_ms = round((time.time() + within_s) * 1000)
    return names.decision(names.Verb.PRESENT, presentation, deadline_ms, ring_s, tuple(seats.split("&")))


def order(verb: names.Verb, *, within_s: float = 2.0) -> str:
    """A decision without seats."""
    return names.decision(verb, deadline_ms=round((time.time() + within_s) * 1000))


class Peer:
    """Listens at `port` and runs `script` for each session; `sessions` keeps them in order of arrival."""

    def __init__(self, port: int, script: Script) -> None:
        self._port, self._script = port, script
        self.sessions: list[Session] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def asked(self) -> list[Session]:
        """The sessions of `/route`."""
        return [session for session in self.sessions if session.script == names.SCRIPT_ROUTE]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            environment = {}
            while line := (await reader.readline()).decode("utf-8", "replace").rstrip("\n"):
                key, _, value = line.partition(": ")
                environment[key] = value
            session = Session(reader, writer, environment)
            self.sessions.append(session)
            await self._script(session)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
