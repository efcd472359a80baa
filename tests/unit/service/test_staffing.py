"""Seats needed and the end of the day, from a real database and a made-up clock."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from metrics.erlang import erlang_a, seats_needed
from routing.forecast import QUARTER_S
from routing.model import DeviceState, EngineView, SeatView, Surge
from routing.need import Named
from routing.roster import Roster, Shift
from routing.workdays import Workdays
from service.forecast_days import ForecastDays
from service.forecasts import Forecasts
from service.history import History, start_of
from service.staffing import Here, Staffing, Wanted, at_work
from storage.errors import StorageUnavailable
from storage.records import Records
from tests.arrivals import even_days, keep
from tests.unit.routing.floor_plan import rules

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 20)  # a Friday
MIDNIGHT = float(start_of(TODAY, SHANGHAI))
NOON = MIDNIGHT + 12 * 3600
A_QUARTER = 5
WANTED = Wanted(0.95, 15.0, 300.0, 600.0)


class Hotline:
    """A database with five weeks in it, and people and rules as the service would have them."""

    def __init__(self, folder: Path, records: Records) -> None:
        self.url, self.records = f"sqlite+aiosqlite:///{folder}/h.db", records
        self.rules, self.wanted, self.signed_in = rules(), WANTED, 4
        self.days = ForecastDays(records, History(SHANGHAI, 0), lambda: self.rules.lines, Workdays)
        self.forecasts = Forecasts(records, self.days, self._no_surge)
        self.staffing = Staffing(records, self.days, self._here, lambda: self.wanted, pause=0)
        self.forecasts.on_look = self.staffing.look

    def _no_surge(self) -> Surge | None:
        return None

    def _here(self) -> Here:
        return Here(self.signed_in, self.rules, Workdays())

    async def told(self, now: float) -> dict[str, Any]:
        await self.forecasts.look(now)
        found = self.staffing.shown()
        assert found is not None
        return found

    async def today(self, *, until: float, late_of_ten: int = 0) -> None:
        """As many calls as forecast, of which so many of ten are answered late."""
        arrivals = [one for one in even_days("12345", TODAY, TODAY, SHANGHAI, a_quarter=A_QUARTER) if one[1] < until]
        for nth in range(10):
            judged = "late" if nth < late_of_ten else "in_time"
            await keep(self.url, arrivals[nth::10], judged=judged, answered_ms=1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def five_weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with five calls in each quarter of an hour, up to yesterday."""
    file = tmp_path_factory.mktemp("past") / "h.db"
    yesterday = TODAY - timedelta(days=1)
    past = even_days("12345", TODAY - timedelta(days=40), yesterday, SHANGHAI, a_quarter=A_QUARTER)
    await keep(f"sqlite+aiosqlite:///{file}", past, talk_ms=200_000, answered_ms=1, wait_ms=4000)
    return file


@pytest_asyncio.fixture
async def hotline(tmp_path: Path, five_weeks: Path) -> AsyncIterator[Hotline]:
    shutil.copy(five_weeks, tmp_path)
    records = await Records.open(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path)
    yield Hotline(tmp_path, records)
    await records.close()


async def test_next_hour_needs_what_erlang_a_says_of_the_forecast(hotline: Hotline) -> None:
    await hotline.today(until=NOON + 450)
    found = await hotline.told(NOON + 450)
    needed = seats_needed(A_QUARTER / QUARTER_S, 210.0, 600.0, 15.0, 0.95)  # 200 s of talk, 10 s of wrap-up
    assert [quarter["at"] for quarter in found["quarters"]] == ["12:00", "12:15", "12:30", "12:45"]
    assert [quarter["expected"] for quarter in found["quarters"]] == pytest.approx([A_QUARTER] * 4, abs=0.1)
    assert [quarter["needed"] for quarter in found["quarters"]] == [needed] * 4
    assert [quarter["gap"] for quarter in found["quarters"]] == [needed - 4] * 4
    assert found["handling"] == {"seconds": 210.0, "source": "same hours", "calls": 3 * 4 * A_QUARTER * 14}
    assert found["patience"] == {"seconds": 600.0, "source": "configuration", "calls": 0}
    assert (found["signed_in"], found["why_none"]) == (4, None)


async def test_day_ends_at_what_was_and_what_those_signed_in_can_do(hotline: Hotline) -> None:
    """Half of the day is over, a tenth of it was late."""
    await hotline.today(until=NOON, late_of_ten=1)
    day = (await hotline.told(NOON))["today"]
    assert (day["formula"], day["judged"], day["in_time"], day["ratio"]) == ("V2-all", 240, 216, 0.9)
    rest = erlang_a(A_QUARTER / QUARTER_S, 210.0, 4, 600.0, 15.0).in_time
    assert day["expected"] == pytest.approx((216 + 240 * rest) / 480, abs=1e-3)
    assert (day["to_come"], day["must"], day["reachable"], day["best"]) == (240, 240, True, 0.95)


async def test_one_person_more_is_seen_in_the_gap_and_in_the_end_of_the_day(hotline: Hotline) -> None:
    await hotline.today(until=NOON)
    before = await hotline.told(NOON)
    hotline.signed_in += 1
    after = await hotline.told(NOON + 60)
    assert after["quarters"][1]["gap"] == before["quarters"][1]["gap"] - 1
    assert after["today"]["expected"] > before["today"]["expected"]


async def test_target_out_of_reach_is_said_with_the_best_that_is_left(hotline: Hotline) -> None:
    await hotline.today(until=NOON, late_of_ten=2)
    day = (await hotline.told(NOON))["today"]
    assert (day["reachable"], day["best"]) == (False, pytest.approx((192 + 240) / 480))


