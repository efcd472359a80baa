"""`hotline audit-log`: who read or changed what is personal. (`hotline audit DAY` is about figures.)"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.cli.client import connect
from service.cli.output import DEFAULT_CONFIG, Cell, ConfigOption, JsonOption, fail, print_json, print_rows
from service.cli.restrictions import local
from service.restriction_rows import until_of
from service.settings import load

COLUMNS: Final = ("id", "at", "actor", "role", "act", "subject", "reason", "details")
PATH: Final = "/api/v1/audit-log"


def audit_log(
    since: Annotated[str, typer.Option("--since", help="From this moment on, like 2026-11-01T08:00.")] = "",
    until: Annotated[str, typer.Option("--until", help="To the end of a day, 2026-11-30, or to a moment.")] = "",
    act: Annotated[str, typer.Option("--act", help="read, hide, show, key_renewed, resealed, key_retired.")] = "",
    actor: Annotated[str, typer.Option("--actor", help="Name of a token.")] = "",
    call: Annotated[str, typer.Option("--call", help="About this call.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many rows.")] = 100,
    before: Annotated[int | None, typer.Option("--before", min=1, help="Only rows older than this id.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show who read numbers in clear, hid callers, or changed keys; the newest first. Rows are never changed."""
    which: dict[str, Any] = {"limit": limit, "act": act, "actor": actor}
    which |= {"subject_kind": "call", "subject_id": call} if call else {}
    which |= {"before": before} if before is not None else {}
    which |= {
        key: _moment(config, text, end=key == "until") for key, text in (("since", since), ("until", until)) if text
    }
    with connect(config) as client:
        found = client.get(PATH, **which)
    if as_json:
        print_json(found)
    else:
        print_rows(COLUMNS, [_row(config, row) for row in found], as_json=False)


def _moment(config: Path, text: str, *, end: bool) -> float:
    """Epoch seconds; a day without a time is its beginning, or its end."""
    try:
        whole_day = len(text) <= len("2026-12-31") and not end
        return until_of(f"{text}T00:00" if whole_day else text, load(config, check_secrets=False).zone_info)
    except ValueError:
        fail(f"{text[:20]} is no moment: write it like 2026-12-31 or 2026-12-31T08:00")


def _row(config: Path, row: Mapping[str, Any]) -> dict[str, Cell]:
    return {
        **{key: row[key] for key in ("id", "actor", "role", "act", "reason")},
        "at": local(config, row["at"]),
        "subject": f"{row['subject_kind']} {row['subject_id']}".strip(),
        "details": json.dumps(row["details"], ensure_ascii=False) if row["details"] else None,
    }
