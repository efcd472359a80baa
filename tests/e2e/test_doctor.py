"""`hotline doctor` beside a real Asterisk and a real service: all is well, until one of them is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Caller, Seats
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.e2e.evidence import ready, record
from tests.e2e.staging import command, nothing_left_over, timing

SEATS = ["1001", "1002"]
WELL = {(part, "ok") for part in (
    "configuration", "journal", "database", "recordings", "service", "FastAGI", "Asterisk", "clocks", "AMI", "CEL",
)}  # fmt: skip  # the dialplan of a sandbox listens elsewhere than hotline.toml says
GONE = {("service", "fail"), ("FastAGI", "fail"), ("AMI", "ok"), ("database", "ok")}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    async with Stage(folder, asterisk, ports, seats=len(SEATS), edit=timing(wrap_up_s=0)).serving() as stage:
        yield stage


async def states(stage: Stage) -> tuple[int, dict[tuple[str, str], str]]:
    """Exit code, and of each finding (part, state) -> what."""
    code, found = await command(stage, "doctor", "--folder", str(stage.sandbox.folders.etc))
    return code, {(one["part"], one["state"]): one["what"] for one in found["findings"]}


async def test_all_is_well_after_a_call_and_each_loss_is_told(stage: Stage) -> None:
    async with Seats(stage.pbx, SEATS, stage.folder / "seats"):
        for seat in SEATS:
            await ready(stage, seat)
        async with Caller(stage.pbx, "12345", stage.folder / "caller", talk_s=0.3) as caller:
            assert (await caller.until_ended()).code == 200
        await record(stage, caller)
        await nothing_left_over(stage)
        code, found = await states(stage)
        assert found.keys() >= WELL, found
        assert found["seats", "ok"] == "2 of 2 phones are registered"
        assert code == (1 if any(state == "fail" for _, state in found) else 0)
    assert await stage.end_service() == 0
    code, found = await states(stage)
    assert (code, found.keys() >= GONE) == (1, True)
    await stage.sandbox.stop()
    code, found = await states(stage)
    assert (code, ("AMI", "fail") in found) == (1, True)
