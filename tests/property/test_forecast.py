"""The forecast of any day from any past: what holds whatever was recorded."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.forecast import CLASSES, QUARTERS, DayClass, Forecast, NoForecast, classify, forecast
from routing.scatter import bound
from routing.suggesting import Minute, Watch, after
from routing.workdays import Day, Workdays, kinds_of

FIRST = date(2026, 1, 1)
BUSY = st.lists(st.integers(0, 400), min_size=24, max_size=24)


@st.composite
def calendars(draw: st.DrawFn) -> Workdays:
    """Any legal calendar of ten weeks, with gaps in what it knows."""
    days = {}
    for n in draw(st.sets(st.integers(0, 70), max_size=40)):
        day = FIRST + timedelta(days=n)
        days[day] = Day(day, draw(st.sampled_from(kinds_of(day.weekday()))))
    return Workdays(days)


@st.composite
def pasts(draw: st.DrawFn) -> dict[date, list[int]]:
    """Any days of nine weeks, each with its hours."""
    found = {}
    for n in draw(st.sets(st.integers(0, 63), max_size=30)):
        hours = draw(BUSY)
        found[FIRST + timedelta(days=n)] = [hours[quarter // 4] for quarter in range(QUARTERS)]
    return found


wanted = st.integers(0, 70).map(lambda n: FIRST + timedelta(days=n))


@settings(max_examples=50)
@given(wanted, pasts(), calendars())
def test_every_day_has_a_sane_forecast_or_says_that_it_has_none(
    day: date, past: dict[date, list[int]], workdays: Workdays
) -> None:
    found = forecast(day, past, workdays)
    kind = classify(day, workdays)
    allowed = {one for classes in CLASSES[kind] for one in classes}
    fitting = [when for when in past if when < day and classify(when, workdays) in allowed]
    assert found.kind is kind
    if isinstance(found, NoForecast):
        assert found.have <= 2
        return
    assert isinstance(found, Forecast)
    assert set(found.like) <= set(fitting)
    most = max((max(past[when]) for when in found.like), default=0)
    assert all(0 <= calls <= most * 4 * max(1.0, found.level) + 1e-6 for calls in found.quarters)
    for quarter in range(QUARTERS):
        low, high = found.band(quarter)
        assert 0 <= low <= high


@settings(max_examples=30)
@given(wanted, pasts(), calendars())
def test_what_comes_later_changes_nothing(day: date, past: dict[date, list[int]], workdays: Workdays) -> None:
    before = {when: counts for when, counts in past.items() if when < day}
    assert forecast(day, past, workdays) == forecast(day, before, workdays)


@given(calendars(), wanted)
def test_classes_agree_with_the_calendar(workdays: Workdays, day: date) -> None:
    kind = classify(day, workdays)
    worked = {DayClass.MOVED, DayClass.RETURN, *list(DayClass)[:5]}
    assert (kind in worked) is workdays.works(day)


@given(st.floats(0, 3000), st.floats(0, 0.5), st.floats(0.5, 0.98))
def test_bound_grows_with_everything(mean: float, spread: float, share: float) -> None:
    here = bound(mean, spread, share)
    assert bound(mean, spread, share + 0.01) >= here
    assert bound(mean + 150, spread, share) >= here
    assert here >= 0


@given(st.lists(st.tuples(st.integers(0, 60), st.none() | st.floats(0, 40)), max_size=60))
def test_nothing_is_suggested_without_three_minutes_above_in_a_row(minutes: list[tuple[int, float | None]]) -> None:
    watch, run, begun = Watch(), 0, False
    for place, (callers, expected) in enumerate(minutes):
        minute = Minute(60 * place, callers, expected, 0.05)
        was, watch = watch, after(watch, minute)
        run = run + 1 if minute.above else 0
        begun = was.suggestion is None and watch.suggestion is not None
        assert not begun or run >= 3
        if watch.suggestion is not None:
            assert watch.suggestion.callers >= 9
            assert expected is not None
