"""Handle time, occupancy, adherence: worked by hand."""

from __future__ import annotations

import pytest

from metrics.working import Span, Stay, Work, Working, adherence, handle_s, occupancy, sum_of
from routing.agent_state import AgentState as S

MINUTE = 60_000


def day(*stays: tuple[str, S, int, int], until: int = 60, step: int = 15) -> Working:
    """(agent, state, from minute, to minute) within an hour from 0."""
    working = Working(0, until * MINUTE, step * MINUTE)
    for agent, state, since, ends in stays:
        working.add(Stay(agent, state, "lunch" if state is S.PAUSED else "", since * MINUTE, ends * MINUTE))
    return working


def test_occupancy_is_handle_of_the_time_in_which_somebody_could_be_rung() -> None:
    work = day(
        ("a", S.READY, 0, 10), ("a", S.RINGING, 10, 12), ("a", S.TALKING, 12, 22), ("a", S.WRAP_UP, 22, 24),
        ("a", S.PAUSED, 24, 60),
    ).agents["a"]  # fmt: skip
    assert (work.signed_in_ms, work.handle_ms, work.talks) == (60 * MINUTE, 12 * MINUTE, 1)
    assert occupancy(work) == pytest.approx(12 / 24)
    assert handle_s(work) == 12 * 60
    assert work.pauses_ms == {"lunch": 36 * MINUTE}


def test_who_was_only_paused_or_had_no_talk_has_no_figure_instead_of_zero() -> None:
    work = day(("a", S.PAUSED, 0, 60)).agents["a"]
    assert (occupancy(work), handle_s(work)) == (None, None)


def test_a_state_counts_with_what_lies_within_and_a_talk_where_it_began() -> None:
    working = day(("a", S.TALKING, -5, 5), ("a", S.TALKING, 55, 70), ("b", S.SIGNED_OUT, 0, 60))
    assert working.agents.keys() == {"a"}
    work = working.agents["a"]
    assert (work.states_ms[S.TALKING], work.talks) == (10 * MINUTE, 1)


def test_seats_there_are_counted_by_step_and_pauses_are_not() -> None:
    working = day(("a", S.READY, 0, 20), ("b", S.TALKING, 10, 15), ("c", S.PAUSED, 0, 60))
    assert [ms // MINUTE for ms in working.there_ms] == [20, 5, 0, 0]


def test_a_step_that_is_cut_off_at_the_end_is_a_step() -> None:
    assert len(day(("a", S.READY, 0, 50), until=50).there_ms) == 4


def test_adherence_is_what_was_signed_in_of_the_shifts_which_may_overlap() -> None:
    work = day(("a", S.READY, 0, 10), ("a", S.PAUSED, 10, 30), ("a", S.SIGNED_OUT, 30, 40), ("a", S.READY, 40, 60))
    shifts = [Span(0, 40 * MINUTE), Span(20 * MINUTE, 50 * MINUTE)]
    assert adherence(work.agents["a"], shifts) == pytest.approx(40 / 50)
    assert adherence(work.agents["a"], []) is None
    assert adherence(Work(), shifts) == 0.0


def test_all_together() -> None:
    working = day(("a", S.TALKING, 0, 30), ("b", S.READY, 0, 30), ("b", S.PAUSED, 30, 60))
    whole = sum_of(working.agents.values())
    assert (whole.talks, whole.signed_in_ms, occupancy(whole)) == (1, 90 * MINUTE, 0.5)
    assert whole.pauses_ms == {"lunch": 30 * MINUTE}
