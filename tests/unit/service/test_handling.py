"""Handling and patience from two weeks of records, and what is said while there are too few calls."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from service.handling import DAYS, Handling, Learned
from service.history import start_of
from storage.handling import Handled

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 20)


class Records:
    """The same for every day; remembers which were asked for."""

    def __init__(self, *rows: Handled) -> None:
        self.rows, self.asked = list(rows), list[int]()

    async def handled_by(self, since_ms: int, until_ms: int, every_ms: int) -> list[Handled]:
        self.asked.append(since_ms)
        assert (until_ms - since_ms) / every_ms == 24
        return self.rows


def wrap_up_s(line: str) -> float:
    return {"12345": 10.0, "12333": 40.0}[line]


async def learned(*rows: Handled) -> Handling:
    handling = Handling(SHANGHAI, pause=0)
    await handling.learn(Records(*rows), TODAY)
    return handling


async def test_handling_is_talk_of_the_hours_around_and_the_wrap_up_of_the_line() -> None:
    handling = await learned(
        Handled("12345", 9, 20, 20 * 200_000, 0, 0),
        Handled("12333", 10, 20, 20 * 300_000, 0, 0),
        Handled("12345", 15, 500, 500 * 900_000, 0, 0),
    )
    assert handling.handle_s(10, wrap_up_s, 300) == Learned((210 + 340) / 2, "same hours", 2 * 20 * DAYS)
    assert handling.handle_s(15, wrap_up_s, 300).seconds == 910


@pytest.mark.parametrize(
    ("calls", "found"),
    [
        (7, Learned(300.0, "configuration", 0)),  # 98 in two weeks
        (8, Learned(210.0, "all hours", 112)),
    ],
)
async def test_hour_with_too_few_calls_is_taken_from_the_whole_day_and_a_day_with_too_few_from_the_configuration(
    calls: int, found: Learned
) -> None:
    handling = await learned(Handled("12345", 9, calls, calls * 200_000, 0, 0))
    assert handling.handle_s(20, wrap_up_s, 300.0) == found


async def test_patience_is_all_waiting_for_each_who_gave_up() -> None:
    """4 gave up a day, who waited for 30 s each; 96 were answered after 5 s: they would have waited longer."""
    handling = await learned(Handled("12345", 9, 96, 0, 4, 4 * 30_000 + 96 * 5_000))
    assert handling.patience_s(600.0) == Learned(150.0, "all hours", 4 * DAYS)


async def test_while_hardly_anybody_gives_up_patience_is_the_configured_one() -> None:
    handling = await learned(Handled("12345", 9, 96, 0, 3, 3 * 30_000))
    assert handling.patience_s(600.0) == Learned(600.0, "configuration", 0)


async def test_a_day_is_asked_for_once_and_forgotten_after_two_weeks() -> None:
    records, handling = Records(Handled("12345", 9, 10, 10 * 100_000, 0, 0)), Handling(SHANGHAI, pause=0)
    for _ in range(2):
        await handling.learn(records, TODAY)
    days = [TODAY - timedelta(days=back) for back in range(1, DAYS + 1)]
    assert records.asked == [start_of(day, SHANGHAI) * 1000 for day in days]
    await handling.learn(records, TODAY + timedelta(days=1))
    assert records.asked[DAYS:] == [start_of(TODAY, SHANGHAI) * 1000]
    assert handling.handle_s(9, wrap_up_s, 300).calls == 10 * DAYS
