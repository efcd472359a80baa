"""Other rules beside the live ones, on real calls: the callers' way is as ever, and the command tells what would differ."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest_asyncio

from sandbox.instance import Ports
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.e2e.cast import Cast
from tests.e2e.evidence import outcomes, record
from tests.e2e.staging import nothing_left_over, timing

EXPERT, GENERAL = "1001", "1011"  # 12333 asks for the one at once, for the other after six seconds
OTHER = '[[line]]\nnumber = "12333"\nmode = "parallel"\nrings = [{ after_s = 0, need = "any" }]\n'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    async with Stage(
        folder, asterisk, ports, edit=timing(wrap_up_s=0, ring_several_after_s=0, answer_notice_after_s=0)
    ).serving() as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def people(stage: Stage) -> AsyncIterator[Cast]:
    async with Cast(stage) as people:
        yield people


async def hotline_shadow(stage: Stage, *arguments: str) -> tuple[int, str]:
    """Exit code and all that `hotline shadow ARGUMENTS` says."""
    command = [sys.executable, "-m", "service", "shadow", *arguments, "--config", str(stage.settings.file)]
    running = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(running.communicate(), 120)
    assert running.returncode is not None
    return running.returncode, out.decode()


async def shown(stage: Stage) -> Any:
    return await stage.api("/api/v1/shadow")


async def test_other_rules_tell_what_would_differ_and_no_caller_notices(stage: Stage, people: Cast) -> None:
    other, wrong = stage.folder / "other.toml", stage.folder / "wrong.toml"
    other.write_text(OTHER)
    wrong.write_text(OTHER.replace('"any"', '"nosuch >"'))
    code, said = await hotline_shadow(stage, "start", str(wrong))
    assert (code, "line 12333.rings[0].need" in said) == (1, True), said
    code, said = await hotline_shadow(stage, "start", str(other), "--for", "10m")
    assert (code, "other.toml is tried beside the live rules until" in said) == (0, True), said

    await people.seat(GENERAL)
    _, talking = await people.busy_seat(EXPERT, "12333")
    caller = await people.caller("12333", talk_s=0.2)
    await caller.until_ended()
    call = await record(stage, caller)
    assert await outcomes(stage, call.call_id) == [(GENERAL, "answered")]
    assert call.wait_ms is not None
    assert call.wait_ms >= 6000, "by the live rules"

    found = json.loads((await hotline_shadow(stage, "show", "--json"))[1])
    results = {line["number"]: line["results"] for line in found["lines"]}["12333"]
    assert {name: count for name, count in results.items() if count} == {"seat": 1, "earlier": 1}
    examples = {example["result"]: example for example in found["examples"]}
    assert (examples["seat"]["live"], examples["seat"]["shadow"]) == ([EXPERT], [GENERAL]), "without need of an expert"
    assert (examples["earlier"]["call_id"], examples["earlier"]["shadow"]) == (call.call_id, [GENERAL])
    assert 5 < examples["earlier"]["earlier_s"] <= call.wait_ms / 1000
    estimate = found["estimate"]
    assert (estimate["calls"], estimate["total"]["actual"], estimate["total"]["live"]) == (2, 1.0, 1.0)
    _, page = await hotline_shadow(stage, "--no-estimate")
    assert f"hotline why {call.call_id}" in page
    metrics = await stage.metrics()
    assert metrics['hotline_shadow_decisions_total{line="12333",result="earlier"}'] == 1
    assert (metrics["hotline_shadow"], found["rebuilt"]) == (1, 0)

    await stage.end_service(signal.SIGTERM)
    await stage.start_service()
    again = await stage.until(partial(shown, stage), 30, "the shadow goes on")
    assert (again["running"], again["lines"]) == (True, found["lines"])
    assert (await hotline_shadow(stage, "end"))[0] == 0
    assert (await shown(stage))["ended"] == "asked"
    await talking.hang_up()
    await talking.until_ended()
    await nothing_left_over(stage)
