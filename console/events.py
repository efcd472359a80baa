"""`/events`: the board as server-sent events, one JSON picture per change.

Every client has one pending picture at most: a slow one skips pictures, it never makes a queue. A client that takes
nothing at all is cut by the server (`console.server`). Each event is a whole picture, so a reconnecting browser's
`Last-Event-ID` needs no answer of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from console.board import FRESH_S, Board
from console.problems import Problem

MAX_CLIENTS: Final = 200
HEARTBEAT_S: Final = 10.0
REFRESH_S: Final = 30.0  # an unchanged picture again, so that counted-on durations cannot drift for long
RETRY_MS: Final = 2000


class Events:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._clients = 0
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End all streams; their browsers come back by themselves."""
        self._closing.set()

    def response(self) -> StreamingResponse:
        if self._clients >= MAX_CLIENTS or self._closing.is_set():
            raise Problem(503, "Too many pages follow the events, try again later.", {"Retry-After": "10"})
        return StreamingResponse(self._stream(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    async def _stream(self) -> AsyncIterator[str]:
        self._clients += 1
        try:
            yield f"retry: {RETRY_MS}\n\n"
            async for frame in self._frames():
                yield frame
        finally:
            self._clients -= 1

    async def _frames(self) -> AsyncIterator[str]:
        now = asyncio.get_running_loop().time
        sent_version, sent_at, alive_at = -1, 0.0, 0.0
        while not self._closing.is_set():
            snapshot = await self._board.snapshot()
            if snapshot.version != sent_version or now() - sent_at >= REFRESH_S:
                sent_version, sent_at = snapshot.version, now()
                alive_at = sent_at
                yield f"id: {snapshot.version}\ndata: {snapshot.text}\n\n"
            elif now() - alive_at >= HEARTBEAT_S:
                alive_at = now()
                yield "event: alive\ndata: \n\n"
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(FRESH_S):
                await self._closing.wait()
        except TimeoutError:
            return


def events_of(app: FastAPI) -> Events:
    events = app.state.events
    assert isinstance(events, Events)
    return events
