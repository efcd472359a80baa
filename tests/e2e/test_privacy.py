"""A hidden citizen and a new number key, while a real Asterisk brings calls: judged by API, rows and files."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from sqlalchemy import select

from sandbox.instance import Ports
from sandbox.root import Asterisk
from service.cli.stage import Stage
from storage.schema import calls
from tests.e2e.cast import Cast, number_of
from tests.e2e.evidence import caller_ref, record, rows, several
from tests.e2e.sounds import kept
from tests.e2e.staging import timing

CHIEF = "supervisor-secret"
GENERAL = "1011"


def supervisor_too(text: str) -> str:
    """A second token: the commands' one is an engineer's, who may not read hidden numbers."""
    sha = hashlib.sha256(CHIEF.encode()).hexdigest()
    return f'{text}\n[[token]]\nname = "chief"\nrole = "supervisor"\nsha256 = "{sha}"\n'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    quick = timing(wrap_up_s=0, ring_several_after_s=0, answer_notice_after_s=0)
    stage = Stage(folder, asterisk, ports, edit=several(quick, supervisor_too))
    async with stage.serving():
        yield stage


async def ask(stage: Stage, method: str, path: str, token: str = "", **body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token or stage.settings.cli_token()}"}
    return await stage.http.request(method, f"/api/v1/{path}", headers=headers, json=body or None)


async def one_call(stage: Stage, people: Cast) -> tuple[str, str]:
    """A talk that is over: id of the call, number of the caller."""
    caller = await people.caller(talk_s=0.2)
    await caller.until_ended()
    return (await record(stage, caller)).call_id, number_of(caller)


async def test_a_hidden_citizen_is_shown_to_nobody_and_read_with_a_reason_that_stays(
    stage: Stage, people: Cast
) -> None:
    await people.seat(GENERAL)
    call, number = await one_call(stage, people)
    shown = (await ask(stage, "GET", f"calls/{call}/caller")).json()
    assert (shown["number"], shown["hidden"]) == (f"{number[:3]}****{number[-4:]}", False)
    assert (await ask(stage, "POST", "hidden", number=number, reason="he asked for it")).status_code == 201
    await stage.end_service(signal.SIGKILL)
    await stage.start_service()
    shown = (await ask(stage, "GET", f"calls/{call}/caller")).json()
    assert (shown["number"], shown["hidden"]) == ("", True)
    path = f"calls/{call}/caller"
    assert (await ask(stage, "POST", path, reason="the police asks")).status_code == 403, "the engineer of the commands"
    assert (await ask(stage, "POST", path, CHIEF)).status_code == 422, "no reason"
    read = (await ask(stage, "POST", path, CHIEF, reason="the police asks")).json()
    assert read["number"] == f"+86{number}"
    rows = (await ask(stage, "GET", f"audit-log?act=read&subject_kind=call&subject_id={call}")).json()
    assert [(row["actor"], row["role"], row["reason"]) for row in rows] == [("chief", "supervisor", "the police asks")]
    for path in ("calls?limit=50", "hidden?all=true", "audit-log", "restrictions?all=true", f"calls/{call}/why"):
        assert number not in (await ask(stage, "GET", path)).text, path
    assert number not in (stage.folder / "service.log").read_text()


async def test_a_key_is_renewed_and_the_old_one_deleted_while_calls_come_and_none_is_lost(
    stage: Stage, people: Cast
) -> None:
    await people.seat(GENERAL)
    before = [await one_call(stage, people)]
    old = stage.settings.number_keys()
    assert await command(stage, "number-key", "renew") == 0
    before.append(await one_call(stage, people))
    assert await command(stage, "number-key", "retire") == 1, "rows are under the old key"
    assert await command(stage, "number-key", "status") == 1
    resealing = asyncio.create_task(command(stage, "number-key", "reseal"))
    before.append(await one_call(stage, people))
    assert await resealing == 0
    for call, _ in before:
        await kept(stage, call)  # the last that is told of a call: while it is on its way to the rows no key may go
    await stage.until(lambda: _may_go(stage), 20, "the old key may go")
    assert await command(stage, "number-key", "retire") == 0
    keys = stage.settings.number_keys()
    assert (len(keys.keys), keys.refs, keys.ids[0] != old.ids[0]) == (1, old.refs, True)
    assert old.keys[0].hex() not in stage.settings.number_key_file.read_text()
    await stage.end_service(signal.SIGKILL)
    await stage.start_service()
    for call, number in [*before, await one_call(stage, people)]:
        read = (await ask(stage, "POST", f"calls/{call}/caller", CHIEF, reason="a check")).json()
        assert read["number"] == f"+86{number}", call
    acts = [row["act"] for row in (await ask(stage, "GET", "audit-log")).json() if row["subject_kind"] == "number_key"]
    assert acts[::-1] == ["key_renewed", "key_renewed", "resealed", "key_retired"], "the first key, then the renewal"
    (row,) = await rows(stage, select(calls.c.caller_ref).where(calls.c.call_id == before[0][0]))
    assert row["caller_ref"] == caller_ref(stage, before[0][1]), "the same caller is the same"


async def _may_go(stage: Stage) -> bool:
    return await command(stage, "number-key", "status") == 0


async def command(stage: Stage, *words: str) -> int:
    """A command as people type it."""
    arguments = [sys.executable, "-m", "service", *words, "--config", str(stage.settings.file)]
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*arguments, stdin=quiet, stdout=quiet, stderr=quiet)
    return await process.wait()
