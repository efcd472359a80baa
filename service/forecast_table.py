"""A forecast beside what arrived, as the API, the wallboard and `hotline forecast` give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import Any, Final

from routing.forecast import FEWEST_DAYS, QUARTER_S, QUARTERS, Counts, Forecast, NoForecast
from routing.model import Line
from routing.suggesting import Suggestion
from service.history import day_of, quarter_of
from service.today import shown_name

WHOLE: Final = ""  # the name of the whole hotline among the lines
HOW: Final = "hotline surge start --for 1h --reason …"

Known = Forecast | NoForecast
Json = dict[str, Any]


def names(lines: Mapping[str, Line]) -> dict[str, str]:
    """What may be asked for, with the names shown to people."""
    return {WHOLE: "the whole hotline", **{number: shown_name(line) for number, line in lines.items()}}


def table(known: Known, line: str, name: str, counts: Counts | None, now: float, zone: tzinfo) -> Json:
    """One day. `counts`: what arrived, None when the day is still to come."""
    made = known if isinstance(known, Forecast) else None
    begun = 0 if counts is None else _begun(known.day, now, zone)
    return {
        "day": known.day.isoformat(),
        "kind": known.kind.value,
        "line": line or None,
        "name": name,
        "forecast": None if made is None else _made(made, now, zone),
        "why_none": why_none(known) if isinstance(known, NoForecast) else None,
        "arrived": None if counts is None else sum(counts[:begun]),
        "quarters": [_quarter(made, counts, quarter, begun) for quarter in range(QUARTERS)],
    }


def _begun(day: date, now: float, zone: tzinfo) -> int:
    """How many quarters of an hour of this day have begun."""
    today = day_of(now, zone)
    if day != today:
        return QUARTERS if day < today else 0
    return quarter_of(now, zone) + 1


def _made(made: Forecast, now: float, zone: tzinfo) -> Json:
    return {
        "total": round(made.total, 1),
        "until_now": round(until(made, now, zone), 1),
        "like": [day.isoformat() for day in made.like],
        "own_kind": made.own,
        "level": round(made.level, 3),
        "spread": round(made.spread, 3),
    }


def until(made: Forecast, now: float, zone: tzinfo) -> float:
    """Calls expected up to now; the quarter of an hour that is going on in part."""
    begun = _begun(made.day, now, zone)
    if begun == 0 or made.day != day_of(now, zone):
        return sum(made.quarters[:begun])
    gone = (now % QUARTER_S) / QUARTER_S
    return sum(made.quarters[: begun - 1]) + gone * made.quarters[begun - 1]


def _quarter(made: Forecast | None, counts: Counts | None, quarter: int, begun: int) -> Json:
    low, high = (None, None) if made is None else made.band(quarter)
    return {
        "at": f"{quarter // 4:02}:{quarter % 4 * 15:02}",
        "expected": None if made is None else round(made.quarters[quarter], 2),
        "low": low,
        "high": high,
        "arrived": None if counts is None or quarter >= begun else counts[quarter],
    }


def why_none(known: NoForecast) -> str:
    days = "no day is" if known.have == 0 else "1 day is" if known.have == 1 else f"{known.have} days are"
    return f"no forecast: {days} recorded that this {known.kind} could be like, {FEWEST_DAYS} are needed"


def outlook(today: Json) -> Json:
    """Today in short, for the wallboard and `hotline status`: hours instead of quarters."""
    made, quarters = today["forecast"], today["quarters"]
    hours = [quarters[first : first + 4] for first in range(0, QUARTERS, 4)]
    return {
        "total": made and made["total"],
        "until_now": made and made["until_now"],
        "arrived": today["arrived"],
        "why_none": today["why_none"],
        "hours": [{"expected": _sum(hour, "expected"), "arrived": _sum(hour, "arrived")} for hour in hours],
    }


def _sum(quarters: Sequence[Json], key: str) -> float | None:
    known = [quarter[key] for quarter in quarters if quarter[key] is not None]
    return round(sum(known), 1) if known else None


def suggested(suggestion: Suggestion | None, zone: tzinfo) -> Json | None:
    """The suggestion in words: what is seen, and what a person may type."""
    if suggestion is None:
        return None
    at = f"{datetime.fromtimestamp(suggestion.since, zone):%H:%M}"
    return {
        "since": float(suggestion.since),
        "at": at,
        "percent": suggestion.percent,
        "callers": suggestion.callers,
        "expected": round(suggestion.expected, 1),
        "text": f"arrivals are {suggestion.percent} % above forecast since {at}; to declare a surge type: {HOW}",
    }
