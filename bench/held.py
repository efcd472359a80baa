"""1,000 callers held because every seat is busy: what they cost, and what a killed service costs them."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.place import OURS, Options, each_his_own, lines_in, people, place, users
from bench.report import Figure
from sandbox.people import Callers, Plan
from sandbox.scenario import Habit
from service.cli.stage import Stage

SEATS = 4
PER_S = 50
FOR_EVER = {"answer_notice_after_s": 0, "ring_several_after_s": 0, "restart_window_s": 60}
REFUSED = "Connecting to .* failed"  # of the two lines that Asterisk writes for each


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has taken so far: seconds of CPU; and has now: bytes of memory, files open."""

    cpu_s: float
    memory: int
    files: int

    @classmethod
    def of(cls, pid: int) -> Usage:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        memory = pages * os.sysconf("SC_PAGE_SIZE")
        return cls(time.clock_gettime(_cpu_clock(pid)), memory, len(os.listdir(f"/proc/{pid}/fd")))


def _cpu_clock(pid: int) -> int:
    """Of all threads of a process, as clock_getcpuclockid(3) makes it: /proc has whole hundredths of a second, and in two
    seconds some process may take none."""
    return (~pid << 3) | 2


async def run(options: Options) -> list[Figure]:
    count, watch_s = (40, 2.0) if options.quick else (1000, 20.0)
    async with place(options, "held", SEATS, **FOR_EVER) as stage, people(stage, SEATS, Habit()) as phones:
        plans = each_his_own([Plan(OURS)] * (SEATS + count))
        talking = Callers(stage.pbx, plans[:SEATS], stage.folder / "talking")
        waiting = Callers(stage.pbx, plans[SEATS:], stage.folder / "waiting", per_s=PER_S, sound=False)
        async with talking:
            await phones.until(lambda legs: sum(leg.state == "talking" for leg in legs) == len(users(SEATS)))
            try:
                await waiting.start()
                await stage.until(lambda: _held(stage, count), count / PER_S + 30, "all held")
                found = await _cost(stage, count, watch_s)
                return found + await _killed(stage, waiting, count)
            finally:
                waiting.kill()


async def _held(stage: Stage, count: int) -> bool:
    return await stage.total("hotline_agi_sessions") >= count


def _pids(stage: Stage) -> dict[str, int]:
    assert stage.service is not None
    assert stage.sandbox.pid is not None
    return {"service": stage.service.pid, "Asterisk": stage.sandbox.pid}


async def _cost(stage: Stage, count: int, watch_s: float) -> list[Figure]:
    late, pids = await stage.total("hotline_lease_renewals_late_total"), _pids(stage)
    before, began = {name: Usage.of(pid) for name, pid in pids.items()}, time.monotonic()
    await asyncio.sleep(watch_s)  # what is measured is this time
    span_s = time.monotonic() - began
    after = {name: Usage.of(pid) for name, pid in pids.items()}
    late = await stage.total("hotline_lease_renewals_late_total") - late
    shown = {
        name: f"{(after[name].cpu_s - before[name].cpu_s) / span_s:.1%} of a core, {after[name].memory / 1e6:.0f} MB, "
        f"{after[name].files} files"
        for name in pids
    }
    ratio = (after["service"].cpu_s - before["service"].cpu_s) / (after["Asterisk"].cpu_s - before["Asterisk"].cpu_s)
    what = f"{count} callers held, over {span_s:.0f} s"
    return [
        Figure("held", f"{what}: CPU and memory", shown["service"], f"Asterisk {shown['Asterisk']}", ratio),
        Figure("held", f"{what}: renewals late", f"{late:.0f}"),
    ]


async def _killed(stage: Stage, waiting: Callers, count: int) -> list[Figure]:
    """The service dies without a word and is started again at once, as systemd would."""
    log = stage.sandbox.folders.log / "messages.log"
    lines, refused = lines_in(log), lines_in(log, REFUSED)
    assert stage.service is not None
    began = time.monotonic()
    stage.service.kill()
    stage.service.wait()
    await stage.start_service(ready=False)
    await stage.until(lambda: _serving(stage), 30, "the service answers")
    up_s = time.monotonic() - began
    await stage.until(lambda: _held(stage, count), 60, "all held again")
    back_s = time.monotonic() - began
    lines, refused = lines_in(log) - lines, lines_in(log, REFUSED) - refused
    lost = sum(leg.state == "ended" for leg in waiting.legs)
    what = f"service killed with {count} held"
    return [
        Figure(
            "held", f"{what}: all held again after", f"{back_s:.1f} s", f"service up after {up_s:.1f} s", back_s / up_s
        ),
        Figure("held", f"{what}: connects refused meanwhile", f"{refused}", f"Asterisk wrote {lines} log lines"),
        Figure("held", f"{what}: callers lost", f"{lost}", aim="0", met=lost == 0),
    ]


async def _serving(stage: Stage) -> bool:
    try:
        await stage.metrics()
    except httpx.HTTPError:
        return False
    return True
