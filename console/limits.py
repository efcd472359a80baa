"""What holds for every answer and every request: security headers, and a bound on what a client may send."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.problems import Problem, problem

MAX_BODY: Final = 16 * 1024  # a request is an agent with his skills at most
LARGER: Final = {
    "/api/v1/agents/import": 2 * 1024 * 1024,  # 10,000 agents, with room
    "/api/v1/departments/import": 2 * 1024 * 1024,
    "/api/v1/shadow": 2 * 1024 * 1024,  # a whole configuration
    "/api/v1/restrictions/import": 2 * 1024 * 1024,
    "/api/v1/workdays": 64 * 1024,  # every day of a year
    "/api/v1/workdays/import": 256 * 1024,  # every day of some years
}
BODY_S: Final = 10.0

HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class SecurityHeaders:
    """Puts `HEADERS` on every answer, and `no-store` where an answer says nothing about caching."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class BodyLimit:
    """Answers 413 to a body above the limit, by its announced length or while it arrives; 408 when it does not come."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY, larger: Mapping[str, int] = LARGER) -> None:
        self._app = app
        self._limit, self._larger = limit, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._larger.get(scope["path"], self._limit)
        if _announced(scope) > limit:
            await problem(413, _too_large(limit), {"connection": "close"})(scope, receive, send)
        else:
            await self._app(scope, self._bounded(receive, limit), send)

    def _bounded(self, receive: Receive, limit: int) -> Receive:
        taken, whole = 0, False

        async def bounded() -> Message:
            nonlocal taken, whole
            if whole:  # from here on it only tells of the client's leaving
                return await receive()
            try:
                async with asyncio.timeout(BODY_S):
                    message = await receive()
            except TimeoutError:
                raise Problem(408, "The request did not arrive in time.", {"connection": "close"}) from None
            taken += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if taken > limit:
                raise Problem(413, _too_large(limit), {"connection": "close"})
            return message

        return bounded


def _too_large(limit: int) -> str:
    return f"A request may have {limit} bytes."


def _announced(scope: Scope) -> int:
    value = dict(scope["headers"]).get(b"content-length", b"0")
    return int(value) if value.isdigit() else 0
