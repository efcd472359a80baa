"""Who is on duty when, as an operator would read the roster aloud."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from routing.coverage import gaps
from routing.need import Anybody, InGroup, Named
from routing.roster import DAY_S, Days, Roster, Shift, Span
from routing.workdays import Day, DayKind, Workdays

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY, NIGHT, REST = InGroup("day"), InGroup("night"), InGroup("rest")
H = 3600
# 2026: 1 to 7 October off, Sunday 20 September and Saturday 10 October worked
AUTUMN = Workdays(
    {
        date(2026, 9, 20): Day(date(2026, 9, 20), DayKind.MOVED),
        **{date(2026, 10, n): Day(date(2026, 10, n), DayKind.HOLIDAY) for n in (1, 2, 3, 5, 6, 7)},
        date(2026, 10, 10): Day(date(2026, 10, 10), DayKind.MOVED),
    }
)
CITY = (
    Shift(people=DAY, days=frozenset({Days.WORKDAY}), begins_s=8 * H, ends_s=18 * H),
    Shift(people=NIGHT, days=frozenset({Days.WORKDAY}), begins_s=18 * H, ends_s=8 * H),
    Shift(people=REST, days=frozenset({Days.REST}), begins_s=8 * H, ends_s=8 * H),
)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()


def people(text: str, *shifts: Shift, line: str = "12345") -> object:
    return Roster(shifts, SHANGHAI).duty(line, at(text), AUTUMN).people


def change(text: str, *shifts: Shift) -> str:
    moment = Roster(shifts, SHANGHAI).next_change("12345", at(text), AUTUMN)
    assert moment is not None
    return datetime.fromtimestamp(moment, SHANGHAI).strftime("%Y-%m-%d %H:%M")


def test_without_a_roster_everybody_is_on_duty_and_nothing_ever_changes() -> None:
    roster = Roster()
    assert roster.duty("12345", 0.0, Workdays()).everybody
    assert roster.next_change("12345", 0.0, Workdays()) is None


def test_a_line_that_no_roster_names_is_served_by_everybody() -> None:
    shift = Shift(frozenset({"12345"}), DAY, begins_s=8 * H, ends_s=18 * H)
    assert people("2026-09-21 03:00", shift, line="12333") is None
    assert people("2026-09-21 03:00", shift) == ()


@pytest.mark.parametrize(
    ("moment", "who", "until"),
    [
        ("2026-09-18 07:59", NIGHT, "2026-09-18 08:00"),  # Friday
        ("2026-09-18 08:00", DAY, "2026-09-18 18:00"),
        ("2026-09-19 07:59", NIGHT, "2026-09-19 08:00"),  # the night of Friday ends on Saturday
        ("2026-09-19 08:00", REST, "2026-09-20 08:00"),
        ("2026-09-20 12:00", DAY, "2026-09-20 18:00"),  # a Sunday, worked
        ("2026-09-20 23:59", NIGHT, "2026-09-21 08:00"),
        ("2026-10-01 07:00", NIGHT, "2026-10-01 08:00"),
        ("2026-10-01 09:00", REST, "2026-10-08 08:00"),  # the whole holiday, its Sunday included
        ("2026-10-09 20:00", NIGHT, "2026-10-10 08:00"),
        ("2026-10-10 09:00", DAY, "2026-10-10 18:00"),  # a Saturday, worked
    ],
)
def test_days_nights_holidays_and_moved_workdays(moment: str, who: object, until: str) -> None:
    assert people(moment, *CITY) == (who,)
    assert change(moment, *CITY) == until


def test_a_dated_shift_stands_instead_of_the_weekly_ones_of_the_same_people_and_of_nobody_else() -> None:
    short = Shift(people=DAY, spans=(Span(date(2026, 9, 18), date(2026, 9, 18)),), begins_s=10 * H, ends_s=12 * H)
    assert people("2026-09-18 09:00", *CITY, short) == ()
    assert people("2026-09-18 10:00", *CITY, short) == (DAY,)
    assert people("2026-09-18 12:00", *CITY, short) == ()
    assert people("2026-09-18 18:00", *CITY, short) == (NIGHT,)
    assert people("2026-09-21 09:00", *CITY, short) == (DAY,)


def test_people_who_are_off_on_a_date_come_again_after_it_and_others_may_come_instead() -> None:
    away = Shift(people=NIGHT, spans=(Span(date(2026, 9, 17), date(2026, 9, 17)),), off=True)
    help_ = Shift(people=REST, spans=(Span(date(2026, 9, 17), date(2026, 9, 17)),), begins_s=18 * H, ends_s=8 * H)
    assert people("2026-09-17 07:00", *CITY, away) == (NIGHT,)  # began the day before
    assert people("2026-09-18 07:00", *CITY, away) == ()
    assert people("2026-09-18 07:00", *CITY, away, help_) == (REST,)
    assert people("2026-09-18 20:00", *CITY, away, help_) == (NIGHT,)


def test_leaders_come_first_for_their_hours_and_take_nobodys_place() -> None:
    leader = Shift(
        people=Named("9001"),
        spans=(Span(date(2026, 9, 18), date(2026, 9, 18)),),
        begins_s=9 * H,
        ends_s=10 * H,
        first=True,
    )
    roster = Roster((*CITY, leader), SHANGHAI)
    inside = roster.duty("12345", at("2026-09-18 09:30"), AUTUMN)
    assert (inside.people, inside.first) == ((DAY,), (Named("9001"),))
    assert change("2026-09-18 08:30", *CITY, leader) == "2026-09-18 09:00"
    alone = Roster((leader,), SHANGHAI).duty("12345", at("2026-09-18 09:30"), AUTUMN)
    assert (alone.people, alone.everybody, alone.gap) == (None, True, False)


def test_hours_that_leaders_alone_cover_are_a_gap() -> None:
    day = Shift(people=DAY, begins_s=8 * H, ends_s=18 * H)
    leader = Shift(people=Named("9001"), begins_s=18 * H, ends_s=8 * H, first=True)
    assert Roster((day, leader), SHANGHAI).duty("12345", at("2026-09-18 20:00"), AUTUMN).gap


# -- clocks that jump --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "second", "utc"),
    [
        ("America/New_York", "2026-03-08", 1.5 * H, "06:30"),
        ("America/New_York", "2026-03-08", 2.5 * H, "07:00"),  # skipped: the moment of the skip
        ("America/New_York", "2026-03-08", 3 * H, "07:00"),
        ("Africa/Cairo", "2026-04-24", 0, "22:00"),  # no midnight on this day
        ("Australia/Lord_Howe", "2026-10-04", 2.25 * H, "15:30"),  # half an hour is skipped
        ("Europe/Berlin", "2026-10-25", 2.5 * H, "00:30"),  # shown twice: the first time
        ("Europe/Berlin", "2026-10-25", 3 * H, "02:00"),
        ("Asia/Shanghai", "2026-10-25", 24 * H, "16:00"),
    ],
)
def test_a_time_that_is_skipped_or_shown_twice_is_one_moment(zone: str, day: str, second: float, utc: str) -> None:
    moment = Roster(zone=ZoneInfo(zone)).moment(date.fromisoformat(day), int(second))
    assert datetime.fromtimestamp(moment, UTC).strftime("%H:%M") == utc


@pytest.mark.parametrize(
    ("zone", "day"), [("America/New_York", date(2026, 3, 8)), ("Europe/Berlin", date(2026, 10, 25))]
)
def test_shifts_that_meet_in_a_jump_of_the_clock_leave_no_second_to_nobody_and_none_to_both(
    zone: str, day: date
) -> None:
    half = 2 * H + H // 2
    roster = Roster((Shift(people=NIGHT, ends_s=half), Shift(people=DAY, begins_s=half)), ZoneInfo(zone))
    start = roster.moment(day, 0)
    seen = [roster.duty("12345", start + 60 * n, Workdays()).people for n in range(60 * 6)]
    assert set(seen) == {(NIGHT,), (DAY,)}
    assert sum(one != other for one, other in pairwise(seen)) == 1


# -- gaps on paper -----------------------------------------------------------------------------------------------------


def test_days_nights_and_rests_leave_no_gap() -> None:
    assert gaps(CITY) == []
    assert gaps(()) == []
    assert gaps((Shift(people=Anybody()),)) == []


def test_forgotten_holidays_are_told_by_weekday_and_hours() -> None:
    weekend = Shift(people=REST, days=frozenset({Days.WEEKEND}), begins_s=8 * H, ends_s=8 * H)
    found = gaps((*CITY[:2], weekend))
    assert {gap.kind for gap in found} == {DayKind.HOLIDAY, DayKind.WORKDAY, DayKind.WEEKEND, DayKind.MOVED}
    assert {(gap.begins_s, gap.ends_s) for gap in found if gap.kind is DayKind.WORKDAY} == {
        (0, 8 * H)
    }  # the morning after
    assert (8 * H, DAY_S) in {(gap.begins_s, gap.ends_s) for gap in found if gap.kind is DayKind.HOLIDAY}


def test_a_date_on_which_all_are_off_is_a_gap_of_that_date_and_of_the_next_morning() -> None:
    off = Shift(people=NIGHT, spans=(Span(date(2026, 9, 17), date(2026, 9, 17)),), off=True)
    found = gaps((*CITY, off))
    assert {(str(gap.date), gap.begins_s, gap.ends_s) for gap in found} == {
        ("2026-09-17", 18 * H, DAY_S),
        ("2026-09-18", 0, 8 * H),
    }


# -- the calendar ------------------------------------------------------------------------------------------------------


def test_a_day_that_is_not_in_the_table_is_what_its_weekday_says() -> None:
    assert [Workdays().kind(date(2026, 9, n)) for n in (18, 19)] == [DayKind.WORKDAY, DayKind.WEEKEND]
    assert AUTUMN.works(date(2026, 10, 10))
    assert not AUTUMN.works(date(2026, 10, 1))


@pytest.mark.parametrize(
    ("day", "kind"), [("2026-09-16", DayKind.WEEKEND), ("2026-09-16", DayKind.MOVED), ("2026-09-19", DayKind.WORKDAY)]
)
def test_a_day_cannot_be_what_its_weekday_forbids(day: str, kind: DayKind) -> None:
    with pytest.raises(ValueError, match="allowed"):
        Day(date.fromisoformat(day), kind)


def test_the_calendar_knows_its_own_end_and_a_hole_ends_it() -> None:
    days = {date(2026, 12, n): Day(date(2026, 12, n), DayKind.WORKDAY) for n in (28, 29, 31)}
    assert Workdays(days).known_until(date(2026, 12, 28)) == date(2026, 12, 29)
    assert Workdays(days).days_left(date(2026, 12, 28)) == 1
    assert Workdays(days).days_left(date(2026, 12, 31)) == 0
    assert Workdays(days).days_left(date(2027, 1, 1)) == -1
