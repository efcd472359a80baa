"""Today's forecast and the suggestion of a surge, from a real database, minute by minute of a made-up clock."""

from __future__ import annotations

import asyncio
import math
import shutil
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from routing.model import Surge
from routing.workdays import Day, DayKind, Workdays
from service import forecasts as module
from service.forecast_days import ForecastDays
from service.forecasts import Forecasts
from service.history import History, start_of
from service.keeping import kept
from storage.errors import StorageUnavailable
from storage.records import Records
from tests.arrivals import crowd, even_days, keep
from tests.unit.routing.floor_plan import rules

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 20)  # a Friday
NOON = float(start_of(TODAY, SHANGHAI) + 12 * 3600)
SURGE = Surge(NOON, NOON + 3600, "暴雨", "supervisor")


class Hotline:
    """A database with five weeks in it, and the surge and the calendar as the service would have them."""

    def __init__(self, folder: Path, records: Records) -> None:
        self.url, self.records = f"sqlite+aiosqlite:///{folder}/h.db", records
        self.lines = rules().lines
        self.surge: Surge | None = None
        self.workdays = Workdays()

    def start(self) -> Forecasts:
        days = ForecastDays(self.records, History(SHANGHAI, 0), lambda: self.lines, lambda: self.workdays)
        return Forecasts(self.records, days, lambda: self.surge)

    async def call(self, arrivals: Iterable[tuple[str, float]], **columns: object) -> None:
        await keep(self.url, arrivals, **columns)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def five_weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with five calls in each quarter of an hour, up to yesterday."""
    file = tmp_path_factory.mktemp("past") / "h.db"
    yesterday = TODAY - timedelta(days=1)
    past = even_days("12345", TODAY - timedelta(days=40), yesterday, SHANGHAI, a_quarter=5)
    await keep(f"sqlite+aiosqlite:///{file}", past)
    return file


@pytest_asyncio.fixture
async def hotline(tmp_path: Path, five_weeks: Path) -> AsyncIterator[Hotline]:
    shutil.copy(five_weeks, tmp_path)
    records = await Records.open(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path)
    yield Hotline(tmp_path, records)
    await records.close()


async def told(forecasts: Forecasts, day: date | None = None, line: str = "", now: float = NOON) -> dict[str, Any]:
    found = await forecasts._days.told(now, day, line)
    assert isinstance(found, dict)
    return found


async def test_today_is_shown_by_hours_and_by_quarters_with_what_arrived(hotline: Hotline) -> None:
    await hotline.call(even_days("12345", TODAY, TODAY, SHANGHAI, a_quarter=4))  # also what is still to come
    forecasts = hotline.start()
    assert forecasts.outlook() is None
    now = NOON + 450
    await forecasts.look(now)
    today = forecasts.outlook()
    assert today is not None
    assert (today["total"], today["why_none"]) == (96 * 5, None)
    assert today["until_now"] == 48.5 * 5
    assert [hour["arrived"] is None for hour in today["hours"]] == [False] * 13 + [True] * 11
    assert today["hours"][0] == {"expected": 20.0, "arrived": 16}
    quarters = (await told(forecasts, now=now))["quarters"]
    assert [quarters[at]["at"] for at in (0, 49, 95)] == ["00:00", "12:15", "23:45"]
    assert quarters[48]["arrived"] == 4, "the one that is going on"
    assert quarters[49]["arrived"] is None
    assert today["arrived"] == 49 * 4
    assert quarters[49]["expected"] == 5
    assert quarters[49]["low"] < 5 < quarters[49]["high"]
    assert forecasts.expected_now(now)["12345"] == forecasts.expected_now(now)[""] == pytest.approx(5)


async def test_who_asks_before_the_first_look_is_told_again_after_it(hotline: Hotline) -> None:
    forecasts = hotline.start()
    assert (await told(forecasts))["forecast"] is None
    await forecasts.look(NOON)
    assert (await told(forecasts))["forecast"]["total"] == 96 * 5


async def test_line_without_history_has_no_forecast_and_says_so(hotline: Hotline) -> None:
    other = next(number for number in hotline.lines if number != "12345")
    forecasts = hotline.start()
    await forecasts.look(NOON)
    found = await told(forecasts, line=other)
    assert found["forecast"] is None
    assert found["why_none"] == "no forecast: no day is recorded that this Friday could be like, 3 are needed"
    assert math.isnan(forecasts.expected_now(NOON)[other])


async def test_hotline_in_its_first_week_says_nothing_of_surges(tmp_path: Path) -> None:
    records = await Records.open(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path)
    hotline = Hotline(tmp_path, records)
    forecasts = hotline.start()
    await forecasts.look(NOON)
    await hotline.call(crowd("12345", NOON, minutes=10, a_minute=30))
    await forecasts.look(NOON + 1)
    today = forecasts.outlook()
    assert today is not None
    assert (today["total"], today["arrived"]) == (None, 300)
    assert "3 are needed" in today["why_none"]
    assert forecasts.suggestion() is None
    await records.close()


async def test_day_to_come_has_a_forecast_and_no_arrivals_and_a_past_one_knows_nothing_of_itself(
    hotline: Hotline,
) -> None:
    forecasts = hotline.start()
    await forecasts.look(NOON)
    tomorrow = await told(forecasts, TODAY + timedelta(days=1))
    assert (tomorrow["kind"], tomorrow["forecast"]["total"], tomorrow["arrived"]) == ("Saturday", 96 * 5, None)
    assert tomorrow["forecast"]["until_now"] == 0
    past = await told(forecasts, TODAY - timedelta(days=7))
    assert past["arrived"] == past["forecast"]["until_now"] == 96 * 5
    assert str(TODAY - timedelta(days=7)) not in past["forecast"]["like"]


@pytest.mark.parametrize(
    ("day", "line", "why"),
    [(None, "999", "There is no line 999; there are 12345"), (date(2030, 1, 1), "", "2030-01-01 is too far away")],
)
async def test_what_there_is_not_is_said_in_a_sentence(hotline: Hotline, day: date | None, line: str, why: str) -> None:
    assert str(await hotline.start().day(day, line)).startswith(why)


async def test_calendar_that_changes_changes_the_forecast_at_once(hotline: Hotline) -> None:
    forecasts = hotline.start()
    await forecasts.look(NOON)
    assert (await told(forecasts))["kind"] == "Friday"
    hotline.workdays = Workdays({TODAY: Day(TODAY, DayKind.HOLIDAY, "停机日")})
    assert (await told(forecasts))["kind"] == "holiday"


async def test_after_midnight_the_new_day_is_forecast_and_the_old_one_is_history(hotline: Hotline) -> None:
    await hotline.call(even_days("12345", TODAY, TODAY, SHANGHAI, a_quarter=5))
    forecasts, midnight = hotline.start(), float(start_of(TODAY + timedelta(days=1), SHANGHAI))
    await forecasts.look(midnight - 58)
    await forecasts.look(midnight + 2)
    today = forecasts.outlook()
    assert today is not None
    assert (today["arrived"], today["until_now"]) == (0, pytest.approx(0, abs=0.1))
    friday = await told(forecasts, TODAY + timedelta(days=7), now=midnight + 2)
    assert str(TODAY) in friday["forecast"]["like"]


# -- the suggestion --


async def test_crowd_of_three_minutes_suggests_a_surge_in_words(hotline: Hotline) -> None:
    await hotline.call(crowd("12345", NOON, minutes=3, a_minute=8))
    forecasts = hotline.start()
    with capture_logs() as said:
        await forecasts.look(NOON + 2)
        await forecasts.look(NOON + 30)
    found = forecasts.suggestion()
    assert found is not None
    assert found["text"] == (
        "arrivals are 2300 % above forecast since 11:57; "
        "to declare a surge type: hotline surge start --for 1h --reason …"
    )
    assert found["since"] == NOON - 180
    assert [line["event"] for line in said if "suggest" in line["event"]] == ["surge suggested"], "once"


async def test_it_is_over_by_itself(hotline: Hotline) -> None:
    await hotline.call(crowd("12345", NOON, minutes=3, a_minute=8))
    forecasts = hotline.start()
    await forecasts.look(NOON)
    with capture_logs() as said:
        for minute in range(1, 11):
            await forecasts.look(NOON + 60 * minute)
    assert forecasts.suggestion() is None
    assert [line["event"] for line in said] == ["surge no longer suggested"]


async def test_restart_finds_it_again_as_it_was(hotline: Hotline) -> None:
    await hotline.call(crowd("12345", NOON, minutes=40, a_minute=8))
    first = hotline.start()
    for minute in range(-30, 1):
        await first.look(NOON + 60 * minute)
    second = hotline.start()
    await second.look(NOON + 5)
    assert second.suggestion() == first.suggestion() is not None


async def test_crowd_before_midnight_is_held_against_that_days_forecast(hotline: Hotline) -> None:
    midnight = float(start_of(TODAY, SHANGHAI))
    await hotline.call(crowd("12345", midnight + 60, minutes=3, a_minute=8))
    forecasts = hotline.start()
    await forecasts.look(midnight + 61)
    found = forecasts.suggestion()
    assert found is not None
    assert found["at"] == "23:58"


async def test_minute_before_midnight_is_not_held_against_the_next_day(hotline: Hotline) -> None:
    """On Thursdays many call at that time."""
    for week in range(1, 6):
        midnight = float(start_of(TODAY - timedelta(weeks=week), SHANGHAI))
        await hotline.call(crowd("12345", midnight, minutes=15, a_minute=9))
    midnight = float(start_of(TODAY, SHANGHAI))
    await hotline.call(crowd("12345", midnight, minutes=15, a_minute=9))
    forecasts = hotline.start()
    await forecasts.look(midnight + 1)
    assert forecasts.suggestion() is None


async def test_during_a_surge_nothing_is_suggested_and_after_it_three_minutes_are_needed_again(
    hotline: Hotline,
) -> None:
    await hotline.call(crowd("12345", NOON + 300, minutes=10, a_minute=8))
    forecasts = hotline.start()
    await forecasts.look(NOON)
    assert forecasts.suggestion() is not None
    hotline.surge = SURGE
    assert forecasts.suggestion() is None, "at once"
    await forecasts.look(NOON + 60)
    hotline.surge = None
    assert forecasts.suggestion() is None
    for minute, expected in ((2, False), (3, False), (4, True)):
        await forecasts.look(NOON + 60 * minute)
        assert (forecasts.suggestion() is not None) is expected


async def test_one_caller_who_dials_again_and_again_is_no_crowd(hotline: Hotline) -> None:
    await hotline.call(crowd("12345", NOON, minutes=6, a_minute=8), caller_ref="the same")
    forecasts = hotline.start()
    await forecasts.look(NOON)
    assert forecasts.suggestion() is None


@pytest.mark.parametrize("judged", ["test", "restricted"])
async def test_tests_and_restricted_callers_are_no_crowd(hotline: Hotline, judged: str) -> None:
    await hotline.call(crowd("12345", NOON, minutes=6, a_minute=8), judged=judged)
    forecasts = hotline.start()
    await forecasts.look(NOON)
    assert forecasts.suggestion() is None


async def test_calls_to_a_number_that_is_no_line_any_more_are_no_crowd(hotline: Hotline) -> None:
    await hotline.call(crowd("10000", NOON, minutes=6, a_minute=8))
    forecasts = hotline.start()
    await forecasts.look(NOON)
    assert forecasts.suggestion() is None


async def test_clock_that_steps_back_is_looked_through_anew(hotline: Hotline) -> None:
    await hotline.call(crowd("12345", NOON, minutes=6, a_minute=8))
    forecasts = hotline.start()
    await forecasts.look(NOON + 3600)
    assert forecasts.suggestion() is None
    await forecasts.look(NOON)
    assert forecasts.suggestion() is not None


class Away:
    """Records whose database is gone for a while."""

    def __init__(self, records: Records) -> None:
        self.records, self.gone = records, True

    @property
    def reachable(self) -> bool:
        return not self.gone

    async def flush(self, timeout: float) -> bool:
        return not self.gone and await self.records.flush(timeout)

    async def callers_by(self, *asked: Any) -> dict[int, int]:
        return await self.records.callers_by(*asked)


async def test_without_the_database_nothing_is_said_and_what_it_took_meanwhile_counts_later(hotline: Hotline) -> None:
    forecasts = hotline.start()
    await forecasts.look(NOON - 300)
    away = Away(hotline.records)
    forecasts._records = away  # type: ignore[assignment]
    with pytest.raises(StorageUnavailable):
        await forecasts.look(NOON - 60)
    await hotline.call(crowd("12345", NOON, minutes=4, a_minute=8))
    away.gone = False
    await forecasts.look(NOON)
    assert forecasts.suggestion() is not None


async def test_task_goes_on_after_a_bug_and_shows_nothing_old_while_the_database_is_away(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look after the other, as the task makes them; its pause is none here."""
    forecasts, away = hotline.start(), StorageUnavailable("away")
    faults = [None, away, away, ValueError("a bug"), None]
    shown: list[bool] = []
    bugs: list[str] = []
    done = asyncio.Event()
    look = forecasts.look

    async def next_look(now: float) -> None:
        shown.append(forecasts.outlook() is not None)
        if not faults:
            done.set()
            await asyncio.Event().wait()
        fault = faults.pop(0)
        if fault is not None:
            raise fault
        await look(NOON)

    monkeypatch.setattr(forecasts, "look", next_look)
    monkeypatch.setattr(module, "SETTLE_S", -60.0)  # the next minute is now
    with capture_logs() as said:
        keeping = asyncio.create_task(kept("forecast", forecasts.keep, bugs.append, 0.0))
        async with asyncio.timeout(30):
            await done.wait()
        keeping.cancel()
    assert shown == [False, True, False, False, False, True]
    assert bugs == ["forecast"]
    assert [line["log_level"] for line in said] == ["warning", "error"]


async def test_line_that_comes_with_a_reload_is_in_the_forecast(hotline: Hotline) -> None:
    forecasts = hotline.start()
    await forecasts.look(NOON)
    hotline.lines = {**hotline.lines, "12393": replace(hotline.lines["12345"], number="12393", name="医保")}
    assert (await told(forecasts, line="12393"))["name"] == "医保"
    await forecasts.look(NOON + 60)
    assert "12393" in forecasts.expected_now(NOON)


def test_noon_is_noon_in_shanghai() -> None:
    assert datetime.fromtimestamp(NOON, SHANGHAI).hour == 12
