"""Agents as a CSV file, to and from a spreadsheet.

Read: UTF-8 (with or without its mark) or GB18030; comma, semicolon or tab; headings in English or Chinese. Everything
that is wrong is told at once, with row and column. Written: UTF-8 with its mark, so that a spreadsheet sees Chinese.
A cell that a spreadsheet would take for a formula gets an apostrophe in front, which is taken off again on reading.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from service.agent_rows import Mistake, checked, keys_of
from service.settings import Settings
from storage.agents import NEW, AgentRow

MAX_ROWS: Final = 10_000
COLUMNS: Final = ("id", "name", "skills", "zone", "sign_in", "disabled")
CHINESE: Final = ("工号", "姓名", "技能", "区域", "签入方式", "停用")
_HEADINGS: Final = {**dict(zip(CHINESE, COLUMNS, strict=True)), **{name: name for name in COLUMNS}}
_SIGN_IN: Final = {"话机": "phone", "坐席": "agent", "phone": "phone", "agent": "agent"}
_YES: Final = frozenset({"yes", "true", "1", "是", "停用"})
_NO: Final = frozenset({"", "no", "false", "0", "否"})
_FORMULA: Final = re.compile(r"'*\s*[=+\-@＝＋－＠]")  # with what was escaped before
_LEVEL: Final = re.compile(r"(.+?)\s*[=:：]\s*(\d{1,2})")


# -- reading -----------------------------------------------------------------------------------------------------------


def read(data: bytes, settings: Settings, known: Mapping[str, AgentRow]) -> tuple[list[AgentRow], list[Mistake]]:
    """The agents of a file as they shall be, in its order, and every mistake; they count only without one.

    A column that the file does not have stays as it is for agents who are known, and at its default for new ones.
    """
    text, encoding = _decoded(data)
    if text is None:
        return [], [Mistake(f"the file is {encoding}; save it as CSV in UTF-8")]
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True))
    except csv.Error as error:
        return [], [Mistake(f"the file is no CSV: {error}")]
    columns, mistakes = _columns(records[0] if records else [])
    body = [(number, record) for number, record in enumerate(records[1:], 2) if any(cell.strip() for cell in record)]
    if mistakes:
        return [], mistakes
    if not body:
        return [], [Mistake("the file has no agents")]
    if len(body) > MAX_ROWS:
        return [], [Mistake(f"the file has {len(body)} agents; at most {MAX_ROWS} at once")]
    return _rows(body, columns, settings, known)


def _decoded(data: bytes) -> tuple[str | None, str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        return None, "no CSV text (UTF-16, or a spreadsheet's own format)"
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return None, "neither UTF-8 nor GB18030"


def _delimiter(text: str) -> str:
    heading = text.partition("\n")[0]
    return max(",;\t", key=heading.count)


def _columns(heading: Sequence[str]) -> tuple[list[str], list[Mistake]]:
    columns = [_HEADINGS.get(cell.strip().lower(), "") for cell in heading]
    allowed = f"allowed: {', '.join(COLUMNS)}, or {'、'.join(CHINESE)}"
    mistakes = [
        Mistake(f"column {place} has an unknown heading ({allowed})", row=1)
        for place, column in enumerate(columns, 1)
        if not column
    ]
    twice = {column for column in columns if column and columns.count(column) > 1}
    mistakes += [Mistake("is there twice", column, 1) for column in sorted(twice)]
    if "id" not in columns:
        mistakes.append(Mistake(f"there is no column id or 工号 ({allowed})", row=1))
    return columns, mistakes


def _rows(
    body: Sequence[tuple[int, list[str]]], columns: list[str], settings: Settings, known: Mapping[str, AgentRow]
) -> tuple[list[AgentRow], list[Mistake]]:
    rows: list[AgentRow] = []
    mistakes: list[Mistake] = []
    first: dict[str, int] = {}
    for number, record in body:
        if len(record) > len(columns) and any(cell.strip() for cell in record[len(columns) :]):
            mistakes.append(Mistake(f"has {len(record)} cells, and the heading {len(columns)}", row=number))
            continue
        cells = dict(zip(columns, map(_plain, record + [""] * len(columns)), strict=False))
        row, wrong = _row(cells, number, settings, known.get(cells["id"]))
        if cells["id"] and first.setdefault(cells["id"], number) != number:
            wrong.append(Mistake(f"is the same as in row {first[cells['id']]}", "id", number))
        rows.append(row)
        mistakes += wrong
    return rows, mistakes


def _row(
    cells: Mapping[str, str], number: int, settings: Settings, known: AgentRow | None
) -> tuple[AgentRow, list[Mistake]]:
    values: dict[str, Any] = {} if known is None else keys_of(known)
    mistakes: list[Mistake] = []
    values |= {column: cells[column] for column in ("id", "name") if column in cells}
    if "zone" in cells:
        values["zone"] = cells["zone"] or None
    if "sign_in" in cells:
        word = cells["sign_in"].lower()
        values["sign_in"] = _SIGN_IN.get(word, word or "phone")
    if "skills" in cells:
        values["skills"] = _skills(cells["skills"], settings, number, mistakes)
    disabled = known.disabled if known else False
    if "disabled" in cells:
        word = cells["disabled"].lower()
        disabled = word in _YES
        if word not in _YES | _NO:
            mistakes.append(Mistake("is neither yes nor no (是, 否)", "disabled", number))
    row, wrong = checked(values, settings, number, known=known.skills if known else ())
    return replace(row, disabled=disabled, revision=known.revision if known else NEW), mistakes + wrong


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


def _plain(cell: str) -> str:
    """The cell without the apostrophe that `_safe` put before it."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


# -- writing -----------------------------------------------------------------------------------------------------------


def written(rows: Iterable[AgentRow], *, chinese: bool = False) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(CHINESE if chinese else COLUMNS)
    writer.writerows([_safe(cell) for cell in _cells(row, chinese)] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _cells(row: AgentRow, chinese: bool) -> list[str]:
    skills = "; ".join(f"{skill}={level}" for skill, level in row.skills.items())
    sign_in = row.sign_in
    yes, no = ("是", "否") if chinese else ("yes", "no")
    if chinese:
        sign_in = "话机" if sign_in == "phone" else "坐席"
    return [row.id, row.name, skills, row.zone or "", sign_in, yes if row.disabled else no]


def _safe(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell
