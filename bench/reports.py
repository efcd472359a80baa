"""Reports over many calls, a day of 100,000 and a year at 2,640 a day: time and memory, beside reading the rows.

The calls are made up and lie in a SQLite database of their own; each command is a process of its own, as typed.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench.place import Options
from bench.report import Figure
from routing.judging import of_answer
from routing.steps import Judgement
from service.starter import write_starter
from storage.engine import create_engine
from storage.figures import FiguredCall
from storage.fold import EMPTY_CALL
from storage.upgrade import upgrade

DAY_AIM_S, YEAR_AIM_S, MEMORY_AIM_MB = 5.0, 60.0, 300
DAY: Final = "2026-10-15"
DAY_MS: Final = 1_791_993_600_000  # its midnight in Shanghai
LENGTH_MS: Final = 86_400_000
A_DAY, A_YEAR = 100_000, 2640
DAYS: Final = 365
SEATS: Final = 300
IN_TIME_S: Final = 15.0
LINES: Final = ("12345", "12345", "12345", "12333", "12366", "12329")
COLUMNS: Final = (*EMPTY_CALL,)
HOTLINE: Final = "from service.cli.app import main; main()"


async def run(options: Options) -> list[Figure]:
    share = 100 if options.quick else 1
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_starter(folder)
        year = ["interval", "--from", "2025-10-15", "--to", "2026-10-14"]
        for what, days, calls, words, aim_s in (
            ("a day of {:,} calls", 1, A_DAY // share, ["day", DAY], DAY_AIM_S),
            ("a year, {:,} calls", DAYS, A_YEAR // share, year, YEAR_AIM_S),
        ):
            file = folder / "var/hotline.db"
            file.unlink(missing_ok=True)
            await _fill(file, days, calls)
            figures += _measured(folder, file, what.format(days * calls), words, aim_s)
    return figures


async def _fill(file: Path, days: int, calls: int) -> None:
    file.parent.mkdir(exist_ok=True)
    engine = create_engine(f"sqlite+aiosqlite:///{file}")
    await upgrade(engine)
    await engine.dispose()
    begin = DAY_MS if days == 1 else DAY_MS - days * LENGTH_MS
    with sqlite3.connect(file) as database:
        marks = ",".join("?" * len(COLUMNS))
        database.executemany(f"INSERT INTO calls ({','.join(COLUMNS)}) VALUES ({marks})", _calls(begin, days, calls))
        if days == 1:
            database.executemany("INSERT INTO agent_periods VALUES (?,?,?,?,?,?,?)", _periods(begin, calls))
    database.close()


def _calls(begin: int, days: int, calls: int) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(1)
    for day in range(days):
        for number in range(calls):
            arrived = begin + day * LENGTH_MS + int(chance.triangular(0, LENGTH_MS, LENGTH_MS * 0.45))
            wait = int(chance.expovariate(1 / 5000))
            given_up = chance.random() < 0.03
            judged = Judgement.ABANDONED if given_up else of_answer(wait / 1000, IN_TIME_S)
            line = LINES[number % len(LINES)]
            yield tuple(({
                **EMPTY_CALL, "call_id": f"{arrived}-1.{day * calls + number}", "last_seq": 9, "number": line, "line": line,
                "trunk": "carrier", "arrived_ms": arrived, "answered_ms": None if given_up else arrived + wait,
                "ended_ms": arrived + wait + 150_000, "wait_ms": wait, "talk_ms": 0 if given_up else 150_000,
                "agent_id": None if given_up else str(1001 + number % SEATS), "judged": judged.value,
                "outcome": "abandoned" if given_up else "answered", "ended_by": "caller",
            }).values())  # fmt: skip


def _periods(begin: int, calls: int) -> Iterator[tuple[Any, ...]]:
    """Three states a call: ringing, talking, wrap-up, all day long."""
    length = LENGTH_MS * SEATS // (3 * calls)
    for entry in range(3 * calls):
        seat, at = str(1001 + entry % SEATS), begin + (entry // SEATS) * length
        yield seat, entry, at, ("ringing", "talking", "wrap_up")[entry // SEATS % 3], seat, "", at + length


def _measured(folder: Path, file: Path, what: str, words: list[str], aim_s: float) -> list[Figure]:
    took_s, memory_mb = _command(folder, words)
    beside_s = _read_alone(file)
    beside = f"reading the rows {beside_s:.2f} s"
    met = took_s <= aim_s
    return [
        Figure("reports", f"report of {what}", f"{took_s:.2f} s", beside, took_s / beside_s, f"<= {aim_s:g} s", met),
        Figure("reports", f"{what}: memory", f"{memory_mb:.0f} MB", "", None, f"<= {MEMORY_AIM_MB} MB",
               memory_mb <= MEMORY_AIM_MB),
    ]  # fmt: skip


def _command(folder: Path, words: list[str]) -> tuple[float, float]:
    """Seconds of the whole command, and its largest memory in MB. Exit 1 says that a target was missed."""
    began = time.perf_counter()
    command = [sys.executable, "-c", HOTLINE, "report", *words, "--config", str(folder / "hotline.toml")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"hotline report {' '.join(words)} ended with {process.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def _read_alone(file: Path) -> float:
    """Of the same columns in the same order, by Python's sqlite3 and for nothing."""
    began = time.perf_counter()
    database = sqlite3.connect(file)
    query = f"SELECT {','.join(FiguredCall._fields)} FROM calls ORDER BY arrived_ms, call_id"
    for _ in database.execute(query):
        pass
    database.close()
    return time.perf_counter() - began


if __name__ == "__main__":
    for figure in asyncio.run(run(Options())):
        print(figure)
