"""What a reader of figures should know beside them, counted over calls; and a quarter of an hour with all that is counted
of it, which can be kept without its calls (`storage.kept_days`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from metrics.counting import Count
from routing.steps import Judgement
from storage.figures import FiguredCall

UNKNOWN_WAIT: Final = -1
_WAITS: Final = ("answered", "abandoned")
_COUNTS: Final = ("flowed_out", "failed", "restricted", "test", "waiting")
_WORDS: Final = ("flags", "flow_outs", "ended_by", "fallback")
_SUMS: Final = ("emergency", "requeued")


class Remarks:
    """`untimed`: calls that are in no figure, for nobody knows how long they waited."""

    def __init__(self) -> None:
        self.flags: Counter[str] = Counter()
        self.flow_outs: Counter[str] = Counter()
        self.ended_by: Counter[str] = Counter()
        self.fallback: Counter[str] = Counter()
        self.emergency = self.requeued = 0
        self.untimed: list[str] = []

    def add(self, call: FiguredCall) -> None:
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

    def count_in(self, count: Count, call: FiguredCall) -> None:
        """The call in `count`, or among those that have no usable time."""
        try:
            count.add(call.judged, UNKNOWN_WAIT if call.wait_ms is None else call.wait_ms)
        except ValueError:
            self.untimed.append(call.call_id)

    def join(self, other: Remarks) -> None:
        for name in _WORDS:
            getattr(self, name).update(getattr(other, name))
        self.emergency += other.emergency
        self.requeued += other.requeued
        self.untimed += other.untimed


class Quarter:
    """Calls to one number in a quarter of an hour."""

    def __init__(self) -> None:
        self.count, self.remarks = Count(), Remarks()

    def add(self, call: FiguredCall) -> None:
        self.remarks.count_in(self.count, call)
        self.remarks.add(call)

    @property
    def calls(self) -> int:
        count = self.count
        waits = len(count.answered_ms) + len(count.abandoned_ms) + len(self.remarks.untimed)
        return waits + sum(int(getattr(count, name)) for name in _COUNTS)

    def body(self) -> dict[str, Any]:
        """As it is kept."""
        count, remarks = self.count, self.remarks
        waits = {name: list(getattr(count, f"{name}_ms")) for name in _WAITS}
        words = {name: dict(getattr(remarks, name)) for name in _WORDS}
        numbers = {name: getattr(count, name) for name in _COUNTS} | {name: getattr(remarks, name) for name in _SUMS}
        return {key: it for key, it in {**waits, **numbers, **words, "untimed": remarks.untimed}.items() if it}


def quarter_of(body: Mapping[str, Any]) -> Quarter:
    """What was kept."""
    found = Quarter()
    for name in _WAITS:
        getattr(found.count, f"{name}_ms").extend(body.get(name, ()))
    for name in _COUNTS:
        setattr(found.count, name, body.get(name, 0))
    for name in _WORDS:
        getattr(found.remarks, name).update(body.get(name, {}))
    for name in _SUMS:
        setattr(found.remarks, name, body.get(name, 0))
    found.remarks.untimed += body.get("untimed", ())
    return found
