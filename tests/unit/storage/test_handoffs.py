"""Rows of legs to third parties, made from steps."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from routing.steps import Step, StepKind
from storage.handoffs import handoff_rows
from tests.contract.storage_stories import consulted_call, emergency_call

K = StepKind


def steps_of(*told: tuple[StepKind, dict[str, Any]]) -> list[Step]:
    return [Step("1-2.3", seq, 1_700_000_000 + seq / 10, kind, data) for seq, (kind, data) in enumerate(told)]


def test_each_leg_is_a_row_with_what_the_act_was_asked_for() -> None:
    first, second = handoff_rows(consulted_call(1))
    assert (first["act"], first["leg"], second["leg"]) == (1, 1, 2)
    assert {key: first[key] for key in ("verb", "target_kind", "target", "name", "by", "via", "case")} == {
        "verb": "consult", "target_kind": "department", "target": "zjj", "name": "市住建局", "by": "a1", "via": "desk",
        "case": "C-7",
    }  # fmt: skip
    assert (first["outcome"], first["cause"], first["way"], first["answered_ms"]) == (
        "busy",
        17,
        "80001@department",
        None,
    )
    assert (second["outcome"], second["act_outcome"], second["reason"]) == ("answered", "done", None)
    asked = second["asked_ms"]
    moments = [second[f"{name}_ms"] - asked for name in ("dialled", "ringing", "answered", "joined", "ended")]
    assert moments == [400, 600, 4000, 4100, 60000]


def test_an_attempt_out_of_hours_is_a_row_of_its_own() -> None:
    asked = {"act": 1, "verb": "consult", "target_kind": "department", "target": "zjj", "name": "市住建局"}
    (row,) = handoff_rows(
        steps_of(
            (K.ACT_ASKED, asked),
            (K.THIRD_ENDED, {"act": 1, "leg": 0, "outcome": "out_of_hours"}),
            (K.ACT_ENDED, {"act": 1, "verb": "consult", "outcome": "refused", "reason": "closed"}),
        )
    )
    assert (row["leg"], row["outcome"], row["dialled_ms"], row["act_outcome"]) == (0, "out_of_hours", None, "refused")


def test_an_emergency_for_which_nobody_was_dialled_is_a_row_all_the_same() -> None:
    asked = {"act": 2, "verb": "emergency", "target_kind": "emergency", "target": "110"}
    ended = {"act": 2, "verb": "emergency", "outcome": "failed", "reason": "no trunk is alive"}
    (row,) = handoff_rows(steps_of((K.ACT_ASKED, asked), (K.ACT_ENDED, ended)))
    assert (row["act"], row["leg"], row["outcome"], row["act_outcome"]) == (2, 0, None, "failed")
    assert (row["asked_ms"], row["ended_ms"]) == (1_700_000_000_000, 1_700_000_000_100)
    assert handoff_rows(steps_of((K.ACT_ASKED, asked))) == []  # it lasts: the first leg may be dialled next


def test_a_number_that_comes_again_after_a_restart_does_not_mix_two_acts() -> None:
    """Two refused askings, then an emergency: all of them act 1, for nobody knew the count any more."""
    closed = {"act": 1, "verb": "consult", "target_kind": "department", "target": "zjj"}
    refused = {"act": 1, "verb": "consult", "outcome": "refused", "reason": "closed"}
    emergency = {"act": 1, "verb": "emergency", "target_kind": "emergency", "target": "110"}
    once = [
        (K.ACT_ASKED, closed),
        (K.THIRD_ENDED, {"act": 1, "leg": 0, "outcome": "out_of_hours"}),
        (K.ACT_ENDED, refused),
    ]
    rows = handoff_rows(
        steps_of(
            *once,
            *once,
            (K.ACT_ASKED, emergency),
            (K.THIRD_DIALED, {"act": 1, "leg": 1, "route": 1, "way": "police 110"}),
            (K.THIRD_ANSWERED, {"act": 1, "leg": 1}),
            (K.ACT_ENDED, {"act": 1, "verb": "emergency", "outcome": "done"}),
        )
    )
    told = [(row["leg"], row["target"], row["act_outcome"], row["outcome"]) for row in rows]
    assert told == [
        (-1, "zjj", "refused", "out_of_hours"),
        (0, "zjj", "refused", "out_of_hours"),
        (1, "110", "done", None),
    ]
    assert rows[2]["answered_ms"] - rows[2]["asked_ms"] == 200


def test_acts_without_a_third_party_leave_no_row() -> None:
    told = steps_of((K.ACT_ASKED, {"act": 1, "verb": "hold"}), (K.ACT_ENDED, {"act": 1, "outcome": "done"}))
    assert handoff_rows(told) == []
    assert handoff_rows([]) == []


def test_steps_with_odd_numbers_are_passed_over() -> None:
    odd = [
        (K.THIRD_DIALED, {"act": act, "leg": leg})
        for act, leg in ((None, 1), ("1", 1), (1, None), (1, True), (2**40, 1))
    ]
    assert handoff_rows(steps_of(*odd)) == []


@given(st.data())
def test_rows_are_the_same_in_any_order_and_with_steps_that_come_twice(data: st.DataObject) -> None:
    story = [*consulted_call(1), *(s for s in consulted_call(1) if s.kind is K.THIRD_DIALED)]
    mixed = data.draw(st.permutations(story))
    assert handoff_rows(mixed) == handoff_rows(consulted_call(1))


def test_an_emergency_has_each_route_with_its_milliseconds() -> None:
    dead, second = handoff_rows(emergency_call(1))
    assert (dead["outcome"], dead["ringing_ms"], dead["route"]) == ("not_reached", None, 1)
    assert (second["dialled_ms"] - second["asked_ms"], second["answered_ms"] - second["asked_ms"]) == (3050, 7050)
