"""What a configuration says about cases that are dialled: whether a number can be told from a line and a case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from service.settings_findings import Finding

if TYPE_CHECKING:
    from service.settings import Settings


def case_prefixes(settings: Settings) -> Iterator[Finding]:
    """Prefix, line and case are dialled in one: no line may begin as another one does there."""
    numbers = sorted(line.number for line in settings.lines)
    for index, trunk in enumerate(settings.trunks):
        if not trunk.case_prefix:
            continue
        path = ("trunk", index, "case_prefix")
        if not trunk.takes_cases:
            yield Finding(path, "is of a trunk whose calls bring no case", "cases = true beside it")
        shorter = next(((a, b) for a in numbers for b in numbers if a != b and b.startswith(a)), None)
        if shorter is not None:
            yield Finding(
                path, f"cannot tell [[line]] {shorter[1]} from {shorter[0]} with a case", "the SIP header alone"
            )
        alike = [(a, b) for a in numbers for b in numbers if b.startswith(trunk.case_prefix + a)]
        if alike:
            yield Finding(path, f"makes [[line]] {alike[0][1]} a case of {alike[0][0]}", "other digits")
