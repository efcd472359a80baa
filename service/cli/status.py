"""`hotline status`: lines, waiting callers, seats and the ratio of today, once or as a live table."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from service.cli.client import Client, connect
from service.cli.needed import staffing
from service.cli.output import DEFAULT_CONFIG, GOOD, NO, CommandError, ConfigOption, JsonOption, percent, print_json

EVERY_S: Final = 1.0
STATES: Final = ("ready", "ringing", "talking", "wrap_up", "paused", "signed_out")

WatchOption = Annotated[bool, typer.Option("--watch", "-w", help="Go on until interrupted, a look each second.")]
Status = Mapping[str, Any]


def status(config: ConfigOption = DEFAULT_CONFIG, watch: WatchOption = False, as_json: JsonOption = False) -> None:
    """Show the hotline now and today; exit 1 when callers are not served."""
    with connect(config) as client:
        if watch:
            _watch(client, as_json)
            return
        found = client.get("/api/v1/status")
    if as_json:
        print_json(found)
    else:
        _console().print(picture(found))
    raise typer.Exit(GOOD if is_served(found) else NO)


def _console() -> Console:
    """A pipe has no width: let the rows be as long as they are."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 200)


def is_served(found: Status) -> bool:
    return bool(found["health"]["ready"] and found["health"]["serving"])


def _watch(client: Client, as_json: bool) -> None:
    try:
        if as_json:
            _print_lines(client)
        else:
            _redraw(client)
    except KeyboardInterrupt:
        return


def _print_lines(client: Client) -> None:
    """One JSON object a line, for programs that follow."""
    while True:
        typer.echo(json.dumps(client.get("/api/v1/status"), ensure_ascii=False))
        time.sleep(EVERY_S)


def _redraw(client: Client) -> None:
    """A service that restarts does not end the table: it says so and goes on."""
    with Live(console=_console(), auto_refresh=False) as live:
        while True:
            try:
                shown = picture(client.get("/api/v1/status"))
            except CommandError as error:
                shown = Text(str(error), style="bold red")
            live.update(shown, refresh=True)
            time.sleep(EVERY_S)


# -- the picture -------------------------------------------------------------------------------------------------------


def picture(found: Status) -> RenderableType:
    """The answer of `/api/v1/status` for a terminal."""
    return Group(
        _health(found),
        *_alarms(found),
        *_dead_trunks(found),
        _surge(found),
        _suggestion(found),
        _now(found),
        _seats(found),
        _duty(found),
        _forecast(found),
        *staffing(found.get("staffing")),
        *_lost(found),
        _lines(found),
    )


def _health(found: Status) -> Text:
    health = found["health"]
    if not is_served(found):
        return Text("NOT SERVING: callers go by the dialplan's fallback", style="bold red")
    if health["degraded"]:
        return Text("serving, degraded: " + ", ".join(health["degraded"]), style="bold yellow")
    return Text("serving", style="bold green")


def _alarms(found: Status) -> list[Text]:
    """Emergency centres that were not reached, as long as nobody has acknowledged it."""
    return [
        Text(
            f"EMERGENCY {alarm['target']} not reached, call {alarm['call_id']}: {alarm['reason']} (alarm {alarm['id']})",
            style="bold white on red",
        )
        for alarm in found.get("alarms", [])
    ]


def _dead_trunks(found: Status) -> list[Text]:
    """Known before somebody needs it."""
    dead = found.get("dead_trunks", [])
    return (
        [Text(f"trunks to emergency centres that do not answer: {', '.join(dead)}", style="bold red")] if dead else []
    )


def _surge(found: Status) -> Text:
    """A line of its own while one lasts."""
    surge = found.get("surge")
    if surge is None:
        return Text("", end="")
    return Text(f"SURGE for {_left(surge['until'])} more, by {surge['by']}: {surge['reason']}", style="bold yellow")


def _left(until: float) -> str:
    """From now on: 45 min, 3 h 20 min, 2 d 4 h."""
    left_min = max(0, round((until - time.time()) / 60))
    hours, minutes = divmod(left_min, 60)
    days, day_hours = divmod(hours, 24)
    return f"{days} d {day_hours} h" if days else f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _suggestion(found: Status) -> Text:
    suggestion = found.get("suggestion")
    return Text("", end="") if suggestion is None else Text(suggestion["text"], style="bold yellow")


