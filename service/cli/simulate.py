"""`hotline simulate`: a day of calls through the routing engine on simulated time, beside other schemes or other rules."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.cli.output import DEFAULT_CONFIG, Cell, ConfigOption, JsonOption, fail, print_json, print_rows, say
from service.day_profiles import load_day, shipped
from service.recorded_days import load_recorded
from service.settings import load
from service.simulation.callers import Caller, callers_of
from service.simulation.day import Day
from service.simulation.figures import SCHEMES, Figures, Found, simulate
from service.simulation.ours import Ours
from service.simulation.picture import PictureError, draw, ready
from service.simulation.pools import Pooled
from service.simulation.world import Tell

NUMBERS: Final = ("number", "name", "calls", "in 15 s", "abandoned", "p50 s", "p95 s", "max s")
COMPARED: Final = ("scheme", "in 15 s", "occupancy", "abandoned", "sent away", "p50 s", "p95 s", "max s")

ProfileArgument = Annotated[
    str | None, typer.Argument(metavar="[PROFILE]", help="A day profile by its name, or its file.", show_default=False)
]
DayOption = Annotated[
    str | None, typer.Option("--day", metavar="DATE", help="The calls that came on this day, from the records.")
]
RulesOption = Annotated[
    Path | None, typer.Option("--rules", help="Route by the lines and timing of this hotline.toml.", show_default=False)
]
CompareOption = Annotated[
    Path | None, typer.Option("--compare", help="The same callers by this hotline.toml too.", show_default=False)
]
LoadOption = Annotated[float, typer.Option("--load", min=0.01, max=20, help="So many times the calls.")]
PictureOption = Annotated[
    Path | None,
    typer.Option("--picture", metavar="FILE", help="Draw the day: FILE.svg or FILE.png.", show_default=False),
]
SeedOption = Annotated[int, typer.Option("--seed", help="Another seed, other callers on a day of the same kind.")]


def run(
    profile: ProfileArgument = None,
    day: DayOption = None,
    rules: RulesOption = None,
    compare: CompareOption = None,
    load_factor: LoadOption = 1.0,
    seed: SeedOption = 1,
    picture: PictureOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Simulate a day: the 15 s ratio by number, occupancy, answer times; beside other schemes, or other rules."""
    if picture is not None:
        with _drawing():
            ready(picture)
    whole = _day(profile, day, config, load_factor)
    sides = _sides(whole, rules, compare)
    callers = callers_of(whole, seed)
    if not callers:
        fail(f"{whole.title}: a day without calls; nothing to simulate")
    found = _found(sides, callers)
    if picture is not None:
        with _drawing():
            draw(picture, whole, callers, found)
            say(f"drawn: {picture}")
    if as_json:
        print_json(_as_json(whole, seed, load_factor, found))
    else:
        _print(whole, seed, found, list(sides) if len(sides) > 1 else None)


def _sides(day: Day, rules: Path | None, compare: Path | None) -> dict[str, Day]:
    """The day by each rule set, by the rule set's name."""
    first = day if rules is None else with_rules(day, rules)
    if compare is None:
        return {Ours.scheme: first}
    own, other = "its own rules" if rules is None else str(rules), str(compare)
    return {own: first, f"{other} again" if other == own else other: with_rules(day, compare)}


def _found(sides: dict[str, Day], callers: Sequence[Caller]) -> dict[str, Found]:
    """One rule set beside the other schemes, or two rule sets beside the bound."""
    first = next(iter(sides.values()))
    if len(sides) == 1:
        return {scheme: _simulated(first, callers, scheme, scheme) for scheme in SCHEMES}
    found = {label: _simulated(side, callers, Ours.scheme, label) for label, side in sides.items()}
    return {**found, Pooled.scheme: _simulated(first, callers, Pooled.scheme, Pooled.scheme)}


@contextlib.contextmanager
def _drawing() -> Iterator[None]:
    try:
        yield
    except PictureError as error:
        fail(str(error))


