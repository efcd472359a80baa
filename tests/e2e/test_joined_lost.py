"""A phone dies in a joined call, without a word: the caller is with whoever is there, or goes back to a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.e2e.joining.cells import Who
from tests.e2e.joining.lanes import Lanes, configuration, lost_after
from tests.e2e.joining.survivor import Survivor
from tests.e2e.parties import nothing_left

# In which state whose phone dies.
DEATHS: Final = (
    *((state, Who.AGENT) for state in ("three_way", "consulting", "returned", "held", "ringing")),
    ("handed_over", Who.THIRD),
    ("consulting", Who.THIRD),
    ("three_way", Who.CALLER),
)
SEATS_LOST_AFTER_S: Final = 15  # as it is rendered; what trunks have would make this test a long one


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    count = len(DEATHS)
    async with Stage(folder, asterisk, ports, seats=2 * count, edit=configuration(count)).serving(all_lost) as stage:
        yield stage


def all_lost(files: dict[str, str]) -> None:
    lost_after(files, SEATS_LOST_AFTER_S)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lanes(stage: Stage) -> AsyncIterator[Lanes]:
    async with Lanes(stage, len(DEATHS)) as lanes:
        yield lanes


@pytest.mark.asyncio(loop_scope="session")
async def test_phone_dies_in_every_state_and_the_caller_is_not_left_alone(stage: Stage, lanes: Lanes) -> None:
    calls = [Survivor(lanes, lane, state) for lane, (state, _) in zip(lanes.all, DEATHS, strict=True)]
    async with AsyncExitStack() as stack:
        for call in calls:
            await stack.enter_async_context(call.caller)
        await asyncio.gather(*(call.reach() for call in calls))
        await asyncio.gather(*(call.dies(who) for call, (_, who) in zip(calls, DEATHS, strict=True)))
        await asyncio.gather(*(call.is_so() for call in calls))
        await asyncio.gather(*(call.end() for call in calls))
    await nothing_left(stage)
