"""`hotline doctor`: one look at everything, and what to type next. Exit 0: nothing fails; 1: something does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service import doctor as looks
from service.cli.client import connect
from service.cli.output import DEFAULT_CONFIG, GOOD, NO, CommandError, ConfigOption, JsonOption, print_json, print_rows
from service.doctor import Finding, State
from service.doctor_asterisk import asterisk
from service.settings import load

ETC: Final = Path("/etc/asterisk")
COLUMNS: Final = ("part", "state", "what", "do")
FolderOption = Annotated[
    Path | None, typer.Option(help="Asterisk's configuration folder; without it /etc/asterisk, if that is there.")
]


def doctor(config: ConfigOption = DEFAULT_CONFIG, folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """Look at configuration, files, database, disks, service and Asterisk; say of each how it stands and what to type."""
    settings = load(config, check_seats=True)
    found = [*looks.here(settings), *_service(config), *asterisk(settings, folder or (ETC if ETC.is_dir() else None))]
    state = looks.worst(found)
    if as_json:
        print_json({"state": state, "findings": [asdict(one) for one in found]})
    else:
        print_rows(COLUMNS, [asdict(one) for one in found], as_json=False)
    raise typer.Exit(NO if state is State.FAIL else GOOD)


def _service(config: Path) -> list[Finding]:
    status: Mapping[str, Any] | None = None
    problem = ""
    try:
        with connect(config) as client:
            status = client.get("/api/v1/status")
    except CommandError as error:
        problem = str(error)
    return list(looks.service(status, problem))
