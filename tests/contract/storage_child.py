"""Writes calls until it is killed. After each entry is kept it says so: `<call> <seq>` on standard output."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from storage.records import Records
from tests.contract.storage_stories import answered_call


async def main(url: str, data_dir: str, password_file: str, run: str) -> None:
    password = Path(password_file) if password_file else None
    records = await Records.open(url, Path(data_dir), password_file=password, hand_over=True)
    for number in range(100_000):
        for step in answered_call(int(run) * 100_000 + number):
            records.write(step)
            os.write(1, f"{step.call_id} {step.seq}\n".encode())
        await records.flush(0.001)  # keeps the writer committing all the time, so that kills fall into its work


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
