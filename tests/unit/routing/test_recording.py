"""What should be in a recording, told by the steps of its call."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

from routing.recording import Account, after
from routing.steps import Step, StepKind

K = StepKind
CALL = "1795302613422-1795302613.7"


def account(*told: tuple[StepKind, float, dict[str, Any]]) -> Account:
    steps = [Step(CALL, seq, at, kind, data) for seq, (kind, at, data) in enumerate(told, 1)]
    return reduce(after, steps, Account(CALL))


ANSWERED = (K.ANSWERED, 10.0, {"seat": "1001", "agent": "a1"})
ENDED = (K.ENDED, 40.0, {"outcome": "answered", "by": "caller"})


def test_a_talk_is_one_span_from_the_answer_to_the_end() -> None:
    found = account((K.OFFERED, 1.0, {}), ANSWERED, (K.TALK_ENDED, 40.0, {}), ENDED)
    assert (found.spans, found.answered_at, found.ended_at) == (((10.0, 40.0),), 10.0, 40.0)
    assert (found.talked_s, found.answered, found.whole, found.last_seq) == (30.0, True, True, 4)


def test_a_call_that_nobody_answered_has_nothing_to_record() -> None:
    found = account((K.OFFERED, 1.0, {}), (K.NOTICE, 5.0, {}), (K.ENDED, 9.0, {"outcome": "abandoned"}))
    assert (found.spans, found.answered) == ((), False)


def test_waiting_for_a_second_agent_is_no_part_of_it() -> None:
    second = (K.ANSWERED, 30.0, {"seat": "1002", "agent": "a2"})
    found = account(ANSWERED, (K.TALK_ENDED, 20.0, {"lost": True}), (K.REQUEUED, 20.5, {}), second, ENDED)
    assert found.spans == ((10.0, 20.0), (30.0, 40.0))
    assert found.answered_at == 10.0


def test_a_conference_goes_on_without_the_agent_and_hold_is_left_out() -> None:
    found = account(
        ANSWERED,
        (K.CALLER_MOVED, 15.0, {"to": "conference"}),
        (K.CALLER_MOVED, 20.0, {"to": "hold"}),
        (K.CALLER_MOVED, 25.0, {"to": "conference"}),
        (K.TALK_ENDED, 30.0, {"agent": "a1"}),
        (K.AGENT_LEFT, 30.0, {"agent": "a1", "why": "transferred"}),
        ENDED,
    )
    assert found.spans == ((10.0, 20.0), (25.0, 40.0))


def test_what_is_known_again_after_a_restart_is_not_held_against_the_file() -> None:
    found = account((K.RECOVERED, 20.0, {"state": "talking"}), ENDED)
    assert (found.whole, found.answered, found.spans) == (False, True, ())


def test_who_paused_is_known_until_it_goes_on() -> None:
    paused = (K.RECORDING, 12.0, {"what": "paused", "by": "a1", "reason": "card"})
    assert account(ANSWERED, paused).paused_by == "a1"
    assert account(ANSWERED, paused, (K.RECORDING, 13.0, {"what": "resumed", "by": "a1"})).paused_by == ""


@pytest.mark.parametrize(("verb", "emergency"), [("emergency", True), ("consult", False)])
def test_an_emergency_once_asked_for_stays_one(verb: str, emergency: bool) -> None:
    other = (K.ACT_ASKED, 15.0, {"verb": "consult"})
    found = account(ANSWERED, (K.ACT_ASKED, 12.0, {"verb": verb}), (K.ACT_ENDED, 14.0, {"verb": verb}), other)
    assert found.emergency is emergency
