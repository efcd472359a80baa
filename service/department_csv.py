"""Departments as a CSV file, to and from a spreadsheet; see `sheets`."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from service import sheets
from service.department_rows import called_by, checked, doubts, keys_of
from service.settings import Settings
from service.sheets import Mistake, Shape, SheetRow, in_order, said
from storage.departments import DepartmentRow
from storage.seeded import NEW

SHAPE: Final = Shape(
    "departments",
    ("id", "name", "kind", "level", "hours", "numbers", "shows_caller", "note", "disabled", "code"),
    ("编号", "名称", "类别", "级别", "时间", "电话", "显示来电", "备注", "停用", "短号"),
)
_KINDS: Final = {"部门": "department", "热线": "hotline"}
_LEVELS: Final = {"一级": 1, "二级": 2, "三级": 3}
_DAYS: Final = (
    ("每天", "daily"), ("工作日", "workday"), ("休息日", "rest"), ("周末", "weekend"), ("节假日", "holiday"),
    ("周一", "mon"), ("周二", "tue"), ("周三", "wed"), ("周四", "thu"), ("周五", "fri"), ("周六", "sat"), ("周日", "sun"),
    ("休息", "off"),
)  # fmt: skip
_SIGNS: Final = str.maketrans({"：": ":", "，": ",", "、": ",", "；": ";", "－": "-", "—": "-", "～": "-", "~": "-"})


def read(
    data: bytes, settings: Settings, known: Mapping[str, DepartmentRow], agents: Container[str] = ()
) -> tuple[list[DepartmentRow], list[Mistake]]:
    """The departments of a file as they shall be, in its order, and every mistake; they count only without one.

    A column that the file does not have stays as it is for known departments, and at its default for new ones. `agents`:
    their ids, which no short number may be.
    """
    found, wrong = sheets.read(data, SHAPE)
    mistakes: list[Mistake] = []
    rows = [_row(row, settings, known.get(row.cells["id"]), mistakes) for row in found]
    called = called_by((dict(known) | {row.id: row for row in rows}).values())
    for sheet_row, row in zip(found, rows, strict=True):
        mistakes += doubts(row, called, agents, sheet_row.number)
    return rows, in_order([*mistakes, *wrong])


def _row(row: SheetRow, settings: Settings, known: DepartmentRow | None, mistakes: list[Mistake]) -> DepartmentRow:
    cells = row.cells
    values: dict[str, Any] = {} if known is None else keys_of(known)
    values |= {column: cells[column] for column in ("id", "name", "note", "code") if column in cells}
    if "kind" in cells:
        values["kind"] = _KINDS.get(cells["kind"], cells["kind"].lower() or "department")
    if "level" in cells:
        values["level"] = _level(cells["level"])
    if "hours" in cells:
        values["hours"] = english(cells["hours"])
    if "numbers" in cells:
        values["numbers"] = tuple(part for part in re.split(r"[\s;；,，、]+", cells["numbers"]) if part)
    values["shows_caller"] = row.yes("shows_caller", bool(known and known.shows_caller), mistakes)
    disabled = row.yes("disabled", bool(known and known.disabled), mistakes, "停用")
    department, wrong = checked(values, settings, row.number)
    mistakes += wrong
    return replace(department, disabled=disabled, revision=known.revision if known else NEW)


def _level(cell: str) -> int | str | None:
    """As it stands there when it is none, so that the check tells it."""
    return _LEVELS.get(cell) or (int(cell) if cell.isascii() and cell.isdecimal() else cell or None)


def english(hours: str) -> str:
    """`工作日 08:30－12:00；周六 09:00-12:00` in the words of the configuration."""
    text = hours.translate(_SIGNS)
    for chinese, word in _DAYS:
        text = re.sub(rf"{chinese}(?=[\s,]|$)", word, text)
    return text


def written(rows: Iterable[DepartmentRow], *, chinese: bool = False) -> bytes:
    return sheets.written(SHAPE, (_cells(row, chinese) for row in rows), chinese=chinese)


def _cells(row: DepartmentRow, chinese: bool) -> list[str]:
    kinds, levels = ({word: name for name, word in known.items()} if chinese else {} for known in (_KINDS, _LEVELS))
    return [
        row.id,
        row.name,
        kinds.get(row.kind, row.kind),
        levels.get(row.level, str(row.level)),
        row.hours,
        "; ".join(row.numbers),
        said(row.shows_caller, chinese=chinese),
        row.note,
        said(row.disabled, chinese=chinese),
        row.code,
    ]
