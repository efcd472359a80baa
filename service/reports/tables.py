"""Figures as rows of text: for the terminal, for CSV and for the page alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from metrics.measures import HEADLINE
from service.reports.figures import ALL
from service.reports.words import Language, formula_word, word

Row = dict[str, str | int | float | None]
FIGURES: Final = (
    "offered", "answered", "in_time", "ratio", "connect", "mean_s", "p95_s", "max_s", "abandoned", "short_abandoned",
    "flowed_out", "failed", "restricted", "test", "waiting",
)  # fmt: skip


class TableName(StrEnum):
    """Which part of a report."""

    NUMBERS = "numbers"
    ZONES = "zones"
    INTERVALS = "intervals"
    DAYS = "days"
    BANDS = "bands"
    FORMULAS = "formulas"


def rows(report: Mapping[str, Any], table: TableName, language: Language) -> list[Row]:
    """Keys are the columns' headings, in their order."""
    return [{word(key, language): value for key, value in row.items()} for row in _MAKE[table](report, language)]


def agent_rows(found: Iterable[Mapping[str, Any]], language: Language) -> list[Row]:
    """One row an agent."""
    return [{word(key, language): value for key, value in _agent(one).items()} for one in found]


def _agent(one: Mapping[str, Any]) -> Row:
    return {
        "agent": one["agent"], "name": one["name"], "signed_in": one["signed_in_h"], "paused": one["paused_h"],
        "talking": one["talking_h"], "wrap_up": one["wrap_up_h"], "talks": one["talks"],
        "handle": one["handle_s"] and round(one["handle_s"], 1), "answered": one["answered"], "missed": one["missed"],
        "occupancy": percent(one["occupancy"]), "adherence": percent(one["adherence"]),
    }  # fmt: skip


def lost_rows(found: Iterable[Mapping[str, Any]], language: Language) -> list[Row]:
    """One row a lost call."""
    return [{word(key, language): value for key, value in _lost(one).items()} for one in found]


def _lost(one: Mapping[str, Any]) -> Row:
    served = one["served_at"] and f"{one['served_at'][:19].replace('T', ' ')}, {one['served_by']}"
    return {
        "call": one["call_id"], "from": one["arrived_at"][:19].replace("T", " "), "number": one["number"],
        "wait_s": one["wait_s"], "served": "withheld number" if one["withheld"] else served,
    }  # fmt: skip


def percent(ratio: float | None) -> str | None:
    """`0.95604` -> `95.60 %`: never rounded up to a target that was missed."""
    return None if ratio is None else f"{int(ratio * 10_000 + 1e-9) / 100:.2f} %"


def _figures(found: Mapping[str, Any]) -> Row:
    ratios = found["ratios"]
    told = {"ratio": percent(ratios[HEADLINE]), "connect": percent(ratios["connect"])}
    return {key: told[key] if key in told else found[key] for key in FIGURES}


def _numbers(report: Mapping[str, Any], language: Language) -> Iterator[Row]:
    for one in report["numbers"]:
        yield {"number": one["number"], "name": one["name"], **_figures(one)}
    yield {"number": word(ALL, language), "name": None, **_figures(report["total"])}


def _zones(report: Mapping[str, Any], _: Language) -> Iterator[Row]:
    return ({"zone": one["zone"], **_figures(one)} for one in report["zones"])


def _intervals(report: Mapping[str, Any], _: Language) -> Iterator[Row]:
    return ({"from": one["from"][:16].replace("T", " "), **_figures(one)} for one in report["intervals"])


def _days(report: Mapping[str, Any], _: Language) -> Iterator[Row]:
    return ({"day": one["day"], **_figures(one)} for one in report["days"])


def _bands(report: Mapping[str, Any], _: Language) -> Iterator[Row]:
    for band in report["bands"]:
        yield {"band": band_text(band), "answered": band["answered"], "abandoned": band["abandoned"]}


def band_text(band: Mapping[str, Any]) -> str:
    low, high = band["from_ms"] // 1000, band["to_ms"]
    return f"> {low} s" if high is None else f"{low}–{high // 1000} s"


def _formulas(report: Mapping[str, Any], language: Language) -> Iterator[Row]:
    for formula, ratio in report["total"]["ratios"].items():
        yield {"formula": formula, "what": formula_word(formula, language), "value": percent(ratio)}


_MAKE: Final = {
    TableName.NUMBERS: _numbers,
    TableName.ZONES: _zones,
    TableName.INTERVALS: _intervals,
    TableName.DAYS: _days,
    TableName.BANDS: _bands,
    TableName.FORMULAS: _formulas,
}
