"""Departments: open or closed, what is said then, and how they are found."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from routing.directory import Department, DepartmentKind, Opening, find, opening, target
from routing.hours import complete
from routing.targets import Route, Target, TargetKind
from routing.workdays import Day, DayKind, Workdays

ZONE = ZoneInfo("Asia/Shanghai")
WORKDAYS = Workdays(
    {
        day.date: day
        for day in (
            Day(date(2026, 10, 1), DayKind.HOLIDAY, "国庆节"),
            Day(date(2026, 10, 2), DayKind.HOLIDAY, "国庆节"),
            Day(date(2026, 10, 3), DayKind.HOLIDAY, "国庆节"),
            Day(date(2026, 10, 4), DayKind.HOLIDAY, "国庆节"),
            Day(date(2026, 10, 10), DayKind.MOVED, ""),
        )
    }
)
WORKING = "workday 09:00-12:00 13:30-17:30"
ROUTES = (Route("PJSIP/80001@department", "80001@department"),)


def housing(own: str = "", **more: object) -> Department:
    hours = complete(own, WORKING)
    return Department("zjj", "市住房和城乡建设局", 3, hours=hours, hours_text=own or WORKING, routes=ROUTES, **more)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


@pytest.mark.parametrize(
    ("when", "is_open", "until"),
    [
        ("2026-09-30 10:00", True, "2026-09-30 12:00"),
        ("2026-09-30 12:00", False, "2026-09-30 13:30"),  # the end is not in it
        ("2026-09-30 13:30", True, "2026-09-30 17:30"),
        ("2026-09-30 17:30", False, "2026-10-05 09:00"),  # over the holiday
        ("2026-10-01 10:00", False, "2026-10-05 09:00"),
        ("2026-10-10 10:00", True, "2026-10-10 12:00"),  # a Saturday that is worked
        ("2026-10-11 10:00", False, "2026-10-12 09:00"),
    ],
)
def test_level_three_keeps_working_hours_on_the_calendar(when: str, is_open: bool, until: str) -> None:
    assert opening(housing(), at(when), ZONE, WORKDAYS) == Opening(is_open, at(until))


def test_without_hours_a_department_is_always_open() -> None:
    water = Department("water", "供水公司", 1, routes=ROUTES)
    assert opening(water, at("2026-10-01 03:00"), ZONE, WORKDAYS) == Opening(True, None)


def test_a_closed_department_is_refused_with_the_time_of_its_opening() -> None:
    assert target(housing(), at("2026-10-01 10:00"), ZONE, WORKDAYS) == (
        "市住房和城乡建设局 is closed now (level 3, workday 09:00-12:00 13:30-17:30); it opens again on 2026-10-05 (mon) at"
        " 09:00."
    )
    gone = housing("2026-09-01..2026-12-31 off")
    assert "does not open within a month" in str(target(gone, at("2026-10-12 10:00"), ZONE, WORKDAYS))


def test_dates_stand_instead_of_the_usual_hours() -> None:
    duty = housing("2026-10-01..2026-10-04 09:00-11:00")
    assert opening(duty, at("2026-10-01 10:00"), ZONE, WORKDAYS) == Opening(True, at("2026-10-01 11:00"))
    assert opening(duty, at("2026-10-12 10:00"), ZONE, WORKDAYS).open


def test_an_open_department_is_a_target_with_its_numbers_in_order() -> None:
    now = at("2026-09-30 10:00")
    assert target(housing(), now, ZONE, WORKDAYS) == Target(
        TargetKind.DEPARTMENT, "zjj", "市住房和城乡建设局", ROUTES, 30.0, None, False
    )
    shown = target(housing(shows_caller=True), now, ZONE, WORKDAYS)
    assert isinstance(shown, Target)
    assert shown.shows_caller


def test_another_hotline_always_gets_the_citizens_number() -> None:
    wuxi = Department("wuxi", "无锡12345", 1, DepartmentKind.HOTLINE, routes=ROUTES)
    found = target(wuxi, at("2026-10-01 03:00"), ZONE, WORKDAYS)
    assert isinstance(found, Target)
    assert (found.kind, found.shows_caller) == (TargetKind.HOTLINE, True)


def test_without_a_number_that_can_be_dialled_it_is_refused() -> None:
    empty = Department("zjj", "住建局")
    assert "hotline departments show zjj" in str(target(empty, at("2026-10-01 03:00"), ZONE, WORKDAYS))


def test_people_find_departments_by_name_short_name_and_id() -> None:
    all_of_them = [
        Department("zjj", "市住房和城乡建设局"),
        Department("gjj", "市住房公积金管理中心"),
        Department("water", "常州供水公司"),
        Department("gas", "常州燃气"),
    ]
    assert [one.id for one in find(all_of_them, "公积金")] == ["gjj"]
    assert [one.id for one in find(all_of_them, "住建")] == ["zjj"]
    assert [one.id for one in find(all_of_them, "市住房")] == ["gjj", "zjj"]
    assert [one.id for one in find(all_of_them, "常州 燃气")] == ["gas"]
    assert [one.id for one in find(all_of_them, "GAS")] == ["gas"]
    assert len(find(all_of_them, " ")) == 4
    assert find(all_of_them, "地铁") == []
