"""A real call, what its agent writes down, and the work-order platform that is told of it, also when both ends die."""

from __future__ import annotations

import base64
import hashlib
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.people import Caller
from sandbox.places import Ports
from sandbox.root import Asterisk
from service.cli.stage import Stage
from storage.numbers import normalise
from tests.contract.webhook_receiver import WorkOrders, free_port
from tests.e2e.cast import Cast
from tests.e2e.evidence import record, several
from tests.e2e.staging import timing

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGENT, TOKEN, SECRET = "1001", "token-of-1001", bytes(range(32))
KINDS = ["intake.recorded", "call.ended", "call.recording"]


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports, port: int) -> AsyncIterator[Stage]:
    def told(text: str) -> str:
        sha256 = hashlib.sha256(TOKEN.encode()).hexdigest()
        token = f'\n[[token]]\nname = "{AGENT}"\nrole = "agent"\nsha256 = "{sha256}"\n'
        where = f'\n[outbox]\nurl = "http://127.0.0.1:{port}/events"\nfirst_pause_s = 1.0\nlongest_pause_s = 2.0\n'
        return f"{text}{token}{where}with_numbers = true\n"

    made = Stage(folder / "stage", asterisk, ports, seats=2, edit=several(timing(wrap_up_s=2), told))
    secret = made.folder / "secrets/outbox.key"
    secret.touch(mode=0o600)
    secret.write_text("whsec_" + base64.b64encode(SECRET).decode() + "\n")
    async with made.serving():
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def people(stage: Stage) -> AsyncIterator[Cast]:
    async with Cast(stage) as cast:
        yield cast


@pytest.fixture
def platform(port: int) -> Iterator[WorkOrders]:
    made = WorkOrders(port)
    yield made
    made.close()


async def write_down(stage: Stage, call: str, **form: Any) -> int:
    answer = await stage.http.post(
        f"/api/v1/calls/{call}/intake", headers={"Authorization": f"Bearer {TOKEN}"}, json=form
    )
    return answer.status_code


async def live(stage: Stage) -> str:
    """The call that the agent talks in."""
    headers = {"Authorization": f"Bearer {TOKEN}"}

    async def found() -> str | None:
        calls = (await stage.http.get("/api/v1/calls/live", headers=headers)).json()
        return str(calls[0]["id"]) if calls else None

    call = await stage.until(found, 15, "the call in progress")
    assert isinstance(call, str)
    return call


async def told_of(stage: Stage, platform: WorkOrders, call: str) -> list[dict[str, Any]]:
    """The events of a call, once all have arrived."""

    def all_there() -> list[dict[str, Any]] | None:
        found = [event for event in platform.first_of_each if event["subject"] == call]
        return found if len(found) >= len(KINDS) else None

    found = await stage.until(all_there, 30, "the platform told of the call")
    assert isinstance(found, list)
    assert all(got.is_signed_by(SECRET) for got in platform.got)
    return found


async def talks(people: Cast) -> Caller:
    _, caller = await people.busy_seat(AGENT)
    return caller


async def test_what_the_agent_writes_during_the_talk_arrives_before_the_end_of_the_call(
    stage: Stage, people: Cast, platform: WorkOrders
) -> None:
    caller = await talks(people)
    call = await live(stage)
    assert await write_down(stage, call, kind="投诉", subject="路灯不亮", name="张三", text="三天了") == 201
    await caller.hang_up()
    intake, ended, recording = await told_of(stage, platform, call)
    assert [event["type"] for event in (intake, ended, recording)] == [f"hotline.{kind}" for kind in KINDS]
    assert (intake["data"]["name"], intake["data"]["text"], intake["data"]["by"]) == ("张三", "三天了", AGENT)
    row = await record(stage, caller)
    assert (ended["data"]["call"], ended["data"]["arrived_ms"]) == (row.call_id, row.arrived_ms)
    assert (ended["data"]["outcome"], ended["data"]["agent_id"]) == ("answered", AGENT)
    number = normalise(caller.plans[0].caller, area_code=stage.settings.service.area_code)
    assert ended["data"]["caller"] == {"hidden": False, "ref": row.caller_ref, "number": number}
    assert await write_down(stage, call, kind="建议", subject="谢谢") == 201  # the work after the call
    assert await stage.total("hotline_outbox_deliveries_total", result="delivered") >= len(KINDS)
    log = (stage.folder / "service.log").read_text()
    assert not any(personal in log for personal in ("张三", "三天了", str(number)))


async def test_receiver_down_and_service_killed_lose_nothing_and_the_order_holds(
    stage: Stage, people: Cast, port: int
) -> None:
    caller = await talks(people)
    call = await live(stage)
    assert await write_down(stage, call, kind="求助", subject="停水", hidden=True) == 201
    stage.send(signal.SIGKILL)  # the receiver is down, the agent talks
    await caller.hang_up()
    await stage.end_service()
    await stage.start_service()
    platform = WorkOrders(port)
    try:
        events = await told_of(stage, platform, call)
    finally:
        platform.close()
    assert [event["type"] for event in events] == [f"hotline.{kind}" for kind in KINDS]
    assert events[1]["data"]["caller"] == {"hidden": True, "ref": None, "number": None}
    assert await stage.api("/api/v1/outbox?state=dead") == []
