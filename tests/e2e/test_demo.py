"""The main job as people start it: three counts agree, and it ends when told, with nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.instance import default_folder
from sandbox.waiting import until

END_LIMIT_S = 10.0


class Demo:
    """`hotline sandbox demo` in a process of its own; what it prints is in `words`."""

    def __init__(self, folder: Path, slot: int, *options: str) -> None:
        self.folder = default_folder(slot).with_name(f"demo-{slot}")
        self._log = folder / "demo.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service", "sandbox", "demo", "--slot", str(slot), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    async def says(self, words: str, limit_s: float = 60.0) -> None:
        """Waits until it has printed this; it must not have ended."""

        def said() -> bool:
            assert words in self.words or self.process.poll() is None, self.words
            return words in self.words

        await until(said, limit_s, words)

    async def ends(self) -> int:
        """Its exit code; of ten seconds only those count in which the machine ran it, as in its own limits."""
        await until(lambda: self.process.poll() is not None, END_LIMIT_S, "ended")
        return self.process.returncode

    @property
    def words(self) -> str:
        return self._log.read_text()

    def left(self) -> list[str]:
        """Processes that still work in the demo's folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
                place = os.readlink(entry / "cwd")
            except OSError:
                continue
            if int(entry.name) != os.getpid() and (f"{self.folder}/" in command or place.startswith(str(self.folder))):
                found.append(command)
        return found


@pytest.fixture
def end() -> Iterator[list[Demo]]:
    """Demos to end whatever happens."""
    demos: list[Demo] = []
    yield demos
    for demo in demos:
        if demo.process.poll() is None:
            os.killpg(demo.process.pid, signal.SIGKILL)
            demo.process.wait()


async def test_records_metrics_and_callers_agree_after_twelve_calls(folder: Path, slot: int, end: list[Demo]) -> None:
    demo = Demo(folder, slot, "--calls", "12", "--rate", "4")
    end.append(demo)
    assert await asyncio.to_thread(demo.process.wait, 100) == 0, demo.words
    assert "records, /metrics and callers agree" in demo.words
    assert demo.left() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_demo_ends_within_ten_seconds_when_told_and_leaves_no_process(
    folder: Path, slot: int, end: list[Demo], number: signal.Signals
) -> None:
    demo = Demo(folder, slot, "--rate", "2")
    end.append(demo)
    await demo.says("talking")
    assert demo.left()
    demo.process.send_signal(number)
    assert await demo.ends() == 0
    assert demo.left() == []


async def test_rate_0_starts_seats_and_no_callers(folder: Path, slot: int, end: list[Demo]) -> None:
    demo = Demo(folder, slot, "--rate", "0")
    end.append(demo)
    await demo.says("ready 12")
    assert "offered 0" in demo.words
    demo.process.send_signal(signal.SIGTERM)
    assert await demo.ends() == 0
