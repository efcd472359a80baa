"""The scanner must find every key that tomllib finds, and each on its own line."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.settings_lines import Path, key_lines, line_of

BARE = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)
SCALAR = st.sampled_from(
    [
        "1",
        "-1.5e3",
        "true",
        "1979-05-27 07:32:00",
        '"plain"',
        '"a \\" # [x] = , }"',
        "'lit\\'",
        '""',
        "'''\nit's [x]\n= 1'''",
        '"""\n# no comment \\""" " }\n"""',
        '""""quoted""""',
        "[ ]",
        "{ }",
    ]
)


def as_list(items: list[str]) -> str:
    return "[\n  " + ", # a ] comment\n  ".join(items) + "\n]"


def as_inline_table(pairs: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in pairs.items()) + " }"


VALUE = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(as_list)
        | st.dictionaries(BARE, inner, max_size=3).map(as_inline_table)
    ),
    max_leaves=6,
)
BODY = st.dictionaries(BARE, VALUE, max_size=4)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A top level, tables, and lists of tables with a table inside."""
    parts = [body_text(draw(BODY))]
    for index, body in enumerate(draw(st.lists(BODY, max_size=3))):
        parts.append(f'[ "t.{index}" . sub ]  # [not] a header\n{body_text(body)}')
    for body in draw(st.lists(BODY, max_size=3)):
        parts.append(f"[[list]]\n{body_text(body)}[list.within]\nx = 1\n")
    return draw(st.sampled_from(["", "# first\n\n"])) + "\n".join(parts)


def body_text(body: dict[str, str]) -> str:
    return "".join(f"{key} = {value}\n" for key, value in body.items() if key != "within")


def paths_in(value: Any, path: Path = ()) -> set[Path]:
    if isinstance(value, dict):
        return {path} | {found for key, inner in value.items() for found in paths_in(inner, (*path, key))}
    if isinstance(value, list):
        return {path} | {found for index, inner in enumerate(value) for found in paths_in(inner, (*path, index))}
    return {path}


@given(documents())
def test_every_key_that_tomllib_knows_has_a_line_of_the_text(text: str) -> None:
    lines = key_lines(text)
    known = paths_in(tomllib.loads(text))
    assert set(lines) <= known
    implied = {path for path in known - set(lines) if path}
    assert all(len(path) == 1 and str(path[0]).startswith("t.") for path in implied)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@given(documents())
def test_the_line_of_a_key_shows_the_key(text: str) -> None:
    rows = text.split("\n")
    for path, line in key_lines(text).items():
        if isinstance(path[-1], str):
            assert path[-1] in rows[line - 1]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_are_counted_the_same_with_either_line_end(end: str) -> None:
    text = end.join(
        ["a = 1", "# x", "[b]", 'c.d = """', "two", '"""', "[[e]]", "f = 1", "[[e]]", "f = 2", "[e.g]", "h=3"]
    )
    assert key_lines(text) == {
        ("a",): 1,
        ("b",): 3,
        ("b", "c"): 4,
        ("b", "c", "d"): 4,
        ("e",): 7,
        ("e", 0): 7,
        ("e", 0, "f"): 8,
        ("e", 1): 9,
        ("e", 1, "f"): 10,
        ("e", 1, "g"): 11,
        ("e", 1, "g", "h"): 12,
    }


def test_a_missing_key_is_placed_where_its_table_begins() -> None:
    lines = key_lines("\n[[line]]\nname = 'x'\n")
    assert line_of(lines, ("line", 0, "number")) == 2
    assert line_of(lines, ("nowhere",)) is None
