"""What the link counts of itself. Plain numbers since the start of the process; metrics and tests read them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class LinkStats:
    connects: int = 0  # logins that Asterisk accepted
    losses: int = 0
    login_failures: int = 0
    version_refusals: int = 0
    framing_errors: int = 0
    events: int = 0  # read and understood
    field_errors: Counter[str] = field(default_factory=Counter)  # "Event.Header" -> messages dropped
    drift: Counter[str] = field(default_factory=Counter)  # kind -> times our picture was wrong
    stamps_differ: int = 0  # calls whose stamp and channel creation lie more than 0.5 s apart
    unknown_numbers: int = 0  # announced on this link; the dialplan's own count is in `fallback_counts`
    consumer_failures: int = 0  # bugs, each confined to one event
    queue_depth: int = 0
    queue_longest: int = 0

    @property
    def reconnects(self) -> int:
        return max(0, self.connects - 1)
