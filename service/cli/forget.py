"""`hotline forget`: what is over its age, a citizen, or a call. Speaks to the running service.

A number is never an argument: it is typed when asked for, or read from standard input.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from service.cli.client import Client, connect
from service.cli.files import asked_number
from service.cli.output import DEFAULT_CONFIG, NO, ConfigOption, JsonOption, fail, print_json, print_rows, say
from service.settings import load

PATH: Final = "/api/v1/retention"
LOOK_S: Final = 1.0  # between two looks at a run that goes on
COLUMNS: Final = ("kind", "before", "due", "held")


def forget(
    citizen: Annotated[
        bool, typer.Option("--citizen", help="One person at his request; his number is asked for.")
    ] = False,
    call: Annotated[str, typer.Option("--call", help="Who made this call, what was written down, its recording.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; needed for a citizen or a call.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be forgotten.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Forget what is older than [retention] says, now instead of at night; or one citizen, or one call."""
    if citizen and call:
        fail("name a citizen or a call, not both")
    if (citizen or call) and not reason.strip():
        fail("say why with --reason; it is kept with your name")
    with connect(config) as client:
        if citizen:
            _citizen(client, {"number": asked_number(), "reason": reason, "dry_run": dry_run}, as_json)
        elif call:
            _call(client, call, {"reason": reason, "dry_run": dry_run}, as_json)
        elif dry_run:
            _due(client, config, as_json)
        else:
            _run(client, as_json)


def _citizen(client: Client, body: Mapping[str, Any], as_json: bool) -> None:
    found = client.post(f"{PATH}/citizen", body)
    if as_json:
        print_json(found)
        return
    done = "would be forgotten" if body["dry_run"] else "forgotten"
    say(f"{done}: {found['calls']} calls, {found['callbacks']} call-backs")
    if not body["dry_run"]:
        say(f"{found['recordings']} recordings deleted, {found['restrictions']} restrictions without his number")
    if found["restrictions_in_force"]:
        say(f"{found['restrictions_in_force']} restrictions are in force and stay until they are over")
    if found["held"]:
        say(f"{found['held']} calls stay as they are: a hold is on them")
    if found["open"]:
        say(f"{found['open']} calls are not over: do it once more afterwards")


def _call(client: Client, call: str, body: Mapping[str, Any], as_json: bool) -> None:
    found = client.post(f"{PATH}/calls/{call}", body)
    if as_json:
        print_json(found)
        return
    say(f"call {call} {'would be forgotten' if body['dry_run'] else 'is forgotten'}; it stays in all figures")


def _due(client: Client, config: Any, as_json: bool) -> None:
    found = client.get(f"{PATH}/due")
    if as_json:
        print_json(found)
        return
    zone = load(config, check_secrets=False).zone_info
    rows = [{**row, "before": datetime.fromtimestamp(row["before"], zone).strftime("%Y-%m-%d")} for row in found]
    print_rows(COLUMNS, rows, as_json=False)
    if not rows:
        say("nothing is forgotten by its age: [retention] names no days")


def _run(client: Client, as_json: bool) -> None:
    """Until it is over; whoever ends this command does not end the run."""
    state, told = client.post(f"{PATH}/run"), ""
    while state["running"]:
        so_far = f"{state['doing']}: {state['done'].get(state['doing'], 0):,} rows"
        if state["doing"] and so_far != told:
            told = so_far
            say(f"{so_far} …")
        time.sleep(LOOK_S)
        state = client.get(PATH)
    if as_json:
        print_json(state)
    if state["failure"]:
        fail(f"ended early, and the next run goes on: {state['failure']}", NO)
    say("forgotten: " + ", ".join(f"{rows:,} {kind}" for kind, rows in state["done"].items()))
