"""A changed copy of a record is what the language's own would be."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from routing.records import quickly_replaced


@quickly_replaced
class Point(NamedTuple):
    x: int
    y: int = 0
    name: str = ""


def test_the_copy_differs_in_what_was_named_and_the_record_stays() -> None:
    point = Point(1, 2, "a")
    moved = point._replace(y=5, name="b")
    assert (moved, type(moved)) == (Point(1, 5, "b"), Point)
    assert point == Point(1, 2, "a")
    assert point._replace() == point


def test_a_field_that_is_none_is_our_bug() -> None:
    with pytest.raises(KeyError):
        Point(1)._replace(z=3)
