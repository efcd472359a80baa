"""A declared surge: for a while wrap-up is shorter and the reserve rings from the start. Declared by a person, never by us.

The rules of a surge are the configured ones with other values, so its end is the configured rules again and nothing has
to be taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from routing.model import Line, Ring, Rules, SurgeRules
from routing.need import Either, InGroup, Need


def in_surge(rules: Rules) -> Rules:
    """The rules while a surge lasts."""
    how = rules.surge
    timing = replace(rules.timing, wrap_up_s=min(rules.timing.wrap_up_s, how.wrap_up_s))
    return replace(rules, timing=timing, lines={number: _line(line, how) for number, line in rules.lines.items()})


def _line(line: Line, how: SurgeRules) -> Line:
    first, *later = line.rings
    wider = Ring(first.after_s, _either(first.need, how.groups))
    own = None if line.wrap_up_s is None else min(line.wrap_up_s, how.wrap_up_s)
    return replace(line, rings=(wider, *later), wrap_up_s=own)


def _either(need: Need, groups: Sequence[str]) -> Need:
    return Either((need, *(InGroup(group) for group in groups))) if groups else need
