"""The calendar in force: filled at the first start, edited by operators, known to end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from console.deps import Refused
from routing.workdays import Day, DayKind, Workdays
from service.calendar import Calendar, ending
from storage.errors import StorageUnavailable
from storage.records import Records

TODAY = date(2026, 11, 22)


@contextlib.asynccontextmanager
async def running(folder: Path, today: date = TODAY) -> AsyncIterator[Calendar]:
    """From start to stop of a service, as far as the calendar goes."""
    records = await Records.open(f"sqlite+aiosqlite:///{folder}/h.db", folder / "var", catch_up_s=20.0)
    try:
        yield await Calendar.open(records, lambda: today)
    finally:
        await records.close()


async def test_the_first_start_knows_the_decreed_days(tmp_path: Path) -> None:
    async with running(tmp_path) as calendar:
        assert calendar.workdays.kind(date(2026, 10, 10)) is DayKind.MOVED
        assert calendar.workdays.kind(date(2026, 10, 7)) is DayKind.HOLIDAY
        assert calendar.days_left >= 39
        assert calendar.current


async def test_an_edit_is_in_force_at_once_and_after_a_restart_and_the_decree_does_not_undo_it(tmp_path: Path) -> None:
    day = date(2026, 12, 31)
    async with running(tmp_path) as calendar:
        told: list[DayKind] = []
        calendar.on_change = lambda: told.append(calendar.workdays.kind(day))
        done = await calendar.set([{"date": "2026-12-31", "kind": "holiday", "name": "停机日"}], "chief")
        assert (told, len(done["changed"]), done["unchanged"]) == ([DayKind.HOLIDAY], 1, 0)
    async with running(tmp_path) as calendar:
        assert calendar.workdays.days[day] == Day(day, DayKind.HOLIDAY, "停机日")
        assert (await calendar.take_official("chief", over_operators=False, dry_run=False))["changed"] == []
        looked = await calendar.take_official("chief", over_operators=True, dry_run=True)
        assert [row["date"] for row in looked["changed"]] == [day]
        assert calendar.workdays.kind(day) is DayKind.HOLIDAY
        await calendar.take_official("chief", over_operators=True, dry_run=False)
        assert calendar.workdays.kind(day) is DayKind.WORKDAY


async def test_all_mistakes_of_a_file_are_told_and_nothing_is_taken(tmp_path: Path) -> None:
    rows = ["date,kind,name", "2026-12-32,holiday,", "2026-12-30,feast,", "2026-12-30,moved,", "2026-12-29,holiday,ok"]
    async with running(tmp_path) as calendar:
        with pytest.raises(Refused) as told:
            await calendar.take_csv("\n".join([*rows, "2026-12-29,workday,"]).encode(), "chief", dry_run=False)
        found = [(error["row"], error["column"]) for error in told.value.errors]
        assert found == [(2, "date"), (3, "kind"), (4, "kind"), (6, "date")]
        assert "Wednesday" in told.value.errors[2]["why"]
        assert calendar.workdays.kind(date(2026, 12, 29)) is DayKind.WORKDAY
        for nonsense in (b"\xff\xfe", b"when,kind\n", b""):
            with pytest.raises(Refused):
                await calendar.take_csv(nonsense, "chief", dry_run=False)
        good = await calendar.take_csv("\n".join([rows[0], rows[4]]).encode("utf-8-sig"), "chief", dry_run=False)
        assert [row["name"] for row in good["changed"]] == ["ok"]


async def test_without_a_database_the_decreed_days_serve_and_edits_are_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as known:
        records = known._records

        class Away:
            reachable = False

            async def workdays(self) -> None:
                raise StorageUnavailable("away")

        calendar = await Calendar.open(Away(), lambda: TODAY)  # type: ignore[arg-type]
        assert not calendar.current
        assert calendar.workdays.kind(date(2026, 10, 10)) is DayKind.MOVED
        with pytest.raises(Refused) as refused:
            await calendar.set([{"date": "2026-12-31", "kind": "holiday"}], "chief")
        assert refused.value.status == 503
        calendar._records = records
        await calendar.set([{"date": "2026-12-31", "kind": "holiday"}], "chief")
        assert calendar.workdays.kind(date(2026, 12, 31)) is DayKind.HOLIDAY


@pytest.mark.parametrize("package", [None, object()])
async def test_a_package_that_is_missing_or_strange_stops_no_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: object
) -> None:
    monkeypatch.setitem(sys.modules, "holidays", package)  # type: ignore[arg-type]
    async with running(tmp_path) as calendar:
        assert calendar.current
        assert calendar.days_left == -1
        assert calendar.workdays.kind(date(2026, 10, 10)) is DayKind.WEEKEND
        with pytest.raises(Refused, match="package holidays"):
            await calendar.take_official("chief", over_operators=False, dry_run=False)
        await calendar.set([{"date": "2026-10-10", "kind": "moved"}], "chief")
        assert calendar.workdays.kind(date(2026, 10, 10)) is DayKind.MOVED


async def test_the_list_is_by_year_and_tells_what_differs_from_the_weekday(tmp_path: Path) -> None:
    async with running(tmp_path) as calendar:
        days = {row["date"]: row for row in calendar.listed(2026)["days"]}
        assert len(days) == 365
        assert days[date(2026, 10, 8)]["plain"]
        assert not days[date(2026, 10, 10)]["plain"]
        assert calendar.listed(2025)["days"][0]["date"] == date(2025, 1, 1)
        assert calendar.listed(None)["known_until"] >= date(2026, 12, 31)


def test_the_end_of_the_known_days_is_told_60_days_before_with_what_to_type() -> None:
    days = {day: Day(day, DayKind.WORKDAY) for day in [date(2026, 11, 2), date(2026, 11, 3)]}
    assert "ends on 2026-11-03, in 1 days" in (ending(Workdays(days), date(2026, 11, 2)) or "")
    assert "does not know today" in (ending(Workdays(), TODAY) or "")
    assert "hotline workdays import" in (ending(Workdays(), TODAY) or "")
    whole = {d: Day(d, DayKind(k)) for d, k in _year()}
    assert ending(Workdays(whole), date(2026, 11, 1)) is None  # 60 days
    assert ending(Workdays(whole), date(2026, 11, 2)) is not None


def _year() -> list[tuple[date, str]]:
    dates = [date.fromordinal(date(2026, 1, 1).toordinal() + n) for n in range(365)]
    return [(day, "weekend" if day.weekday() >= 5 else "workday") for day in dates]
