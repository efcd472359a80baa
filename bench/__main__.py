"""`make bench`: the figures, side by side on one Asterisk, in one table.

    python -m bench [calls gap rate held figures metrics emergency engine simulate storage reports city] [--quick] [--json]

Without names all of them, one after the other, in some thirty minutes. Exit 1: an aim was missed (never with --quick).
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from bench import calls, city, emergency, engine, figures, gap, held, machine, metrics, rate, reports, simulate, storage
from bench.place import Options
from bench.report import Figure, show

BENCHES = {
    module.__name__.removeprefix("bench."): module
    for module in (calls, gap, rate, held, figures, metrics, emergency, engine, simulate, storage, reports, city)
}


def main() -> int:
    options, names, as_json = _arguments()
    figures: list[Figure] = []
    for name in names:
        began = time.monotonic()
        print(f"{name}: {(inspect.getdoc(BENCHES[name]) or '').splitlines()[0]}", file=sys.stderr, flush=True)
        machine.begin(0 if options.quick else machine.PATIENCE_S)
        figures += asyncio.run(BENCHES[name].run(options))
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(machine.report(), file=sys.stderr)
    if as_json:
        print(json.dumps([asdict(figure) for figure in figures], indent=2))
    else:
        show(figures)
    return 1 if not options.quick and any(figure.met is False for figure in figures) else 0


def _arguments() -> tuple[Options, list[str], bool]:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="BENCH", help=f"{', '.join(BENCHES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="a short smoke of each; its figures say nothing")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    parser.add_argument("--slot", type=int, default=Options().slot, help="which set of ports")
    parser.add_argument("--folder", type=Path, help="keep traces and logs here")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHES):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    return Options(given.quick, given.slot, given.folder), given.names or list(BENCHES), given.json


if __name__ == "__main__":
    sys.exit(main())
