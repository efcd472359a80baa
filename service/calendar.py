"""The calendar of workdays in force: the table `workdays`, filled in from the decreed calendar, edited by operators.

* A start reads the table. When it does not know today, the official days are filled in first; when it does not reach the
  end of next year, they are looked at a minute later, beside the calls.
* Every edit is one transaction first, and in force once it is written.
* While the database is away nothing is edited; a start meanwhile takes the official days, and the database is asked again
  every few seconds.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any, Final

import structlog

from console.deps import Refused
from routing.workdays import WARN_DAYS, Day, DayKind, Workdays, kinds_of
from service.official_days import DecreeUnavailable, official_days
from storage.errors import StorageUnavailable
from storage.records import Records
from storage.workdays import DayRow

log = structlog.get_logger("hotline")

AGAIN_S: Final = 5.0
LOOK_AFTER: Final = 12  # rounds: callers who came back at a restart are served by then
COLUMNS: Final = ("date", "kind", "name")
LONGEST_NAME: Final = 60
AWAY: Final = "The database does not answer; the calendar cannot be changed now. Calls go on."


class Calendar:
    """One per service; implements `console.deps.Calendar`. `today` tells the date by the hotline's own clock."""

    def __init__(self, records: Records, today: Callable[[], date]) -> None:
        self.rows: dict[date, DayRow] = {}
        self.workdays = Workdays()
        self.current = False
        self.on_change: Callable[[], None] = lambda: None
        self._records, self._today = records, today
        self._lock = asyncio.Lock()

    @classmethod
    async def open(cls, records: Records, today: Callable[[], date]) -> Calendar:
        """Never fails: without a database the official days serve."""
        calendar = cls(records, today)
        async with calendar._lock:
            await calendar._read()
            if calendar.days_left < 0:
                await calendar._fill()
        return calendar

    @property
    def days_left(self) -> int:
        """How many days from tomorrow on are known; -1 when today is not."""
        return self.workdays.days_left(self._today())

    async def keep(self) -> None:
        """Asks a database that was away again, until it has answered; looks once for a year that was decreed since."""
        for rounds in count(1):
            await asyncio.sleep(AGAIN_S)
            async with self._lock:
                if not self.current and self._records.reachable:
                    await self._read()
                    await self._fill()
                elif rounds == LOOK_AFTER and self.workdays.known_until(self._today()) != _end_of_next_year(
                    self._today()
                ):
                    await self._fill()

    # -- for console and commands --

    def listed(self, year: int | None) -> Mapping[str, Any]:
        """Every known date of the year, or of all."""
        today = self._today()
        until = self.workdays.known_until(today)
        rows = [self.rows[day] for day in sorted(self.rows) if year in (None, day.year)]
        return {"known_until": until, "days_left": self.days_left, "days": [_told(row) for row in rows]}

    async def set(self, days: Sequence[Mapping[str, Any]], by: str) -> Mapping[str, Any]:
        """Raises Refused with everything that is wrong; then nothing is set."""
        rows, mistakes = _checked([(None, values) for values in days])
        if mistakes:
            raise Refused(422, "Nothing is changed.", mistakes)
        return await self._change(rows, by, over_operators=False, dry_run=False)

    async def take_csv(self, data: bytes, by: str, *, dry_run: bool) -> Mapping[str, Any]:
        """Days from a file with the columns date, kind and name: all, or with any mistake none."""
        rows, mistakes = _from_csv(data)
        if mistakes:
            raise Refused(422, "Nothing is imported.", mistakes)
        return await self._change(rows, by, over_operators=False, dry_run=dry_run)

    async def take_official(self, by: str, *, over_operators: bool, dry_run: bool) -> Mapping[str, Any]:
        """The decreed days of last year, this one and the next, as far as they are known."""
        try:
            rows = await asyncio.to_thread(_official, self._today())
        except DecreeUnavailable as error:
            raise Refused(503, f"{str(error)[:1].upper()}{str(error)[1:]}. Nothing is changed.") from None
        return await self._change(rows, by, over_operators=over_operators, dry_run=dry_run)

    # -- the parts of a change --

    async def _change(
        self, rows: Sequence[DayRow], by: str, *, over_operators: bool, dry_run: bool
    ) -> Mapping[str, Any]:
        async with self._lock:
            if not self.current and self._records.reachable:
                await self._read()
            if not self.current:
                raise Refused(503, AWAY)
            changed = [row for row in rows if self._differs(row, over_operators)]
            if changed and not dry_run:
                before = {row.day.date: self.workdays.kind(row.day.date) for row in changed}
                try:
                    self._take(await self._records.write_workdays(changed, over_operators=over_operators))
                except StorageUnavailable as error:
                    self.current = False  # it may have been written all the same: asked again soon
                    raise Refused(503, f"{AWAY} ({error})") from None
                _audit(changed, before, by)
                self.on_change()
        told = [_told(row) for row in changed]
        return {"changed": told, "unchanged": len(rows) - len(changed), "dry_run": dry_run, "days_left": self.days_left}

    def _differs(self, row: DayRow, over_operators: bool) -> bool:
        old = self.rows.get(row.day.date)
        return old is None or (old != row and (over_operators or old.official or not row.official))

    async def _read(self) -> None:
        try:
            if not self._records.reachable:
                raise StorageUnavailable("the database does not answer")
            self._take(await self._records.workdays())
            self.current = True
            self.on_change()
        except StorageUnavailable as error:
            self.current = False
            if not self.rows:
                self._take(await self._decreed())
            log.error("workdays", state="as before" if self.rows else "unknown", reason=str(error))

    async def _fill(self) -> None:
        if not self.current:
            return
        rows = await self._decreed()
        new = [row for row in rows if self._differs(row, over_operators=False)]
        if new:
            try:
                self._take(await self._records.write_workdays(new, over_operators=False))
            except StorageUnavailable:
                self.current = False
                return
            log.info("workdays", state="official days filled in", days=len(new), known_until=str(new[-1].day.date))
            self.on_change()

    async def _decreed(self) -> list[DayRow]:
        """Without the package no days: weekdays alone decide, and the log says what to type."""
        try:
            return await asyncio.to_thread(_official, self._today())
        except DecreeUnavailable as error:
            log.error("workdays", state="no decreed days", reason=str(error))
            return []

    def _take(self, rows: Sequence[DayRow]) -> None:
        self.rows = {row.day.date: row for row in rows}
        self.workdays = Workdays({row.day.date: row.day for row in rows})


