"""What a configuration says about call-backs of lost calls: whoever calls people who did not ask for it has decided so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from service.settings_findings import Finding, warning

if TYPE_CHECKING:
    from service.settings import Settings


def lost_calls(settings: Settings) -> Iterator[Finding]:
    decided = settings.callbacks.lost_calls_decision.strip()
    for index, line in enumerate(settings.lines):
        if line.lost_calls and not decided:
            yield Finding(
                ("line", index, "lost_calls"),
                "calls people back who did not agree to it",
                "lost_calls_decision in [callbacks]: who decided it, and when",
            )
    if decided and not any(line.lost_calls for line in settings.lines):
        yield warning(("callbacks", "lost_calls_decision"), "is for no line: none has lost_calls = true")
