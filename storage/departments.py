"""Third parties that calls can be joined with: the table `departments`. See `storage.seeded` for how it is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from routing.directory import LEVELS, DepartmentKind
from storage.schema import departments
from storage.seeded import NEW, SeededTable


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    """One entry. `code`: its short number, "": none. `hours` as in `routing.hours`, "": those of its level. `numbers`:
    NUMBER or NUMBER@TRUNK, in order."""

    id: str
    name: str
    kind: str = "department"
    level: int = 3
    hours: str = ""
    numbers: tuple[str, ...] = ()
    shows_caller: bool = False
    note: str = ""
    disabled: bool = False
    code: str = ""
    revision: int = NEW


def _row(values: dict[str, Any]) -> DepartmentRow:
    numbers = values["numbers"] if isinstance(values["numbers"], list) else []
    kind = values["kind"] if values["kind"] in set(DepartmentKind) else DepartmentKind.DEPARTMENT.value
    level = values["level"] if values["level"] in LEVELS else LEVELS[-1]
    return DepartmentRow(**values | {"kind": kind, "level": level, "numbers": tuple(map(str, numbers))})


DEPARTMENTS: Final = SeededTable(departments, _row)
