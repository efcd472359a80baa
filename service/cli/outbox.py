"""`hotline outbox …`: what the city's work-order platform is still to be told. Speaks to the running service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from service.cli.client import connect
from service.cli.output import DEFAULT_CONFIG, Cell, ConfigOption, JsonOption, fail, print_json, print_rows, say
from service.settings import load

COLUMNS: Final = ("id", "call", "type", "made", "attempts", "next", "error")
PATH: Final = "/api/v1/outbox"

app = typer.Typer(no_args_is_help=True, help="Deliveries to the work-order platform.", rich_markup_mode=None)

EntryArgument = Annotated[int, typer.Argument(help="Id of the entry, as in the list.")]


@app.command("list")
def list_(
    dead: Annotated[bool, typer.Option("--dead", help="Those that were tried for too long, instead.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show what waits to be delivered, the oldest first. Of one call the first goes first, also when it is dead."""
    with connect(config) as client:
        found = client.get(PATH, state="dead" if dead else "pending")
    if as_json:
        print_json(found)
        return
    zone = load(config, check_secrets=False).zone_info
    print_rows(COLUMNS, [_row(entry, zone) for entry in found], as_json=False)


@app.command()
def retry(
    entry: Annotated[int | None, typer.Argument(help="Id of the entry; or --all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every dead entry.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Try a dead entry again, or one that waits at once."""
    if (entry is None) is not every:
        fail("name one entry, or all dead ones with --all")
    with connect(config) as client:
        many = client.post(f"{PATH}/retry")["retried"] if every else 0
        if not every:
            client.post(f"{PATH}/{entry}/retry")
    say(f"{many} entries are tried again" if every else f"entry {entry} is tried again")


@app.command()
def drop(
    entry: EntryArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with your name.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Never deliver an entry; what waits behind it goes on."""
    with connect(config) as client:
        made = client.post(f"{PATH}/{entry}/drop", {"reason": reason})
    say(f"entry {entry} ({made['type']} of call {made['call']}) is dropped")


def _row(entry: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Cell]:
    shown = {key: entry[key] for key in ("id", "call", "type", "attempts", "error")}
    return {**shown, "made": _local(entry["made_at"], zone), "next": _local(entry["next_at"], zone)}


def _local(at: float, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S") if at else "at once"
