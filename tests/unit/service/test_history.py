"""Recorded days by the local clock: read once, the newest first, and never a day that was not recorded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from routing.forecast import QUARTERS
from service.history import DEEPEST, History, of_lines, quarter_of, start_of, together

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
TODAY = date(2026, 11, 20)


@dataclass
class Kept:
    """Calls as (number, epoch s); remembers which intervals were asked for."""

    calls: list[tuple[str, float]]
    asked: list[int] = field(default_factory=list)

    async def first_arrival_ms(self) -> int | None:
        return min((round(at * 1000) for _, at in self.calls), default=None)

    async def arrivals_by(self, since_ms: int, until_ms: int, every_ms: int) -> list[tuple[str, int, int]]:
        self.asked.append(since_ms)
        found = Counter(
            (number, int(at * 1000 - since_ms) // every_ms)
            for number, at in self.calls
            if since_ms <= at * 1000 < until_ms
        )
        return [(*key, count) for key, count in found.items()]


def at(text: str, zone: ZoneInfo = SHANGHAI) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


async def learnt(calls: list[tuple[str, float]], today: date = TODAY, zone: ZoneInfo = SHANGHAI) -> History:
    history = History(zone, 0)
    await history.learn(Kept(calls), today, DEEPEST)
    return history


async def test_call_belongs_to_the_quarter_of_the_local_clock_in_which_it_arrived() -> None:
    times = ["2026-11-18T00:00:00", "2026-11-18T00:14:59.999", "2026-11-18T00:15", "2026-11-18T23:59:59.999"]
    calls = [("12345", at("2026-11-16T12:00"))] + [("12345", at(time)) for time in times]
    history = await learnt([*calls, ("12345", at("2026-11-19T00:00"))])
    counts = of_lines(history.days(), ["12345"])
    assert [counts[date(2026, 11, 18)][quarter] for quarter in (0, 1, 95)] == [2, 1, 1]
    assert sum(counts[date(2026, 11, 18)]) == 4
    assert counts[date(2026, 11, 19)][0] == 1


async def test_each_day_has_96_quarters_also_when_the_clock_changes() -> None:
    """The last Sundays of March and October in Berlin: an hour that is not there, an hour that is there twice."""
    first = ("12345", at("2026-03-01T12:00", BERLIN))
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        begin = start_of(day, BERLIN)
        calls = [("12345", begin + 450 + 900 * n) for n in range(4 * hours)]
        history = await learnt([first, *calls], day + timedelta(days=1), BERLIN)
        counts = of_lines(history.days(), ["12345"])[day]
        assert (len(counts), sum(counts)) == (QUARTERS, 4 * hours)
        assert list(counts[8:12]) == [0 if hours == 23 else 2] * 4


def test_in_a_zone_without_summer_time_every_day_is_96_quarters_long() -> None:
    day = date(2026, 1, 1)
    while day.year == 2026:
        begin, end = start_of(day, SHANGHAI), start_of(day + timedelta(days=1), SHANGHAI)
        assert end - begin == 86_400
        assert [quarter_of(begin, SHANGHAI), quarter_of(end - 1, SHANGHAI)] == [0, 95]
        day += timedelta(days=1)


async def test_first_day_of_all_and_today_are_no_whole_days() -> None:
    days = ["2026-11-17T09:00", "2026-11-18T09:00", "2026-11-19T09:00", "2026-11-20T09:00"]
    history = await learnt([("12345", at(day)) for day in days])
    assert sorted(history.days()) == [date(2026, 11, 18), date(2026, 11, 19)]


async def test_day_without_any_call_was_not_recorded() -> None:
    history = await learnt([("12345", at(f"2026-11-{day}T09:00")) for day in (14, 15, 17)])
    assert sorted(of_lines(history.days(), ["12345"])) == [date(2026, 11, 15), date(2026, 11, 17)]


async def test_quiet_line_has_its_zeros_and_one_that_came_later_is_known_from_its_second_day_on() -> None:
    calls = [("12345", at(f"2026-11-{day}T09:00")) for day in range(10, 20)]
    calls += [("12393", at(f"2026-11-{day}T09:00")) for day in (14, 16)]
    days = (await learnt(calls)).days()
    assert {day.day: sum(counts) for day, counts in of_lines(days, ["12393"]).items()} == {
        15: 0, 16: 1, 17: 0, 18: 0, 19: 0,
    }  # fmt: skip
    assert sum(of_lines(days, ["12345", "12393"])[date(2026, 11, 16)]) == 2
    assert of_lines(days, ["96510"]) == {}


async def test_past_day_is_asked_for_once_newest_first_and_a_year_back_at_most() -> None:
    kept = Kept([("12345", at("2024-01-01T09:00")), ("12345", at("2026-11-19T09:00"))])
    history = History(SHANGHAI, 0)
    await history.learn(kept, TODAY, 3)
    newest = [start_of(TODAY - timedelta(days=n), SHANGHAI) * 1000 for n in (1, 2, 3)]
    assert kept.asked == newest
    await history.learn(kept, TODAY, DEEPEST)
    await history.learn(kept, TODAY, DEEPEST)
    assert len(kept.asked) == len(set(kept.asked)) == DEEPEST
    changes = history.changes
    await history.learn(kept, TODAY + timedelta(days=1), DEEPEST)
    assert (len(history.days()), history.changes) == (DEEPEST, changes + 1)


async def test_hotline_without_a_call_has_no_days() -> None:
    kept = Kept([])
    await History(SHANGHAI, 0).learn(kept, TODAY)
    assert kept.asked == []


@pytest.mark.parametrize("numbers", [[], ["96510"]])
def test_together_of_nothing_is_nothing(numbers: list[str]) -> None:
    assert list(together({"12345": [1] * QUARTERS}, numbers)) == [0] * QUARTERS
