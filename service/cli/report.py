"""`hotline report …`: figures of a day, week, month or any interval, from the records; no service is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import typer

from metrics.measures import HEADLINE
from metrics.working import Work
from routing.model import Rules
from service import clock
from service.cli import departments, emergency, shadow
from service.cli.files import write_file
from service.cli.output import DEFAULT_CONFIG, GOOD, NO, ConfigOption, JsonOption, fail, say
from service.cli.reports import CsvOption, print_report
from service.reports import asked, figures, lost, people, periods, tables
from service.reports.needed import Needed
from service.reports.periods import Period, PeriodError
from service.reports.tables import TableName
from service.reports.words import Language
from service.settings import Settings, load

MANY: Final = 50_000  # calls; from so many on the command says how far it is

WhichArgument = Annotated[str, typer.Argument(metavar="[WHICH]", help="Without it the present one.")]
LineOption = Annotated[str, typer.Option("--line", "-l", help="One dialled number; without it all.")]
WithinOption = Annotated[
    float | None,
    typer.Option(
        "--within", min=0, max=3600, help="Seconds that count as in time; without it the target of each line."
    ),
]
TableOption = Annotated[TableName, typer.Option("--table", "-t", help="Which table to print.")]
LanguageOption = Annotated[Language, typer.Option("--lang", envvar="HOTLINE_LANG", help="Headings in en or zh.")]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", help="Write all of it, with pictures, as one page into a file.")
]
FromOption = Annotated[str, typer.Option("--from", help="A day, or a local time like 2026-11-20T08:00.")]
ToOption = Annotated[str, typer.Option("--to", help="The last day, included; or the time at which it ends.")]
FirstDayOption = Annotated[str, typer.Option("--from", help="First day, like 2026-11-20; without days, today.")]
LastDayOption = Annotated[str, typer.Option("--to", help="Last day, included; today without it.")]
T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Figures from the records.", rich_markup_mode=None)


class Wishes(NamedTuple):
    """What a report is to look like."""

    line: str
    within: float | None
    table: TableName
    html: Path | None
    language: Language
    as_json: bool
    as_csv: bool


@app.callback()
def report() -> None:
    """Figures from the records, each with the id of its formula (docs/figures.md); exit 1 when a target was missed."""


def _of(make: Callable[[str, tzinfo, float], Period]) -> Callable[..., None]:
    """A command for one kind of period."""

    def command(
        which: WhichArgument = "",
        line: LineOption = "",
        within: WithinOption = None,
        table: TableOption = TableName.NUMBERS,
        html: HtmlOption = None,
        language: LanguageOption = Language.EN,
        config: ConfigOption = DEFAULT_CONFIG,
        as_json: JsonOption = False,
        as_csv: CsvOption = False,
    ) -> None:
        settings = load(config, check_secrets=False)
        period = _period(lambda: make(which, settings.zone_info, clock.wall()))
        _show(settings, period, Wishes(line, within, table, html, language, as_json, as_csv))

    return command


app.command("day", help="A local day, like 2026-11-20.")(_of(periods.day))
app.command("week", help="Monday to Sunday, like 2026-W47 or a day in it.")(_of(periods.week))
app.command("month", help="A month, like 2026-11.")(_of(periods.month))


@app.command()
def interval(
    first: FromOption,
    last: ToOption,
    line: LineOption = "",
    within: WithinOption = None,
    table: TableOption = TableName.NUMBERS,
    html: HtmlOption = None,
    language: LanguageOption = Language.EN,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Any days, or any quarters of an hour; a year at most."""
    settings = load(config, check_secrets=False)
    period = _period(lambda: periods.interval(first, last, settings.zone_info, clock.wall()))
    _show(settings, period, Wishes(line, within, table, html, language, as_json, as_csv))


