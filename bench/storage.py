"""How fast records are kept: the append to the journal, for which a call waits, and the writer into SQLite behind it.

Beside them the same lines written to a file, and the same steps written by `sqlite3` alone, in batches as large.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import Final

from bench.machine import undisturbed
from bench.place import Options
from bench.report import Figure, median_ratio, quantile
from routing.steps import Step, StepKind
from storage.entries import encode
from storage.records import Records
from storage.writer import BATCH_LINES

AIM_PER_S: Final = 5000
STEPS: Final = 12
ROUNDS: Final = 5
CALLS: Final = 2500  # a round


async def run(options: Options) -> list[Figure]:
    rounds, calls = (1, 50) if options.quick else (ROUNDS, CALLS)
    found = [await undisturbed(lambda: _round(calls)) for _ in range(rounds)]
    writers, alone = [one.writer_per_s for one in found], [one.alone_per_s for one in found]
    appends = [us for one in found for us in one.append_us]
    lines = [us for one in found for us in one.line_us]
    middle = sorted(writers)[len(writers) // 2]
    return [
        Figure(
            "storage", "writer into SQLite", f"{middle:,.0f} rows/s",
            f"sqlite3 alone {sorted(alone)[len(alone) // 2]:,.0f} rows/s", median_ratio(writers, alone),
            f">= {AIM_PER_S:,} rows/s", middle >= AIM_PER_S,
        ),
        Figure("storage", "append to the journal, p50", _us(appends, 0.5), f"a line in a file {_us(lines, 0.5)}",
               quantile(appends, 0.5) / quantile(lines, 0.5)),
        Figure("storage", "append to the journal, p99", _us(appends, 0.99), f"a line in a file {_us(lines, 0.99)}",
               quantile(appends, 0.99) / quantile(lines, 0.99)),
    ]  # fmt: skip


class _Round:
    """What one round took: rows a second, and microseconds of every append."""

    def __init__(self) -> None:
        self.append_us: list[float] = []
        self.line_us: list[float] = []
        self.writer_per_s = self.alone_per_s = 0.0


async def _round(calls: int) -> _Round:
    found, steps = _Round(), [step for number in range(calls) for step in story(number)]
    with tempfile.TemporaryDirectory() as folder:
        records = await Records.open(f"sqlite+aiosqlite:///{folder}/hotline.db", Path(folder))
        found.append_us = [_timed(partial(records.write, step)) for step in steps]
        began = time.perf_counter()
        done = await records.flush(600)
        found.writer_per_s = len(steps) / (time.perf_counter() - began)
        assert done, records.degraded
        await records.close()
        found.line_us = _lines(Path(folder, "lines"), steps)
        found.alone_per_s = len(steps) / _written_alone(Path(folder, "alone.db"), steps)
    return found


def _lines(path: Path, steps: Sequence[Step]) -> list[float]:
    with path.open("ab", buffering=0) as file:
        return [_timed(partial(_line, file, step)) for step in steps]


def _line(file: FileIO, step: Step) -> None:
    file.write(encode(step, 0))


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return 1e6 * (time.perf_counter() - began)


def _written_alone(file: Path, steps: Sequence[Step]) -> float:
    """Seconds; one table of steps, WAL, a transaction a batch."""
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE call_steps (call_id TEXT, seq INTEGER, at_ms INTEGER, kind TEXT, data TEXT)")
    began, left = time.perf_counter(), iter(steps)
    while batch := list(islice(left, BATCH_LINES)):
        database.execute("BEGIN IMMEDIATE")
        rows = [(s.call_id, s.seq, round(s.at * 1000), s.kind, json.dumps(dict(s.data))) for s in batch]
        database.executemany("INSERT INTO call_steps VALUES (?,?,?,?,?)", rows)
        database.execute("COMMIT")
    took = time.perf_counter() - began
    database.close()
    return took


def _us(values: Sequence[float], share: float) -> str:
    return f"{quantile(values, share):.1f} us"


def story(number: int) -> list[Step]:
    """Twelve steps of the size that the engine writes."""
    call_id, seq, at = f"{1_700_000_000_000 + number}-1700000000.{number}", 1_700_000_000_000 + number, 1.7e9
    shown = {"presentation": f"{number}-1", "seat": "1001"}
    data = {"number": "12345", "line": "12345", "trunk": "carrier", "arrived_at": at, "caller_ref": "0" * 32}
    sent = {"presentation": f"{number}-1", "seats": "1001", "agents": "1001", "ring": 0, "wait_s": 0.01, "why": "idle"}
    kinds = [(StepKind.OFFERED, data), (StepKind.PRESENTED, sent), (StepKind.DIALING, shown), (StepKind.RINGING, shown)]
    kinds += [(StepKind.HELD, {"back_from": None})] * (STEPS - 7)
    kinds += [(StepKind.PRESENTATION_ENDED, {**shown, "outcome": "answered", "ring_s": 2.0})]
    kinds += [(StepKind.ANSWERED, {**shown, "agent": "1001", "wait_s": 2.1, "by": "engine"})]
    kinds += [(StepKind.ENDED, {"outcome": "answered", "by": "caller", "cause": 16, "talk_s": 30.0})]
    return [Step(call_id, seq + place, at + place, kind, data) for place, (kind, data) in enumerate(kinds)]
