"""The worked example of docs/figures.md, in both languages, computed from what the page says happened."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metrics.counting import Count
from metrics.measures import FORMULAS
from metrics.working import Span, Stay, Working, adherence, handle_s, occupancy
from routing.agent_state import AgentState as S
from routing.steps import Judgement as J
from service.reports.figures import CONNECT_24H
from service.reports.tables import band_text, percent

DOCS = Path(__file__).parents[3] / "docs"
MINUTE = 60_000


@pytest.fixture(params=["figures.md", "figures.zh-CN.md"])
def page(request: pytest.FixtureRequest) -> str:
    return (DOCS / request.param).read_text("utf-8")


@pytest.fixture
def day(page: str) -> Count:
    """The calls that the page tells of."""
    found = re.findall(r"^\* [^:：\n]+[:：] ?((?:\d+\.\d{3}(?:, )?)+)", page, re.MULTILINE)
    assert len(found) == 2
    count = Count()
    for judged, waits in zip((J.IN_TIME, J.ABANDONED), found, strict=True):
        for wait in waits.split(","):
            count.add(judged, round(float(wait) * 1000))
    for other in (J.FLOWED_OUT, J.FAILED, J.RESTRICTED, J.TEST, None):
        count.add(other, 0)
    return count


def rows(page: str, cells: int) -> dict[str, list[str]]:
    """First cell -> the others, of the tables with so many columns."""
    tables = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in page.splitlines() if line[:1] == "|"]
    return {row[0].strip("`"): row[1:] for row in tables if len(row) == cells}


def test_every_formula_is_there_with_the_value_that_it_gives(page: str, day: Count) -> None:
    tally = day.tally(threshold_ms=15_000)
    told = {name: cells[2] for name, cells in rows(page, 5).items() if cells[2].endswith("%")}
    formulas = {**FORMULAS, CONNECT_24H: FORMULAS["connect"]}
    assert told == {name: percent(formula(tally)) for name, formula in formulas.items()}
    for name, cells in rows(page, 5).items():
        if name in formulas:
            part, whole = map(int, cells[1].split(" / "))
            assert formulas[name](tally) == pytest.approx(part / whole), name


def test_bands_and_times(page: str, day: Count) -> None:
    bands = {name: cells for name, cells in rows(page, 3).items() if name.endswith(" s")}
    assert bands == {band_text(band._asdict()): [str(band.answered), str(band.abandoned)] for band in day.bands()}
    times = day.times()
    assert times is not None
    told = {name: cells[1] for name, cells in rows(page, 3).items() if cells[1].endswith(" s")}
    found = {"mean": times.mean_s, "p50": times.p50_s, "p95": times.p95_s, "max": times.max_s}
    assert told == {name: f"{value:.3f} s" for name, value in found.items()}


def test_people(page: str) -> None:
    minutes = [
        (S.READY, 135),
        (S.RINGING, 3),
        (S.TALKING, 20),
        (S.TALKING, 20),
        (S.TALKING, 20),
        (S.WRAP_UP, 12),
        (S.PAUSED, 30),
    ]
    begin, end = 8 * 60 * MINUTE, 12 * 60 * MINUTE
    working, at = Working(0, 24 * 60 * MINUTE, 15 * MINUTE), begin
    for state, length in minutes:
        working.add(Stay("a", state, "", at, at + length * MINUTE))
        at += length * MINUTE
    assert at == end
    work = working.agents["a"]
    told = {name: cells[2] for name, cells in rows(page, 4).items()}
    assert told["AHT"] == f"{handle_s(work):.1f} s"
    assert told["occupancy"] == percent(occupancy(work))
    assert told["adherence"] == percent(adherence(work, [Span(begin, end + 30 * MINUTE)]))
