"""What other rules would do to a day, for `hotline shadow`: the recorded day once more, by the live rules and by others.

Done by the command itself, from the records and at a low priority: the service takes no part.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any, Final

import typer

from service import clock
from service.cli.output import Cell, fail, print_rows, say
from service.cli.simulate import percent
from service.replay import Estimate, Recorded, estimates, load_day
from service.reports import periods
from service.settings import Settings, SettingsError
from service.settings_beside import load_beside
from storage.errors import StorageError
from storage.records import agents_of

NICE: Final = 10
FEW: Final = 200  # calls; of fewer a ratio says little
ASSUMED: Final = (
    "An estimate: the recorded callers and people once more, in the routing engine. Taken for granted: the people who were "
    "there,\nwith the skills of now; as long in talk; as quick to pick up; who gave up as patient, who was answered for a "
    "while longer, by\nchance. Left out: redials, classes of trunks, phones that are busy or dead, calls the dialplan took "
    "alone, surges."
)


def today(settings: Settings) -> str:
    return periods.day("", settings.zone_info, clock.wall()).title


def estimated(settings: Settings, day: str, data: bytes, *, talk: bool) -> dict[str, Any] | None:
    """By the rules of a file; None when nothing was decided on that day. `talk`: say what is being done.

    Raises:
        SettingsError: the file has mistakes, or `day` is no day.
        StorageError: the database is out of reach.
    """
    os.nice(NICE)  # callers are served by the same machine
    try:
        period = periods.day(day, settings.zone_info, clock.wall())
    except periods.PeriodError as error:
        fail(str(error))
    known = asyncio.run(agents_of(settings.database_url()))
    other = load_beside(settings, data, {row.id: row.zone for row in known}).rules()
    recorded = load_day(settings, period.since_ms / 1000, clock.wall())
    if recorded is None:
        return None
    if missing := [number for number in recorded.day.numbers() if number not in other.lines]:
        fail(f"the file has no [[line]] for {', '.join(missing)}, which callers of {day} dialled")
    if talk and len(recorded.callers) > 2 * FEW:
        say(f"{len(recorded.callers):,} calls of {day} once more, by both rules …")
    return _told(day, recorded, estimates(recorded, other))


def _told(day: str, recorded: Recorded, found: Sequence[Estimate]) -> dict[str, Any]:
    return {
        "day": day,
        "calls": len(recorded.callers),
        "people": len(recorded.day.people),
        "left_out": recorded.left_out,
        "numbers": [one._asdict() for one in found[:-1]],
        "total": found[-1]._asdict(),
    }


def if_there_is(settings: Settings, day: str, data: bytes, *, talk: bool) -> dict[str, Any] | None:
    """As `estimated`; what keeps it from being made is said, and the rest of the page is shown."""
    try:
        return estimated(settings, day, data, talk=talk)
    except (StorageError, SettingsError) as error:
        say(f"no estimate of {day}: {error}")
        return None


def print_day(told: dict[str, Any], label: str) -> None:
    typer.echo(f"{told['day']} once more: {told['calls']:,} decided calls, {told['people']} people")
    rows = [_row(one, label) for one in (*told["numbers"], told["total"])]
    print_rows(("number", "name", "calls", "actual", "live rules", label, "points"), rows, as_json=False)
    typer.echo(ASSUMED)
    typer.echo(_worth(told))


def _row(one: dict[str, Any], label: str) -> dict[str, Cell]:
    live, other = one["live"], one["other"]
    return {
        "number": one["number"],
        "name": one["name"],
        "calls": one["calls"],
        "actual": percent(one["actual"]),
        "live rules": percent(live),
        label: percent(other),
        "points": None if live is None or other is None else f"{(other - live) * 100:+.2f}",
    }


def _worth(told: dict[str, Any]) -> str:
    """What the estimate is worth, by what the live rules' own day once more differs from what happened."""
    total = told["total"]
    if total["actual"] is None or total["live"] is None:
        return "Nothing was judged on that day."
    off = (total["live"] - total["actual"]) * 100
    few = f" {told['calls']} calls are few for a ratio." if told["calls"] < FEW else ""
    gone = f" {told['left_out']} calls to numbers without a line are left out." if told["left_out"] else ""
    return (
        f"By the live rules the day once more is off by {off:+.2f} points from what happened: "
        f"smaller differences say nothing.{few}{gone}"
    )
