"""What all commands share: options, one-sentence errors, tables for people and JSON for programs.

Exit codes: 0 good; 1 the answer is "no" (unhealthy, target missed); 2 wrong use or configuration.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

GOOD: Final = 0
NO: Final = 1
WRONG: Final = 2

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="HOTLINE_CONFIG", help="The configuration file.", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DEFAULT_CONFIG: Final = Path("hotline.toml")

Cell = str | int | float | bool | None


class CommandError(Exception):
    """A mistake of the user or of the surroundings: shown as one sentence on stderr, without a traceback."""

    def __init__(self, text: str, exit_code: int = WRONG) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def fail(text: str, exit_code: int = WRONG) -> NoReturn:
    raise CommandError(text, exit_code)


def say(text: str) -> None:
    """A sentence about the work, beside the answer: on stderr, so that the answer can be piped."""
    typer.echo(text, err=True)


def percent(ratio: float | None) -> str:
    """Rounded down: 94.96 % is not 95 %."""
    return "–" if ratio is None else f"{int(ratio * 1000 + 1e-9) / 10:.1f} %"


def print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_rows(columns: Sequence[str], rows: Sequence[Mapping[str, Cell]], *, as_json: bool) -> None:
    """Rows as a table with the columns named, or as a JSON list with every key of every row."""
    if as_json:
        print_json([dict(row) for row in rows])
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*("" if row.get(column) is None else str(row.get(column)) for column in columns))
    # a pipe has no width: let the rows be as long as they are, so that grep finds whole ones
    Console(width=None if sys.stdout.isatty() else 400, highlight=False, markup=False).print(table)
