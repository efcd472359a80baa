"""`hotline hidden …`: callers who asked that their data be hidden, and the one way to read such a number.

A number is never an argument: it is typed when asked for, or read from standard input.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.cli.client import connect
from service.cli.files import asked_number
from service.cli.output import DEFAULT_CONFIG, Cell, ConfigOption, JsonOption, fail, print_json, print_rows, say
from service.cli.restrictions import local

COLUMNS: Final = ("id", "whom", "reason", "by", "since", "ended", "ended by", "why ended")
PATH: Final = "/api/v1/hidden"

app = typer.Typer(no_args_is_help=True, help="Callers who asked that their data be hidden.", rich_markup_mode=None)

CallArgument = Annotated[str, typer.Argument(help="The call's whole id.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in clear, so no number in it.")]


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show who is hidden: by the call, never by a number."""
    with connect(config) as client:
        found = client.get(PATH, all=str(every).lower())
    if as_json:
        print_json(found)
    else:
        print_rows(COLUMNS, [_row(config, entry) for entry in found], as_json=False)


@app.command()
def add(
    reason: ReasonOption,
    call: Annotated[str, typer.Option("--call", help="The caller of this call; else a number is asked for.")] = "",
    every_call: Annotated[
        bool, typer.Option("--every-call", help="All calls of this caller, past and coming.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Hide the caller of a call, or of a number. The number is asked for, or read from standard input."""
    if every_call and not call:
        fail("--every-call goes with --call; a number means all of its calls anyway")
    with connect(config) as client:
        whom = {"call": call, "every_call": every_call} if call else {"number": asked_number()}
        made = client.post(PATH, {**whom, "reason": reason})
    say(f"hidden by entry {made['id']}: {_whom(made)}")


@app.command()
def end(
    entry: Annotated[int, typer.Argument(help="Id of the entry, as in the list.")],
    reason: ReasonOption,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Hide no longer."""
    with connect(config) as client:
        client.post(f"{PATH}/{entry}/end", {"reason": reason})
    say(f"entry {entry} is over")


@app.command()
def show(call: CallArgument, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show the number of a call's caller as your role sees it."""
    with connect(config) as client:
        _print(client.get(f"/api/v1/calls/{call}/caller"), as_json=as_json)


@app.command()
def read(
    call: CallArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Read number and name of a call's caller in clear, if your role may; the audit tells of it."""
    with connect(config) as client:
        _print(client.post(f"/api/v1/calls/{call}/caller", {"reason": reason}), as_json=as_json)


# -- parts -------------------------------------------------------------------------------------------------------------


def _print(found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    typer.echo(f"call:    {found['call']}")
    typer.echo(f"number:  {'withheld' if found['withheld'] else found['number'] or 'not shown'}")
    typer.echo(f"hidden:  {'yes' if found['hidden'] else 'no'}")
    if found["names"]:
        typer.echo(f"name:    {', '.join(found['names'])}")


def _whom(entry: Mapping[str, Any]) -> str:
    return f"call {entry['call']}" if entry["call"] else "every call of a caller"


def _row(config: Path, entry: Mapping[str, Any]) -> dict[str, Cell]:
    ended = entry["ended_at"]
    return {
        "id": entry["id"],
        "whom": _whom(entry),
        "reason": entry["reason"],
        "by": entry["by"],
        "since": local(config, entry["at"]),
        "ended": None if ended is None else local(config, ended),
        "ended by": entry["ended_by"],
        "why ended": entry["ended_reason"],
    }
