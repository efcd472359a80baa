"""The whole matrix of joined calls: `python -m tests.e2e.joining`, a line a cell; exit code 1 when one of them is wrong."""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from sandbox import root
from sandbox.places import Ports
from service.cli.stage import Stage
from tests.e2e.joining.cells import Cell, cells
from tests.e2e.joining.lanes import MOST, Lanes, configuration, lost_after
from tests.e2e.joining.matrix import Result, agree, play_all
from tests.e2e.machine import lateness
from tests.e2e.parties import nothing_left
from tests.slots import own_slot

LOST_AFTER_S: Final = 4  # a leg without sound is over; more than it takes an emergency centre to be a person


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.joining", description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="regular expression: only cells whose line has it")
    parser.add_argument("--lanes", type=int, default=MOST, choices=range(1, MOST + 1), help="cells side by side")
    parser.add_argument("--list", action="store_true", help="tell the cells and their right ends, play none")
    return parser.parse_args()


async def _play(chosen: list[Cell], count: int, folder: Path, slot: int) -> list[Result]:
    began = time.monotonic()

    def tell(result: Result, number: int) -> None:
        print(f"{time.monotonic() - began:6.1f} s {number:4}/{len(chosen)} {result}", flush=True)

    stage = Stage(folder, root.find(), Ports.of_slot(slot), seats=2 * count, edit=configuration(count))
    async with stage.serving(lambda files: lost_after(files, LOST_AFTER_S)), Lanes(stage, count) as lanes:
        results = await play_all(lanes, chosen, tell)
        await nothing_left(stage)
        await agree(stage, len(chosen))
    return results


def main() -> int:
    options = _options()
    chosen = [cell for cell in cells() if re.search(options.only, str(cell))]
    if options.list:
        for cell in chosen:
            print(f"{cell} -> {' | '.join(map(str, cell.ends()))}")
        return 0
    folder = Path(tempfile.mkdtemp(prefix="hotline-joining-"))
    lateness.start()
    with own_slot() as slot:
        results = asyncio.run(_play(chosen, options.lanes, folder, slot))
    lateness.stop()
    wrong = [result for result in results if result.wrong]
    print(f"{len(results)} cells, {len(wrong)} wrong, Asterisk {root.find().version}")
    for result in wrong:
        print(result)
    if wrong:
        print(f"traces and logs: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if wrong else 0


sys.exit(main())
