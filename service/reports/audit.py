"""A day once more from its steps: every call, every figure and the sum of the data must come out as `calls` has them.

`calls` is what reports are made from; `call_steps` is what happened. Who says that a figure is wrong is answered by this.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from routing.model import Rules
from service.reports.counted import Counted, Tell, counted
from service.reports.figures import Targets, report
from service.reports.periods import Period
from storage.figures import FiguredCall
from storage.records import Archive

Json = dict[str, Any]
SHOWN: Final = 20  # differences are named so often, and all of them counted


class Difference(NamedTuple):
    """One call. `field`: of `storage.figures.FiguredCall`; "" when one side does not have the call at all."""

    call_id: str
    field: str
    recorded: str
    recounted: str


class Audit(NamedTuple):
    """What `calls` has, what the steps have, and where they differ. Of a forgotten day (`recorded.forgotten`) both are what
    was kept of it."""

    recorded: Counted
    recounted: Counted
    differences: list[Difference]

    @property
    def agrees(self) -> bool:
        """Of a forgotten day: its figures are of as many calls as there were when it was forgotten."""
        kept = self.recorded.forgotten
        whole = not kept or self.recorded.calls == sum(day.calls for day in kept)
        return whole and not self.differences and self.recorded.data == self.recounted.data


async def audit(archive: Archive, period: Period, tell: Tell) -> Audit:
    """Reads all of the period twice. A day fits into memory."""
    since, until = period.since_ms, period.until_ms
    if await archive.forgotten_days(since, until):
        kept = await counted(archive, period, tell)
        return Audit(kept, kept, [])
    recorded = {call.call_id: call async for batch in archive.figured_calls(since, until) for call in batch}
    tell(len(recorded))
    recounted = {call.call_id: call async for batch in archive.recounted_calls(since, until) for call in batch}
    missing = await archive.recounted(recorded.keys() - recounted.keys())
    recounted |= {call.call_id: call for call in missing if since <= call.arrived_ms < until}
    return Audit(
        _counted(period, recorded.values()), _counted(period, recounted.values()), _differences(recorded, recounted)
    )


def _counted(period: Period, calls: Iterable[FiguredCall]) -> Counted:
    found = Counted(period)
    for call in sorted(calls, key=lambda call: (call.arrived_ms, call.call_id)):
        found.add(call)
    return found


def _differences(recorded: dict[str, FiguredCall], recounted: dict[str, FiguredCall]) -> list[Difference]:
    found = []
    for call_id in sorted(recorded.keys() | recounted.keys()):
        one, other = recorded.get(call_id), recounted.get(call_id)
        if one is None or other is None:
            found.append(Difference(call_id, "", _there(one), _there(other)))
        elif one != other:
            pairs = zip(FiguredCall._fields, one, other, strict=True)
            found += [Difference(call_id, name, str(a), str(b)) for name, a, b in pairs if a != b]
    return found


def _there(call: FiguredCall | None) -> str:
    return "missing" if call is None else "there"


def told(found: Audit, rules: Rules, wanted: Targets) -> Json:
    """Both sums, both figures, and the differences."""
    recorded, recounted = report(found.recorded, rules, wanted), report(found.recounted, rules, wanted)
    return {
        "day": recorded["title"],
        "agrees": found.agrees,
        "calls": recorded["calls"],
        "recorded": {"data": recorded["data"], "total": recorded["total"]},
        "recounted": {"data": recounted["data"], "total": recounted["total"]},
        "forgotten_at": [found.recorded.period.local(day.at_ms).isoformat() for day in found.recorded.forgotten],
        "differing": len({one.call_id for one in found.differences}),
        "differences": [one._asdict() for one in found.differences[:SHOWN]],
    }
