"""CSV files that go to and from a spreadsheet: agents, departments.

Read: UTF-8 (with or without its mark) or GB18030; comma, semicolon or tab; headings in English or Chinese. Everything
that is wrong is told at once, with row and column. Written: UTF-8 with its mark, so that a spreadsheet sees Chinese.
A cell that a spreadsheet would take for a formula gets an apostrophe in front, which is taken off again on reading.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MAX_ROWS: Final = 10_000
_YES: Final = frozenset({"yes", "true", "1", "是"})
_NO: Final = frozenset({"", "no", "false", "0", "否"})
_FORMULA: Final = re.compile(r"'*\s*[=+\-@＝＋－＠]")  # with what was escaped before


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake. `row` counts as a spreadsheet does: the header is 1; None: no row of a file."""

    text: str
    column: str = ""
    row: int | None = None

    def __str__(self) -> str:
        where = " ".join(part for part in (f"row {self.row}" if self.row else "", self.column) if part)
        return f"{where}: {self.text}" if where else self.text


@dataclass(frozen=True, slots=True)
class Shape:
    """What a file has: `words` for people, the columns' names, and their headings in Chinese in the same order. The first
    column is the id: it must be there, and no two rows may have the same."""

    words: str
    columns: tuple[str, ...]
    chinese: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: its number, and the cells of the columns that the file has."""

    number: int
    cells: Mapping[str, str]

    def yes(self, column: str, otherwise: bool, mistakes: list[Mistake], *more: str) -> bool:
        """A cell that says yes or no; `more` words mean yes too. `otherwise`: the file has no such column."""
        if column not in self.cells:
            return otherwise
        word = self.cells[column].lower()
        if word not in _YES | _NO | set(more):
            mistakes.append(Mistake("is neither yes nor no (是, 否)", column, self.number))
        return word in _YES or word in more


def read(data: bytes, shape: Shape) -> tuple[list[SheetRow], list[Mistake]]:
    """The rows of a file and what is wrong with the file itself; rows with mistakes are left out."""
    text, encoding = _decoded(data)
    if text is None:
        return [], [Mistake(f"the file is {encoding}; save it as CSV in UTF-8")]
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True))
    except csv.Error as error:
        return [], [Mistake(f"the file is no CSV: {error}")]
    columns, mistakes = _columns(records[0] if records else [], shape)
    body = [(number, record) for number, record in enumerate(records[1:], 2) if any(cell.strip() for cell in record)]
    if mistakes:
        return [], mistakes
    if not body:
        return [], [Mistake(f"the file has no {shape.words}")]
    if len(body) > MAX_ROWS:
        return [], [Mistake(f"the file has {len(body)} {shape.words}; at most {MAX_ROWS} at once")]
    return _rows(body, columns, shape)


def written(shape: Shape, rows: Iterable[Sequence[str]], *, chinese: bool = False) -> bytes:
    """Cells in the order of the columns, as a file."""
    return table(shape.chinese if chinese else shape.columns, rows)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Any table as a file for a spreadsheet."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(headings)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def in_order(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """By row; those of one row as they come."""
    return sorted(mistakes, key=lambda mistake: mistake.row or 0)


def said(yes: bool, *, chinese: bool) -> str:
    """A cell that says yes or no."""
    return ("是" if yes else "否") if chinese else ("yes" if yes else "no")


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


def _columns(heading: Sequence[str], shape: Shape) -> tuple[list[str], list[Mistake]]:
    headings = dict(zip(shape.chinese, shape.columns, strict=True)) | {name: name for name in shape.columns}
    columns = [headings.get(cell.strip().lower(), "") for cell in heading]
    allowed = f"allowed: {', '.join(shape.columns)}, or {'、'.join(shape.chinese)}"
    mistakes = [
        Mistake(f"column {place} has an unknown heading ({allowed})", row=1)
        for place, column in enumerate(columns, 1)
        if not column
    ]
    twice = {column for column in columns if column and columns.count(column) > 1}
    mistakes += [Mistake("is there twice", column, 1) for column in sorted(twice)]
    if shape.columns[0] not in columns:
        mistakes.append(Mistake(f"there is no column {shape.columns[0]} or {shape.chinese[0]} ({allowed})", row=1))
    return columns, mistakes


def _rows(
    body: Sequence[tuple[int, list[str]]], columns: list[str], shape: Shape
) -> tuple[list[SheetRow], list[Mistake]]:
    rows: list[SheetRow] = []
    mistakes: list[Mistake] = []
    first: dict[str, int] = {}
    for number, record in body:
        if len(record) > len(columns) and any(cell.strip() for cell in record[len(columns) :]):
            mistakes.append(Mistake(f"has {len(record)} cells, and the heading {len(columns)}", row=number))
            continue
        cells = dict(zip(columns, map(_plain, record + [""] * len(columns)), strict=False))
        id_ = cells[shape.columns[0]]
        if id_ and first.setdefault(id_, number) != number:
            mistakes.append(Mistake(f"is the same as in row {first[id_]}", shape.columns[0], number))
        rows.append(SheetRow(number, cells))
    return rows, mistakes


def _plain(cell: str) -> str:
    """The cell without the apostrophe that `_safe` put before it."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _safe(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell
