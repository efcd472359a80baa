"""Waiting for a condition, with a limit; never for a number of seconds."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

T = TypeVar("T")


class NeverTrue(AssertionError):
    """The condition did not come true within the limit."""


async def until(true: Callable[[], T | Awaitable[T]], limit_s: float = 20.0, what: str = "", poll_s: float = 0.03) -> T:
    """What `true()` gives, as soon as that is true; `true` may be a coroutine function.

    Raises:
        NeverTrue: it did not within `limit_s`; the text has `what` and the last value.
    """
    last: T | None = None
    try:
        async with asyncio.timeout(limit_s):
            while True:
                found = true()
                last = cast(T, await found if inspect.isawaitable(found) else found)
                if last:
                    return last
                await asyncio.sleep(poll_s)
    except TimeoutError:
        name = what or getattr(true, "__name__", "condition")
        raise NeverTrue(f"not true within {limit_s:g} s: {name}; last value: {last!r}") from None
