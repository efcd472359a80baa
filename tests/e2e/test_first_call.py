"""Someone dials, a person answers: each number reaches a seat with the right skill, and nothing comes before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from routing.need import admits
from sandbox.instance import Ports
from sandbox.people import Caller, Seats
from sandbox.root import Asterisk
from sandbox.scenario import Habit
from service.cli.stage import Stage
from tests.e2e.evidence import ready, record
from tests.e2e.machine import tolerance_s
from tests.e2e.staging import nothing_left_over, timing

SEATS = [f"10{n:02d}" for n in range(1, 13)]
# dialled number -> words that the agent's phone shows
NUMBERS = {
    "12345": "政务服务便民热线",
    "12333": "人力资源和社会保障",
    "12366": "纳税缴费服务",
    "12329": "住房公积金",
    "12393": "医疗保障",
    "12348": "公共法律服务",
    "96510": "原96510热线",
    "12336": "自然资源违法举报",
    "12312": "商务举报投诉",
    "96196": "交通服务",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    async with Stage(folder, asterisk, ports, edit=timing(wrap_up_s=0)).serving() as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def phones(stage: Stage) -> AsyncIterator[Seats]:
    async with Seats(stage.pbx, SEATS, stage.folder / "seats", habit=Habit(ring_s=0.3)) as phones:
        await ready(stage, *SEATS)
        yield phones


@pytest.mark.parametrize("number", NUMBERS)
async def test_each_number_reaches_a_seat_with_the_right_skill(stage: Stage, phones: Seats, number: str) -> None:
    async with Caller(
        stage.pbx, number, stage.folder / f"caller-{number}", caller=f"138000{number}", talk_s=0.3
    ) as caller:
        leg = await caller.until_ended()
    found = await record(stage, caller)
    rules = stage.settings.rules()
    line = rules.lines[rules.lines[number].into or number]
    assert found.agent_id is not None
    assert line.rings[0].skills
    assert admits(line.rings[0].need, found.agent_id, rules.agents[found.agent_id].skills, frozenset())
    assert (leg.code, found.judged, found.outcome) == (200, "in_time", "answered")
    assert found.answered_by == "engine"
    await nothing_left_over(stage)


@pytest.mark.parametrize("number", NUMBERS)
async def test_agents_phone_shows_line_and_subject_in_the_callers_name(
    stage: Stage, phones: Seats, number: str
) -> None:
    async with Caller(stage.pbx, number, stage.folder / f"shown-{number}", talk_s=0.1) as caller:
        await caller.until_ended()
    assert NUMBERS[number] in phones.invite(phones.leg)


async def test_caller_hears_ringing_and_nothing_is_answered_before_an_agent_answers(
    stage: Stage, phones: Seats
) -> None:
    async with Caller(stage.pbx, "12345", stage.folder / "caller-rings", talk_s=0.2) as caller:
        leg = await caller.until_ended()
    agent = phones.leg
    assert leg.ringing_at is not None
    assert leg.answered_at is not None
    assert agent.answered_at is not None
    assert leg.ringing_at < leg.answered_at
    assert leg.progress_at is None
    assert leg.answered_at > agent.answered_at - tolerance_s(leg.invited_at)  # the clocks of two programs


async def test_answer_time_in_the_record_is_what_the_caller_measured(stage: Stage, phones: Seats) -> None:
    async with Caller(stage.pbx, "12345", stage.folder / "caller-time", caller="13800000002", talk_s=0.2) as caller:
        leg = await caller.until_ended()
    found = await record(stage, caller)
    assert leg.answer_s is not None
    assert found.wait_ms is not None
    assert abs(found.wait_ms / 1000 - leg.answer_s) < 1.0


async def test_unknown_number_gets_404_and_is_counted(stage: Stage, phones: Seats) -> None:
    before = await stage.total("hotline_unknown_number_calls_total")
    async with Caller(stage.pbx, "99999", stage.folder / "caller-unknown") as caller:
        leg = await caller.until_ended()
    assert leg.code == 404

    async def counted() -> bool:
        return await stage.total("hotline_unknown_number_calls_total") == before + 1

    await stage.until(counted, 15, "the unknown number counted")
