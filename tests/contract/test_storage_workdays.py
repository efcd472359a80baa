"""The table of workdays, on both databases: all or none, and what an operator set outlives the decree."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import text

from routing.workdays import Day, DayKind
from storage.engine import create_engine
from storage.records import workdays_of
from storage.workdays import DayRow
from tests.contract.storage_databases import Database, opened

THURSDAY = date(2026, 12, 31)
HOLIDAY = DayRow(Day(THURSDAY, DayKind.HOLIDAY, "停机日"), official=False)
DECREED = DayRow(Day(THURSDAY, DayKind.WORKDAY), official=True)


async def test_a_day_set_by_hand_stays_until_somebody_wants_the_decree(database: Database) -> None:
    async with opened(database) as records:
        assert await records.workdays() == []
        assert await records.write_workdays([DECREED], over_operators=False) == [DECREED]
        assert await records.write_workdays([HOLIDAY], over_operators=False) == [HOLIDAY]
        assert await records.write_workdays([DECREED], over_operators=False) == [HOLIDAY]
        assert await records.write_workdays([DECREED], over_operators=True) == [DECREED]


async def test_a_year_is_one_change_and_comes_back_by_date(database: Database) -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    rows = [DayRow(Day(day, DayKind.HOLIDAY), official=True) for day in reversed(days)]
    async with opened(database) as records:
        found = await records.write_workdays(rows, over_operators=False)
        assert [row.day.date for row in found] == days
        assert await records.write_workdays([], over_operators=False) == found


async def test_what_somebody_wrote_by_hand_and_makes_no_sense_is_left_out(database: Database) -> None:
    async with opened(database) as records:
        await records.write_workdays([HOLIDAY], over_operators=False)
    engine = create_engine(database.url, password_file=database.password_file)
    async with engine.begin() as connection:
        for row in ("'2026-12-30', 'moved'", "'soon', 'holiday'"):
            await connection.execute(text(f"INSERT INTO workdays VALUES ({row}, '', false)"))
    await engine.dispose()
    async with opened(database) as records:
        assert await records.workdays() == [HOLIDAY]


async def test_a_check_looks_without_making_anything(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/h.db"
    assert await workdays_of(url) == []
    assert not (tmp_path / "h.db").exists()
