"""`hotline audit DAY`: the figures of a day once more, from the steps of its calls; needs no service."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from metrics.measures import FORMULAS
from service import clock
from service.cli.output import DEFAULT_CONFIG, GOOD, NO, ConfigOption, JsonOption, fail, print_json, print_rows, say
from service.reports import asked, figures, periods
from service.reports import audit as audits
from service.reports.tables import percent
from service.settings import load

COUNTS: Final = ("offered", "answered", "in_time", "abandoned", "flowed_out", "failed", "restricted", "test", "waiting")

DayArgument = Annotated[str, typer.Argument(metavar="DAY", help="Like 2026-11-20.")]
ExpectOption = Annotated[
    str, typer.Option("--expect", metavar="SUM", help="The sum that a report of this day named: sha256:…")
]


def audit(
    day: DayArgument, expect: ExpectOption = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Recount a day from what happened, step by step, and hold it against the records; exit 1 when they differ."""
    settings = load(config, check_secrets=False)
    try:
        period = periods.day(day, settings.zone_info, clock.wall())
        found = asked.with_archive(
            settings,
            lambda archive: audits.audit(archive, period, lambda calls: say(f"{calls:,} calls, step by step …")),
        )
    except (periods.PeriodError, asked.ReportError) as error:
        fail(str(error))
    rules = settings.rules()
    told = audits.told(found, rules, figures.targets(rules, settings.target.answer_within_s))
    told |= {"as_expected": _matches(expect, told["recorded"]["data"]) if expect else None}
    if as_json:
        print_json(told)
    else:
        _print(told)
    raise typer.Exit(GOOD if told["agrees"] and told["as_expected"] is not False else NO)


def _matches(expected: str, data: str) -> bool:
    """A sum may be given as its beginning, as reports print it, but not as nothing."""
    beginning = expected.strip().rstrip("….").removeprefix("sha256:").lower()
    if len(beginning) < 12:
        fail(f'"{expected}" is no sum: write at least 12 digits of it, as the report names it')
    return data.removeprefix("sha256:").startswith(beginning)


def _print(told: dict[str, Any]) -> None:
    one, other = told["recorded"], told["recounted"]
    rows = [{"": key, "records": one["total"][key], "steps": other["total"][key]} for key in COUNTS]
    ratios = one["total"]["ratios"], other["total"]["ratios"]
    rows += [{"": name, **_pair(percent(ratios[0][name]), percent(ratios[1][name]))} for name in FORMULAS]
    rows.append({"": "data", **_pair(one["data"][:23], other["data"][:23])})
    print_rows(("", "records", "steps"), rows, as_json=False)
    for difference in told["differences"]:
        field = difference["field"] or "the call"
        say(f"{difference['call_id']}: {field} is {difference['recorded']} in the records, "
            f"{difference['recounted']} by the steps")  # fmt: skip
    if told["as_expected"] is False:
        say(f"{told['day']}: the records are not those of the report: changed since, or not complete then")
    if told["forgotten_at"]:
        on = ", ".join(at[:10] for at in told["forgotten_at"])
        agree = "as kept" if told["agrees"] else "damaged: not of as many calls as there were"
        say(f"{told['day']}: forgotten on {on}, figures and sum {agree}; there are no steps to hold them against")
    elif told["agrees"]:
        say(f"{told['day']}: records and steps agree to the last of {told['calls']:,} calls")
    else:
        say(f"{told['day']}: {told['differing']} calls differ; the steps are what happened")


def _pair(one: str | None, other: str | None) -> dict[str, str | None]:
    return {"records": one, "steps": other}
