"""One event loop for the whole run, with Twisted's reactor riding on it, exactly as the service starts it.

A test that leaves an asyncio task, an asyncio timer or a Twisted delayed call behind fails: in the service each would be a
leak per call. Tests without a loop pay nothing for this.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator

import hypothesis
import pytest
import pytest_asyncio

from telephony.agi.reactor import install_reactor, remove_reactor

hypothesis.settings.register_profile("hotline", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("hotline")

SETTLE_TURNS = 50  # what was cancelled or closed in the last line of a test may need some turns to be gone
_loop: asyncio.AbstractEventLoop | None = None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def reactor() -> AsyncIterator[None]:
    """Twisted's reactor on the session loop. Every async test gets it, and before any other fixture."""
    global _loop
    _loop = asyncio.get_running_loop()
    install_reactor()
    yield
    remove_reactor()
    _loop = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(inspect.unwrap(item.obj)):
            item.fixturenames.insert(0, "reactor")


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    if _loop is None or "reactor" not in request.fixturenames:
        yield
        return
    tasks, timers = _tasks(_loop), _timers(_loop)
    yield
    if _tasks(_loop) - tasks or _timers(_loop) - timers:
        _loop.run_until_complete(_settle())
    left = [repr(thing) for thing in [*(_tasks(_loop) - tasks), *(_timers(_loop) - timers)]]
    assert not left, f"left behind: {left}"


async def _settle() -> None:
    for _ in range(SETTLE_TURNS):
        await asyncio.sleep(0)


def _tasks(loop: asyncio.AbstractEventLoop) -> set[object]:
    return set(asyncio.all_tasks(loop))


def _timers(loop: asyncio.AbstractEventLoop) -> set[object]:
    """Delayed calls of Twisted, and asyncio's own timers without the one that drives Twisted's."""
    from twisted.internet import reactor as twisted

    own = {handle for handle in loop._scheduled if not handle.cancelled()}  # type: ignore[attr-defined]
    return {*twisted.getDelayedCalls(), *(own - {twisted._timerHandle})}  # type: ignore[attr-defined]
