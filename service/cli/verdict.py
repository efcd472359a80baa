"""Three counts of the same calls, compared: what the callers saw, what the records hold, what `/metrics` says.

All three count by dialled number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from metrics.measures import percentile
from sandbox.trace import Leg
from storage.queries import LineFigures

# A caller's own clock runs from its INVITE to its 200: some milliseconds more than from channel to bridge.
EDGE_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Seen:
    """What callers of one number saw; `edge`: answered so near to the target that either side of it is right."""

    offered: int = 0
    answered: int = 0
    in_time: int = 0
    abandoned: int = 0
    edge: int = 0
    answer_s: tuple[float, ...] = ()

    def quantile(self, share: float) -> float | None:
        return percentile(self.answer_s, share) if self.answer_s else None

    def __add__(self, other: Seen) -> Seen:
        return Seen(
            self.offered + other.offered,
            self.answered + other.answered,
            self.in_time + other.in_time,
            self.abandoned + other.abandoned,
            self.edge + other.edge,
            self.answer_s + other.answer_s,
        )


def by_callers(legs: Iterable[Leg], within_s: float) -> dict[str, Seen]:
    """Dialled number -> what its callers saw. A call that was neither answered nor given up counts as offered only."""
    found: dict[str, Seen] = {}
    for leg in legs:
        one = Seen(offered=1)
        if leg.answer_s is not None:
            edge = abs(leg.answer_s - within_s) <= EDGE_S
            one = Seen(1, 1, int(leg.answer_s <= within_s), 0, int(edge), (leg.answer_s,))
        elif leg.cancelled_at is not None:
            one = replace(one, abandoned=1)
        found[leg.number] = found.get(leg.number, Seen()) + one
    return found


def disagreements(
    callers: Mapping[str, Seen],
    records: Mapping[str, LineFigures],
    metrics: Mapping[str, Mapping[str, float]],
) -> list[str]:
    """One sentence for each count that differs; none is the verdict "agree".

    `metrics`: number -> offered, in_time, late, abandoned as `/metrics` has them.
    """
    found = []
    for number in sorted({*callers, *records}):
        seen, kept = callers.get(number, Seen()), records.get(number, LineFigures(number))
        for what in ("offered", "answered", "abandoned"):
            if getattr(seen, what) != getattr(kept, what):
                found.append(
                    f"{number}: callers saw {getattr(seen, what)} {what}, the records have {getattr(kept, what)}"
                )
        if abs(seen.in_time - kept.in_time) > seen.edge:
            found.append(f"{number}: callers saw {seen.in_time} in time, the records have {kept.in_time}")
    return found + _against_metrics(records, metrics)


def _against_metrics(records: Mapping[str, LineFigures], metrics: Mapping[str, Mapping[str, float]]) -> list[str]:
    found = []
    for number in sorted({*records, *metrics}):
        kept = records.get(number, LineFigures(number))
        counts = {
            "offered": kept.offered,
            "in_time": kept.in_time,
            "late": kept.judged.get("late", 0),
            "abandoned": kept.abandoned,
        }
        for what, count in counts.items():
            told = int(metrics.get(number, {}).get(what, 0))
            if told != count:
                found.append(f"{number}: the records have {count} {what}, /metrics says {told}")
    return found
