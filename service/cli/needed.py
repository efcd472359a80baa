"""Seats needed in the next hour and what today will end at, as `hotline status` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from service.cli.output import percent

Told = Mapping[str, Any]


def staffing(told: Told | None) -> list[RenderableType]:
    """Nothing while the records do not answer: that is said elsewhere."""
    if told is None:
        return []
    if told["why_none"] is not None:
        return [Text(f"seats needed: {told['why_none']}")]
    return [Text(_end(told["today"]), style=_mark(told["today"])), _quarters(told), Text(_made_of(told), style="dim")]


def _end(today: Told) -> str:
    """What the day will end at, and what it takes to reach the target."""
    end = f"today will end at {percent(today['expected'])} ({today['formula']}): "
    to_come, target = f"{today['to_come']} calls still to come", percent(today["target"])
    if not today["reachable"]:
        return f"{end}{target} cannot be reached any more, {percent(today['best'])} with all of the {to_come} in time"
    if today["must"] == 0:
        return f"{end}{target} is reached whatever becomes of the {to_come}"
    return f"{end}of the {to_come} {today['must']} must be in time for {target}"


def _mark(today: Told) -> str:
    return "" if today["expected"] is None else "green" if today["expected"] >= today["target"] else "red"


def _quarters(told: Told) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("from", no_wrap=True)
    for title in ("calls", "seats needed", "signed in", "gap", "on the roster"):
        table.add_column(title, justify="right", no_wrap=True)
    for quarter in told["quarters"]:
        cells = (_number(quarter["expected"], ".0f"), _number(quarter["needed"]), str(told["signed_in"]))
        table.add_row(quarter["at"], *cells, _gap(quarter["gap"]), _number(quarter["rostered"]))
    return table


def _number(value: float | None, how: str = "") -> str:
    return "–" if value is None else format(value, how)


def _gap(gap: int | None) -> Text:
    if gap is None:
        return Text("–")
    return Text(f"{gap} short", style="bold red") if gap > 0 else Text(f"{-gap} to spare", style="green")


def _made_of(told: Told) -> str:
    handling, patience = told["handling"], told["patience"]
    return (
        f"a call takes {handling['seconds']:.0f} s ({handling['source']}), callers wait {patience['seconds']:.0f} s "
        f"({patience['source']}); arrivals {told['level']:.2f} of the forecast; breaks and absences are not in it"
    )
