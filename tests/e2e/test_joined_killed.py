"""The service is killed with a joined call in each state. The people stay connected; afterwards the agents go on; and if
somebody leaves before that, the dialplan alone does right by the caller.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.e2e.joining.cells import WORLDS, Who
from tests.e2e.joining.lanes import MOST, Lanes, configuration
from tests.e2e.joining.survivor import Survivor
from tests.e2e.parties import nothing_left

# What is done in each state after the restart: an act; "" where somebody rings, and picks up, or else leaves.
NEXT: Final = {
    "talking": "hold",
    "returned": "hold",
    "held": "resume",
    "consulting": "merge",
    "three_way": "transfer",
    "ringing": "",
    "emergency": "",
    "handed_over": "",
}
ROUNDS: Final = (("talking", "held", "consulting", "ringing", "three_way"), ("returned", "emergency", "handed_over"))
# Who leaves while there is no service, or what else happens (`Survivor`).
LEAVES: Final = (
    (
        *(("held", Who.AGENT), ("consulting", Who.AGENT), ("consulting", Who.THIRD), ("ringing", Who.AGENT)),
        ("talking", "stranded"),
    ),
    (
        *(("three_way", Who.AGENT), ("three_way", Who.THIRD), ("handed_over", Who.THIRD), ("three_way", Who.CALLER)),
        ("three_way", "unfindable"),
    ),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    edit = configuration(MOST)
    async with Stage(folder, asterisk, ports, seats=2 * MOST, edit=edit).serving() as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lanes(stage: Stage) -> AsyncIterator[Lanes]:
    async with Lanes(stage, MOST) as lanes:
        yield lanes


@asynccontextmanager
async def bereft(stage: Stage, lanes: Lanes, states: Iterable[str]) -> AsyncIterator[list[Survivor]]:
    """A call in each of these states, and no service any more."""
    calls = [Survivor(lanes, lane, state) for lane, state in zip(lanes.all, states, strict=False)]
    async with AsyncExitStack() as stack:
        for call in calls:
            await stack.enter_async_context(call.caller)
        await together(call.reach() for call in calls)
        assert await stage.end_service(signal.SIGKILL) == -signal.SIGKILL
        await together(call.is_so() for call in calls)
        yield calls


async def together(doings: Iterable[Awaitable[object]]) -> None:
    await asyncio.gather(*doings)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("states", ROUNDS, ids=",".join)
async def test_people_stay_connected_and_every_state_is_known_again(
    stage: Stage, lanes: Lanes, states: tuple[str, ...]
) -> None:
    async with bereft(stage, lanes, states) as calls:
        await stage.start_service()
        await together(call.is_known() for call in calls)
        await together(call.is_so() for call in calls)
        await together(go_on(call) for call in calls)
        await together(call.is_so() for call in calls)
        await together(call.end() for call in calls)
    await nothing_left(stage)


async def go_on(call: Survivor) -> None:
    if act := NEXT[call.state]:
        await call.ask(act)
    elif call.world.rings is not None:
        await call.pick_up()
    else:
        await call.leaves(Who.THIRD)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("leaves", LEAVES, ids=lambda leaves: ",".join(f"{state}-{who}" for state, who in leaves))
async def test_dialplan_alone_does_right_by_a_caller_whom_somebody_leaves(
    stage: Stage, lanes: Lanes, leaves: tuple[tuple[str, str], ...]
) -> None:
    async with bereft(stage, lanes, [state for state, _ in leaves]) as calls:
        whats = zip(calls, (what for _, what in leaves), strict=True)
        await together(call.leaves(what) if isinstance(what, Who) else getattr(call, what)() for call, what in whats)
        await together(call.is_so() for call in calls)
        await stage.start_service()
        await together(call.is_so() for call in calls)
        await together(call.end() for call in calls)
    await nothing_left(stage)


def test_no_state_is_left_out() -> None:
    assert sorted(state for states in ROUNDS for state in states) == sorted(WORLDS) == sorted(NEXT)
