"""Three counts of the same calls agree, or every difference is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.trace import Leg
from service.cli.verdict import EDGE_S, Seen, by_callers, disagreements
from storage.queries import LineFigures

WITHIN_S = 15.0


def leg(number: str = "12345", answer_s: float | None = None, *, gave_up: bool = False) -> Leg:
    answered_at = None if answer_s is None else 100.0 + answer_s
    cancelled_at = 105.0 if gave_up else None
    return Leg("a", True, f"sip:{number}@127.0.0.1:5160", 100.0, answered_at=answered_at, cancelled_at=cancelled_at)


def metric(offered: int = 0, in_time: int = 0, late: int = 0, abandoned: int = 0) -> dict[str, float]:
    return {"offered": offered, "in_time": in_time, "late": late, "abandoned": abandoned}


def agreeing(seen: Seen) -> tuple[dict[str, Seen], dict[str, LineFigures], dict[str, Any]]:
    late = seen.answered - seen.in_time
    row = LineFigures(
        "12345",
        seen.offered,
        seen.answered,
        seen.in_time,
        seen.abandoned,
        judged={"in_time": seen.in_time, "late": late},
    )
    return {"12345": seen}, {"12345": row}, {"12345": metric(seen.offered, seen.in_time, late, seen.abandoned)}


# -- what callers saw -------------------------------------------------------------------------------------------------


def test_calls_are_counted_by_dialled_number() -> None:
    seen = by_callers([leg("12345", 1.0), leg("12333", 2.0), leg("12345", gave_up=True)], WITHIN_S)
    assert seen["12345"] == Seen(offered=2, answered=1, in_time=1, abandoned=1, answer_s=(1.0,))
    assert seen["12333"] == Seen(offered=1, answered=1, in_time=1, answer_s=(2.0,))


@pytest.mark.parametrize(
    ("answer_s", "in_time", "edge"),
    [(14.0, 1, 0), (14.9, 1, 1), (15.0, 1, 1), (15.2, 0, 1), (15.0 + EDGE_S + 0.01, 0, 0), (60.0, 0, 0)],
)
def test_answer_near_the_target_is_on_the_edge(answer_s: float, in_time: int, edge: int) -> None:
    (seen,) = by_callers([leg(answer_s=answer_s)], WITHIN_S).values()
    assert (seen.in_time, seen.edge) == (in_time, edge)


def test_call_that_was_neither_answered_nor_given_up_is_only_offered() -> None:
    assert by_callers([leg()], WITHIN_S) == {"12345": Seen(offered=1)}


def test_call_that_was_answered_in_the_instant_of_giving_up_counts_as_answered() -> None:
    (seen,) = by_callers([leg(answer_s=5.0, gave_up=True)], WITHIN_S).values()
    assert (seen.answered, seen.abandoned) == (1, 0)


def test_no_calls_no_counts_and_no_quantile() -> None:
    assert by_callers([], WITHIN_S) == {}
    assert Seen().quantile(0.5) is None
    assert Seen(answer_s=(1.0, 2.0, 3.0)).quantile(0.5) == 2.0


@given(st.lists(st.tuples(st.sampled_from(["12345", "12333"]), st.none() | st.floats(0, 60), st.booleans())))
def test_sum_over_numbers_is_what_all_callers_saw(calls: list[tuple[str, float | None, bool]]) -> None:
    seen = by_callers([leg(number, answer_s, gave_up=gave_up) for number, answer_s, gave_up in calls], WITHIN_S)
    total = sum(seen.values(), Seen())
    assert total.offered == len(calls)
    assert total.answered == len(total.answer_s) == sum(answer_s is not None for _, answer_s, _ in calls)
    assert total.answered + total.abandoned <= total.offered
    assert total.in_time <= total.answered


# -- the verdict ------------------------------------------------------------------------------------------------------


def test_same_counts_agree() -> None:
    assert disagreements(*agreeing(Seen(offered=10, answered=8, in_time=6, abandoned=2))) == []


def test_nothing_at_all_agrees() -> None:
    assert disagreements({}, {}, {}) == []
    assert disagreements({}, {}, {"12345": metric()}) == []


@pytest.mark.parametrize("what", ["offered", "answered", "abandoned"])
def test_each_count_that_differs_from_the_records_is_one_sentence(what: str) -> None:
    callers, records, metrics = agreeing(Seen(offered=10, answered=8, in_time=8, abandoned=2))
    more: dict[str, Any] = {what: getattr(callers["12345"], what) + 1}
    callers["12345"] += Seen(**more)
    (sentence,) = disagreements(callers, records, metrics)
    assert sentence.startswith("12345: callers saw ")
    assert f" {what}, the records have " in sentence


def test_call_on_the_edge_may_be_on_either_side_and_a_second_one_not() -> None:
    for in_time, agree in ((7, True), (8, True), (9, True), (6, False), (10, False)):
        callers, records, metrics = agreeing(Seen(offered=10, answered=10, in_time=8))
        callers["12345"] = Seen(offered=10, answered=10, in_time=in_time, edge=1)
        assert (disagreements(callers, records, metrics) == []) is agree, in_time


@pytest.mark.parametrize("what", ["offered", "in_time", "late", "abandoned"])
def test_each_count_that_metrics_tell_otherwise_is_one_sentence(what: str) -> None:
    callers, records, metrics = agreeing(Seen(offered=10, answered=8, in_time=6, abandoned=2))
    metrics["12345"][what] += 1
    (sentence,) = disagreements(callers, records, metrics)
    assert f" {what}, /metrics says " in sentence


def test_calls_that_only_one_side_knows_are_told() -> None:
    callers, records, metrics = agreeing(Seen(offered=1, answered=1, in_time=1))
    assert disagreements({}, records, metrics)
    assert disagreements(callers, {}, {})
    assert disagreements({}, {}, metrics)


def test_numbers_are_judged_each_for_itself() -> None:
    callers = {"12345": Seen(offered=1), "12333": Seen(offered=2)}
    records = {"12345": LineFigures("12345", 2), "12333": LineFigures("12333", 1)}
    told = disagreements(callers, records, {"12345": metric(2), "12333": metric(1)})
    assert [sentence[:5] for sentence in told] == ["12333", "12345"]
