"""What holds for counts of any calls, however they are split."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metrics.counting import Count, together
from metrics.measures import FORMULAS, Tally
from routing.steps import Judgement

calls = st.lists(
    st.tuples(
        st.sampled_from(("12345", "12333", "12366")),
        st.sampled_from((*Judgement, None)),
        st.integers(0, 200_000),
    ),
    max_size=80,
)
thresholds = st.integers(0, 100_000)


def count_of(some: list[tuple[str, Judgement | None, int]]) -> Count:
    count = Count()
    for _, judged, wait_ms in some:
        count.add(judged, wait_ms)
    return count


@given(calls, thresholds)
def test_lines_added_up_are_the_whole(day: list[tuple[str, Judgement | None, int]], threshold_ms: int) -> None:
    by_line = [count_of([call for call in day if call[0] == line]) for line in {call[0] for call in day}]
    whole = count_of(day)
    assert sum((one.tally(threshold_ms=threshold_ms) for one in by_line), Tally()) == whole.tally(
        threshold_ms=threshold_ms
    )
    assert together(by_line).times() == whole.times()


@given(calls)
def test_bands_leave_nothing_out(day: list[tuple[str, Judgement | None, int]]) -> None:
    whole = count_of(day)
    tally = whole.tally(threshold_ms=15_000)
    bands = whole.bands()
    assert sum(band.answered for band in bands) == tally.answered
    assert sum(band.abandoned for band in bands) == tally.abandoned
    within = [band for band in bands if band.to_ms is not None and band.to_ms <= 15_000]
    assert sum(band.answered for band in within) == tally.answered_in_time
    assert sum(band.abandoned for band in within) == tally.abandoned_in_time


@given(calls, thresholds, thresholds)
def test_every_variant_lies_in_0_to_1_and_a_longer_threshold_never_lowers_it(
    day: list[tuple[str, Judgement | None, int]], one_ms: int, two_ms: int
) -> None:
    whole = count_of(day)
    shorter, longer = (whole.tally(threshold_ms=ms) for ms in sorted((one_ms, two_ms)))
    for formula in FORMULAS.values():
        before, after = formula(shorter), formula(longer)
        assert before is None or 0 <= before <= 1
        assert before is None or after is None or before <= after


@given(calls, thresholds)
def test_every_call_is_in_one_part(day: list[tuple[str, Judgement | None, int]], threshold_ms: int) -> None:
    whole = count_of(day)
    tally = whole.tally(threshold_ms=threshold_ms)
    parts = tally.answered + tally.abandoned + tally.flowed_out + tally.failed + tally.restricted + tally.test
    assert parts + whole.waiting == len(day)
