"""`hotline forecast`: how many callers are expected by quarter of an hour, and how many came."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.cli.client import Client, Unreachable, url_of
from service.cli.output import DEFAULT_CONFIG, NO, Cell, ConfigOption, JsonOption, fail, print_json, print_rows, say
from service.settings import Settings, load

COLUMNS: Final = ("from", "forecast", "low", "high", "arrived", "█ arrived ┃ forecast")
WIDTH: Final = 32  # the table fits a terminal of 80

DayArgument = Annotated[str, typer.Argument(metavar="[DAY]", help="Like 2026-10-01; without it today.")]
LineOption = Annotated[str, typer.Option("--line", "-l", help="A dialled number; without it the whole hotline.")]
PictureOption = Annotated[
    Path | None, typer.Option("--picture", help="Also draw it into a file, .svg or .png.", show_default=False)
]


def forecast(
    day: DayArgument = "",
    line: LineOption = "",
    picture: PictureOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show the callers expected on a day by quarter of an hour, and those who came; exit 1 without a forecast."""
    wanted = _date(day)
    if picture is not None:
        _drawable(picture)
    settings = load(config, check_secrets=False)
    found = _ask(settings, wanted, line)
    if picture is not None:
        _draw(picture, found)
    if as_json:
        print_json(found)
    else:
        print_rows(COLUMNS, rows(found), as_json=False)
        for sentence in sentences(found):
            say(sentence)
    raise typer.Exit(0 if found["forecast"] else NO)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        fail(f'"{text}" is no day: write it like 2026-10-01')


def _ask(settings: Settings, day: date | None, line: str) -> Mapping[str, Any]:
    wish = {"line": line, **({} if day is None else {"day": day.isoformat()})}
    try:
        with Client(url_of(settings), settings.cli_token()) as client:
            found: Mapping[str, Any] = client.get("/api/v1/forecast", **wish)
            return found
    except Unreachable:
        return _without_service(settings, day, line)


def _without_service(settings: Settings, day: date | None, line: str) -> Mapping[str, Any]:
    """From the database alone. A question makes no database."""
    from service.forecast_alone import from_database
    from storage.engine import sqlite_file_exists
    from storage.errors import StorageError, StorageUnavailable

    address, url = url_of(settings), settings.database_url()
    if not sqlite_file_exists(url):
        fail(f"no service answers at {address}, and there is no database: start it with `hotline serve`", NO)
    say(f"No service answers at {address}; this is what the database has.")
    try:
        found = asyncio.run(from_database(settings, day, line))
    except (StorageError, StorageUnavailable) as error:
        fail(f"no service answers at {address}, and {error}", NO)
    return fail(found, NO) if isinstance(found, str) else found


def _drawable(picture: Path) -> None:
    from service.forecast_picture import PictureError, ready

    try:
        ready(picture)
    except PictureError as error:
        fail(str(error))


def _draw(picture: Path, found: Mapping[str, Any]) -> None:
    from service.forecast_picture import PictureError, draw

    try:
        draw(picture, found)
    except PictureError as error:
        fail(str(error))


# -- the table ---------------------------------------------------------------------------------------------------------


def rows(found: Mapping[str, Any]) -> list[dict[str, Cell]]:
    """A row a quarter of an hour."""
    values = [quarter[key] or 0 for quarter in found["quarters"] for key in ("expected", "arrived")]
    scale = WIDTH / max(1.0, *values)
    return [_row(quarter, scale) for quarter in found["quarters"]]


def _row(quarter: Mapping[str, Any], scale: float) -> dict[str, Cell]:
    expected = quarter["expected"]
    return {
        "from": quarter["at"],
        "forecast": None if expected is None else f"{expected:.1f}",
        "low": quarter["low"],
        "high": quarter["high"],
        "arrived": quarter["arrived"],
        COLUMNS[-1]: bar(quarter["arrived"], expected, scale),
    }


def bar(arrived: int | None, expected: float | None, scale: float) -> str:
    """`███  ┃`: who came as a bar, who was expected as a mark over it."""
    cells = ["█"] * round((arrived or 0) * scale)
    if expected is not None:
        place = round(expected * scale)
        cells += [" "] * (place + 1 - len(cells))
        cells[place] = "┃"
    return "".join(cells)


def sentences(found: Mapping[str, Any]) -> Iterator[str]:
    """What the table is of."""
    line = f"{found['line']} {found['name']}" if found["line"] else found["name"]
    arrived = "" if found["arrived"] is None else f", {found['arrived']} calls arrived"
    yield f"{found['day']}, {found['kind']}, {line}{arrived}"
    made = found["forecast"]
    if made is None:
        yield found["why_none"]
        return
    yield f"forecast {made['total']:.0f} calls, {made['until_now']:.0f} of them by now; low to high holds nine of ten"
    coarser = "" if made["own_kind"] else " (too few days of its own kind)"
    level = "" if made["level"] == 1 else f", times {made['level']:.2f} as the last week was"
    yield f"from {', '.join(made['like'])}{coarser}{level}"
