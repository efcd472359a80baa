"""Agents as a CSV file, to and from a spreadsheet; see `sheets`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from service import sheets
from service.agent_rows import checked, keys_of
from service.settings import Settings
from service.sheets import Mistake, Shape, SheetRow, in_order, said
from storage.agents import AgentRow
from storage.seeded import NEW

SHAPE: Final = Shape(
    "agents",
    ("id", "name", "skills", "zone", "sign_in", "disabled"),
    ("工号", "姓名", "技能", "区域", "签入方式", "停用"),
)
_SIGN_IN: Final = {"话机": "phone", "坐席": "agent", "phone": "phone", "agent": "agent"}
_LEVEL: Final = re.compile(r"(.+?)\s*[=:：]\s*(\d{1,2})")


def read(data: bytes, settings: Settings, known: Mapping[str, AgentRow]) -> tuple[list[AgentRow], list[Mistake]]:
    """The agents of a file as they shall be, in its order, and every mistake; they count only without one.

    A column that the file does not have stays as it is for agents who are known, and at its default for new ones.
    """
    found, wrong = sheets.read(data, SHAPE)
    mistakes: list[Mistake] = []
    rows = [_row(row, settings, known.get(row.cells["id"]), mistakes) for row in found]
    return rows, in_order([*mistakes, *wrong])


def _row(row: SheetRow, settings: Settings, known: AgentRow | None, mistakes: list[Mistake]) -> AgentRow:
    cells, number = row.cells, row.number
    values: dict[str, Any] = {} if known is None else keys_of(known)
    values |= {column: cells[column] for column in ("id", "name") if column in cells}
    if "zone" in cells:
        values["zone"] = cells["zone"] or None
    if "sign_in" in cells:
        word = cells["sign_in"].lower()
        values["sign_in"] = _SIGN_IN.get(word, word or "phone")
    if "skills" in cells:
        values["skills"] = _skills(cells["skills"], settings, number, mistakes)
    disabled = row.yes("disabled", known is not None and known.disabled, mistakes, "停用")
    agent, wrong = checked(values, settings, number, known=known.skills if known else ())
    mistakes += wrong
    return replace(agent, disabled=disabled, revision=known.revision if known else NEW)


def _skills(cell: str, settings: Settings, row: int, mistakes: list[Mistake]) -> dict[str, int]:
    """`general=5; 人社=8`: ids or the names shown, in any of the usual separators."""
    ids = {name: skill for skill, name in settings.skills.items()}
    found: dict[str, int] = {}
    for part in re.split(r"[;；,，、\n]+", cell):
        if not part.strip():
            continue
        match = _LEVEL.fullmatch(part.strip())
        if match is None:
            mistakes.append(Mistake("is not a list like general=5; hrss=8", "skills", row))
            continue
        skill = ids.get(match[1], match[1])
        if skill in found:
            mistakes.append(Mistake(f'has the skill "{skill}" twice', "skills", row))
        found[skill] = int(match[2])
    return found


def written(rows: Iterable[AgentRow], *, chinese: bool = False) -> bytes:
    return sheets.written(SHAPE, (_cells(row, chinese) for row in rows), chinese=chinese)


def _cells(row: AgentRow, chinese: bool) -> list[str]:
    skills = "; ".join(f"{skill}={level}" for skill, level in row.skills.items())
    sign_in = row.sign_in
    if chinese:
        sign_in = "话机" if sign_in == "phone" else "坐席"
    return [row.id, row.name, skills, row.zone or "", sign_in, said(row.disabled, chinese=chinese)]
