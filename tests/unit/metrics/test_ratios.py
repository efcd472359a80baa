"""The recorded ratios against numbers worked out by hand, by Debian's promtool.

The last 70 minutes of line 12345, judged calls in each half minute:

    result        until the 65th minute   in the last 5 minutes (10 half minutes)
    in_time       9                       6
    late          0                       1
    abandoned     1                       2
    failed        0                       1
    restricted    1                       5
    test          0                       5

5 min: 60 in time of 60 + 10 + 20 + 10 = 100 real ones: 0.6. The hour has 110 half minutes of the first kind: 990 + 60 in
time of 1,100 + 100 real ones: 1,050 / 1,200 = 0.875; answered 1,060 of 1,200; in time of the answered 1,050 / 1,060.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.unit.metrics.promtool import passes, recorded

RESULTS = ("in_time", "late", "abandoned", "flowed_out", "failed", "restricted", "test")
BEFORE = {"in_time": 9, "late": 0, "abandoned": 1, "failed": 0, "restricted": 1, "test": 0}
LATELY = {"in_time": 6, "late": 1, "abandoned": 2, "failed": 1, "restricted": 5, "test": 5}
STEPS_BEFORE, STEPS_LATELY = 130, 10  # half minutes


def judged(line: str, before: Mapping[str, int], lately: Mapping[str, int] | None = None) -> dict[str, str]:
    """The counters of a line, at 0 in the beginning, with a value each half minute for 70 minutes."""
    lately = before if lately is None else lately
    found = {}
    for result in RESULTS:
        slow, fast = before.get(result, 0), lately.get(result, 0)
        then = slow * STEPS_BEFORE
        values = f"0+{slow}x{STEPS_BEFORE} {then + fast}+{fast}x{STEPS_LATELY - 1}"
        found[f'hotline_calls_judged_total{{line="{line}", result="{result}"}}'] = values
    return found


SERIES = (
    judged("12345", BEFORE, LATELY)
    | judged("12333", {"in_time": 1, "flowed_out": 3})
    | judged("12336", {})  # nobody dials it
    | judged("12315", {"test": 2, "restricted": 1})  # nobody whose call counts
)


def rounded(name: str) -> str:
    return f"round({name}, 0.0001)"


def gives(expr: str, at: str, samples: Mapping[str, float]) -> dict[str, object]:
    """A test of promtool's: at that time the expression gives these series and no other."""
    found = [{"labels": labels, "value": value} for labels, value in samples.items()]
    return {"expr": expr, "eval_time": at, "exp_samples": found}


def at_70m(expr: str, samples: Mapping[str, float]) -> dict[str, object]:
    return gives(expr, "70m", samples)


def test_ratio_is_what_the_formula_says_and_no_traffic_gives_no_value(tmp_path: Path) -> None:
    """Of all lines together each weighs by its calls; 12333 has 120 in time of 480: (1,050 + 120) / (1,200 + 480)."""
    by_line = {
        "hotline:answered_in_time:ratio5m": ("V2-all", {"12345": 0.6, "12333": 0.25}),
        "hotline:answered_in_time:ratio1h": ("V2-all", {"12345": 0.875, "12333": 0.25}),
        "hotline:answered_in_time_of_answered:ratio1h": ("V1", {"12345": 0.9906, "12333": 1}),
        "hotline:answered:ratio1h": ("connect", {"12345": 0.8833, "12333": 0.25}),
    }
    tests = [
        at_70m(rounded(name), {f'{{formula="{formula}", line="{line}"}}': value for line, value in values.items()})
        for name, (formula, values) in by_line.items()
    ]
    tests.append(at_70m(rounded("hotline:answered_in_time:ratio1h_all"), {'{formula="V2-all"}': 0.6964}))
    passes(tmp_path, SERIES, expr_tests=tests)


def test_a_hotline_that_nobody_dials_has_no_ratio_at_all(tmp_path: Path) -> None:
    ratios = [name for name in recorded() if name.startswith("hotline:answered")]
    assert len(ratios) == 6
    passes(tmp_path, judged("12345", {}), expr_tests=[at_70m(name, {}) for name in ratios])


def test_calls_are_counted_by_line_without_what_is_left_out_of_the_ratio(tmp_path: Path) -> None:
    counts = {
        "hotline:calls_judged:increase5m": {"12345": 100, "12333": 40, "12336": 0, "12315": 0},
        "hotline:calls_judged:increase1h": {"12345": 1200, "12333": 480, "12336": 0, "12315": 0},
    }
    tests = [
        at_70m(name, {f'{name}{{line="{line}"}}': value for line, value in values.items()})
        for name, values in counts.items()
    ]
    passes(tmp_path, SERIES, expr_tests=tests)


def test_ratio_of_the_day_has_the_whole_day_in_it(tmp_path: Path) -> None:
    """A value each ten minutes: 23 hours with 20 of 20 in time, the last with 10 of 20, so 2,820 of 2,880."""
    series = {
        'hotline_calls_judged_total{line="12345", result="in_time"}': "0+20x138 2770+10x5",
        'hotline_calls_judged_total{line="12345", result="late"}': "0+0x138 10+10x5",
        'hotline_calls_judged_total{line="12345", result="test"}': "0+1x144",
        'hotline_calls_judged_total{line="12345", result="restricted"}': "0+2x144",
        'hotline_calls_judged_total{line="12336", result="in_time"}': "0+0x144",
    }
    ratio, out, count = (
        f"hotline:{name}"
        for name in ("answered_in_time:ratio1d", "calls_left_out:increase1d", "calls_judged:increase1d")
    )
    tests = [
        gives(rounded(ratio), "1d", {'{formula="V2-all", line="12345"}': 0.9792}),
        gives(
            out,
            "1d",
            {f'{out}{{line="12345", result="test"}}': 144, f'{out}{{line="12345", result="restricted"}}': 288},
        ),
        gives(count, "1d", {f'{count}{{line="12345"}}': 2880, f'{count}{{line="12336"}}': 0}),
    ]
    passes(tmp_path, series, interval="10m", expr_tests=tests)


def test_p95_of_an_hour_is_read_from_the_buckets(tmp_path: Path) -> None:
    """In each half minute 18 answers within 10 s, one within 12 s and one within 15 s: 19 of 20 within 12 s."""
    buckets = {"10.0": 18, "12.0": 19, "15.0": 20, "+Inf": 20}
    series = {
        f'hotline_answer_seconds_bucket{{line="12345", le="{bound}"}}': f"0+{count}x140"
        for bound, count in buckets.items()
    }
    name = "hotline:answer_seconds:p95_1h"
    passes(tmp_path, series, expr_tests=[at_70m(name, {f'{name}{{line="12345"}}': 12})])
