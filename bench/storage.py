"""How fast records are kept: `python -m bench.storage [entries]`.

Prints entries/s of the journal's append (what a call waits for) and of the writer into SQLite (what nobody waits for),
and the share of one core that the design's peak of 20 calls/s with 12 steps each takes.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from routing.steps import Step, StepKind
from storage.records import Records

CALLS_PER_S = 20
STEPS = 12


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


async def main(entries: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        records = await Records.open(f"sqlite+aiosqlite:///{folder}/hotline.db", Path(folder))
        steps = [step for number in range(entries // STEPS) for step in story(number)]
        began = time.perf_counter()
        for step in steps:
            records.write(step)
        append_s = time.perf_counter() - began
        began, cpu = time.perf_counter(), time.process_time()
        done = await records.flush(600)
        write_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
        assert done, records.degraded
        await records.close()
    count = len(steps)
    print(f"append  {count / append_s:>9,.0f} entries/s  {1e6 * append_s / count:6.1f} us each")
    print(f"writer  {count / write_s:>9,.0f} entries/s  {1e6 * cpu_s / count:6.1f} us CPU each (SQLite)")
    share = (append_s + cpu_s) / count * CALLS_PER_S * STEPS
    print(f"{CALLS_PER_S} calls/s of {STEPS} steps take {share:.1%} of a core")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 60_000))
