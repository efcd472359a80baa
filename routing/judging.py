"""How a call counts: the one rule, for calls that the engine follows and for those that a witness told it of later.

Source: design §4. In time is `<=` the limit, by exact milliseconds.
"""

from __future__ import annotations

from routing.steps import CallOutcome, Judgement


def of_answer(wait_s: float, answer_within_s: float) -> Judgement:
    """Of a call that a person has answered. Both in seconds; the wait is rounded to milliseconds by whoever measured it."""
    return Judgement.IN_TIME if wait_s <= answer_within_s else Judgement.LATE


def of_end(outcome: CallOutcome) -> Judgement:
    """Of a call that ended before anybody answered it."""
    return Judgement.FAILED if outcome is CallOutcome.FAILED else Judgement.ABANDONED


def is_test(judged: object) -> bool:
    """The one rule by which test calls are left out: whatever counts calls asks this of the judgement, which a test call
    has from its first step on. In SQL it is `storage.counted`."""
    return judged == Judgement.TEST