def _now(found: Status) -> Text:
    now, today, target = found["now"], found["today"], found["target"]
    text = Text(f"waiting {now['waiting']}   longest {now['longest_wait_s']:.1f} s   talking {now['talking']}   ")
    text.append(f"within {target['answer_within_s']:g} s today: ")
    if today is None:
        return text.append("records unavailable", style="yellow")
    text.append(percent(today["ratio"]), style=_mark(today["ratio"], target["ratio"]))
    restricted = f", {today['restricted']} restricted" if today.get("restricted") else ""
    return text.append(
        f" ({today['in_time']} of {today['judged']}, target {percent(target['ratio'])}, {today['formula']}){restricted}"
    )


def _seats(found: Status) -> Text:
    seats, aside = found["now"]["seats"], found["now"].get("set_aside", [])
    text = Text("seats   " + "   ".join(f"{state.replace('_', ' ')} {seats.get(state, 0)}" for state in STATES))
    if aside:
        text.append(f"\nset aside after two missed calls: {', '.join(aside)}", style="bold red")
    return text


def _forecast(found: Status) -> Text:
    """A line of its own, once there is a forecast."""
    today = found.get("forecast")
    if today is None or today["total"] is None:
        return Text("", end="")
    expected = f"{today['until_now']:.0f} expected by now, {today['total']:.0f} all day"
    return Text(f"arrivals today {today['arrived']}   forecast {expected}")


def _lost(found: Status) -> list[Text]:
    """Citizens whom nobody answered today; nothing while the records do not answer."""
    lost = found.get("lost_today")
    if lost is None:
        return []
    text = f"citizens not served today: {lost['not_served']}   lost {lost['lost']}, served since {lost['served']}"
    return [Text(text, style="bold yellow" if lost["not_served"] else "")]


def _duty(found: Status) -> Text:
    """Who has which line now, lines of the same shift together. Nothing where no roster names a line."""
    shifts: dict[tuple[str, str], list[str]] = {}
    for line in found["lines"]:
        if (duty := line.get("duty")) is not None:
            people = "GAP, the duty seats serve" if duty["gap"] else duty["people"]
            first = "".join(f", first {who}" for who in duty["first"])
            until = "" if duty["until"] is None else f", for {_left(duty['until'])} more"
            shifts.setdefault((people + first, until), []).append(line["number"])
    text = Text("", end="")
    for (people, until), numbers in shifts.items():
        style = "bold red" if people.startswith("GAP") else ""
        text.append(f"on duty {people}{until}: {', '.join(numbers)}\n", style=style)
    return text


def _lines(found: Status) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("line", no_wrap=True, min_width=5)
    table.add_column("name", no_wrap=True, min_width=4)  # the one that gives way on a narrow terminal
    for title in ("waiting", "longest", "talking", "offered", "answered", "in time", "p50 s", "p95 s", "max s"):
        table.add_column(title, justify="right", no_wrap=True, min_width=len(title))
    for line in found["lines"]:
        table.add_row(
            line["number"], Text(line["name"]), *_line_now(line), *_line_today(line, found["target"]["ratio"])
        )
    return table


def _line_now(line: Status) -> tuple[str, str, str]:
    if line["waiting"] is None:
        return "", "", ""
    return str(line["waiting"]), f"{line['longest_wait_s']:.1f}" if line["waiting"] else "", str(line["talking"])


def _line_today(line: Status, target: float) -> tuple[str | Text, ...]:
    today = line["today"]
    if today is None:
        return ("",) * 6
    ratio = Text(percent(today["ratio"]), style=_mark(today["ratio"], target))
    times = (_seconds(today[name]) for name in ("p50_s", "p95_s", "max_s"))
    return str(today["offered"]), str(today["answered"]), ratio, *times


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _mark(ratio: float | None, target: float) -> str:
    if ratio is None:
        return ""
    return "green" if ratio >= target else "red"
