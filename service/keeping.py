"""Work that goes on for as long as the service does: a bug ends one turn of it, never the work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

log = structlog.get_logger("hotline")

AGAIN_S: Final = 1.0

Pause = Callable[[float], Awaitable[None]]


async def kept(
    name: str,
    keep: Callable[[], Awaitable[None]],
    count: Callable[[str], None],
    again_s: float = AGAIN_S,
    pause: Pause = asyncio.sleep,
) -> None:
    """Does `keep`; `again_s` after a bug has ended it, does it anew. Over when `keep` ends by itself.

    Each bug is logged with all that is known of it, and `count` is told the name, for `hotline_bugs_total{part=name}`.
    """
    while True:
        try:
            await keep()
            return
        except Exception:
            count(name)
            log.exception("a task failed and begins again", part=name, again_s=again_s)
        await pause(again_s)
