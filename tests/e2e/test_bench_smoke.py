"""Each bench runs, ends, leaves nothing behind and says what it found. What the figures are is not judged here."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest


async def figures(name: str, slot: int, folder: Path) -> list[dict[str, Any]]:
    argv = ["-m", "bench", name, "--quick", "--json", "--slot", str(slot), "--folder", str(folder)]
    run = await asyncio.create_subprocess_exec(
        sys.executable, *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await run.communicate()
    assert run.returncode == 0, err.decode()
    return list(json.loads(out))


@pytest.mark.parametrize(
    ("name", "ratios", "most"),
    [
        ("calls", 4, 100),  # times Queue() or Dial()
        ("gap", 3, 1),  # a seat that waits for Queue()'s next look stands idle for longer, on any machine
        ("rate", 1, 2),
        ("held", 2, 100),
        ("metrics", 1, 100),
        ("figures", 1, 1),  # nearer to the caller than whole seconds are
        ("emergency", 1, 100),
        ("engine", 4, 1),  # with a shadow beside it, never quicker
        ("simulate", 4, 2),
        ("storage", 3, 1000),  # times what sqlite3 and a plain file need
        ("reports", 2, 10_000),  # times reading a few rows
        ("city", 6, 100),
    ],
)
async def test_bench_says_what_it_found_beside_what(
    name: str, ratios: int, most: float, slot: int, folder: Path
) -> None:
    found = await figures(name, slot, folder / name)
    assert found
    assert all(figure["bench"] == name and figure["ours"] for figure in found)
    shown = [figure["ratio"] for figure in found if figure["ratio"] is not None]
    assert len(shown) == ratios
    assert all(0 < ratio < most for ratio in shown)
