"""`hotline codes`: the keys of a telephone, and short numbers of departments, to print. Works without the service."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Final

import typer

from config.feature_codes import FeatureCode, every_code
from service.cli.output import DEFAULT_CONFIG, ConfigOption, JsonOption, print_json, print_rows, say
from service.directory import Directory
from service.settings import Settings, load
from storage.departments import DepartmentRow
from storage.errors import StorageError, StorageUnavailable
from storage.records import departments_of

CODES: Final = ("keys", "then", "when", "what happens")
SHORT: Final = ("short", "department", "name")
_MARKS: Final = str.maketrans("", "", "*`")  # of the page

ChineseOption = Annotated[bool, typer.Option("--chinese", help="In Chinese.")]


def codes(config: ConfigOption = DEFAULT_CONFIG, chinese: ChineseOption = False, as_json: JsonOption = False) -> None:
    """Show what agents press on their telephones, and the short numbers of departments."""
    settings = load(config, check_secrets=False)
    rows = [_row(code, chinese=chinese) for code in every_code(table.number for table in settings.emergencies)]
    short = [_short(row) for row in sorted(_departments(settings), key=lambda row: row.code)]
    if as_json:
        print_json({"codes": rows, "departments": short})
        return
    print_rows(CODES, rows, as_json=False)
    if short:
        print_rows(SHORT, short, as_json=False)


def _row(code: FeatureCode, *, chinese: bool) -> dict[str, str]:
    texts = [text.chinese if chinese else text.english for text in (code.behind, code.does)]
    behind, does = (text.translate(_MARKS) for text in texts)
    return {"keys": code.keys, "then": behind, "when": code.when.value, "what happens": does}


def _short(row: DepartmentRow) -> dict[str, str]:
    return {"short": row.code, "department": row.id, "name": row.name or row.id}


def _departments(settings: Settings) -> Iterable[DepartmentRow]:
    """Those with a short number: the database rules, and where none has begun or answers, the file."""
    try:
        known = asyncio.run(departments_of(settings.database_url()))
    except (StorageError, StorageUnavailable) as error:
        say(f"short numbers are those of the file: {error}")
        known = []
    rows = known or Directory.in_file(settings).values()
    return [row for row in rows if row.code and not row.disabled]
