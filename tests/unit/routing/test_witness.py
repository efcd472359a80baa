"""What a second witness tells of a call becomes a story of the same rules, and is held against the records."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing.judging import of_answer, of_end
from routing.steps import CallOutcome, Judgement, Step
from routing.witness import Difference, Kept, What, Witnessed, differences, story
from storage.fold import fold

ARRIVED = 1795399430733
CALL = Witnessed("1795399430735-1.0", "12345", "carrier", ARRIVED, ARRIVED + 60_000, ARRIVED + 15_000, "1001")
KEPT = Kept(CALL.call_id, ARRIVED, ARRIVED + 15_000, ARRIVED + 60_000)
UNANSWERED = replace(CALL, answered_ms=None, seat_id=None)


def told(call: Witnessed, within_s: float = 15.0) -> list[Step]:
    return story(call, number="12333", line="12345", trunk="carrier", emergency=False, answer_within_s=within_s)


def test_answered_call_is_recorded_with_asterisks_times() -> None:
    row = fold(None, told(replace(CALL, parted_ms=ARRIVED + 45_000)))
    assert (row["number"], row["line"], row["trunk"], row["flags"]) == ("12333", "12345", "carrier", "recovered")
    assert (row["arrived_ms"], row["answered_ms"], row["ended_ms"]) == (ARRIVED, ARRIVED + 15_000, ARRIVED + 60_000)
    assert (row["wait_ms"], row["talk_ms"], row["talks"], row["seat_id"]) == (15_000, 30_000, 1, "1001")
    assert (row["judged"], row["outcome"], row["ended_by"]) == ("in_time", "answered", "unknown")
    assert (row["answered_by"], row["agent_id"], row["caller_ref"], row["talking_since_ms"]) == (None,) * 4


@pytest.mark.parametrize(("wait_ms", "result"), [(15_000, "in_time"), (15_001, "late")])
def test_the_limit_is_in_time_and_a_millisecond_more_is_late(wait_ms: int, result: str) -> None:
    assert fold(None, told(replace(CALL, answered_ms=ARRIVED + wait_ms)))["judged"] == result


def test_another_line_has_another_limit() -> None:
    assert fold(None, told(CALL, within_s=14.9))["judged"] == "late"


def test_caller_who_left_is_abandoned_and_one_whom_asterisk_lost_has_failed() -> None:
    row = fold(None, told(UNANSWERED))
    assert (row["judged"], row["outcome"], row["wait_ms"], row["talks"]) == ("abandoned", "abandoned", 60_000, 0)
    row = fold(None, told(replace(UNANSWERED, cut=True)))
    assert (row["judged"], row["outcome"]) == ("failed", "failed")
    assert fold(None, told(replace(CALL, cut=True)))["outcome"] == "answered"


def test_story_told_twice_is_one_story() -> None:
    once = fold(None, told(CALL))
    assert told(CALL) == told(CALL)
    assert fold(once, told(CALL)) == once
    assert len({step.seq for step in told(CALL)}) == len(told(CALL))


def test_steps_of_a_story_say_where_it_comes_from() -> None:
    offered, flag, *_ = told(replace(CALL, cut=True))
    assert (offered.data["source"], offered.at, flag.data["flag"]) == ("cel", ARRIVED / 1000, "recovered")
    assert "does not tell its end" in str(flag.data["detail"])


def test_phone_that_outlived_the_caller_does_not_make_the_talk_longer() -> None:
    row = fold(None, told(replace(CALL, parted_ms=CALL.ended_ms + 9)))
    assert row["talk_ms"] == 45_000


@pytest.mark.parametrize("away_ms", [-50, 0, 50])
def test_fifty_milliseconds_are_agreement(away_ms: int) -> None:
    near = replace(KEPT, answered_ms=ARRIVED + 15_000 + away_ms, ended_ms=ARRIVED + 60_000 + away_ms)
    assert differences(CALL, near) == []


@pytest.mark.parametrize(
    ("call", "kept", "what"),
    [
        (CALL, replace(KEPT, answered_ms=ARRIVED + 15_051), What.ANSWER_TIME),
        (CALL, replace(KEPT, answered_ms=None), What.ANSWER_MISSED),
        (UNANSWERED, KEPT, What.ANSWER_UNKNOWN),
        (CALL, replace(KEPT, ended_ms=None), What.END_MISSED),
        (CALL, replace(KEPT, ended_ms=ARRIVED + 59_949), What.END_TIME),
    ],
)
def test_what_differs_is_named(call: Witnessed, kept: Kept, what: What) -> None:
    [found] = differences(call, kept)
    assert (found.call_id, found.what) == (CALL.call_id, what)


@pytest.mark.parametrize(("bridged_ms", "what"), [(0, []), (50, []), (51, [What.ANSWER_MISSED])])
def test_bridge_in_the_instant_of_the_end_proves_no_answer_that_the_records_miss(
    bridged_ms: int, what: list[What]
) -> None:
    crossed = replace(CALL, answered_ms=CALL.ended_ms - bridged_ms)
    assert [found.what for found in differences(crossed, replace(KEPT, answered_ms=None))] == what


def test_both_sides_of_a_difference_are_told() -> None:
    found = differences(CALL, replace(KEPT, answered_ms=None, ended_ms=None))
    assert found == [
        Difference(CALL.call_id, What.ANSWER_MISSED, CALL.answered_ms, None),
        Difference(CALL.call_id, What.END_MISSED, CALL.ended_ms, None),
    ]


def test_of_a_call_that_was_told_in_part_only_what_was_told_is_compared() -> None:
    part = replace(UNANSWERED, whole=False)
    assert differences(part, KEPT) == []
    cut = replace(CALL, cut=True, ended_ms=CALL.ended_ms - 9_000)
    assert differences(cut, KEPT) == []


def test_the_rule_of_judgement() -> None:
    assert [of_answer(wait_s, 15.0) for wait_s in (0.0, 15.0, 15.001)] == [
        Judgement.IN_TIME,
        Judgement.IN_TIME,
        Judgement.LATE,
    ]
    ends = {outcome: of_end(outcome) for outcome in (CallOutcome.FAILED, CallOutcome.ABANDONED, CallOutcome.DISMISSED)}
    assert list(ends.values()) == [Judgement.FAILED, Judgement.ABANDONED, Judgement.ABANDONED]
