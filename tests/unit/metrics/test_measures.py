"""The formulas against the worked example of the published comparison: one day, six answers."""

from __future__ import annotations

import pytest

from metrics.counting import JudgedCall, tally
from metrics.measures import FORMULAS, HEADLINE, Tally, headline, percentile, times
from routing.steps import Judgement as J

DAY = Tally(answered=9500, answered_in_time=8900, abandoned=500, abandoned_in_time=260, short_abandoned=180)


@pytest.mark.parametrize(
    ("formula", "percent"),
    [("V1", 93.7), ("V2", 89.0), ("V4", 91.4), ("V5", 90.6), ("V6", 91.6), ("connect", 95.0), (HEADLINE, 89.0)],
)
def test_one_day_has_a_different_answer_by_each_formula(formula: str, percent: float) -> None:
    ratio = FORMULAS[formula](DAY)
    assert ratio is not None
    assert round(ratio * 100, 1) == percent


def test_flow_outs_and_failures_lower_the_headline() -> None:
    day = Tally(answered=80, answered_in_time=80, abandoned=10, flowed_out=6, failed=4)
    assert headline(day) == 0.8
    assert FORMULAS["V3"](day) == pytest.approx(80 / 96)


def test_nothing_to_judge_is_none_and_not_zero() -> None:
    assert {name: formula(Tally()) for name, formula in FORMULAS.items()} == dict.fromkeys(FORMULAS)


def test_a_wait_equal_to_the_threshold_is_in_time_to_the_millisecond() -> None:
    calls = [JudgedCall(J.IN_TIME, 15.0), JudgedCall(J.LATE, 15.001), JudgedCall(J.ABANDONED, 15.0)]
    counted = tally(calls, threshold_s=15.0)
    assert (counted.answered, counted.answered_in_time) == (2, 1)
    assert counted.abandoned_in_time == 1


def test_a_short_abandon_is_strictly_shorter() -> None:
    calls = [JudgedCall(J.ABANDONED, 4.999), JudgedCall(J.ABANDONED, 5.0)]
    assert tally(calls, threshold_s=15.0, short_abandon_s=5.0).short_abandoned == 1


def test_test_calls_and_restricted_callers_are_shown_but_not_judged() -> None:
    counted = tally([JudgedCall(J.TEST, 1.0), JudgedCall(J.RESTRICTED, 0.0)], threshold_s=15.0)
    assert (counted.test, counted.restricted, counted.offered) == (1, 1, 0)


@pytest.mark.parametrize("wait_s", [-0.001, float("nan"), float("inf")])
def test_a_wait_that_is_no_time_is_refused(wait_s: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        tally([JudgedCall(J.IN_TIME, wait_s)], threshold_s=15.0)


def test_percentiles_are_waits_that_a_caller_really_had() -> None:
    waits = [4.0, 1.0, 3.0, 2.0]
    assert [percentile(waits, q) for q in (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)] == [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]
    assert percentile([], 0.5) is None
    with pytest.raises(ValueError, match="ratio"):
        percentile(waits, 95)


def test_times_of_a_period() -> None:
    found = times([1.0, 2.0, 6.0])
    assert found is not None
    assert (found.mean_s, found.p50_s, found.p95_s, found.max_s) == (3.0, 2.0, 6.0, 6.0)
    assert times([]) is None
