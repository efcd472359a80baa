"""Few of many, in which every two values that can meet do meet."""

from __future__ import annotations

from itertools import product

from tests.e2e.joining.cells import lives
from tests.e2e.joining.matrix import pairwise_part
from tests.e2e.joining.pairs import pairs_of, pairwise


def seen(rows: list[tuple[object, ...]]) -> set[object]:
    return set().union(*map(pairs_of, rows)) if rows else set()


def test_every_pair_of_the_whole_is_in_the_part() -> None:
    rows = [row for row in product("abc", "xyz", "12", "+-") if row[:2] != ("a", "z")]  # not all can meet
    chosen = [rows[index] for index in pairwise(rows)]
    assert seen(chosen) == seen(rows)
    assert len(chosen) <= 12  # of 32: nine pairs of the first two columns alone


def test_the_choice_is_the_same_each_time_and_in_order() -> None:
    rows = list(product("abcd", "xyz", "123"))
    assert pairwise(rows) == pairwise(rows) == sorted(pairwise(rows))
    assert pairwise([]) == []


def test_the_part_of_the_matrix_is_small_and_has_every_act_in_every_state() -> None:
    whole = lives()
    part = pairwise_part(whole)
    assert {(cell.state, cell.act) for cell in part} == {(cell.state, cell.act) for cell in whole}
    assert len(part) < len(whole) / 5
