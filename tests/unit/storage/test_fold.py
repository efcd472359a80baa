from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.commands import WriteSignIn
from routing.steps import Step, StepKind
from storage.entries import SignIn
from storage.fold import fold, merged, period_rows, presentation_rows
from tests.contract.storage_stories import FIRST_MS, abandoned_call, answered_call, offered

K = StepKind
CALL = f"{FIRST_MS}-1.1"


def step(seq: int, at: float, kind: StepKind, **data: Any) -> Step:
    return Step(CALL, seq, at, kind, data)


def test_an_abandoned_call_waited_from_arrival_to_its_judgement() -> None:
    row = fold(None, abandoned_call(1, wait_s=8.004))
    assert (row["outcome"], row["judged"], row["wait_ms"], row["answered_ms"]) == ("abandoned", "abandoned", 8004, None)


def test_a_lost_leg_leads_to_a_second_talk_and_the_first_answer_stays() -> None:
    story = [
        offered(0),
        step(FIRST_MS + 1, 1_700_000_002.0, K.ANSWERED, seat="1001", agent="a1", wait_s=2.0, by="engine"),
        step(FIRST_MS + 2, 1_700_000_012.0, K.TALK_ENDED, seat="1001", agent="a1", lost=True, talk_s=10.0),
        step(FIRST_MS + 3, 1_700_000_012.0, K.REQUEUED, cause="lost_leg"),
        step(FIRST_MS + 4, 1_700_000_020.0, K.ANSWERED, seat="1002", agent="a2", wait_s=20.0, by="engine"),
    ]
    story = [Step(offered(0).call_id, s.seq, s.at, s.kind, s.data) for s in story]
    row = fold(None, story)
    assert (row["seat_id"], row["wait_ms"], row["talking_seat_id"], row["requeued"]) == ("1001", 2000, "1002", 1)
    end = Step(story[0].call_id, FIRST_MS + 5, 1_700_000_025.5, K.ENDED, {"outcome": "answered", "talk_s": 23.5})
    row = fold(row, [end])
    assert (row["talk_ms"], row["talks"], row["talking_seat_id"]) == (15_500, 2, None)


def test_a_talk_known_again_after_a_restart_is_the_same_talk() -> None:
    again = step(FIRST_MS + 900, 1_700_000_002.0, K.ANSWERED, seat="1001", agent="a1", wait_s=2.0, by="fallback")
    first = step(FIRST_MS + 1, 1_700_000_002.0, K.ANSWERED, seat="1001", agent="a1", wait_s=2.0, by="engine")
    row = fold(None, [first, step(FIRST_MS + 800, 1_700_000_009.0, K.RECOVERED, state="talking"), again])
    assert (row["talks"], row["answered_by"], row["flags"]) == (1, "engine", "recovered")


def test_a_call_without_its_first_step_takes_the_arrival_from_its_id() -> None:
    row = fold(None, [step(5, 1_700_000_009.0, K.JUDGED, result="late", wait_s=9.0, number="12333", line="12345")])
    assert (row["arrived_ms"], row["number"], row["line"]) == (FIRST_MS, "12333", "12345")
    strange = fold(None, [Step("strange", 1, 7.5, K.HELD, {})])
    assert strange["arrived_ms"] == 7500


def test_flags_are_a_sorted_set() -> None:
    flags = [step(n, 1.0, K.FLAG, flag=name) for n, name in enumerate(["unseen", "clock_step", "unseen"])]
    assert fold(None, flags)["flags"] == "clock_step,unseen"


def test_notice_and_fallback_are_kept() -> None:
    row = fold(None, [step(1, 1.0, K.NOTICE, wait_s=50.0), step(2, 1.0, K.FALLBACK, stage="queue")])
    assert (row["noticed"], row["fallback_stage"]) == (True, "queue")


stories = st.builds(
    lambda made, wait, talk: made(1, wait_s=wait, **({} if made is abandoned_call else {"talk_s": talk})),
    st.sampled_from([answered_call, abandoned_call]),
    st.floats(0.3, 100).map(lambda value: round(value, 3)),
    st.floats(0, 5000).map(lambda value: round(value, 3)),
)


@given(stories, st.data())
def test_any_prefix_told_twice_and_in_any_order_gives_the_same_row(story: list[Step], data: st.DataObject) -> None:
    once = fold(None, story)
    cut = data.draw(st.integers(1, len(story)))
    row = fold(None, data.draw(st.permutations(story[:cut] * 2)))
    assert row == fold(None, story[:cut])
    assert fold(fold(row, story[:cut]), story) == once


@given(stories, st.data())
def test_presentations_are_the_same_in_any_order(story: list[Step], data: st.DataObject) -> None:
    def total(steps: list[Step]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in steps:
            for row in presentation_rows(one):
                found = merged(found, row) if found else row
        return found

    assert total(data.draw(st.permutations(story * 2))) == total(story)


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()) | st.just("9" * 999)
keys = ["number", "line", "trunk", "arrived_at", "emergency", "flags", "presentation", "seats", "agents", "ring"]
keys += [
    "wait_s",
    "why",
    "seat",
    "outcome",
    "ring_s",
    "agent",
    "answered_at",
    "by",
    "stage",
    "talk_s",
    "result",
    "flag",
]


@given(st.sampled_from(K), st.dictionaries(st.sampled_from(keys), values), st.sampled_from(K))
def test_no_value_of_any_type_stops_the_fold(kind: StepKind, data: dict[str, Any], then: StepKind) -> None:
    steps = [Step(CALL, 1, 1.0, kind, data), Step(CALL, 2, 2.0, then, data)]
    row = fold(None, steps)
    assert row["last_seq"] == 2
    for one in steps:
        presentation_rows(one)
    for value in row.values():
        assert value is None or isinstance(value, bool | int | str)
        assert not isinstance(value, int) or -(2**63) <= value < 2**63
        assert not isinstance(value, str) or b"\0" not in value.encode()


@pytest.mark.parametrize("agents", ["", "a1", "a1,a2"])
def test_several_seats_ring_as_several_rows(agents: str) -> None:
    rows = presentation_rows(step(1, 1.5, K.PRESENTED, presentation="p1", seats="1001,1002", agents=agents, ring=2))
    assert [row["seat_id"] for row in rows] == ["1001", "1002"]
    assert [row["agent_id"] for row in rows] == [*filter(None, agents.split(","))] + [None] * (2 - len(agents) // 2)
    assert {(row["ring"], row["sent_ms"]) for row in rows} == {(2, 1500)}


def test_periods_of_one_batch_end_where_the_next_begins() -> None:
    signs = [SignIn(n, WriteSignIn("a1", "1001", state, "", float(n))) for n, state in enumerate(["ready", "ringing"])]
    signs.append(SignIn(9, WriteSignIn("a2", "1002", "ready", "", 0.5)))
    rows = period_rows([*signs, signs[0]])
    assert [(row["agent_id"], row["state"], row["until_ms"]) for row in rows] == [
        ("a1", "ready", 1000),
        ("a1", "ringing", None),
        ("a2", "ready", None),
    ]
