"""`hotline holds …`: legal holds. Speaks to the running service. A number is never an argument."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from service.cli.client import connect
from service.cli.files import asked_number
from service.cli.output import DEFAULT_CONFIG, Cell, ConfigOption, JsonOption, fail, print_json, print_rows, say
from service.cli.reports import day
from service.settings import load

COLUMNS: Final = ("id", "on", "reason", "by", "since", "calls", "lifted")
PATH: Final = "/api/v1/holds"

app = typer.Typer(no_args_is_help=True, help="Legal holds: what must not be forgotten.", rich_markup_mode=None)


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Lifted ones too.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show what is held, why and by whom; numbers are masked."""
    with connect(config) as client:
        found = client.get(PATH, all=str(every).lower())
    if as_json:
        print_json(found)
        return
    zone = load(config, check_secrets=False).zone_info
    print_rows(COLUMNS, [_row(hold, zone) for hold in found], as_json=False)


@app.command()
def add(
    reason: Annotated[str, typer.Option("--reason", help="Why, with the file of the court or office; no number.")],
    call: Annotated[str, typer.Option("--call", help="One call.")] = "",
    citizen: Annotated[bool, typer.Option("--citizen", help="All of one citizen; his number is asked for.")] = False,
    case: Annotated[str, typer.Option("--case", help="All of one case.")] = "",
    first: Annotated[str, typer.Option("--from", help="All of these days: the first, like 2026-10-01.")] = "",
    last: Annotated[str, typer.Option("--to", help="The last day, included; without it the first.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Keep something from being forgotten until the hold is lifted."""
    if sum(map(bool, (call, citizen, case, first))) != 1 or (last and not first):
        fail("a hold is on one thing: --call, --citizen, --case, or --from with --to")
    on = {"call": call, "case": case, "from": day(first), "to": day(last)}
    body = {"reason": reason, **{key: it for key, it in on.items() if it}}
    if citizen:
        body["number"] = asked_number()
    with connect(config) as client:
        made = client.post(PATH, body)
    say(f"hold {made['id']} is on {_on(made)}: {made['calls']} calls by now")


@app.command()
def lift(
    hold: Annotated[int, typer.Argument(help="Id of the hold, as in the list.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with your name.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """End a hold; what is over its age goes with the next run."""
    with connect(config) as client:
        client.post(f"{PATH}/{hold}/lift", {"reason": reason})
    say(f"hold {hold} is lifted")


def _on(hold: Mapping[str, Any]) -> str:
    citizen = "hidden" if hold["hidden"] else hold["number"] or "forgotten"
    named = {"call": hold["call"], "caller": citizen, "case": hold["case"], "days": hold["days"]}
    return f"{'citizen' if hold['kind'] == 'caller' else hold['kind']} {named[hold['kind']]}"


def _row(hold: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Cell]:
    shown = {key: hold[key] for key in ("id", "reason", "by", "calls")}
    lifted = "" if hold["lifted_at"] is None else f"{_local(hold['lifted_at'], zone)} by {hold['lifted_by']}"
    return {**shown, "on": _on(hold), "since": _local(hold["at"], zone), "lifted": lifted}


def _local(at: float, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M")
