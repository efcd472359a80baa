"""What commands that report share: spans of days, and one table as text, JSON or CSV."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.output import NO, Cell, fail, print_json, print_rows
from service.reports.asked import ReportError, with_archive
from service.settings import Settings, load
from service.sheets import table
from storage.records import Archive

CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV for a spreadsheet instead of a table.")]
FromOption = Annotated[str, typer.Option("--from", help="First day, like 2026-10-01; without it 30 days in all.")]
ToOption = Annotated[str, typer.Option("--to", help="Last day, included; without it today.")]


def day(text: str) -> str:
    """The same text when it is a day or nothing."""
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        fail(f'"{text}" is no day: write it like 2026-10-01')


def ordered(first: str, last: str) -> None:
    """Refuses days that go backwards, whoever would answer."""
    if first and last and last < first:
        fail(f"{last} is before {first}: write the earlier day with --from, the later one with --to")


def month(text: str) -> str:
    """The same text when it is a month or nothing."""
    try:
        return date.fromisoformat(f"{text}-01").strftime("%Y-%m") if text else ""
    except ValueError:
        fail(f'"{text}" is no month: write it like 2026-11')


def from_records(config: Path, ask: Callable[[Archive, Settings], Awaitable[Any]]) -> Any:
    """What a service that does not run would have answered; a sentence of it is a mistake of the asker."""
    settings = load(config, check_secrets=False)
    try:
        found = with_archive(settings, lambda archive: ask(archive, settings))
    except ReportError as error:
        fail(f"no service answers, and {error}", NO)
    return fail(found) if isinstance(found, str) else found


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
