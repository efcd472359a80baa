"""A declared surge, from the command to the phones, over a restart, and back."""

from __future__ import annotations

import re
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from sandbox.instance import Ports
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.e2e.cast import Cast
from tests.e2e.evidence import in_state, several, until_waiting, with_key
from tests.e2e.staging import nothing_left_over, timing

GENERAL, RESERVE = "1011", "1002"


def without_general_skill(agent: str) -> Callable[[str], str]:
    row = re.compile(rf'(\[\[agent\]\]\nid = "{agent}"\n(?:(?!skills).*\n)*skills = {{ )general = \d+, ')
    return lambda text: row.sub(r"\g<1>", text)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    edit = several(
        timing(wrap_up_s=300, ring_several_after_s=0, answer_notice_after_s=0),
        with_key("seat", RESERVE, 'groups = ["reserve"]'),
        without_general_skill(RESERVE),
        lambda text: text + "\n[surge]\nwrap_up_s = 0\n",
    )
    async with Stage(folder, asterisk, ports, edit=edit).serving() as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def people(stage: Stage) -> AsyncIterator[Cast]:
    async with Cast(stage) as people:
        yield people


async def surge(stage: Stage, path: str, **body: object) -> Any:
    headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
    answer = await stage.http.post(f"/api/v1/{path}", headers=headers, json=body or None)
    answer.raise_for_status()
    return answer


async def test_surge_brings_the_reserve_in_and_shortens_wrap_up_and_a_restart_keeps_it(
    stage: Stage, people: Cast
) -> None:
    _, talking = await people.busy_seat(GENERAL)
    reserve = await people.seat(RESERVE)
    waiting = await people.caller()
    await until_waiting(stage, "12345", 1)
    await surge(stage, "surge", for_s=600, reason="暴雨")
    await waiting.until_talking()
    assert len(reserve.legs) == 1, "whoever waits gets the reserve at once"
    assert (await stage.metrics())["hotline_surge"] == 1
    await stage.end_service(signal.SIGKILL)
    await stage.start_service()
    assert (await stage.api("/api/v1/surge"))["reason"] == "暴雨"
    await waiting.hang_up()
    await in_state(stage, RESERVE, "ready")
    await surge(stage, "surge/end")
    await talking.hang_up()
    await in_state(stage, GENERAL, "wrap_up")
    assert await stage.api("/api/v1/surge") is None
    assert (await stage.metrics())["hotline_surge"] == 0
    for caller in (waiting, talking):
        await caller.until_ended()
    await nothing_left_over(stage)