@app.command()
def agents(
    first: FirstDayOption = "",
    last: LastDayOption = "",
    language: LanguageOption = Language.EN,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Each agent: signed in, talks, handle time, occupancy, missed calls, adherence to the roster; without days, today."""
    settings = load(config, check_secrets=False)
    period = _days(settings, first, last)
    found = _asked(lambda: asked.read_agents(settings, period))
    rows = tables.agent_rows(found, language)
    print_report(list(rows[0]) if rows else [], rows, found, as_json=as_json, as_csv=as_csv)
    if not (as_json or as_csv):
        say(f"{period.title}: adherence by the rosters of now; occupancy: handle time / (signed in - paused)")


@app.command("lost")
def lost_(
    first: FirstDayOption = "",
    last: LastDayOption = "",
    open_only: Annotated[bool, typer.Option("--open", help="Only callers who have not been served since.")] = False,
    language: LanguageOption = Language.EN,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Calls that nobody answered, and whether their callers have spoken to a person since; exit 1 when one has not."""
    settings = load(config, check_secrets=False)
    period = _days(settings, first, last)
    calls, gone = _asked(lambda: asked.read_lost(settings, period))
    found = lost.report(calls, period) | {"forgotten": gone}
    shown = [call for call in found["calls"] if not (open_only and call["served_at"])]
    rows = tables.lost_rows(shown, language)
    print_report(list(rows[0]) if rows else [], rows, found, as_json=as_json, as_csv=as_csv)
    if not (as_json or as_csv):
        say(lost.sentence(found))
        if gone:
            say(f"lost calls of {len(gone)} days are not in it: they are forgotten, up to {gone[-1]}")
    raise typer.Exit(NO if found["not_served"] else GOOD)


app.command("departments", help="How departments answered.")(departments.calls)
app.command("emergency", help="Emergency handoffs of a month, each with its milliseconds.")(emergency.report)
app.command("shadow", help="A day by other rules.")(shadow.day)


# -- parts -------------------------------------------------------------------------------------------------------------


def _period(make: Callable[[], Period]) -> Period:
    try:
        return make()
    except PeriodError as error:
        fail(str(error))


def _days(settings: Settings, first: str, last: str) -> Period:
    """Without any day, today."""
    zone, wall = settings.zone_info, clock.wall()
    today = periods.day("", zone, wall).title
    return _period(lambda: periods.interval(first or last or today, last or today, zone, wall))


def _asked(question: Callable[[], T]) -> T:
    try:
        return question()
    except asked.ReportError as error:
        fail(str(error))


def _show(settings: Settings, period: Period, wishes: Wishes) -> None:
    found = _made(settings, period, wishes)
    rules = settings.rules()
    rows = tables.rows(found, wishes.table, wishes.language)
    if wishes.html is not None:
        from service.reports.page import page

        write_file(wishes.html, page(found, rules, wishes.language).encode())
    print_report(list(rows[0]) if rows else [], rows, found, as_json=wishes.as_json, as_csv=wishes.as_csv)
    if not (wishes.as_json or wishes.as_csv):
        for sentence in sentences(found, wishes.table):
            say(sentence)
    raise typer.Exit(NO if missed(found, rules) else GOOD)


def _made(settings: Settings, period: Period, wishes: Wishes) -> dict[str, Any]:
    rules = settings.rules()
    whole = wishes.as_json or wishes.html is not None  # tables show calls alone
    read = _asked(lambda: asked.read(settings, period, _progress(period), people=whole))
    known = {number for number, _ in read.counted.places} | set(rules.lines)
    if wishes.line and wishes.line not in known:
        fail(f"no line {wishes.line[:20]}: there are {', '.join(sorted(known))}")
    wanted = figures.targets(rules, settings.target.answer_within_s, wishes.within)
    needed = Needed(read.counted, settings) if whole else _not_asked
    found = figures.report(read.counted, rules, wanted, wishes.line or None)
    return found | people.section(read.working, period, needed)


def _not_asked(_place: int, _work: Work) -> None:
    """No table shows it."""


def _progress(period: Period) -> Callable[[int], None]:
    def tell(calls: int) -> None:
        if calls >= MANY and calls % MANY == 0:
            say(f"{calls:,} calls of {period.title} …")

    return tell


def sentences(found: Mapping[str, Any], table: TableName) -> Iterator[str]:
    """What a reader of the table should know."""
    yield f"{found['title']}: {found['calls']:,} calls, data {found['data'][:23]}…; ratio by {HEADLINE}"
    if table is not TableName.FORMULAS:
        yield "other formulas: --table formulas; who waited how long: --table bands"
    if found["total"]["waiting"]:
        yield f"{found['total']['waiting']} calls are not decided yet and in no ratio"
    if forgotten := found["forgotten"]:
        yield f"the calls of {len(forgotten)} days are forgotten, up to {forgotten[-1]}; their figures are as kept"
    if untimed := found.get("untimed"):
        yield f"{len(untimed)} calls have no usable time and are in no figure: {', '.join(untimed[:5])}"


def missed(found: Mapping[str, Any], rules: Rules) -> bool:
    """Whether the 15 s ratio of any line is below what is wanted of it."""
    for one in found["numbers"]:
        line, ratio = rules.lines.get(one["number"]), one["ratios"][HEADLINE]
        if line is not None and ratio is not None and ratio < line.ratio:
            return True
    return False
