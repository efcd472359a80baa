"""What `[retention]` and the tables beside it say about each other: nothing may outlive the call that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from service.settings_findings import Finding

if TYPE_CHECKING:
    from service.settings import Settings

_OF_CALLS: Final = ("numbers_days", "intakes_days")


def ages(settings: Settings) -> Iterator[Finding]:
    table = settings.retention
    if not table.calls_days:
        return
    for key in _OF_CALLS:
        if getattr(table, key) > table.calls_days:
            allowed = f"at most {table.calls_days}, or 0: as long as the calls"
            yield Finding(("retention", key), "is longer than calls_days, with which they go", allowed)
    keep_days = settings.recording.keep_days
    if settings.recording.enabled and (not keep_days or keep_days > table.calls_days):
        text = "is longer than calls_days of [retention]: recordings of calls that nobody knows any more"
        yield Finding(("recording", "keep_days"), text, f"1 to {table.calls_days}")
