"""What holds for the figures of any day."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metrics.counting import JudgedCall, tally
from metrics.measures import FORMULAS, HEADLINE, percentile
from routing.steps import Judgement

waits = st.integers(0, 120_000).map(lambda ms: ms / 1000)
days = st.lists(st.builds(JudgedCall, st.sampled_from(Judgement), waits), max_size=60)
thresholds = st.integers(1, 60_000).map(lambda ms: ms / 1000)


@given(days, thresholds, thresholds)
def test_every_ratio_is_within_0_and_1_or_none(day: list[JudgedCall], threshold_s: float, short_s: float) -> None:
    counted = tally(day, threshold_s=threshold_s, short_abandon_s=short_s)
    for formula in FORMULAS.values():
        ratio = formula(counted)
        assert ratio is None or 0 <= ratio <= 1


@given(days, thresholds, thresholds)
def test_a_longer_threshold_never_lowers_the_service_level(day: list[JudgedCall], one_s: float, two_s: float) -> None:
    shorter = tally(day, threshold_s=min(one_s, two_s))
    longer = tally(day, threshold_s=max(one_s, two_s))
    for formula in FORMULAS.values():
        before, after = formula(shorter), formula(longer)
        assert before is None or after is None or before <= after


@given(days, thresholds)
def test_the_headline_is_the_strictest_formula(day: list[JudgedCall], threshold_s: float) -> None:
    counted = tally(day, threshold_s=threshold_s)
    strict = FORMULAS[HEADLINE](counted)
    for formula in FORMULAS.values():
        ratio = formula(counted)
        assert strict is None or ratio is None or strict <= ratio


@given(days, thresholds)
def test_every_call_is_counted_once(day: list[JudgedCall], threshold_s: float) -> None:
    counted = tally(day, threshold_s=threshold_s)
    assert counted.offered + counted.test + counted.restricted == len(day)


@given(days, thresholds)
def test_one_more_caller_who_gives_up_never_raises_the_headline(day: list[JudgedCall], threshold_s: float) -> None:
    before = FORMULAS[HEADLINE](tally(day, threshold_s=threshold_s))
    after = FORMULAS[HEADLINE](tally([*day, JudgedCall(Judgement.ABANDONED, 0.0)], threshold_s=threshold_s))
    assert after is not None
    assert before is None or after <= before


@given(st.lists(waits, min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_with_enough_below_it(values: list[float], q: float) -> None:
    found = percentile(values, q)
    assert found in values
    assert sum(value <= found for value in values) >= q * len(values) - 1e-6
