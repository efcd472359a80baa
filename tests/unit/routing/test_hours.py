"""Opening hours as people write them."""

from __future__ import annotations

from datetime import date

import pytest

from routing.hours import AROUND_THE_CLOCK, HoursError, complete, parse
from routing.roster import DAY_S, Days, Shift, Span

H = 3600


def test_days_and_spans_become_shifts() -> None:
    assert parse("workday 08:30-12:00 14:00-17:30; sat,sun 22:00-06:00") == (
        Shift(days=frozenset({Days.WORKDAY}), begins_s=8 * H + 1800, ends_s=12 * H),
        Shift(days=frozenset({Days.WORKDAY}), begins_s=14 * H, ends_s=17 * H + 1800),
        Shift(days=frozenset({Days.SAT, Days.SUN}), begins_s=22 * H, ends_s=6 * H),
    )
    assert parse("") == parse(" ; ") == ()
    assert parse(AROUND_THE_CLOCK) == (Shift(begins_s=0, ends_s=DAY_S),)


def test_dates_have_hours_of_their_own_or_are_off() -> None:
    week = Span(date(2026, 10, 1), date(2026, 10, 7))
    assert parse("2026-10-01..2026-10-07 09:00-12:00; 2026-12-31 off") == (
        Shift(days=frozenset(), spans=(week,), begins_s=9 * H, ends_s=12 * H),
        Shift(days=frozenset(), spans=(Span(date(2026, 12, 31), date(2026, 12, 31)),), off=True),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("workday", "has no hours"),
        ("workdays 09:00-17:00", "is neither days"),
        ("09:00-17:00", "is neither days"),
        ("workday 9:00-17:00", "is no span"),
        ("workday 09:00-24:30", "is no span"),
        ("workday 09:00 17:00", "is no span"),
        ("workday 09:00-09:00", "begins when it ends"),
        ("workday off", "only dates can be off"),
        ("2026-02-30 off", "no date"),
        ("2026-10-07..2026-10-01 off", "ends before it begins"),
        ("2026-01-01..2027-06-01 off", "longer than a year"),
        ("mon,2026-10-01 09:00-12:00", "is neither days"),
        (";".join(["mon 09:00-10:00"] * 31), "at most 30"),
    ],
)
def test_what_is_no_hours_is_told(text: str, told: str) -> None:
    with pytest.raises(HoursError, match=told):
        parse(text)


def test_dates_alone_stand_beside_the_hours_of_the_level() -> None:
    level, off = parse("workday 09:00-17:00"), parse("2026-12-31 off")
    assert complete("2026-12-31 off", "workday 09:00-17:00") == (*level, *off)
    assert complete("mon 09:00-10:00; 2026-12-31 off", "workday 09:00-17:00") == (*parse("mon 09:00-10:00"), *off)
    assert complete("", "workday 09:00-17:00") == level
