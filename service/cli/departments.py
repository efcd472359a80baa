"""`hotline departments …`: whom calls can be joined with. Speaks to the running service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from service.cli.client import Unreachable, connect
from service.cli.files import DryRunOption, OutArgument, read_file, write_file
from service.cli.output import DEFAULT_CONFIG, Cell, ConfigOption, JsonOption, fail, print_json, print_rows, say
from service.cli.reports import CsvOption, FromOption, ToOption, day, from_records, ordered, print_report, share
from service.handoff_reports import departments as departments_report
from service.settings import Settings, load
from storage.records import Archive, departments_of

COLUMNS: Final = ("department", "short", "name", "kind", "level", "now", "until", "hours", "numbers")
CALLS: Final = (
    "department", "name", "asked", "reached", "ratio", "attempts", "answered", "busy", "refused", "no answer",
    "not reached", "out of hours", "cancelled", "median s", "p95 s",
)  # fmt: skip
PATH: Final = "/api/v1/departments"

app = typer.Typer(
    no_args_is_help=True,
    help="Departments and other hotlines: whom calls can be joined with, and who does not answer.",
    rich_markup_mode=None,
)


@app.command("list")
def list_(
    text: Annotated[str, typer.Argument(help="Part of a name or id, or a short form; without it all.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Disabled ones too.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show departments, and whether they are open now."""
    with connect(config) as client:
        found = client.get(PATH, q=text, all=str(every).lower())
    if as_json:
        print_json(found)
        return
    zone = load(config, check_secrets=False).zone_info
    print_rows(COLUMNS, [_row(one, zone) for one in found], as_json=False)
    for one in found:
        for problem in one["problems"]:
            say(f"{one['id']}: {problem}")


@app.command()
def show(
    department: Annotated[str, typer.Argument(help="Its id.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show one department: its numbers in order, its hours, and what is wrong with it."""
    with connect(config) as client:
        found = client.get(f"{PATH}/{quote(department, safe='')}")
    if as_json:
        print_json(found)
        return
    zone = load(config, check_secrets=False).zone_info
    lines = {**_row(found, zone), "shows caller": "yes" if found["shows_caller"] else "no"}
    lines |= {"note": found["note"]} | {f"problem {n}": text for n, text in enumerate(found["problems"], 1)}
    for key, value in lines.items():
        typer.echo(f"{key + ':':<14}{'' if value is None else value}".rstrip())


@app.command("import")
def import_(
    file: Annotated[Path | None, typer.Argument(help="A CSV file; - reads standard input.")] = None,
    from_config: Annotated[
        bool, typer.Option("--from-config", help="Take departments as hotline.toml has them instead.")
    ] = False,
    department: Annotated[
        list[str] | None, typer.Option("--department", help="With --from-config: only this one.")
    ] = None,
    dry_run: DryRunOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Import departments: all of the file, or with any mistake in it none, and every mistake is told."""
    if (file is None) != from_config:
        fail("name either a CSV file or --from-config: hotline departments import departments.csv")
    asked = "?dry_run=true" if dry_run else ""
    with connect(config) as client:
        if file is None:
            found = client.post(f"{PATH}/from-config{asked}", {"departments": department or []})
        else:
            found = client.post_bytes(f"{PATH}/import{asked}", read_file(file), "text/csv")
    if as_json:
        print_json(found)
        return
    begin = "would be " if dry_run else ""
    typer.echo(f"{begin}added {len(found['added'])}, {begin}changed {len(found['changed'])}, same {found['unchanged']}")


@app.command()
def export(
    file: OutArgument = None,
    chinese: Annotated[bool, typer.Option("--chinese", help="Headings in Chinese.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write all departments as CSV, for a spreadsheet or for `import`."""
    with connect(config) as client:
        data = client.get_bytes(f"{PATH}/export", chinese=str(chinese).lower())
    write_file(file, data)


@app.command()
def calls(
    first: FromOption = "",
    last: ToOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Show how departments answered when calls were to be joined with them; who missed most comes first."""
    days = {"from": day(first), "to": day(last)}
    ordered(first, last)
    try:
        with connect(config) as client:
            found = client.get("/api/v1/reports/departments", **{key: value for key, value in days.items() if value})
    except Unreachable:
        found = from_records(config, lambda archive, settings: _from_records(archive, settings, first, last))
    rows = [_figures(one) for one in found["departments"]]
    print_report(CALLS, rows, found, as_json=as_json, as_csv=as_csv)
    if not (as_json or as_csv):
        say(f"asked for from {found['first']} to {found['last']}; ratio: answered of those asked for in their hours")


async def _from_records(archive: Archive, settings: Settings, first: str, last: str) -> Any:
    names = {row.id: row.name for row in await departments_of(settings.database_url())}
    days = (date.fromisoformat(text) if text else None for text in (first, last))
    return await departments_report(archive, settings, names, *days)


# -- parts -------------------------------------------------------------------------------------------------------------


def _row(one: Mapping[str, Any], zone: tzinfo) -> dict[str, Cell]:
    return {
        "department": one["id"],
        "short": one["code"] or None,
        "name": one["name"],
        "kind": one["kind"],
        "level": one["level"],
        "now": "disabled" if one["disabled"] else "open" if one["open"] else "closed",
        "until": None if one["until"] is None else f"{datetime.fromtimestamp(one['until'], zone):%Y-%m-%d %H:%M}",
        "hours": one["hours"],
        "numbers": " ".join(one["numbers"]),
    }


def _figures(one: Mapping[str, Any]) -> dict[str, Cell]:
    counts = {name.replace("_", " "): one[name] for name in _COUNTS}
    return {
        "department": one["id"],
        "name": one["name"],
        **counts,
        "ratio": share(one["ratio"]),
        "median s": one["p50_s"],
        "p95 s": one["p95_s"],
    }


_COUNTS: Final = (
    "asked", "reached", "attempts", "answered", "busy", "refused", "no_answer", "not_reached", "out_of_hours", "cancelled",
)  # fmt: skip
