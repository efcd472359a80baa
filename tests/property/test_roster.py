"""Duty and its next change against a plain look at the clock on the wall, minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.coverage import gaps
from routing.need import Anybody, InGroup, InZone, Need
from routing.roster import DAY_S, Days, Roster, Shift, Span, names_of
from routing.workdays import Day, Workdays, kinds_of

LINE = "12345"
START = date(2026, 9, 18)
ZONES = {  # each with a day on which its clock jumps, or none
    "Asia/Shanghai": START,
    "Europe/Berlin": date(2026, 10, 25),  # 03:00 is 02:00 again
    "America/New_York": date(2026, 3, 8),  # 02:00 is 03:00
    "Australia/Lord_Howe": date(2026, 10, 4),  # half an hour
    "Africa/Cairo": date(2026, 4, 24),  # midnight does not exist
}
people = st.sampled_from([InGroup("day"), InGroup("night"), InZone("hrss"), Anybody()])
seconds = st.integers(0, 24 * 4 - 1).map(lambda quarter: quarter * 900)


@st.composite
def shifts(draw: st.DrawFn, around: date) -> Shift:
    begins_s, ends_s = draw(seconds), draw(seconds) + 900
    who: Need = draw(people)
    if not draw(st.booleans()):
        days = frozenset(draw(st.sets(st.sampled_from(Days), min_size=1, max_size=3)))
        return Shift(frozenset(), who, days, (), begins_s, ends_s, first=draw(st.booleans()))
    first = around + timedelta(days=draw(st.integers(-2, 4)))
    span = Span(first, first + timedelta(days=draw(st.integers(0, 2))))
    kind = draw(st.sampled_from(["first", "off", ""]))
    return Shift(frozenset(), who, frozenset(), (span,), begins_s, ends_s, first=kind == "first", off=kind == "off")


@st.composite
def rosters(draw: st.DrawFn, zone: str) -> tuple[Roster, Workdays]:
    around = ZONES[zone]
    found = tuple(draw(st.lists(shifts(around), max_size=5)))
    dates = [around + timedelta(days=n) for n in range(-3, 7)]
    days = {day: Day(day, draw(st.sampled_from(kinds_of(day.weekday())))) for day in dates}
    return Roster(found, ZoneInfo(zone)), Workdays(days)


def plainly(roster: Roster, workdays: Workdays, at: float) -> tuple[set[Need] | None, set[Need]]:
    """Who is on duty, by asking every shift of every day near, each day's minutes counted as the wall's clock goes by:
    a time that is skipped counts as passed at the skip, one that is shown twice as reached the first time."""
    people: set[Need] = set()
    first: set[Need] = set()
    today = datetime.fromtimestamp(at, roster.zone).date()
    for back in range(3):
        day = today - timedelta(days=back)
        names = names_of(day.weekday(), workdays.kind(day))
        instead = {s.people for s in roster.shifts if s.on(day) and not s.first}
        for s in roster.shifts:
            weekly = not s.spans and s.days & names and (s.first or s.people not in instead)
            if (weekly or s.on(day)) and not s.off and reached(roster, day, s, at):
                (first if s.first else people).add(s.people)
    rostered = any(not s.first for s in roster.shifts)
    return (people if rostered else None), first


def reached(roster: Roster, day: date, shift: Shift, at: float) -> bool:
    """Begun and not ended: the clock has shown this time or a later one, for the first time, at or before `at`."""
    wall = datetime.combine(day, time()) + timedelta(seconds=shift.begins_s)
    end = wall + timedelta(seconds=shift.length_s)
    return shown(roster, wall, at) and not shown(roster, end, at)


def shown(roster: Roster, wall: datetime, at: float) -> bool:
    """Whether the clock on the wall has reached this reading by `at`: quarter hours back from now, for three hours."""
    now = datetime.fromtimestamp(at, roster.zone).replace(tzinfo=None)
    if abs(now - wall) > timedelta(hours=3):
        return now > wall
    moments = [at - 60 * n for n in range(0, 60 * 7)]
    return any(datetime.fromtimestamp(m, roster.zone).replace(tzinfo=None) >= wall for m in moments)


def epoch(zone: str, minute: int) -> float:
    day = ZONES[zone]
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC).timestamp() + 60 * minute


@settings(max_examples=150, deadline=None)
@given(data=st.data(), zone=st.sampled_from(sorted(ZONES)), minute=st.integers(-600, 2400))
def test_duty_is_what_a_plain_look_at_the_clock_says(data: st.DataObject, zone: str, minute: int) -> None:
    roster, workdays = data.draw(rosters(zone))
    at = epoch(zone, minute)
    found = roster.duty(LINE, at, workdays)
    assert ((None if found.people is None else set(found.people)), set(found.first)) == plainly(roster, workdays, at)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), zone=st.sampled_from(sorted(ZONES)), minute=st.integers(-600, 1800))
def test_next_change_is_the_first_moment_at_which_the_duty_differs(data: st.DataObject, zone: str, minute: int) -> None:
    """Shifts begin and end at quarters of an hour, and so do the clocks' jumps."""
    roster, workdays = data.draw(rosters(zone))
    at = epoch(zone, minute)
    now, change = roster.duty(LINE, at, workdays), roster.next_change(LINE, at, workdays)
    quarters = [at - at % 900 + 900 * n for n in range(1, 4 * 24 * 2)]
    differs = next((quarter for quarter in quarters if roster.duty(LINE, quarter, workdays) != now), None)
    if differs is None:
        assert change is None or change > quarters[-1]
    else:
        assert change == differs
        assert roster.duty(LINE, differs - 1, workdays) == now


@settings(max_examples=200, deadline=None)
@given(data=st.data(), minutes=st.lists(st.integers(-1440, 60 * 24 * 3), min_size=20, max_size=20))
def test_a_roster_without_a_gap_on_paper_has_none_on_any_calendar(data: st.DataObject, minutes: list[int]) -> None:
    roster, workdays = data.draw(rosters("Asia/Shanghai"))
    if not gaps(roster.shifts):
        assert not any(roster.duty(LINE, epoch("Asia/Shanghai", n), workdays).gap for n in minutes)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_gap_on_paper_is_met_on_a_day_of_its_kind(data: st.DataObject) -> None:
    """The day before may have to be of a certain kind too: one of those it can have."""
    roster, _ = data.draw(rosters("Asia/Shanghai"))
    for gap in gaps(roster.shifts):
        day = gap.date or next(
            d for n in range(7) if (d := date(2030, 1, 1) + timedelta(days=n)).weekday() == gap.weekday
        )
        eve = day - timedelta(days=1)
        calendars = [Workdays({day: Day(day, gap.kind), eve: Day(eve, k)}) for k in kinds_of(eve.weekday())]
        middle = roster.moment(day, (gap.begins_s + gap.ends_s) // 2)
        assert any(roster.duty(LINE, middle, calendar).gap for calendar in calendars)
        assert 0 <= gap.begins_s < gap.ends_s <= DAY_S
