"""Many cells, one after the other in each lane, the lanes side by side."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from sandbox.waiting import until
from service.cli.stage import Stage
from storage.queries import CallRecord
from storage.schema import handoffs
from tests.e2e import evidence
from tests.e2e.evidence import Row
from tests.e2e.joining.cells import DIALS, LEGAL, Cell
from tests.e2e.joining.lanes import MOST, Lane, Lanes
from tests.e2e.joining.pairs import pairwise
from tests.e2e.joining.play import Play

_OWN: Final = frozenset(verb.replace("-", "_") for verb in LEGAL if verb not in DIALS)  # without a third party


@dataclass(frozen=True, slots=True)
class Result:
    """How a cell ended. `wrong`: in what it was not as it should be; "" when all was right."""

    cell: Cell
    end: str
    wrong: str = ""

    def __str__(self) -> str:
        return f"WRONG {self.wrong}" if self.wrong else f"{self.cell}: {self.end}"


def pairwise_part(all_cells: Sequence[Cell]) -> list[Cell]:
    """So many that every two of state, act, leaver, moment, kind and so on that can meet do meet."""
    rows = [
        (cell.state, cell.act, cell.leaver, cell.moment, cell.kind, cell.routes, cell.keys, cell.dies)
        for cell in all_cells
    ]
    return [all_cells[index] for index in pairwise(rows)]


async def play_all(
    lanes: Lanes, chosen: Sequence[Cell], tell: Callable[[Result, int], None] = lambda result, number: None
) -> list[Result]:
    """Plays them all; `tell` is called with each result and how many there are. A lane whose cell went wrong gets new
    phones, so that the next does not pay for it.
    """
    waiting, results = list(reversed(chosen)), list[Result]()

    async def drive(lane: Lane) -> None:
        while waiting:
            cell = waiting.pop()
            result = await _play(lanes, lane, cell)
            results.append(result)
            tell(result, len(results))
            if result.wrong:
                await lanes.renew(lane)

    await asyncio.gather(*(drive(lane) for lane in lanes.all))
    return results


async def _play(lanes: Lanes, lane: Lane, cell: Cell) -> Result:
    try:
        return Result(cell, str(await Play(lanes, lane, cell).run()))
    except Exception as problem:  # whatever it is, it is this cell's, and the others go on
        return Result(cell, "", f"{cell}: {type(problem).__name__} {problem}")


async def agree(stage: Stage, played: int) -> None:
    """Records and metrics tell of the same calls, and nothing happened that the service itself calls a bug or a loss."""
    lines = {f"{Lane(index).line}" for index in range(MOST)}

    async def settled() -> list[CallRecord]:
        found = [call for call in await stage.calls() if call.number in lines]
        return found if len(found) == played and all(call.outcome for call in found) else []

    records = await stage.until(settled, 20, f"{played} records of ended calls")
    assert isinstance(records, list)
    counted = await stage.metrics()
    for name in ("hotline_calls_offered_total", "hotline_calls_judged_total"):
        by_line = Counter[str]()
        for key, value in counted.items():
            if key.startswith(f"{name}{{") and (line := key.split('line="')[1].split('"')[0]) in lines:
                by_line[line] += int(value)
        assert by_line == Counter(call.number for call in records), name
    bad = ("hotline_bugs_total", "hotline_illegal_transitions_total", "hotline_records_lost_total")
    assert {key: value for key, value in counted.items() if key.startswith(bad) and value} == {}
    await _same_acts(stage)


async def _same_acts(stage: Stage) -> None:
    """The metrics of acts and of third parties count what the rows of `handoffs` say; an act may have several legs."""

    async def differences() -> list[str]:
        counted, told = await stage.metrics(), _told(await evidence.rows(stage, select(handoffs)))
        both = [(name, rows, _samples(counted, name, labels)) for (name, *labels), rows in told.items()]
        last[:] = [f"{name}: rows {rows}, metric {metric}" for name, rows, metric in both if rows != metric]
        return last

    async def same() -> bool:
        return not await differences()

    last: list[str] = []
    try:
        await until(same, 20)
    except AssertionError:
        raise AssertionError("; ".join(last)) from None


def _told(rows: Sequence[Row]) -> dict[tuple[str, ...], Counter[tuple[str, ...]]]:
    """(metric, its labels) -> what it should say. Only acts towards a third party have rows."""
    acts = list({(row["call_id"], row["act"]): row for row in rows}.values())
    emergencies = [act for act in acts if act["verb"] == "emergency"]
    return {
        ("hotline_joins_total", "verb", "outcome"): Counter((act["verb"], act["act_outcome"]) for act in acts),
        ("hotline_emergency_handoffs_total", "target", "outcome"): Counter(
            (act["target"], act["act_outcome"]) for act in emergencies
        ),
        ("hotline_thirds_total", "kind", "outcome"): Counter(
            (row["target_kind"], row["outcome"]) for row in rows if row["leg"]
        ),
    }


def _samples(counted: Mapping[str, float], name: str, labels: Sequence[str]) -> Counter[tuple[str, ...]]:
    """By the values of these labels; what is 0 is left out, and so are acts among those who are there."""
    mine = {key: int(value) for key, value in counted.items() if key.startswith(f"{name}{{") and value}
    found = ((dict(re.findall(r'(\w+)="([^"]*)"', key)), value) for key, value in mine.items())
    return Counter(
        {tuple(told[label] for label in labels): value for told, value in found if told.get("verb") not in _OWN}
    )
