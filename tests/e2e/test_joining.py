"""Joined calls: a part of the matrix in which every two values meet; `make chaos` plays all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from sandbox.instance import Ports
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.e2e.joining.cells import lives
from tests.e2e.joining.lanes import MOST, Lanes, configuration
from tests.e2e.joining.matrix import agree, pairwise_part, play_all
from tests.e2e.parties import nothing_left


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lanes(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Lanes]:
    stage = Stage(folder, asterisk, ports, seats=2 * MOST, edit=configuration(MOST))
    async with stage.serving(), Lanes(stage, MOST) as lanes:
        yield lanes


async def test_every_pair_of_state_act_leaver_and_moment_ends_as_it_should(lanes: Lanes) -> None:
    chosen = pairwise_part(lives())
    results = await play_all(lanes, chosen)
    assert [result.wrong for result in results if result.wrong] == []
    assert len(results) == len(chosen)
    await nothing_left(lanes.stage)
    await agree(lanes.stage, len(chosen))
