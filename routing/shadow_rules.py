"""What of other rules can be held against the decisions of the live ones, one by one.

A shadow looks at the live hotline: who waits, who is free. So everything that makes people free or busy is the live
rules': wrap-up, pauses, ring time, notice, and who works there. What chooses is the other rules': rings, zones, rosters,
order of callers. What the first would change cannot be seen decision by decision; `not_compared` names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, Final

from routing.model import Line, Rules, SeatProfile, Trunk

CHOOSING_TIMES: Final = ("ring_several_after_s", "redial_keeps_place_s", "class_worth_s")
CHOOSING_OF_A_SEAT: Final = ("groups", "lines")
CHOOSING_OF_A_LINE: Final = ("rings", "zone", "priority", "last_agent_s", "answer_within_s", "ratio")


def over(live: Rules, other: Rules) -> Rules:
    """The live rules with what chooses taken from the others. A line or seat that the others do not have stays."""
    return replace(
        live,
        timing=_taken(live.timing, other.timing, CHOOSING_TIMES),
        lines={number: _line(line, other.lines.get(number)) for number, line in live.lines.items()},
        seats={id_: _seat(seat, other.seats.get(id_)) for id_, seat in live.seats.items()},
        trunks={name: _trunk(trunk, other.trunks.get(name)) for name, trunk in live.trunks.items()},
        zones=other.zones,
        roster=other.roster,
        surge=replace(live.surge, groups=other.surge.groups),
    )


def _taken(mine: Any, theirs: Any, names: tuple[str, ...]) -> Any:
    return replace(mine, **{name: getattr(theirs, name) for name in names})


def _line(line: Line, other: Line | None) -> Line:
    found: Line = line if other is None else _taken(line, other, CHOOSING_OF_A_LINE)
    return found


def _seat(seat: SeatProfile, other: SeatProfile | None) -> SeatProfile:
    found: SeatProfile = seat if other is None else _taken(seat, other, CHOOSING_OF_A_SEAT)
    return found


def _trunk(trunk: Trunk, other: Trunk | None) -> Trunk:
    return trunk if other is None else replace(trunk, priority=other.priority)


def not_compared(live: Rules, other: Rules) -> list[str]:
    """What differs and is not held against the live decisions, as `timing.wrap_up_s 10 -> 30`."""
    found = list(_differing("timing", live.timing, other.timing, CHOOSING_TIMES))
    for number in live.lines.keys() & other.lines.keys():
        known = (*CHOOSING_OF_A_LINE, "number", "name", "owner", "subject", "duty")
        found += _differing(f"line {number}", live.lines[number], other.lines[number], known)
    for name in live.trunks.keys() & other.trunks.keys():
        found += _differing(f"trunk {name}", live.trunks[name], other.trunks[name], ("priority",))
    found += _differing("surge", live.surge, other.surge, ("groups",))
    found += _differing("restrictions", live.restricting, other.restricting, ())
    return sorted(found)


def _differing(where: str, mine: Any, theirs: Any, compared: tuple[str, ...]) -> Iterator[str]:
    for field in fields(mine):
        before, after = getattr(mine, field.name), getattr(theirs, field.name)
        if field.name not in compared and before != after:
            yield f"{where}.{field.name} {_shown(before)} -> {_shown(after)}"


def _shown(value: object) -> str:
    return "unset" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
