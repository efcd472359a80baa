"""Hours: a department is open exactly when a clock on the wall and the calendar say so, and the next change is one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from routing.directory import Department, opening, target
from routing.hours import complete, parse
from routing.roster import WEEKDAYS, names_of
from routing.targets import Route, Target
from routing.workdays import Day, Workdays, kinds_of

FIRST = date(2026, 9, 28)
ROUTES = (Route("PJSIP/80001@department", "80001@department"),)
zones = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns"]).map(ZoneInfo)
minutes = st.integers(0, 24 * 60)


@st.composite
def calendars(draw: st.DrawFn) -> Workdays:
    days = [FIRST + timedelta(days=n) for n in range(40)]
    return Workdays({day: Day(day, draw(st.sampled_from(kinds_of(day.weekday())))) for day in days})


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int]:
    begins = draw(st.integers(0, 24 * 60 - 1))
    ends = draw(minutes.filter(lambda end: end not in (begins, 0)))
    return begins, ends


words = st.sampled_from(["daily", "workday", "rest", "weekend", "holiday", *(day.value for day in WEEKDAYS)])
entries = st.lists(st.tuples(words, spans()), min_size=1, max_size=4)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def text(rows: list[tuple[str, tuple[int, int]]]) -> str:
    return "; ".join(f"{word} {clock(begins)}-{clock(ends)}" for word, (begins, ends) in rows)


def by_hand(rows: list[tuple[str, tuple[int, int]]], local: datetime, workdays: Workdays) -> bool:
    """The same by arithmetic on a clock that nobody changes: spans of today, and those of yesterday over midnight."""
    minute, today = local.hour * 60 + local.minute, local.date()

    def has(word: str, day: date) -> bool:
        return word in {name.value for name in names_of(day.weekday(), workdays.kind(day))}

    for word, (begins, ends) in rows:
        if begins < ends and has(word, today) and begins <= minute < ends:
            return True
        if begins >= ends and (
            (has(word, today) and minute >= begins) or (has(word, today - timedelta(days=1)) and minute < ends)
        ):
            return True
    return False


@given(entries, calendars(), st.integers(60, 30 * 24 * 60))
def test_open_is_what_the_clock_on_the_wall_says(rows: list, workdays: Workdays, minute: int) -> None:
    local = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(days=1, minutes=minute)
    department = Department("d", "D", 3, hours=parse(text(rows)), routes=ROUTES)
    assert opening(department, local.timestamp(), UTC, workdays).open is by_hand(rows, local, workdays)


@given(entries, calendars(), zones, st.integers(0, 40 * 24 * 3600))
def test_it_opens_at_the_moment_that_the_refusal_names_and_not_before(
    rows: list, workdays: Workdays, zone: ZoneInfo, second: int
) -> None:
    at = datetime(2026, 9, 29, tzinfo=UTC).timestamp() + second
    department = Department("d", "D", 3, hours=parse(text(rows)), routes=ROUTES)
    now = opening(department, at, zone, workdays)
    assert isinstance(target(department, at, zone, workdays), Target) is now.open
    if now.until is not None:
        assert at < now.until
        assert opening(department, now.until, zone, workdays).open is not now.open
        for part in (0.25, 0.5, 0.999):
            assert opening(department, at + part * (now.until - at), zone, workdays).open is now.open


@given(entries, calendars(), st.integers(1, 30), st.integers(0, 86_399))
def test_a_date_that_is_off_has_no_shift_that_begins_on_it(
    rows: list, workdays: Workdays, day: int, second: int
) -> None:
    """What began the evening before goes on; nothing begins."""
    off = FIRST + timedelta(days=day)
    at = datetime(off.year, off.month, off.day, tzinfo=UTC).timestamp() + second
    same = [row for row in rows if row[1][0] >= row[1][1]]  # those that reach over midnight
    hours = complete(f"{text(rows)}; {off} off", "")
    reaching = any(
        second < ends * 60
        and word
        in {
            name.value for name in names_of((off - timedelta(days=1)).weekday(), workdays.kind(off - timedelta(days=1)))
        }
        for word, (_, ends) in same
    )
    assert opening(Department("d", "D", 3, hours=hours), at, UTC, workdays).open is reaching
