"""A service that is killed between any two writes: afterwards every call is there exactly once, with all that is of it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.contract.storage_databases import Database
from tests.contract.storage_day import (
    assert_as_undisturbed,
    assert_reported_as_the_journal_counts,
    journal_entries,
    key_of,
)
from tests.contract.storage_killed import MUST_DIE_AT

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", MUST_DIE_AT)
async def test_service_that_is_killed_between_any_two_writes(database: Database, how: str) -> None:
    arguments = ["-m", "tests.contract.storage_killed", database.url, str(database.data_dir)]
    pipe = asyncio.subprocess.PIPE
    services = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, str(database.password_file or ""), how, cwd=ROOT, stdout=pipe
    )
    assert services.stdout is not None
    said = (await services.stdout.read()).decode().splitlines()
    assert await services.wait() == 0
    died = {line.removeprefix("died ") for line in said if line.startswith("died ")}
    missed = {where for where in MUST_DIE_AT[how] if not any(one.startswith(where) for one in died)}
    assert not missed
    told = {tuple(json.loads(line)) for line in said if line.startswith("[")}
    assert told <= {key_of(entry) for entry in journal_entries(database.data_dir)}, "what was said to be kept is kept"
    await assert_as_undisturbed(database, int(said[-1].removeprefix("lived ")))
    await assert_reported_as_the_journal_counts(database)
