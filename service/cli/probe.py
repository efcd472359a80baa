"""`hotline probe`: test calls (拨测) from outside to our own lines, one after the other. Speaks to the running service."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.cli.client import Client, connect
from service.cli.output import DEFAULT_CONFIG, NO, Cell, ConfigOption, JsonOption, fail, print_json, print_rows, say
from service.settings import load

PATH: Final = "/api/v1/probes"
COLUMNS: Final = ("number", "result", "dial delay s", "answer s", "ring s", "seat", "agent", "faults")
LOOK_S: Final = 0.3
PATIENCE_S: Final = 200.0  # longer than any test call may last
FAULTS: Final = {
    "not_reached": "not reached from outside",
    "not_measured": "not measured",
    "elsewhere": "answered, but no call came in",
    "no_agent": "answered by no agent",
    "slow_ringing": "the first sound came late",
    "slow_answer": "the answer came late",
}


def probe(
    numbers: Annotated[list[str] | None, typer.Argument(help="Lines to call; all of them without any.")] = None,
    history: Annotated[bool, typer.Option("--history", help="Call nobody: show the last test calls.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="With --history: so many.")] = 20,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Call lines from outside and measure what a citizen meets. Exit 1: one was not reached, or not within the limits."""
    wanted = _lines(config, numbers or [])
    with connect(config) as client:
        if history:
            _print(config, list(_past(client, numbers or [], limit)), as_json=as_json, when=True)
            return
        results = [_tested(client, number) for number in wanted]
    _print(config, results, as_json=as_json)
    if any(result["faults"] for result in results):
        raise typer.Exit(NO)


def _lines(config: Path, numbers: Sequence[str]) -> list[str]:
    """The lines that are named, or all. Fails with one sentence for a number that is none."""
    known = [line.number for line in load(config, check_secrets=False).lines]
    for number in numbers:
        if number not in known:
            fail(f"{number} is no line; lines are {', '.join(known)}")
    return list(dict.fromkeys(numbers)) or known


def _tested(client: Client, number: str) -> Mapping[str, Any]:
    """One test call, from the asking to its end. Fails when it cannot be placed."""
    made: Mapping[str, Any] = client.post(PATH, {"number": number})
    say(f"{number}: calling")
    state, until = "", time.monotonic() + PATIENCE_S
    while made["outcome"] is None and time.monotonic() < until:
        if made["state"] != state:
            state = made["state"]
            if state != "asked":
                say(f"{number}: {state}")
        time.sleep(LOOK_S)
        made = client.get(f"{PATH}/{made['id']}")
    if made["outcome"] is None:
        fail(f"the test call to {number} does not end; hotline probe --history tells later what became of it", NO)
    say(f"{number}: {_result(made)}")
    return made


def _past(client: Client, numbers: Sequence[str], limit: int) -> Iterator[Mapping[str, Any]]:
    """The newest first, of these lines or of all."""
    if not numbers:
        yield from client.get(PATH, limit=limit)
        return
    found = [entry for number in numbers for entry in client.get(PATH, number=number, limit=limit)]
    yield from sorted(found, key=lambda entry: -float(entry["asked_at"]))[:limit]


def _print(config: Path, results: Sequence[Mapping[str, Any]], *, as_json: bool, when: bool = False) -> None:
    if as_json:
        print_json(list(results))
        return
    zone = load(config, check_secrets=False).zone_info
    columns = ("at", *COLUMNS) if when else COLUMNS
    rows = [_row(result) | {"at": _local(result["asked_at"], zone)} for result in results]
    print_rows(columns, rows, as_json=False)


def _row(result: Mapping[str, Any]) -> dict[str, Cell]:
    return {
        "number": result["number"],
        "result": _result(result),
        "dial delay s": result["dial_delay_s"],
        "answer s": result["answer_s"],
        "ring s": result["ring_s"],
        "seat": result["seat"],
        "agent": result["agent"],
        "faults": ", ".join(FAULTS.get(fault, fault) for fault in result["faults"]),
    }


def _result(result: Mapping[str, Any]) -> str:
    """busy; refused (503); answered."""
    outcome = str(result["outcome"] or result["state"]).replace("_", " ")
    why = result["sip"] or (f"cause {result['cause']}" if result["cause"] else "")
    return f"{outcome} ({why})" if why else outcome


def _local(at: float, zone: Any) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S")
