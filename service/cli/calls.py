"""`hotline calls`: the last calls, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Annotated, Any, Final

import typer

from service.cli.client import Client, url_of
from service.cli.output import DEFAULT_CONFIG, Cell, ConfigOption, JsonOption, print_json, print_rows
from service.settings import load

COLUMNS: Final = ("arrived", "number", "line", "answer s", "talk s", "agent", "outcome", "judged", "recording", "call")

LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many calls.")]


def calls(config: ConfigOption = DEFAULT_CONFIG, limit: LimitOption = 20, as_json: JsonOption = False) -> None:
    """Show the last calls: when, which number, how long until a person, who, how it ended."""
    settings = load(config, check_secrets=False)
    with Client(url_of(settings), settings.cli_token()) as client:
        found = client.get("/api/v1/calls", limit=limit)
    if as_json:
        print_json(found)
        return
    print_rows(COLUMNS, [_row(call, settings.zone_info) for call in found], as_json=False)


def _row(call: Mapping[str, Any], zone: tzinfo) -> dict[str, Cell]:
    arrived = call["arrived_at"]
    return {
        "arrived": None if arrived is None else f"{datetime.fromtimestamp(arrived, zone):%m-%d %H:%M:%S}",
        "number": call["number"],
        "line": call["line"],
        "answer s": _seconds(call["answer_s"], 3),
        "talk s": _seconds(call["talk_s"], 1),
        "agent": call["agent"],
        "outcome": call["outcome"],
        "judged": call["judged"],
        "recording": call["recording"],
        "call": call["call_id"],
    }


def _seconds(value: float | None, digits: int) -> str | None:
    return None if value is None else f"{value:.{digits}f}"
