"""The same hotline on PostgreSQL: calls are recorded, and a database that restarts in the middle costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Caller, Seats
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.contract.storage_databases import Postgres, postgres
from tests.e2e.evidence import ready, record
from tests.e2e.staging import nothing_left_over, timing

SEATS = ["1001", "1002", "1003"]

__all__ = ["postgres"]
pytestmark = pytest.mark.postgres


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports, postgres: Postgres) -> AsyncIterator[Stage]:
    url = f"postgresql+asyncpg://hotline@/{await postgres.new_database()}?host={postgres.folder}"
    secret = folder / "secrets" / "database"

    def on_postgres(text: str) -> str:
        secret.write_bytes(postgres.password_file.read_bytes())
        secret.chmod(0o600)
        text = text.replace("sqlite+aiosqlite:///var/hotline.db", url)
        text = text.replace("[service]", '[service]\ndatabase_password_file = "secrets/database"', 1)
        return timing(wrap_up_s=0)(text)

    async with (
        Stage(folder, asterisk, ports, seats=3, edit=on_postgres).serving() as stage,
        Seats(stage.pbx, SEATS, folder / "seats"),
    ):
        await ready(stage, *SEATS)
        yield stage


async def test_call_is_recorded_in_postgresql(stage: Stage) -> None:
    async with Caller(stage.pbx, "12345", stage.folder / "caller", talk_s=0.3) as caller:
        leg = await caller.until_ended()
    found = await record(stage, caller)
    assert (leg.code, found.outcome, found.judged) == (200, "answered", "in_time")
    await nothing_left_over(stage)


async def test_database_restarted_in_the_middle_of_calls_is_noticed_by_nobody(stage: Stage, postgres: Postgres) -> None:
    await asyncio.to_thread(postgres.stop)

    async def degraded() -> bool:
        answer = await stage.http.get("/readyz")
        return answer.status_code == 200 and "database" in answer.json()["degraded"]

    try:
        async with Caller(stage.pbx, "12333", stage.folder / "caller-down", caller="13800000002", talk_s=0.3) as caller:
            leg = await caller.until_ended()
        await stage.until(degraded, 15, "readyz tells of the database")
    finally:
        await asyncio.to_thread(postgres.start)
    found = await record(stage, caller)
    assert (leg.code, found.outcome) == (200, "answered")
    await stage.until(stage.is_ready, 20, "ready again")
