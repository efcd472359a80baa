"""Pairwise choice: few of many cells, so that every two values that can meet in a cell do meet in one that is chosen."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import combinations

Row = tuple[Hashable, ...]
Pair = tuple[int, Hashable, int, Hashable]


def pairs_of(row: Row) -> frozenset[Pair]:
    """Every two values of a row, each with its column."""
    return frozenset((i, one, j, other) for (i, one), (j, other) in combinations(enumerate(row), 2))


def pairwise(rows: Sequence[Row]) -> list[int]:
    """Indexes of the rows chosen, in their order: always the row that brings most pairs not yet seen, the first of
    equals, so that the choice is the same each time.
    """
    of = [pairs_of(row) for row in rows]
    missing = set().union(*of)
    chosen: list[int] = []
    while missing:
        best = max(range(len(rows)), key=lambda index: (len(of[index] & missing), -index))
        chosen.append(best)
        missing -= of[best]
    return sorted(chosen)
