"""`hotline shadow …`: other rules beside the live ones, without acting. Speaks to the running service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import typer

from service.cli import shadow_day
from service.cli.client import Client, connect
from service.cli.files import read_file
from service.cli.output import DEFAULT_CONFIG, NO, Cell, ConfigOption, JsonOption, fail, print_json, print_rows, say
from service.cli.surge import seconds
from service.settings import Settings, load

PATH: Final = "/api/v1/shadow"
RESULTS: Final = ("seat", "earlier", "later", "order", "found", "fallback")
COLUMNS: Final = ("line", "name", "compared", "same", "same %", *RESULTS)
MEANING: Final = (
    "seat: another seat at the same time. earlier, later: the caller would have been presented before, or would still "
    "wait.\norder: the seat would ring for another caller first. found: nobody rang, and somebody would have. fallback: "
    "the\ncaller would be left to the duty seats."
)
ENDED: Final[Mapping[str, str]] = {
    "asked": "ended by a person",
    "expired": "its time is over",
    "replaced": "another one took its place",
    "slow": "switched off: it cost more than its share of the service's time",
    "failed": "switched off: it failed, see the log of the service",
    "rules": "switched off: after a reload its file makes no sense any more, see the log of the service",
}

DayOption = Annotated[
    str | None, typer.Option("--day", metavar="DATE", help="Estimate this day; default: today, as far as it is over.")
]
EstimateOption = Annotated[
    bool, typer.Option("--estimate/--no-estimate", help="The 15 s ratio of a day by these rules.")
]
ExamplesOption = Annotated[int, typer.Option("--examples", "-n", min=0, max=20, help="Calls of each kind to show.")]

app = typer.Typer(
    invoke_without_command=True,
    help="Try other rules beside the live ones: what would have been decided otherwise?",
    rich_markup_mode=None,
)


@app.callback()
def shadow(
    context: typer.Context,
    config: ConfigOption = DEFAULT_CONFIG,
    examples: ExamplesOption = 2,
    day: DayOption = None,
    estimate: EstimateOption = True,
    as_json: JsonOption = False,
) -> None:
    """Try other rules beside the live ones; alone it shows what they would have decided."""
    if context.invoked_subcommand is None:
        _show(config, examples, day, estimate, as_json)


@app.command()
def start(
    file: Annotated[Path, typer.Argument(help="Another hotline.toml, or only its lines, zones, timing, rosters.")],
    for_: Annotated[str, typer.Option("--for", help="How long: 90m, 8h; a week at most.")] = "8h",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Begin with the rules of FILE, in the place of those that are tried now."""
    data = read_file(file)
    settings = load(config, check_secrets=False)
    asked = urlencode({"for_s": seconds(for_), "name": file.name})
    with connect(config) as client:
        found = client.post_bytes(f"{PATH}?{asked}", data, "application/toml")
    say(f"{file.name} is tried beside the live rules until {_local(settings.zone_info, found['until'])}")
    _say_what_is_not_compared(found)


