"""`hotline surge …`: shorter wrap-up and the reserve from the start, for a while. Speaks to the running service."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from service.cli.client import connect
from service.cli.output import DEFAULT_CONFIG, ConfigOption, JsonOption, fail, print_json, say
from service.settings import load

PATH: Final = "/api/v1/surge"
_TIME: Final = re.compile(r"(?:(\d{1,2})h)?(?:(\d{1,4})m(?:in)?)?")

app = typer.Typer(
    no_args_is_help=True,
    help="Declare a surge: shorter wrap-up, the reserve rings from the start.",
    rich_markup_mode=None,
)


@app.command()
def start(
    for_: Annotated[str, typer.Option("--for", help="How long: 90m, 2h, 1h30m; a day at most.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in a few words; people will read it.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Declare a surge from now on; another declaration replaces the first."""
    with connect(config) as client:
        surge = client.post(PATH, {"for_s": seconds(for_), "reason": reason})
    say(f"surge until {_local(config, surge['until'])}: {surge['reason']}")


@app.command()
def end(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """End it before its time; everything is as it was."""
    with connect(config) as client:
        client.post(f"{PATH}/end")
    say("the surge is over")


@app.command()
def show(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show whether there is one, or whether arrivals suggest one."""
    with connect(config) as client:
        surge: dict[str, Any] | None = client.get(PATH)
        suggestion: dict[str, Any] | None = client.get(f"{PATH}/suggestion")
    if as_json:
        print_json(surge)
    elif surge is None:
        say("no surge" if suggestion is None else f"no surge; {suggestion['text']}")
    else:
        say(f"surge until {_local(config, surge['until'])}, declared by {surge['by']}: {surge['reason']}")


def seconds(text: str) -> float:
    """`1h30m` -> 5400.0. Fails with one sentence."""
    found = _TIME.fullmatch(text)
    if found is None or not any(found.groups()):
        fail(f'"{text}" is no length of time; write 90m, 2h or 1h30m')
    return 3600.0 * int(found[1] or 0) + 60.0 * int(found[2] or 0)


def _local(config: Path, at: float) -> str:
    zone: ZoneInfo = load(config, check_secrets=False).zone_info
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M")
