"""The directory: departments and other hotlines that a call can be joined with, and when they can be reached.

Levels as in clause T11: level 1 and 2 answer around the clock, level 3 in working hours; each may have hours of its own. A
number that may not be dialled is never a route, whoever wrote it there.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Final

from routing.hours import AROUND_THE_CLOCK
from routing.roster import WEEKDAYS, Roster, Shift
from routing.targets import Route, Target, TargetKind
from routing.workdays import Workdays

LEVELS: Final = (1, 2, 3)


class DepartmentKind(StrEnum):
    DEPARTMENT = "department"
    HOTLINE = "hotline"  # another city's: gets the citizen's number and the case id (T12)


@dataclass(frozen=True, slots=True)
class Department:
    """One entry. `hours`: shifts, none means around the clock; `hours_text`: the same for people. `routes` in order."""

    id: str
    name: str
    level: int = 1
    kind: DepartmentKind = DepartmentKind.DEPARTMENT
    hours: tuple[Shift, ...] = ()
    hours_text: str = AROUND_THE_CLOCK
    routes: tuple[Route, ...] = ()
    shows_caller: bool = False
    answer_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Opening:
    """`until`: when that changes, epoch seconds; None: not within a month."""

    open: bool
    until: float | None


def opening(department: Department, at: float, zone: tzinfo, workdays: Workdays) -> Opening:
    """Whether it is open at this moment (epoch seconds), and how long that lasts."""
    roster = Roster(department.hours, zone)
    gap = roster.duty(department.id, at, workdays).gap
    return Opening(not gap, roster.next_change(department.id, at, workdays))


def target(department: Department, at: float, zone: tzinfo, workdays: Workdays) -> Target | str:
    """The department as a third party, or one sentence that says why it cannot be called now."""
    if Roster(department.hours, zone).duty(department.id, at, workdays).gap:
        opens = opening(department, at, zone, workdays).until
        again = "does not open within a month" if opens is None else f"opens again on {_moment(opens, zone)}"
        return f"{department.name} is closed now (level {department.level}, {department.hours_text}); it {again}."
    if not department.routes:
        return (
            f"{department.name} has no number that can be dialled; hotline departments show {department.id} tells why."
        )
    hotline = department.kind is DepartmentKind.HOTLINE
    return Target(
        kind=TargetKind.HOTLINE if hotline else TargetKind.DEPARTMENT,
        id=department.id,
        name=department.name,
        routes=department.routes,
        answer_s=department.answer_s,
        shows_caller=hotline or department.shows_caller,
    )


def called_by(departments: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Ids of departments by the digits that mean them on a telephone: their ids and their short numbers ("": none)."""
    called: dict[str, list[str]] = {}
    for id_, code in departments:
        for digits in {id_, code} - {""}:
            called.setdefault(digits, []).append(id_)
    return called


def doubts(
    id_: str, code: str, called: Mapping[str, Sequence[str]], agents: Container[str]
) -> Iterator[tuple[str, str]]:
    """What the short number of a department means besides it, and whose short number its id is, with the key that is
    wrong: digits that mean two mean nobody. `called`: as `called_by`, with this department; `agents`: their ids.
    """
    for key, digits in (("code", code), ("id", id_)):
        if others := [other for other in called.get(digits, ()) if other != id_]:
            yield key, f"{digits} means department {others[0]} too"
    if code in agents:
        yield "code", f"{code} means agent {code} too"


def find(departments: Iterable[Department], text: str) -> list[Department]:
    """Those whose name or id has the text in it, the nearest first; `住建` finds 市住房和城乡建设局 too. "" finds all."""
    wanted = text.strip().casefold()
    ranked = [(rank, one.name, one) for one in departments if (rank := _rank(one, wanted)) is not None]
    return [one for _, _, one in sorted(ranked, key=lambda found: found[:2])]


def _rank(department: Department, wanted: str) -> int | None:
    name, id_ = department.name.casefold(), department.id.casefold()
    if wanted in (name, id_):
        return 0
    if name.startswith(wanted) or id_.startswith(wanted):
        return 1
    if wanted in name or wanted in id_:
        return 2
    return 3 if _in_order(wanted, name) else None


def _in_order(wanted: str, name: str) -> bool:
    """Whether all its characters stand there in this order: how people shorten the names of offices."""
    letters = iter(name)
    return all(letter in letters for letter in wanted if not letter.isspace())


def _moment(at: float, zone: tzinfo) -> str:
    local = datetime.fromtimestamp(at, zone)
    return f"{local:%Y-%m-%d} ({WEEKDAYS[local.weekday()].value}) at {local:%H:%M}"
