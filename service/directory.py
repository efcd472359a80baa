"""The directory in force: departments and other hotlines, from the database; the configuration fills in new ones.

What is asked while somebody talks (`target`, `find`) is answered from memory. See `seeded` for start, changes and a
database that is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from console.deps import Refused
from routing import directory
from routing.directory import Department, Opening, opening
from routing.roster import Shift
from routing.targets import Target
from routing.workdays import Workdays
from service import clock, department_csv
from service.department_rows import Made, called_by, doubts, made, row_of
from service.seeded import Seeded, told
from service.settings import Settings
from service.settings_problems import nearest
from storage.departments import DEPARTMENTS, DepartmentRow
from storage.records import Records

_COLUMNS: Final = tuple(item.name for item in fields(DepartmentRow))


class Directory(Seeded[DepartmentRow]):
    """Implements `console.deps.Directory`. `workdays` tells the calendar in force, `agents` the ids of those who work."""

    word, words, table = "department", "departments", DEPARTMENTS

    def __init__(self, records: Records, settings: Settings) -> None:
        super().__init__(records, settings)
        self.workdays: Callable[[], Workdays] = Workdays
        self.agents: Callable[[], Container[str]] = tuple
        self._made: dict[str, Made] = {}  # by the settings that are in force

    @staticmethod
    def in_file(settings: Settings) -> dict[str, DepartmentRow]:
        return {table.id: row_of(table) for table in settings.departments}

    async def _filled(self, rows: Sequence[DepartmentRow]) -> list[DepartmentRow]:
        return await self._records.filled_departments(rows)

    async def _written(self, rows: Sequence[DepartmentRow]) -> list[DepartmentRow]:
        return await self._records.write_departments(rows)

    async def follow(self, settings: Settings) -> None:
        await super().follow(settings)
        self._made.clear()

    def _of(self, row: DepartmentRow) -> Made:
        if row.id not in self._made or self._made[row.id].row is not row:
            self._made[row.id] = made(row, self._settings)
        return self._made[row.id]

    # -- for whoever joins calls --

    def target(self, department_id: str, wall: float) -> Target | str:
        """The department as a third party now (`wall`: epoch seconds), or one sentence that says why it is none."""
        row = self.rows.get(department_id)
        if row is None or row.disabled:
            known = [row.id for row in self.rows.values() if not row.disabled]
            return f'There is no department "{department_id[:32]}"{nearest(department_id, known)}.'
        return directory.target(self._of(row).department, wall, self._settings.zone_info, self.workdays())

    def meant(self, digits: str) -> list[str]:
        """Ids of the departments that these digits of a telephone mean, by id or short number."""
        return called_by(self.rows.values()).get(digits, [])

    def find(self, text: str) -> list[Department]:
        """Departments by name or id, the nearest first; "": all, by name."""
        return directory.find((self._of(row).department for row in self._working()), text)

    def names(self) -> dict[str, str]:
        """How each is called now, disabled ones too."""
        return {row.id: row.name or row.id for row in self.rows.values()}

    # -- for console and commands --

    def listed(self, text: str = "", *, every: bool = False) -> Sequence[Mapping[str, Any]]:
        """Those that `text` finds, open or closed now; `every`: all there are, disabled ones at the end."""
        now: dict[tuple[Shift, ...], Opening] = {}
        called = called_by(self.rows.values())
        found = [self._told(self._of(self.rows[one.id]), now, called) for one in self.find(text)]
        if every:
            over = sorted((row for row in self.rows.values() if row.disabled), key=lambda row: row.id)
            found += [self._told(self._of(row), now, called) for row in over]
        return found

    def shown(self, department_id: str) -> Mapping[str, Any]:
        """One of them, whatever its state. Raises Refused."""
        row = self.rows.get(department_id)
        if row is None:
            hint = nearest(department_id, list(self.rows))
            raise Refused(404, f"There is no department {department_id}{hint}; hotline departments list shows them.")
        return self._told(self._of(row), {}, called_by(self.rows.values()))

    async def take_csv(self, data: bytes, by: str, *, dry_run: bool) -> Mapping[str, Any]:
        """All departments of the file, or with any mistake in it none. Tells which are new, changed, or the same."""
        async with self._changing():
            rows, mistakes = await asyncio.to_thread(
                department_csv.read, data, self._settings, dict(self.rows), self.agents()
            )
            if mistakes:
                raise Refused(422, "Nothing is imported.", list(map(told, mistakes)))
            return await self._import(rows, by, dry_run)

    async def _import(self, rows: Sequence[DepartmentRow], by: str, dry_run: bool) -> dict[str, Any]:
        called = called_by((self.rows | {row.id: row for row in rows}).values())
        if mistakes := [mistake for row in rows for mistake in doubts(row, called, self.agents())]:
            raise Refused(422, "Nothing is imported.", list(map(told, mistakes)))
        return await super()._import(rows, by, dry_run)

    def csv(self, *, chinese: bool = False) -> bytes:
        return department_csv.written(sorted(self.rows.values(), key=lambda row: row.id), chinese=chinese)

    def _working(self) -> list[DepartmentRow]:
        return [row for row in self.rows.values() if not row.disabled]

    def _told(
        self, made: Made, known: dict[tuple[Shift, ...], Opening], called: Mapping[str, Sequence[str]]
    ) -> dict[str, Any]:
        """By the keys of `schemas.DepartmentOut`. `known`: openings looked up already, for most have the same hours.
        `called`: as `called_by`."""
        row, department = made.row, made.department
        hours = department.hours
        if hours not in known:
            known[hours] = opening(department, clock.wall(), self._settings.zone_info, self.workdays())
        now = known[hours]
        more = {"name": department.name, "hours": department.hours_text, "own_hours": bool(row.hours)}
        told = {name: getattr(row, name) for name in _COLUMNS} | more
        problems = made.problems + [doubt.text for doubt in doubts(row, called, self.agents())]
        return told | {"open": now.open, "until": now.until, "problems": problems}