def ending(workdays: Workdays, today: date) -> str | None:
    """One sentence when the known days end within 60 days, else None."""
    left, until = workdays.days_left(today), workdays.known_until(today)
    if left >= WARN_DAYS:
        return None
    known = "does not know today" if until is None else f"ends on {until}, in {left} days"
    return (
        f"the calendar of workdays {known}: then weekdays alone decide. Once the next year is decreed and the package"
        " holidays has it, type: hotline workdays import; before, or for days of your own: hotline workdays set"
    )


def _end_of_next_year(today: date) -> date:
    return date(today.year + 1, 12, 31)


def _official(today: date) -> list[DayRow]:
    return [DayRow(day, True) for day in official_days(range(today.year - 1, today.year + 2))]


def _told(row: DayRow) -> dict[str, Any]:
    day = row.day
    plain = kinds_of(day.date.weekday())[0] is day.kind and row.official
    return {"date": day.date, "kind": day.kind.value, "name": day.name, "official": row.official, "plain": plain}


def _audit(rows: Sequence[DayRow], before: Mapping[date, DayKind], by: str) -> None:
    changes = {str(row.day.date): [before[row.day.date].value, row.day.kind.value] for row in rows}
    log.info("audit", what="workdays changed", by=by, changes=changes)


def _from_csv(data: bytes) -> tuple[list[DayRow], list[dict[str, Any]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return [], [_mistake(None, "", "the file is not UTF-8 text")]
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if not {"date", "kind"} <= set(reader.fieldnames or ()) <= set(COLUMNS):
        return [], [_mistake(1, "", "the first line must name the columns date, kind and, if wanted, name")]
    return _checked([(reader.line_num, values) for values in reader])


def _checked(
    given: Sequence[tuple[int | None, Mapping[str, Any]]],
) -> tuple[list[DayRow], list[dict[str, Any]]]:
    """Days as an operator gave them, and every mistake with its row."""
    rows: dict[date, DayRow] = {}
    mistakes = []
    for line, values in given:
        found, column = _day(values)
        if isinstance(found, str):
            mistakes.append(_mistake(line, column, found))
        elif found.date in rows:
            mistakes.append(_mistake(line, "date", f"{found.date} stands there twice"))
        else:
            rows[found.date] = DayRow(found, False)
    return list(rows.values()), mistakes


def _day(values: Mapping[str, Any]) -> tuple[Day | str, str]:
    """The day, or what is wrong and in which column."""
    try:
        when = date.fromisoformat(str(values.get("date")))
    except ValueError:
        return f"{str(values.get('date'))[:20]!r} is no date like 2026-10-01", "date"
    if values.get("kind") not in set(DayKind):
        return f"{when}: the kind is one of {', '.join(DayKind)}", "kind"
    name = str(values.get("name") or "")
    if len(name) > LONGEST_NAME or not name.isprintable():
        return f"{when}: a name has at most {LONGEST_NAME} characters in one line", "name"
    try:
        return Day(when, DayKind(values["kind"]), name), ""
    except ValueError as error:
        return str(error), "kind"


def _mistake(row: int | None, column: str, why: str) -> dict[str, Any]:
    return {"row": row, "column": column, "why": why}


def span(first: date, last: date) -> list[date]:
    """All dates from one to the other, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
