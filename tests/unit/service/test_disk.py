"""The space that is left is told again and again, and what nobody can tell is told as such."""

from __future__ import annotations

import asyncio
import math
import shutil
from pathlib import Path

import pytest

from metrics.exporter import Exporter
from metrics.registry import Metrics
from service.disk import Disk


async def told(folder: Path, looks: int) -> list[int | None]:
    """What so many looks tell."""
    found: list[int | None] = []
    enough = asyncio.Event()

    def tell(free: int | None) -> None:
        found.append(free)
        if len(found) == looks:
            enough.set()

    task = asyncio.create_task(Disk(folder, tell).keep())
    async with asyncio.timeout(30):
        await enough.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return found


async def test_space_of_the_folders_disk_is_told_at_every_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.disk.LOOK_EVERY_S", 0.0)
    free = shutil.disk_usage(tmp_path).free
    found = await told(tmp_path, 3)
    assert all(one is not None and abs(one - free) < 2**30 for one in found[:3])


async def test_folder_that_does_not_exist_yet_is_on_the_disk_of_its_parent(tmp_path: Path) -> None:
    (first, *_) = await told(tmp_path / "not" / "yet", 1)
    assert first is not None


def test_what_nobody_can_tell_is_no_number() -> None:
    exporter = Exporter(Metrics(), {})
    exporter.disk(5_000_000_000)
    assert exporter.metrics.registry.get_sample_value("hotline_data_free_bytes") == 5_000_000_000
    exporter.disk(None)
    value = exporter.metrics.registry.get_sample_value("hotline_data_free_bytes")
    assert value is not None
    assert math.isnan(value)
    exporter.close()
