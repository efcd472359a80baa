"""`hotline restrictions …`: whose calls are rejected, served last or cut short. Speaks to the running service.

A number is never an argument: the list of processes and the shell's history would keep it. It is typed when asked for, or
read from standard input; or a call is named instead, of which nobody needs to know the number.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from routing.restrictions import Afterwards, Kind
from service.cli.client import connect
from service.cli.files import DryRunOption, OutArgument, asked_number, read_file, write_file
from service.cli.output import DEFAULT_CONFIG, Cell, ConfigOption, JsonOption, fail, print_json, print_rows, say
from service.cli.surge import seconds
from service.restriction_rows import REASONS, until_of
from service.settings import load

COLUMNS: Final = ("id", "number", "kind", "reason", "approver", "until", "status", "times", "last")
PATH: Final = "/api/v1/restrictions"
UNITS: Final = {"d": 86_400.0, "w": 7 * 86_400.0}

app = typer.Typer(
    no_args_is_help=True,
    help="Restricted numbers: reject, serve last, or limit the talk.",
    rich_markup_mode=None,
)

EntryArgument = Annotated[int, typer.Argument(help="Id of the entry, as in the list.")]


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show the restrictions in force and how often each was used; numbers are masked."""
    with connect(config) as client:
        found = client.get(PATH, all=str(every).lower())
    if as_json:
        print_json(found)
    else:
        print_rows(COLUMNS, [_row(config, entry) for entry in found], as_json=False)


@app.command()
def show(
    entry: EntryArgument,
    number: Annotated[bool, typer.Option("--number", help="The number in clear; the audit tells of it.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="What for; needed for a caller who is hidden.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show one restriction with its evidence, and who approved it."""
    with connect(config) as client:
        found = client.get(f"{PATH}/{entry}", number=str(number).lower(), **({"reason": reason} if reason else {}))
    if as_json:
        print_json(found)
        return
    for key, value in _row(config, found).items():
        typer.echo(f"{key + ':':<11}{'' if value is None else value}")
    for key in ("afterwards", "talk_s", "evidence", "second_approver", "added_by", "ended_by"):
        if found[key] is not None:
            typer.echo(f"{key.replace('_', ' ') + ':':<17}{found[key]}")


@app.command()
def add(
    kind: Annotated[Kind, typer.Argument(help="What is done with calls of the number.")],
    reason: Annotated[str, typer.Option("--reason", help=", ".join(REASONS))],
    evidence: Annotated[str, typer.Option("--evidence", help="Recordings, cases, calls; never the number itself.")],
    for_: Annotated[str, typer.Option("--for", help="How long: 12h, 30d, 26w; a year at most.")] = "",
    until: Annotated[str, typer.Option("--until", help="Instead: to the end of a day, 2026-12-31.")] = "",
    approver: Annotated[str, typer.Option("--approver", help="Who approved it; default: the token's name.")] = "",
    call: Annotated[str, typer.Option("--call", help="The caller of this call; then no number is asked for.")] = "",
    block: Annotated[bool, typer.Option("--block", help="All numbers that begin so; needs a second approver.")] = False,
    end_call: Annotated[bool, typer.Option("--end-call", help="reject: the call ends after the notice.")] = False,
    limit: Annotated[str, typer.Option("--limit", help="short_call: 90s, 3m; default as configured.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Restrict a number from now on. The number is asked for, or read from standard input; it is never an argument."""
    body: dict[str, Any] = {"kind": kind.value, "reason": reason, "evidence": evidence, "approver": approver}
    body |= {"until": _until(config, for_, until), "block": block, "talk_s": _limit_s(limit)}
    body["afterwards"] = (Afterwards.END if end_call else Afterwards.WAIT).value
    if call and block:
        fail("--call names one caller, --block many numbers: choose one of them")
    with connect(config) as client:
        whom = {"call": call} if call else {"number": asked_number("Numbers begin with" if block else "Number")}
        made = client.post(PATH, body | whom)
    say(f"restriction {made['id']} on {made['number']} until {local(config, made['until'])}")
    if kind is Kind.REJECT and load(config, check_secrets=False).voice_notice is None:
        say("rejected callers hear tones and no words: record the emergency numbers, name the file in [restrictions]")
    if made["status"] == "pending":
        say(f"it is not in force before somebody else has typed: hotline restrictions approve {made['id']}")


@app.command()
def approve(entry: EntryArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Approve a block of numbers that somebody else has added; then it is in force. The token tells who you are."""
    with connect(config) as client:
        made = client.post(f"{PATH}/{entry}/approve")
    say(f"restriction {entry} on {made['number']} is in force, approved by {made['second_approver']}")


@app.command()
def end(entry: EntryArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """End a restriction before its time; who waits because of it waits like everybody else."""
    with connect(config) as client:
        client.post(f"{PATH}/{entry}/end")
    say(f"restriction {entry} is over")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file; - reads standard input.")],
    dry_run: DryRunOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Import restrictions: all of the file, or with any mistake in it none, and every mistake is told."""
    with connect(config) as client:
        found = client.post_bytes(f"{PATH}/import?dry_run={str(dry_run).lower()}", read_file(file), "text/csv")
    if as_json:
        print_json(found)
        return
    typer.echo(f"{'would be ' if dry_run else ''}added {found['added']}, restricted already {found['unchanged']}")


@app.command()
def export(
    file: OutArgument = None,
    numbers: Annotated[bool, typer.Option("--numbers", help="Numbers in clear; the audit tells of it.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write all restrictions as CSV; with --numbers it can be imported elsewhere."""
    with connect(config) as client:
        data = client.get_bytes(f"{PATH}/export", numbers=str(numbers).lower())
    write_file(file, data, 0o600)


# -- parts -------------------------------------------------------------------------------------------------------------


def _until(config: Path, for_: str, until: str) -> float:
    """Epoch seconds. Fails with one sentence."""
    if bool(for_) == bool(until):
        fail("name either --for or --until: --for 30d")
    if for_:
        unit = UNITS.get(for_[-1:])
        if unit is not None and for_[:-1].isascii() and for_[:-1].isdecimal():
            return time.time() + unit * int(for_[:-1])
        return time.time() + seconds(for_)
    try:
        return until_of(until, load(config, check_secrets=False).zone_info)
    except ValueError:
        fail(f"{until} is no date: write it like 2026-12-31")


def _limit_s(text: str) -> float | None:
    if not text:
        return None
    number = text[:-1]
    if text[-1:] not in ("s", "m") or not (number.isascii() and number.isdecimal()):
        fail(f'"{text}" is no limit; write 90s or 3m')
    return float(number) * (60 if text.endswith("m") else 1)


def _row(config: Path, entry: Mapping[str, Any]) -> dict[str, Cell]:
    last = entry["last_at"]
    return {
        "id": entry["id"],
        "number": entry["number"],
        "kind": entry["kind"],
        "reason": entry["reason"],
        "approver": entry["approver"],
        "until": local(config, entry["until"]),
        "status": entry["status"].replace("_", " "),
        "times": entry["times"],
        "last": None if last is None else local(config, last),
    }


def local(config: Path, at: float) -> str:
    return datetime.fromtimestamp(at, load(config, check_secrets=False).zone_info).strftime("%Y-%m-%d %H:%M")