@app.command()
def end(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """End it before its time; what was counted is still shown."""
    with connect(config) as client:
        client.post(f"{PATH}/end")
    say("the shadow is over; hotline shadow shows what it found")


@app.command()
def show(
    config: ConfigOption = DEFAULT_CONFIG,
    examples: ExamplesOption = 2,
    day: DayOption = None,
    estimate: EstimateOption = True,
    as_json: JsonOption = False,
) -> None:
    """Show by line what was decided alike and otherwise, with calls as examples; and the day by these rules."""
    _show(config, examples, day, estimate, as_json)


@app.command()
def day(
    file: Annotated[Path, typer.Argument(help="Another hotline.toml, or only its lines, zones, timing, rosters.")],
    date: Annotated[str | None, typer.Option("--day", metavar="DATE", help="Default: today.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Estimate the 15 s ratio of a recorded day by the rules of FILE. Needs no service."""
    settings = load(config, check_secrets=False)
    wanted = date or shadow_day.today(settings)
    told = shadow_day.estimated(settings, wanted, read_file(file), talk=not as_json)
    if as_json:
        print_json(told)
    elif told is None:
        fail(f"no call of {wanted} is decided and recorded", NO)
    else:
        shadow_day.print_day(told, file.name)


def _show(config: Path, examples: int, day: str | None, estimate: bool, as_json: bool) -> None:
    settings = load(config, check_secrets=False)
    with connect(config) as client:
        found = _found(client)
        data = client.get_bytes(f"{PATH}/rules") if found is not None and estimate else None
    wanted = day or shadow_day.today(settings)
    told = None if data is None else shadow_day.if_there_is(settings, wanted, data, talk=not as_json)
    if as_json:
        print_json(None if found is None else {**found, "estimate": told})
    elif found is None:
        say("no shadow has run since the start of the service; hotline shadow start FILE begins one")
    else:
        _print(found, settings, examples)
        if told is not None:
            shadow_day.print_day(told, found["file"])


def _found(client: Client) -> dict[str, Any] | None:
    found: dict[str, Any] | None = client.get(PATH)
    return found


def _print(found: Mapping[str, Any], settings: Settings, examples: int) -> None:
    zone = settings.zone_info
    state = f"until {_local(zone, found['until'])}" if found["running"] else ENDED.get(found["ended"], found["ended"])
    typer.echo(f"{found['file']} beside the live rules since {_local(zone, found['since'])}; {state}")
    rows = [_row(line) for line in found["lines"]]
    print_rows(COLUMNS, [*rows, _total(found["lines"])] if rows else [], as_json=False)
    if not rows:
        typer.echo("nothing was decided yet")
        return
    typer.echo(MEANING)
    for example in _shown(found["examples"], examples):
        typer.echo(_sentence(example, zone))
    _say_what_is_not_compared(found)


def _row(line: Mapping[str, Any]) -> dict[str, Cell]:
    results, compared = line["results"], line["compared"]
    return {
        "line": line["number"],
        "name": line["name"],
        "compared": compared,
        "same": results["same"],
        "same %": f"{results['same'] / compared * 100:.1f}" if compared else None,
        **{name: results[name] for name in RESULTS},
    }


def _total(lines: Sequence[Mapping[str, Any]]) -> dict[str, Cell]:
    results = {name: sum(line["results"][name] for line in lines) for name in ("same", *RESULTS)}
    return _row({"number": "all", "name": "", "compared": sum(results.values()), "results": results})


def _shown(examples: Sequence[Mapping[str, Any]], count: int) -> Iterator[Mapping[str, Any]]:
    for result in RESULTS:
        yield from [example for example in examples if example["result"] == result][:count]


def _sentence(example: Mapping[str, Any], zone: tzinfo) -> str:
    live, other, wait_s = _seats(example["live"]), _seats(example["shadow"]), example["wait_s"]
    told = {
        "seat": f"rang {live}, would have rung {other}",
        "earlier": f"rang {live}; would have rung {other} {example['earlier_s'] or 0:.1f} s before",
        "later": f"rang {live}, would have waited on"
        if example["live"]
        else "left to the duty seats, would have waited on",
        "order": f"rang {live}, which would have rung for {example['rival']} first",
        "found": f"nobody rang, would have rung {other}",
        "fallback": f"rang {live}, would have been left to the duty seats",
    }[example["result"]]
    at = datetime.fromtimestamp(example["at"], zone)
    return f"  {example['result']:8} {at:%m-%d %H:%M:%S} after {wait_s:.1f} s {told}: hotline why {example['call_id']}"


def _seats(seats: Sequence[str]) -> str:
    return " and ".join(seats) or "nobody"


def _say_what_is_not_compared(found: Mapping[str, Any]) -> None:
    if found["not_compared"]:
        say("not compared call by call, since it changes who is free: " + "; ".join(found["not_compared"]))


def _local(zone: tzinfo, at: float) -> str:
    return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}"