async def test_of_the_quarter_that_is_going_on_only_the_rest_is_to_come(hotline: Hotline) -> None:
    await hotline.today(until=NOON + 12 * 3600 - QUARTER_S / 2)
    day = (await hotline.told(NOON + 12 * 3600 - QUARTER_S / 2))["today"]
    assert day["to_come"] == round(A_QUARTER / 2)


async def test_calls_that_wait_now_are_to_come_and_tests_are_nothing(hotline: Hotline) -> None:
    await hotline.today(until=NOON)
    await keep(hotline.url, [("12345", NOON - 5.0)] * 3, judged=None, outcome=None, ended_ms=None)
    await keep(hotline.url, [("12345", NOON - 7.0), ("12345", NOON - 9.0)], judged="test")
    await keep(hotline.url, [("99999", NOON - 11.0)], judged="late")  # no line of today's any more
    found = await hotline.told(NOON)
    day = found["today"]
    assert (day["judged"], day["to_come"]) == (240, pytest.approx(3 + 240 * found["level"], abs=1))


async def test_day_that_is_busier_than_its_forecast_needs_more_seats(hotline: Hotline) -> None:
    await hotline.today(until=NOON)
    await keep(hotline.url, [(number, at + 1) for number, at in morning()])
    found = await hotline.told(NOON)
    assert 1.1 < found["level"] < 1.3, "these days are so even that a forecast is much worth"
    assert found["quarters"][1]["expected"] == pytest.approx(A_QUARTER * found["level"], abs=0.1)


def morning() -> Iterator[tuple[str, float]]:
    return (one for one in even_days("12345", TODAY, TODAY, SHANGHAI, a_quarter=A_QUARTER) if one[1] < NOON)


async def test_quarters_after_midnight_are_tomorrows_and_tomorrow_is_not_todays_ratio(hotline: Hotline) -> None:
    late = MIDNIGHT + 86_400 - 60
    await hotline.today(until=late)
    found = await hotline.told(late)
    assert [quarter["at"] for quarter in found["quarters"]] == ["23:45", "00:00", "00:15", "00:30"]
    assert all(quarter["needed"] for quarter in found["quarters"])
    assert found["today"]["to_come"] == 0


async def test_later_shift_is_as_complete_as_the_present_one(hotline: Hotline) -> None:
    """Two are on the roster until 14:00 and both are there; then one."""
    shifts = (
        Shift(people=Named("1001")),
        Shift(people=Named("1002"), begins_s=8 * 3600, ends_s=14 * 3600),
    )
    hotline.signed_in = 2
    await hotline.today(until=NOON)
    stays = (await hotline.told(NOON))["today"]["expected"]
    hotline.rules = replace(hotline.rules, roster=Roster(shifts, SHANGHAI))
    found = await hotline.told(NOON + 60)
    assert [quarter["rostered"] for quarter in found["quarters"]] == [2, 2, 2, 2]
    assert found["today"]["expected"] < stays - 0.05


async def test_hotline_in_its_first_week_says_so_and_makes_no_number_up(tmp_path: Path) -> None:
    records = await Records.open(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path)
    hotline = Hotline(tmp_path, records)
    await hotline.today(until=NOON, late_of_ten=1)
    found = await hotline.told(NOON)
    assert found["why_none"] == "no forecast: no day is recorded that this Friday could be like, 3 are needed"
    assert (found["quarters"], found["handling"], found["patience"], found["level"]) == ([], None, None, None)
    day = found["today"]
    assert (day["ratio"], day["judged"]) == (0.9, 240)
    assert [day[key] for key in ("expected", "to_come", "must", "best", "reachable")] == [None] * 5
    await records.close()


async def test_line_has_its_own_wrap_up(hotline: Hotline) -> None:
    lines = {**hotline.rules.lines, "12345": replace(hotline.rules.lines["12345"], wrap_up_s=60.0)}
    hotline.rules = replace(hotline.rules, lines=lines)
    assert (await hotline.told(NOON))["handling"]["seconds"] == 260.0


async def test_while_the_records_do_not_answer_nothing_old_is_shown(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hotline.told(NOON)

    async def away(since_ms: int = 0) -> Any:
        raise StorageUnavailable("away")

    monkeypatch.setattr(hotline.records, "line_figures", away)
    with pytest.raises(StorageUnavailable):
        await hotline.forecasts.look(NOON + 60)
    assert hotline.staffing.shown() is None


async def test_who_follows_the_forecast_hears_that_the_records_are_away(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look as its task makes it; then the task waits for the next minute, and is over here."""
    heard: list[object] = []

    async def hears(now: float, today: object) -> None:
        heard.append(today)
        raise asyncio.CancelledError

    async def away(timeout: float) -> bool:
        return False

    hotline.forecasts.on_look = hears
    monkeypatch.setattr(hotline.records, "flush", away)
    with pytest.raises(asyncio.CancelledError):
        await hotline.forecasts.keep()
    assert heard == [None]


async def test_without_an_outlook_nothing_is_shown(hotline: Hotline) -> None:
    await hotline.told(NOON)
    await hotline.staffing.look(NOON + 60, None)
    assert hotline.staffing.shown() is None


def test_who_is_paused_or_away_is_no_seat() -> None:
    def alone(state: str) -> int:
        seat = SeatView("1001", "1001", "", state, 0.0, DeviceState.NOT_INUSE, None)
        return at_work(EngineView((), (seat,), ready=True, ami_up=True))

    assert [alone(state) for state in ("ready", "ringing", "talking", "wrap_up")] == [1, 1, 1, 1]
    assert [alone(state) for state in ("paused", "signed_out")] == [0, 0]
