"""What commands that report share: spans of days, and one table as text, JSON or CSV."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

import typer

from service.cli.output import Cell, fail, print_json, print_rows
from service.sheets import table

CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV for a spreadsheet instead of a table.")]
FromOption = Annotated[str, typer.Option("--from", help="First day, like 2026-10-01; without it 30 days in all.")]
ToOption = Annotated[str, typer.Option("--to", help="Last day, included; without it today.")]


def day(text: str) -> str:
    """The same text when it is a day or nothing."""
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        fail(f'"{text}" is no day: write it like 2026-10-01')


def print_report(
    columns: Sequence[str], rows: Sequence[Mapping[str, Cell]], answer: Any, *, as_json: bool, as_csv: bool
) -> None:
    """`rows` as a table or CSV, or the service's whole `answer` as JSON."""
    if as_json and as_csv:
        fail("choose one of --json and --csv")
    if as_json:
        print_json(answer)
    elif as_csv:
        cells = [["" if row.get(column) is None else str(row[column]) for column in columns] for row in rows]
        sys.stdout.buffer.write(table(columns, cells))
    else:
        print_rows(columns, rows, as_json=False)


def share(ratio: float | None) -> str | None:
    """`0.956` -> `95.6 %`."""
    return None if ratio is None else f"{100 * ratio:.1f} %"
