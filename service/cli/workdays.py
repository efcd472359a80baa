"""`hotline workdays …`: holidays and moved workdays, by which rosters tell one day from another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from routing.workdays import DayKind
from service.calendar import span
from service.cli.client import connect
from service.cli.files import DryRunOption, read_file
from service.cli.output import DEFAULT_CONFIG, Cell, ConfigOption, JsonOption, fail, print_json, print_rows, say

COLUMNS: Final = ("date", "day", "kind", "name", "set by hand")
PATH: Final = "/api/v1/workdays"
LONGEST: Final = 366  # days in one command

app = typer.Typer(
    no_args_is_help=True,
    help="Holidays and moved workdays: the calendar that rosters go by.",
    rich_markup_mode=None,
)


@app.command("list")
def list_(
    year: Annotated[int | None, typer.Option("--year", help="Only this year.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Common workdays and weekends too.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show holidays, moved workdays and what was set by hand, and until when the calendar is known."""
    with connect(config) as client:
        found = client.get(PATH, **({} if year is None else {"year": year}))
    if as_json:
        print_json(found)
        return
    print_rows(COLUMNS, [_row(day) for day in found["days"] if every or not day["plain"]], as_json=False)
    say(f"known until {found['known_until'] or 'nothing'}, {max(found['days_left'], 0)} days from now")


@app.command("set")
def set_(
    dates: Annotated[str, typer.Argument(help="2026-10-01, or 2026-10-01..2026-10-07.")],
    kind: Annotated[DayKind, typer.Argument(help="moved: a Saturday or Sunday that is worked (调休上班).")],
    name: Annotated[str, typer.Option("--name", help="Name of the holiday.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Set what kind of day a date is; rosters go by it at once."""
    days = [{"date": str(day), "kind": kind.value, "name": name} for day in _dates(dates)]
    with connect(config) as client:
        _say(client.post(PATH, {"days": days}))


@app.command("import")
def import_(
    file: Annotated[
        Path | None, typer.Argument(help="CSV with date,kind,name; - is standard input. Without it: the decreed days.")
    ] = None,
    over: Annotated[bool, typer.Option("--over-hand", help="Decreed days also over what was set by hand.")] = False,
    dry_run: DryRunOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take the decreed days of last year, this one and the next, as far as they are known, or days of a file."""
    if file is not None and over:
        fail("--over-hand is for the decreed days: what a file says always counts")
    with connect(config) as client:
        wish = f"dry_run={str(dry_run).lower()}"
        if file is not None:
            _say(client.post_bytes(f"{PATH}/import?{wish}", read_file(file), "text/csv"))
        else:
            _say(client.post(f"{PATH}/official?{wish}&over_operators={str(over).lower()}"))


def _say(found: Mapping[str, Any]) -> None:
    would = "would change" if found["dry_run"] else "changed"
    say(
        f"{len(found['changed'])} days {would}, {found['unchanged']} are so already; {found['days_left']} days are known"
    )


def _row(day: Mapping[str, Any]) -> dict[str, Cell]:
    return {
        "date": day["date"],
        "day": f"{date.fromisoformat(day['date']):%a}",
        "kind": day["kind"],
        "name": day["name"],
        "set by hand": "" if day["official"] else "yes",
    }


def _dates(text: str) -> list[date]:
    first, dots, last = text.partition("..")
    try:
        found = span(date.fromisoformat(first), date.fromisoformat(last if dots else first))
    except ValueError:
        fail(f"{text} is no date: write it like 2026-10-01, or 2026-10-01..2026-10-07")
    if not 0 < len(found) <= LONGEST:
        fail(f"{text}: a span has 1 to {LONGEST} days and begins with the earlier one")
    return found
