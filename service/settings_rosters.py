"""What the `[[roster]]` tables of a configuration say about each other and about lines, seats and people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Final

from routing.coverage import Gap, gaps
from routing.model import Mode
from routing.roster import DAY_S, WEEKDAYS, Days, Shift
from routing.workdays import DayKind, kinds_of
from service.settings_findings import Finding, known_groups, known_zones, unknown, warning
from service.settings_lines import Path
from service.settings_problems import nearest
from service.settings_tables import RosterTable

if TYPE_CHECKING:
    from service.settings import Settings

NAMED_AT_MOST: Final = 4  # gaps of one line that are told
KIND_WORDS: Final = {
    DayKind.WORKDAY: "workdays",
    DayKind.WEEKEND: "weekends",
    DayKind.HOLIDAY: "holidays",
    DayKind.MOVED: "moved workdays",
}


def rosters(settings: Settings) -> Iterator[Finding]:
    """Names that do not exist, and keys that contradict each other."""
    served = [line.number for line in settings.lines if line.mode is not Mode.MERGED]
    merged = {line.number: line.into for line in settings.lines if line.mode is Mode.MERGED}
    people = [agent.id for agent in settings.agents]
    for index, table in enumerate(settings.rosters):
        path: Path = ("roster", index)
        for place, number in enumerate(table.lines):
            if number in merged:
                yield Finding((*path, "lines", place), f"names a merged line: name {merged[number]}, which serves it")
            elif number not in served:
                yield unknown((*path, "lines", place), "line", number, served)
        for place, agent in enumerate(table.agents):
            if agent not in people:
                yield unknown((*path, "agents", place), "agent", agent, people)
        yield from _people(settings, path, table)
        yield from _keys(path, table)


def _people(settings: Settings, path: Path, table: RosterTable) -> Iterator[Finding]:
    groups, zones = sorted(known_groups(settings)), sorted(known_zones(settings))
    if table.group is not None and table.group not in groups:
        text = f'names the group "{table.group}", and no seat is in it{nearest(table.group, groups)}'
        yield Finding((*path, "group"), text, ", ".join(groups))
    if table.zone is not None and table.zone not in zones:
        yield unknown((*path, "zone"), "zone", table.zone, zones)


def _keys(path: Path, table: RosterTable) -> Iterator[Finding]:
    given = table.model_fields_set
    if table.dates and table.days:
        yield Finding((*path, "dates"), "cannot stand beside days", "either days or dates")
    if table.off and not table.dates:
        yield Finding((*path, "off"), "needs dates: who has no shift on other days needs no roster for them", "dates")
    if table.off and table.first:
        yield Finding((*path, "first"), "cannot stand beside off", "either first or off")
    if table.off and {"from_", "to"} & given:
        yield Finding((*path, "off"), "is for whole days and cannot stand beside from and to", "no from, no to")
    if table.first and not (table.group or table.zone or table.agents):
        yield Finding((*path, "first"), "needs people: all cannot come before all others", "group, zone or agents")


def overlaps(settings: Settings) -> Iterator[Finding]:
    """The same people twice at the same time for one line: hardly meant, as one of both would do."""
    shifts = [table.model() for table in settings.rosters]
    for (first, one), (second, other) in combinations(enumerate(shifts), 2):
        if one == other:
            yield Finding(("roster", second), f"is the same as roster[{first}]", "each only once")
        elif _meet(one, other):
            yield warning(("roster", second), f"has the same people at the same hours as roster[{first}]")


def _meet(one: Shift, other: Shift) -> bool:
    """Both weekly or both dated; a dated one is meant to stand instead of a weekly one."""
    lines = not one.lines or not other.lines or bool(one.lines & other.lines)
    spans = any(a.first <= b.last and b.first <= a.last for a in one.spans for b in other.spans)
    hours = one.off or other.off or _hours_meet(one, other)
    same = (one.people, one.first) == (other.people, other.first)
    return same and lines and hours and (bool(one.days & other.days) or spans)


def _hours_meet(one: Shift, other: Shift) -> bool:
    def hours(shift: Shift) -> tuple[int, int]:
        return shift.begins_s, shift.begins_s + shift.length_s

    (a, b), (c, d) = hours(one), hours(other)
    return any(a < d + turn and c + turn < b for turn in (-DAY_S, 0, DAY_S))


def needs_calendar(settings: Settings) -> bool:
    """Whether some roster tells workdays from holidays."""
    by_kind = {Days.WORKDAY, Days.REST, Days.WEEKEND, Days.HOLIDAY}
    return any(by_kind & table.model().days for table in settings.rosters)


# -- gaps --------------------------------------------------------------------------------------------------------------


def roster_gaps(settings: Settings) -> Iterator[Finding]:
    """A line is never closed (T2): hours that no roster covers are errors."""
    allowed = 'a [[roster]] for these hours, group = "duty" stands for the duty seats of [fallback]'
    for sentence in gap_sentences(settings):
        yield Finding(("roster",), sentence, allowed)


def gap_sentences(settings: Settings) -> list[str]:
    """`leaves 12345 to nobody: 18:00-24:00 on workdays; ...`, one for each line with a gap."""
    shifts = [table.model() for table in settings.rosters]
    found = []
    for line in settings.lines if shifts else ():
        if line.mode is not Mode.MERGED:
            told = _told(gaps(tuple(shift for shift in shifts if shift.serves(line.number))))
            more = f" and {len(told) - NAMED_AT_MOST} more times" if len(told) > NAMED_AT_MOST else ""
            if told:
                found.append(f"leaves {line.number} to nobody: {'; '.join(told[:NAMED_AT_MOST])}{more}")
    return found


def _told(found: Iterable[Gap]) -> list[str]:
    """Gaps of common days by hours and kind, those of dates one by one."""
    weekly: dict[tuple[int, int], dict[DayKind, list[int]]] = {}
    dated: dict[str, None] = {}
    for gap in found:
        if gap.date is None:
            kinds = weekly.setdefault((gap.begins_s, gap.ends_s), {kind: [] for kind in DayKind})
            kinds[gap.kind].append(gap.weekday)
        else:
            dated[f"{_hours(gap.begins_s, gap.ends_s)} on {gap.date}"] = None
    return [
        f"{_hours(*span)} on {', '.join(_days(kind, days) for kind, days in kinds.items() if days)}"
        for span, kinds in sorted(weekly.items())
    ] + list(dated)


def _days(kind: DayKind, weekdays: list[int]) -> str:
    """`workdays`, or `workdays (mon, tue)` when others of the kind are covered."""
    possible = [weekday for weekday in range(7) if kind in kinds_of(weekday)]
    names = ", ".join(WEEKDAYS[weekday] for weekday in weekdays)
    return KIND_WORDS[kind] if weekdays == possible else f"{KIND_WORDS[kind]} ({names})"


def _hours(begins_s: int, ends_s: int) -> str:
    return f"{_clock(begins_s)}-{_clock(ends_s)}"


def _clock(second: int) -> str:
    minutes, rest = divmod(second, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}" + (f":{rest:02}" if rest else "")
