"""Who stands in the snapshot that the dialplan's own script reads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from routing import events as e
from routing.model import DeviceState
from sandbox.waiting import until
from service import clock
from service.snapshots import Snapshots
from telephony.agi.snapshot import read_snapshot
from tests.unit.routing.floor_plan import Drive
from tests.unit.routing.test_remote_seats import FAR, driven


def seats(drive: Drive) -> tuple[str, ...]:
    return Snapshots(drive.engine, Path("snapshot.json")).lines()["12345"]


def test_seat_that_was_busy_just_now_stays_in_as_the_last_choice() -> None:
    drive = Drive("1001", "1002")
    drive.call("a")
    drive.ring("a", "1001")
    drive.send(e.SeatDialEnded("a", "1001", "BUSY", drive.wall))
    assert seats(drive) == ("1002", "1001")


def test_remote_seats_come_last_of_those_who_are_there() -> None:
    drive = driven("1001", "1002")  # the agent of the remote seat has the highest level
    assert seats(drive) == ("1001", "1002", FAR)
    drive.send(e.AgentSignedOut(FAR))
    assert seats(drive) == ("1001", "1002")


def test_agent_who_paused_or_whose_phone_is_gone_is_left_out() -> None:
    drive = Drive("1001", "1002", "1003")
    drive.send(e.AgentPaused("1001", "lunch"))
    drive.send(e.SeatStateChanged("1002", DeviceState.UNAVAILABLE, drive.wall))
    assert seats(drive) == ("1003",)


def test_line_has_only_seats_of_its_own_rings_and_a_merged_one_those_of_the_line_it_joined() -> None:
    lines = Snapshots(Drive("1001", "1003").engine, Path("snapshot.json")).lines()
    assert lines["12333"] == ("1003", "1001")
    assert lines["12336"] == lines["12345"]


def test_what_is_written_is_what_the_script_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "wall", lambda: 1_795_000_000.0)
    path = tmp_path / "snapshot.json"
    asyncio.run(Snapshots(Drive("1001").engine, path).write())
    assert read_snapshot(str(path), 1_795_000_001.0).lines["12345"] == ("1001",)
    assert [file.name for file in tmp_path.iterdir()] == ["snapshot.json"]


def test_folder_that_cannot_be_written_is_said_once_and_again_after_it_was_mended(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    snapshots = Snapshots(Drive("1001").engine, folder / "snapshot.json")
    with capture_logs() as said:
        asyncio.run(snapshots.write())
        asyncio.run(snapshots.write())
        folder.mkdir()
        asyncio.run(snapshots.write())
        (folder / "snapshot.json").unlink()
        folder.rmdir()
        asyncio.run(snapshots.write())
    assert [line["event"] for line in said] == ["snapshot not written"] * 2
    assert said[0]["path"] == str(folder / "snapshot.json")


@contextlib.asynccontextmanager
async def keeping(path: Path, *, ami: bool) -> AsyncIterator[None]:
    task = asyncio.create_task(Snapshots(Drive("1001", ami=ami).engine, path).keep())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_file_is_written_as_soon_as_asterisk_has_told_of_its_phones(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    async with keeping(path, ami=True):
        await until(path.exists)


async def test_old_file_stays_until_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Snapshots] = []

    async def write(self: Snapshots) -> None:
        written.append(self)

    monkeypatch.setattr(Snapshots, "write", write)
    async with keeping(tmp_path / "snapshot.json", ami=False):
        for _ in range(3):
            await asyncio.sleep(0)
    assert written == []
