"""A surge: suggested when more call than were expected, declared by a person, over a restart, and back."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.arrivals import crowd, even_days, keep
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
    stage = Stage(folder, asterisk, ports, edit=edit)
    await a_crowd_after_quiet_months(stage)
    async with stage.serving():
        yield stage


async def a_crowd_after_quiet_months(stage: Stage) -> None:
    """For two months a call every quarter of an hour, and in the last minutes five a minute."""
    url, zone, now = stage.settings.database_url(), stage.settings.zone_info, time.time()
    today = datetime.fromtimestamp(now, zone).date()
    await keep(url, even_days("12345", today - timedelta(days=60), today - timedelta(days=1), zone))
    await keep(url, crowd("12345", now, minutes=8, a_minute=5))


@pytest_asyncio.fixture(loop_scope="session")
async def people(stage: Stage) -> AsyncIterator[Cast]:
    async with Cast(stage) as people:
        yield people


async def surge(stage: Stage, path: str, **body: object) -> Any:
    headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
    answer = await stage.http.post(f"/api/v1/{path}", headers=headers, json=body or None)
    answer.raise_for_status()
    return answer


async def hotline(stage: Stage, *arguments: str) -> str:
    """What a command says on both outputs."""
    command = [sys.executable, "-m", "service", *arguments, "--config", str(stage.settings.file)]
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.STDOUT}
    running = await asyncio.create_subprocess_exec(*command, **pipes)
    out, _ = await asyncio.wait_for(running.communicate(), 30)
    assert running.returncode == 0, out.decode()
    return out.decode()


async def suggestion(stage: Stage) -> Any:
    return await stage.api("/api/v1/surge/suggestion")


async def test_more_callers_than_expected_suggest_a_surge_and_nothing_else_happens(stage: Stage) -> None:
    await stage.until(lambda: suggestion(stage), 60, "a suggestion")
    told = (await stage.api("/api/v1/status"))["suggestion"]
    assert told["percent"] > 1000
    words = told["text"].partition(" % ")[2]  # the figure before it is another each minute
    assert words in await hotline(stage, "surge", "show")
    assert words in " ".join((await hotline(stage, "status")).split())
    assert "hotline surge start --for 1h" in told["text"]
    day = json.loads(await hotline(stage, "forecast", "--json", "--line", "12345"))
    assert day["forecast"]["total"] == pytest.approx(96, abs=1)
    assert day["arrived"] == sum(quarter["arrived"] or 0 for quarter in day["quarters"])
    found = await stage.metrics()
    assert (found["hotline_surge_suggested"], found["hotline_surge"]) == (1, 0)
    assert found['hotline_forecast_arrivals{line="12345"}'] == pytest.approx(1, abs=0.1)
    assert stage.words(1000).count('"event": "surge suggested"') == 1
    assert await stage.api("/api/v1/surge") is None


async def test_surge_brings_the_reserve_in_and_shortens_wrap_up_and_a_restart_keeps_it(
    stage: Stage, people: Cast
) -> None:
    _, talking = await people.busy_seat(GENERAL)
    reserve = await people.seat(RESERVE)
    waiting = await people.caller()
    await until_waiting(stage, "12345", 1)
    assert await suggestion(stage) is not None
    assert reserve.legs == [], "a suggestion changes nothing"
    await surge(stage, "surge", for_s=600, reason="暴雨")
    assert await suggestion(stage) is None, "it is done"
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
