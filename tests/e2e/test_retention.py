"""Holds and forgetting by the commands, with real calls: the people go out of the records, every figure stays."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from sqlalchemy import select

from sandbox.instance import Ports
from sandbox.root import Asterisk
from service.cli.stage import Stage
from storage.schema import call_steps, calls
from tests.e2e.cast import Cast, number_of
from tests.e2e.evidence import caller_ref, records_of, rows, several
from tests.e2e.sounds import kept
from tests.e2e.staging import command, far_from_midnight, timing

GENERAL = "1011"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    quick = timing(wrap_up_s=0, ring_several_after_s=0, answer_notice_after_s=0)
    async with Stage(folder, asterisk, ports, edit=several(quick, far_from_midnight)).serving() as stage:
        yield stage


async def typed(stage: Stage, *words: str, number: str = "") -> tuple[int, str]:
    """Exit code and what is said of a command; the number comes by standard input."""
    pipe = asyncio.subprocess.PIPE
    line = [sys.executable, "-m", "service", *words, "--config", str(stage.config)]
    running = await asyncio.create_subprocess_exec(*line, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    said, _ = await running.communicate(f"{number}\n".encode())
    assert running.returncode is not None
    return running.returncode, said.decode()


async def call_of(stage: Stage, people: Cast, caller: str | None = None, nth: int = 1) -> tuple[str, str]:
    """A talk that is over and recorded, the n-th one of this caller: id of the call, number of the caller."""
    caller_ = await people.caller(caller=caller, talk_s=0.3)
    await caller_.until_ended()
    call = (await records_of(stage, number_of(caller_), nth))[-1].call_id
    await kept(stage, call)
    return call, number_of(caller_)


async def personal(stage: Stage, call: str) -> tuple[Any, Any]:
    (row,) = await rows(stage, select(calls.c.caller_sealed, calls.c.caller_ref).where(calls.c.call_id == call))
    return row["caller_sealed"], row["caller_ref"]


async def figures(stage: Stage) -> dict[str, Any]:
    """The report of today, but for when it was asked for."""
    _, told = await command(stage, "report", "day")
    return {key: told[key] for key in ("data", "calls", "numbers")}


async def test_who_is_forgotten_is_out_of_all_records_and_no_figure_changes(stage: Stage, people: Cast) -> None:
    await people.seat(GENERAL)
    first, number = await call_of(stage, people)
    second, _ = await call_of(stage, people, number, 2)
    other, _ = await call_of(stage, people)
    ref, before = caller_ref(stage, number), await figures(stage)
    assert {(await personal(stage, call))[1] for call in (first, second)} == {ref}

    assert (await typed(stage, "holds", "add", "--call", first, "--reason", "court, file 7"))[0] == 0
    code, said = await typed(stage, "forget", "--call", first, "--reason", "his request")
    assert (code, "hold is on this call" in said) == (1, True)
    await stage.end_service(signal.SIGKILL)
    await stage.start_service()
    assert (await typed(stage, "holds", "lift", "1", "--reason", "judged"))[0] == 0

    code, said = await typed(stage, "forget", "--citizen", "--reason", "his request", number=number)
    assert (code, number in said, "2 calls" in said) == (0, False, True), said
    for call in (first, second):
        sealed, word = await personal(stage, call)
        assert (sealed, word != ref) == (None, True)
    assert (await personal(stage, other))[0] is not None
    told = await rows(stage, select(call_steps.c.data).where(call_steps.c.call_id.in_((first, second))))
    assert ref not in str(told)
    folder = stage.settings.recordings_dir
    assert [file.stem for file in folder.rglob("*.wav")] == [other]

    assert await figures(stage) == before
    acts = [row["act"] for row in (await command(stage, "audit-log"))[1]]  # type: ignore[call-overload]
    assert [act for act in reversed(acts) if act in ("hold", "lift", "forget", "forgotten")] == [
        "hold", "lift", "forget", "forgotten",
    ]  # fmt: skip
    assert number not in (stage.folder / "service.log").read_text()
