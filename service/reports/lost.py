"""Lost calls as debts: who was not answered, and has not spoken to a person since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from service.reports.periods import Period
from storage.lost import LostCall

Json = dict[str, Any]
REDIAL: Final = "called again"
CALL_BACK: Final = "called back"


def report(calls: Sequence[LostCall], period: Period) -> Json:
    """`not_served`: citizens, each once however often he called, and every call of a withheld number."""
    return {
        "title": period.title,
        "lost": len(calls),
        "called_again": sum(_by(call) == REDIAL for call in calls),
        "called_back": sum(_by(call) == CALL_BACK for call in calls),
        "withheld": sum(call.withheld for call in calls if call.served_ms is None),
        "not_served": citizens(calls).not_served,
        "calls": [_told(call, period) for call in calls],
    }


class Citizens(NamedTuple):
    """Behind lost calls: how many, and of them those who spoke to a person since, and those who did not."""

    lost: int
    served: int
    not_served: int


def citizens(calls: Sequence[LostCall]) -> Citizens:
    """Each number once, and every call of a withheld number. Who was lost again after he was served is not served."""
    everybody, owed = (_who(found) for found in (calls, [call for call in calls if call.served_ms is None]))
    return Citizens(everybody, everybody - owed, owed)


def _who(calls: Sequence[LostCall]) -> int:
    return len({call.caller for call in calls if not call.withheld}) + sum(call.withheld for call in calls)


def sentence(found: Json) -> str:
    withheld = f", {found['withheld']} of them by a withheld number" if found["withheld"] else ""
    return (
        f"{found['title']}: {found['lost']} lost calls; {found['called_again']} callers got through later, "
        f"{found['called_back']} were called back; citizens not served: {found['not_served']}{withheld}"
    )


def _told(call: LostCall, period: Period) -> Json:
    served = call.served_ms
    return {
        "call_id": call.call_id,
        "number": call.number,
        "arrived_at": period.local(call.arrived_ms).isoformat(),
        "wait_s": None if call.wait_ms is None else call.wait_ms / 1000,
        "judged": call.judged,
        "withheld": call.withheld,
        "served_at": None if served is None else period.local(served).isoformat(),
        "served_by": _by(call),
    }


def _by(call: LostCall) -> str | None:
    if call.served_ms is None:
        return None
    return REDIAL if call.served_ms == call.redialled_ms else CALL_BACK
