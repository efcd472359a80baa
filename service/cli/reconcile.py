"""`hotline reconcile`: Asterisk's own record of calls (CEL) held against ours.

Exit 0: they agree; 1: they do not; 2: wrong use, or they could not be compared.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from service.cel_files import ASIDE_FILE
from service.cli.client import Client, Unreachable, url_of
from service.cli.output import (
    DEFAULT_CONFIG,
    NO,
    Cell,
    CommandError,
    ConfigOption,
    JsonOption,
    fail,
    print_json,
    print_rows,
    say,
)
from service.settings import Settings, load

COLUMNS: Final = ("from", "to", "CEL", "records", "missing", "differing", "not in CEL", "unplaced", "corrupt lines")
PATH: Final = "/api/v1/reconcile"
LOOK_WITHIN_S: Final = 900.0
SHOWN: Final = 20  # of each kind; all of them with --json


def reconcile(
    hours: Annotated[float, typer.Option(min=0.01, max=744, help="Calls that arrived in the last so many hours.")] = 24,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Compare Asterisk's CEL with the records, and record the calls that only Asterisk knows."""
    settings = load(config, check_secrets=False)
    try:
        with Client(url_of(settings), settings.cli_token(), timeout_s=LOOK_WITHIN_S) as client:
            found = client.post(PATH, hours=hours)
    except Unreachable:
        found = asyncio.run(_only_read(settings, hours))
        say(f"no service answers at {url_of(settings)}: nothing is recorded now; the service does it when it starts")
    except CommandError as error:
        fail(str(error))
    if as_json:
        print_json(found)
    else:
        print_rows(COLUMNS, [_row(found, settings)], as_json=False)
        _say_details(found, settings)
    raise typer.Exit(0 if found["agree"] else NO)


async def _only_read(settings: Settings, hours: float) -> Mapping[str, Any]:
    """What would be recorded. Nothing is: the journal belongs to the service, and only it knows which calls go on."""
    from service.cel_files import CelFilesError
    from service.reconcile_alone import compared
    from storage.engine import sqlite_file_exists
    from storage.errors import StorageError, StorageUnavailable

    if not sqlite_file_exists(settings.database_url()):
        fail(f"no service answers at {url_of(settings)}, and there is no database: start it with `hotline serve`")
    try:
        return await compared(settings, round(time.time() * 1000), hours)
    except CelFilesError as error:
        fail(str(error))
    except (StorageError, StorageUnavailable) as error:
        fail(f"no service answers at {url_of(settings)}, and {error}")


def _row(found: Mapping[str, Any], settings: Settings) -> dict[str, Cell]:
    counts = ("cel_calls", "record_calls", "missing", "differing", "not_in_cel", "unplaced", "corrupt_lines")
    times = (_time(found["since"], settings), _time(found["until"], settings))
    return dict(zip(COLUMNS, (*times, *(found[count] for count in counts)), strict=True))


def _say_details(found: Mapping[str, Any], settings: Settings) -> None:
    done = "recorded" if found["recovered"] else "missing"
    for call in found["missing_calls"][:SHOWN]:
        answer = f"answered by seat {call['seat']}" if call["answered_at"] else "not answered"
        say(f"{done}: call {call['call_id']} to {call['number']}, {_time(call['arrived_at'], settings)}, {answer}")
    for call in found["unplaced_calls"][:SHOWN]:
        say(f"unplaced: call {call['call_id']} to {call['number'] or 'a number that was not told'}: add it by hand")
    for difference in found["differences"][:SHOWN]:
        times = " and ".join(f"{side} {_time(difference[side], settings)}" for side in ("cel", "records"))
        say(f"differing: call {difference['call_id']}, {difference['what']}: {times}")
    for bad in found["corrupt"][:SHOWN]:
        say(f"corrupt: {bad['file']} line {bad['line']}: {bad['why']}; kept aside in {ASIDE_FILE} of data_dir")
    if any(len(found[kind]) > SHOWN for kind in ("missing_calls", "unplaced_calls", "differences", "corrupt")):
        say("and more: type hotline reconcile --json")


def _time(at: float | None, settings: Settings) -> str:
    if at is None:
        return "unknown"
    return datetime.fromtimestamp(round(at, 3), settings.zone_info).isoformat(" ", "milliseconds")[:23]
