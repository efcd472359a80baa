"""When scheduled test calls are due."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from routing.slots import Schedule, begun, of_day

ZONE = ZoneInfo("Asia/Shanghai")
SECRET = b"k" * 32
DAY = date(2026, 11, 24)


def times(*schedules: Schedule, day: date = DAY, secret: bytes = SECRET) -> list[str]:
    return [datetime.fromtimestamp(slot.at, ZONE).strftime("%H:%M:%S") for slot in of_day(schedules, day, ZONE, secret)]


def test_times_of_day_are_local_times() -> None:
    assert times(Schedule(("12345",), at_s=(9 * 3600, 15 * 3600))) == ["09:00:00", "15:00:00"]


def test_every_so_many_minutes_begins_at_from_and_ends_before_to() -> None:
    found = times(Schedule(("12345",), every_s=3600, from_s=8 * 3600, to_s=11 * 3600))
    assert found == ["08:00:00", "09:00:00", "10:00:00"]


def test_jitter_makes_each_later_within_its_bounds_and_other_days_differ() -> None:
    schedule = Schedule(("12345", "12333"), every_s=3600, jitter_s=600)
    found, other = times(schedule), times(schedule, day=date(2026, 11, 25))
    assert all(int(at[3:5]) < 10 for at in found)
    assert len(set(found)) > 40
    assert found != other


def test_the_same_moments_are_found_again_and_only_by_who_knows_the_secret() -> None:
    schedule = Schedule(("12345",), every_s=3600, jitter_s=600)
    assert times(schedule) == times(schedule)
    assert times(schedule) != times(schedule, secret=b"x" * 32)


def test_begun_are_those_of_yesterday_and_today_up_to_now_oldest_first() -> None:
    now = datetime(2026, 11, 24, 1, 30, tzinfo=UTC).timestamp()  # 09:30 there
    found = begun([Schedule(("12345",), at_s=(9 * 3600, 15 * 3600))], now, ZONE, SECRET)
    assert [slot.id for slot in found] == [
        "12345@2026-11-23T09:00", "12345@2026-11-23T15:00", "12345@2026-11-24T09:00",
    ]  # fmt: skip
