"""`hotline emergency report`: what became of each handoff to 110, 119, 120, 122 or 12395, in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Annotated, Any, Final

import typer

from service.cli.client import Unreachable, connect
from service.cli.output import DEFAULT_CONFIG, NO, Cell, ConfigOption, JsonOption, print_rows, say
from service.cli.reports import CsvOption, from_records, month, print_report
from service.handoff_reports import emergency as emergency_report
from service.settings import load

ACTS: Final = (
    "asked at", "number", "call", "by", "via", "case", "dialled ms", "first sound ms", "answered ms", "joined ms", "routes",
    "outcome", "reason",
)  # fmt: skip
NUMBERS: Final = (
    "number", "handoffs", "answered", "failed", "cancelled", "several routes", "slowest dial ms", "median ms", "p95 ms",
    "slowest ms",
)  # fmt: skip

app = typer.Typer(no_args_is_help=True, help="Emergency handoffs.", rich_markup_mode=None)


@app.callback()
def emergency() -> None:
    """Emergency handoffs."""


@app.command()
def report(
    wanted: Annotated[str, typer.Option("--month", help="Like 2026-11; without it this month.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """The drill report of a month: each handoff with its milliseconds and routes; exit 1 when one failed."""
    named = month(wanted)
    try:
        with connect(config) as client:
            found = client.get("/api/v1/reports/emergency", **({"month": named} if named else {}))
    except Unreachable:
        found = from_records(config, lambda archive, settings: emergency_report(archive, settings, named))
    zone = load(config, check_secrets=False).zone_info
    if not (as_json or as_csv):
        print_rows(NUMBERS, [_number(one) for one in found["numbers"]], as_json=False)
    print_report(ACTS, [_act(one, zone) for one in found["acts"]], found, as_json=as_json, as_csv=as_csv)
    failed = sum(one["failed"] for one in found["numbers"])
    say(f"{found['month']}: {len(found['acts'])} handoffs, {failed} failed; all times since the handoff was asked for")
    raise typer.Exit(NO if failed else 0)


def _number(one: Mapping[str, Any]) -> dict[str, Cell]:
    names = {"median ms": "p50_ms"} | {name: name.replace(" ", "_") for name in NUMBERS if name != "median ms"}
    return {column: one[key] for column, key in names.items()}


def _act(one: Mapping[str, Any], zone: tzinfo) -> dict[str, Cell]:
    at = datetime.fromtimestamp(one["asked_at"], zone)
    plain = ("number", "by", "via", "case", "outcome", "reason")
    moments = ("dialled_ms", "first_sound_ms", "answered_ms", "joined_ms")
    return {
        "asked at": f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}",
        "call": one["call_id"],
        "routes": "; ".join(f"{route['way']} {route['outcome'] or 'lasting'}" for route in one["routes"]),
        **{key: one[key] for key in plain},
        **{key.replace("_", " "): one[key] for key in moments},
    }
