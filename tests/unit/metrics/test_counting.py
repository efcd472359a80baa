"""Counts: what is in them, and that bands and sums leave nothing out."""

from __future__ import annotations

import pytest

from metrics.counting import Count, together
from routing.steps import Judgement as J


def counted(*calls: tuple[J | None, int]) -> Count:
    count = Count()
    for judged, wait_ms in calls:
        count.add(judged, wait_ms)
    return count


def test_a_count_tells_every_result_apart() -> None:
    count = counted((J.IN_TIME, 1), (J.LATE, 16_000), (J.ABANDONED, 4999), (J.FLOWED_OUT, 1), (J.FAILED, 1),
                    (J.RESTRICTED, 0), (J.TEST, 0), (None, 0))  # fmt: skip
    tally = count.tally(threshold_ms=15_000)
    assert (tally.answered, tally.answered_in_time, tally.abandoned, tally.short_abandoned) == (2, 1, 1, 1)
    assert (tally.flowed_out, tally.failed, tally.restricted, tally.test, count.waiting) == (1, 1, 1, 1, 1)
    assert tally.offered == 5


def test_what_was_judged_by_another_target_is_judged_again_by_this_one() -> None:
    count = counted((J.LATE, 18_000), (J.IN_TIME, 10_000))
    assert [count.tally(threshold_ms=ms).answered_in_time for ms in (9_999, 10_000, 17_999, 18_000)] == [0, 1, 1, 2]


@pytest.mark.parametrize("judged", [J.IN_TIME, J.LATE, J.ABANDONED])
def test_a_negative_wait_is_refused(judged: J) -> None:
    with pytest.raises(ValueError, match=">= 0"):
        counted((judged, -1))


def test_what_is_no_judgement_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Count().add("nonsense", 1)


def test_a_wait_at_the_end_of_a_band_belongs_to_it() -> None:
    count = counted((J.IN_TIME, 0), (J.IN_TIME, 5000), (J.IN_TIME, 5001), (J.ABANDONED, 15_000), (J.ABANDONED, 15_001))
    bands = count.bands((5, 15))
    assert bands == [(0, 5000, 2, 0), (5000, 15_000, 1, 1), (15_000, None, 0, 1)]


def test_two_counts_together_are_the_count_of_both() -> None:
    one, other = counted((J.IN_TIME, 1000), (J.TEST, 0)), counted((J.IN_TIME, 3000), (J.FAILED, 0), (None, 0))
    both = together([one, other])
    assert both.tally(threshold_ms=2000) == one.tally(threshold_ms=2000) + other.tally(threshold_ms=2000)
    times = both.times()
    assert times is not None
    assert (times.mean_s, times.max_s, both.waiting) == (2.0, 3.0, 1)
    assert list(one.answered_ms) == [1000], "nothing was added to the parts"
