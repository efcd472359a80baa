"""What a department may be: the checks of `[[department]]`, for those who come by file or CSV, and what becomes of them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from routing import directory
from routing.directory import Department, DepartmentKind
from routing.hours import AROUND_THE_CLOCK, HoursError, complete
from routing.targets import Route
from service.settings import Settings
from service.settings_departments import route
from service.settings_problems import from_validation
from service.settings_tables import DepartmentTable
from service.sheets import Mistake
from storage.departments import DepartmentRow

USUAL_LEVEL: Final = {DepartmentKind.DEPARTMENT: 3, DepartmentKind.HOTLINE: 1}
AROUND_THE_CLOCK_LEVELS: Final = (1, 2)


def checked(
    values: Mapping[str, Any], settings: Settings, row: int | None = None
) -> tuple[DepartmentRow, list[Mistake]]:
    """A department by the keys of `[[department]]`, and everything that is wrong with it; it counts only without."""
    try:
        table = DepartmentTable.model_validate(dict(values))
    except ValidationError as error:
        problems = from_validation(DepartmentTable, error, {})
        return DepartmentRow("", ""), [Mistake(p.what, p.path, row) for p in problems]
    ways = routes(table.numbers, settings)
    mistakes = [
        Mistake(f"number {place} {way if isinstance(way, str) else 'stands there twice'}", "numbers", row)
        for place, (number, way) in enumerate(zip(table.numbers, ways, strict=True), 1)
        if isinstance(way, str) or number in table.numbers[: place - 1]
    ]
    return row_of(table), mistakes


def routes(numbers: Sequence[str], settings: Settings) -> list[Route | str]:
    """The way to each number, or why there is none."""
    rules = settings.dialing_rules()
    return [route(number, settings, rules) for number in numbers]


def row_of(table: DepartmentTable) -> DepartmentRow:
    return DepartmentRow(
        id=table.id,
        name=table.name,
        kind=table.kind.value,
        level=table.level or USUAL_LEVEL[table.kind],
        hours=table.hours,
        numbers=table.numbers,
        shows_caller=table.shows_caller,
        note=table.note,
        code=table.code,
    )


def keys_of(row: DepartmentRow) -> dict[str, Any]:
    """The department by the keys of `[[department]]`."""
    names = ("id", "name", "kind", "level", "hours", "numbers", "shows_caller", "note", "code")
    return {name: getattr(row, name) for name in names}


class Made(NamedTuple):
    """What becomes of a row. `problems`: numbers that are not dialled, and why; they are no routes of it."""

    row: DepartmentRow
    department: Department
    problems: list[str]


def made(row: DepartmentRow, settings: Settings) -> Made:
    """The configuration may have changed since the row was written."""
    hours_text = level_hours(row.level, settings)
    try:
        hours = complete(row.hours, hours_text)
        hours_text = row.hours or hours_text
    except HoursError:  # written there by hand: the level rules
        hours = complete("", hours_text)
    ways = routes(row.numbers, settings)
    department = Department(
        id=row.id,
        name=row.name or row.id,
        level=row.level,
        kind=DepartmentKind(row.kind),
        hours=hours,
        hours_text=hours_text,
        routes=tuple(way for way in ways if isinstance(way, Route)),
        shows_caller=row.shows_caller,
        answer_s=settings.directory.answer_s,
    )
    problems = [f"{number} {way}" for number, way in zip(row.numbers, ways, strict=True) if isinstance(way, str)]
    return Made(row, department, problems)


def called_by(rows: Iterable[DepartmentRow]) -> dict[str, list[str]]:
    """See `routing.directory.called_by`; of those that are not disabled."""
    return directory.called_by((row.id, row.code) for row in rows if not row.disabled)


def doubts(
    row: DepartmentRow, called: Mapping[str, Sequence[str]], agents: Container[str], number: int | None = None
) -> list[Mistake]:
    """See `routing.directory.doubts`. `number`: of its row in a file. The table allows it, for two who change places in one
    file, and for whoever writes there by hand."""
    found = () if row.disabled else directory.doubts(row.id, row.code, called, agents)
    return [Mistake(text, column, number) for column, text in found]


def level_hours(level: int, settings: Settings) -> str:
    return AROUND_THE_CLOCK if level in AROUND_THE_CLOCK_LEVELS else settings.directory.working_hours