def _day(profile: str | None, day: str | None, config: Path, load_factor: float) -> Day:
    if profile is None and day is None:
        fail(f"which day? Type hotline simulate PROFILE with {', '.join(shipped())} or a file, or --day DATE")
    whole = None if profile is None else load_day(profile)
    if day is not None:
        if load_factor != 1.0:
            fail("--load needs a day profile: a recorded day has the calls that it had")
        return load_recorded(load(config, check_secrets=False), day, whole)
    assert whole is not None
    return whole.with_load(load_factor)


def with_rules(day: Day, file: Path) -> Day:
    """The day by the lines and timing of another configuration; its people are the day's."""
    rules = load(file, check_secrets=False).rules()
    missing = [number for number in day.numbers() if number not in rules.lines]
    if missing:
        fail(f"{file} has no [[line]] for {', '.join(missing)}, which the callers of this day dial")
    changed = day.with_rules(rules)
    for number in changed.unserved():
        say(f"hotline: by {file} nobody who works on this day may take {number}")
    return changed


def _simulated(day: Day, callers: Sequence[Caller], scheme: str, label: str) -> Found:
    began = time.monotonic()
    with _progress(label) as tell:
        found = simulate(day, callers, scheme, tell)
    say(f"{label}: {len(callers):,} calls in {time.monotonic() - began:.1f} s")
    return found


@contextlib.contextmanager
def _progress(label: str) -> Iterator[Tell | None]:
    """A bar on a terminal; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label)
        yield lambda come, total: bar.update(task, completed=come, total=total)


# -- what is printed ---------------------------------------------------------------------------------------------------


def _print(day: Day, seed: int, found: dict[str, Found], rule_sets: Sequence[str] | None) -> None:
    typer.echo(f"{day.title}; {len(day.people)} people, {_any(found).total.offered:,} calls, seed {seed}")
    print_rows(COMPARED, [_scheme_row(label, one) for label, one in found.items()], as_json=False)
    if rule_sets is None:
        print_rows(NUMBERS, [_number_row(figures) for figures in _any(found).numbers], as_json=False)
    else:
        first, second = (found[label] for label in rule_sets)
        print_rows(
            ("number", "name", "calls", *rule_sets, "points"),
            list(_differences(first, second, rule_sets)),
            as_json=False,
        )
    if day.sources:
        typer.echo("\n".join(f"source: {source}" for source in day.sources))


def _any(found: dict[str, Found]) -> Found:
    return next(iter(found.values()))


def _scheme_row(label: str, found: Found) -> dict[str, Cell]:
    return {**_number_row(found.total), "scheme": label, "occupancy": percent(found.occupancy)}


def _number_row(figures: Figures) -> dict[str, Cell]:
    return {
        "number": figures.number,
        "name": figures.name,
        "calls": figures.offered,
        "in 15 s": percent(figures.ratio),
        "abandoned": figures.abandoned,
        "sent away": figures.sent_away,
        "p50 s": _seconds(figures.p50_s),
        "p95 s": _seconds(figures.p95_s),
        "max s": _seconds(figures.max_s),
    }


def _differences(first: Found, second: Found, rule_sets: Sequence[str]) -> Iterator[dict[str, Cell]]:
    for one, other in zip((*first.numbers, first.total), (*second.numbers, second.total), strict=True):
        points = None if one.ratio is None or other.ratio is None else f"{(other.ratio - one.ratio) * 100:+.2f}"
        yield {
            "number": one.number,
            "name": one.name,
            "calls": one.offered,
            rule_sets[0]: percent(one.ratio),
            rule_sets[1]: percent(other.ratio),
            "points": points,
        }


def percent(ratio: float | None) -> str | None:
    return None if ratio is None else f"{ratio * 100:.2f} %"


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"


def _as_json(day: Day, seed: int, load_factor: float, found: dict[str, Found]) -> dict[str, Any]:
    return {
        "day": day.name,
        "title": day.title,
        "sources": list(day.sources),
        "seed": seed,
        "load": load_factor,
        "people": len(day.people),
        "found": [
            {
                "label": label,
                "scheme": one.scheme,
                "occupancy": one.occupancy,
                "total": asdict(one.total),
                "numbers": [asdict(figures) for figures in one.numbers],
                "hourly": list(one.hourly),
            }
            for label, one in found.items()
        ],
    }
