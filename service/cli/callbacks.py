"""`hotline callbacks …`: citizens who want to be called back. Speaks to the running service.

A number is never an argument: it is typed when asked for, or read from standard input; or a call is named instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.cli.client import connect
from service.cli.files import asked_number
from service.cli.output import DEFAULT_CONFIG, Cell, ConfigOption, JsonOption, fail, print_json, print_rows, say
from service.settings import load

COLUMNS: Final = ("id", "number", "line", "due", "overdue", "state", "attempts", "why", "case", "note")
PATH: Final = "/api/v1/callbacks"

app = typer.Typer(no_args_is_help=True, help="Citizens who want to be called back.", rich_markup_mode=None)

EntryArgument = Annotated[int, typer.Argument(help="Id of the entry, as in the list.")]


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also those reached, given up, done or served.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those whose time is over.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show who is still to be called back, the first due first; numbers are masked."""
    states = () if every else ("open", "placed", "not_reached")
    with connect(config) as client:
        found = client.get(PATH, overdue="true") if overdue else client.get(PATH, state=states)
    if as_json:
        print_json(found)
    else:
        print_rows(COLUMNS, [_row(config, entry) for entry in found], as_json=False)


@app.command()
def add(
    consent: Annotated[bool, typer.Option("--consent", help="The citizen agreed to be called back.")] = False,
    call: Annotated[str, typer.Option("--call", help="The caller of this call; then no number is asked for.")] = "",
    line: Annotated[str, typer.Option("--line", help="Whose number he is shown.")] = "",
    wanted: Annotated[str, typer.Option("--wanted", help="Not before: 2026-12-01 14:00.")] = "",
    case: Annotated[str, typer.Option("--case", help="Id of the case.")] = "",
    note: Annotated[str, typer.Option("--note", help="For who calls; never the number.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Somebody is to be called back within one working day. The number is asked for; it is never an argument."""
    if not consent:
        fail("who is called back has agreed to it: say --consent when he did")
    body: dict[str, Any] = {"consent": True, "line": line, "case": case, "note": note}
    if wanted:
        body["wanted_at"] = _at(config, wanted)
    with connect(config) as client:
        made = client.post(PATH, body | ({"call": call} if call else {"number": asked_number()}))
    say(f"call-back {made['id']} to {made['number']} is due {_local(config, made['due_at'])}")


@app.command()
def call(
    entry: EntryArgument,
    agent: Annotated[str, typer.Option("--agent", help="Whose phone rings first.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Ring an agent, then the citizen of an entry."""
    with connect(config) as client:
        made = client.post(f"/api/v1/agents/{agent}/call-out", {"callback": entry})
    say(f"the phone of seat {made['seat']} rings; the call is {made['id']}")


@app.command()
def done(
    entry: EntryArgument,
    given_up: Annotated[bool, typer.Option("--given-up", help="He could not be reached, and that is the end.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Close an entry."""
    with connect(config) as client:
        made = client.patch(f"{PATH}/{entry}", {"state": "given_up" if given_up else "done"})
    say(f"call-back {entry} is {made['state'].replace('_', ' ')}")


# -- parts -------------------------------------------------------------------------------------------------------------


def _at(config: Path, text: str) -> float:
    """Epoch seconds. Fails with one sentence."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text} is no time: write it like 2026-12-01 14:00")
    return (when if when.tzinfo else when.replace(tzinfo=load(config, check_secrets=False).zone_info)).timestamp()


def _row(config: Path, entry: Mapping[str, Any]) -> dict[str, Cell]:
    shown = {key: entry[key] for key in ("id", "number", "line", "attempts", "case", "note")}
    overdue = "yes" if entry["overdue"] else ""
    return {
        **shown,
        "due": _local(config, entry["due_at"]),
        "overdue": overdue,
        "state": entry["state"].replace("_", " "),
        "why": ", ".join(part for part in ("lost call" if entry["lost"] else "promised", entry["reason"]) if part),
    }


def _local(config: Path, at: float) -> str:
    return datetime.fromtimestamp(at, load(config, check_secrets=False).zone_info).strftime("%Y-%m-%d %H:%M")
