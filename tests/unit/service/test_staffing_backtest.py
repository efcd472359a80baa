"""The end of a day foretold at midnight, against the day as the engine itself played it, caller by caller."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from metrics.day_end import SoFar, day_end
from routing.forecast import QUARTER_S, QUARTERS, DayClass, Forecast
from service.day_profiles import load_day
from service.handling import Learned
from service.history import start_of
from service.simulation.callers import Caller, callers_of
from service.simulation.day import Day, wrap_up_limit_s
from service.simulation.figures import simulate
from service.simulation.ours import Ours
from service.staffing_table import Situation, ahead

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 20)
MIDNIGHT = float(start_of(TODAY, SHANGHAI))


def situation(day: Day, callers: list[Caller]) -> Situation:
    """Everything is known of this day but chance: the profile, the shifts, and how long people talk and wait."""
    calls = tuple(sum(item.expected(quarter) for item in day.arrivals) for quarter in range(QUARTERS))
    handle_s = [c.talk_s + min(c.wrap_up_s, wrap_up_limit_s(day.rules, c.number)) for c in callers]
    handling = Learned(sum(handle_s) / len(callers), "", len(callers))
    patience = Learned(sum(c.patience_s for c in callers) / len(callers), "", len(callers))

    def on_shift(at: float) -> int:
        middle = at - MIDNIGHT + QUARTER_S / 2
        return sum(any(s.from_at <= middle < s.until_at for s in person.shifts) for person in day.people)

    made = {TODAY: Forecast(TODAY, DayClass.FRIDAY, (), True, 1.0, 0.06, calls)}
    there = on_shift(MIDNIGHT)
    return Situation(MIDNIGHT, SHANGHAI, made, 1.0, there, on_shift, lambda _: handling, patience, 0.95, 15.0)


@pytest.mark.parametrize("load", [1.0, 1.07])
def test_end_of_the_day_is_foretold_to_two_points(load: float) -> None:
    day = load_day("prefecture-city").with_load(load)
    callers = callers_of(day, 1)
    played = simulate(day, callers, Ours.scheme).total.ratio
    told = day_end(SoFar(0, 0), ahead(situation(day, callers)), 0.95)
    assert told.expected == pytest.approx(played, abs=0.02)
    assert told.to_come == pytest.approx(len(callers), rel=0.05)
