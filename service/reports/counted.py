"""Calls to counts, in one pass: by dialled number and quarter of an hour, and what a reader of figures should know.

The sum (`data`) is over every call that was counted, in the order of arrival: who has the same sum has the same calls, with
the same times, outcomes and flags. It is the version of the data that a report names.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final

from metrics.counting import Count
from routing.steps import Judgement
from service.reports.periods import Period
from storage.figures import FiguredCall

UNKNOWN_WAIT: Final = -1
Tell = Callable[[int], None]


class Counted:
    """The calls of a period. `places`: (dialled number, place of the quarter or hour from 0) -> count."""

    def __init__(self, period: Period) -> None:
        self.period = period
        self.calls = 0
        self.places: dict[tuple[str, int], Count] = {}
        self.flags: Counter[str] = Counter()
        self.flow_outs: Counter[str] = Counter()
        self.ended_by: Counter[str] = Counter()
        self.fallback: Counter[str] = Counter()
        self.emergency = self.requeued = 0
        self.untimed: list[str] = []  # calls that are in no figure, for nobody knows how long they waited
        self._sum = hashlib.sha256()

    @property
    def data(self) -> str:
        """Version of the data: `sha256:` and 64 digits."""
        return f"sha256:{self._sum.hexdigest()}"

    def add(self, call: FiguredCall) -> None:
        """The next call, in the order of arrival and id."""
        self._sum.update(call.text.encode())
        self.calls += 1
        self._count(call)
        if call.flags:
            self.flags.update(call.flags.split(","))
        if call.judged == Judgement.FLOWED_OUT:
            self.flow_outs[call.fallback_stage or call.outcome or "unknown"] += 1
        if call.ended_by:
            self.ended_by[call.ended_by] += 1
        if call.fallback_stage:
            self.fallback[call.fallback_stage] += 1
        self.emergency += call.emergency
        self.requeued += call.requeued > 0

    def _count(self, call: FiguredCall) -> None:
        place = (call.number, (call.arrived_ms - self.period.since_ms) // self.period.step_ms)
        count = self.places.get(place)
        if count is None:
            count = self.places[place] = Count()
        try:
            count.add(call.judged, UNKNOWN_WAIT if call.wait_ms is None else call.wait_ms)
        except ValueError:
            self.untimed.append(call.call_id)


async def counted(period: Period, batches: AsyncIterator[Iterable[FiguredCall]], tell: Tell | None = None) -> Counted:
    """All of them. `tell`: how many there are by now, after each batch."""
    found = Counted(period)
    async for batch in batches:
        for call in batch:
            found.add(call)
        if tell is not None:
            tell(found.calls)
    return found
