"""The language of needs: what it reads, what it refuses and where, and that it means what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.need import (
    All,
    Anybody,
    Either,
    InGroup,
    Named,
    Need,
    NeedError,
    Not,
    Skilled,
    admits,
    leaves,
    parse,
    shown,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("any", Anybody()),
        ("hrss", Skilled("hrss", 1)),
        ("hrss>=5", Skilled("hrss", 5)),
        (" hrss >= 10 ", Skilled("hrss", 10)),
        ("group:reserve", InGroup("reserve")),
        ("agent:a17", Named("a17")),
        ("not tax", Not(Skilled("tax"))),
        ("a and b or c", Either((All((Skilled("a"), Skilled("b"))), Skilled("c")))),
        ("a and (b or c)", All((Skilled("a"), Either((Skilled("b"), Skilled("c")))))),
        ("not (a or group:g) and b", All((Not(Either((Skilled("a"), InGroup("g")))), Skilled("b")))),
        ("order>=2", Skilled("order", 2)),
    ],
)
def test_text_is_read_as_a_tree(text: str, need: Need) -> None:
    assert parse(text) == need


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "something is missing"),
        ("a and", 6, "something is missing"),
        ("a or or b", 6, '"or" cannot stand here'),
        ("(a or b", 8, "not closed"),
        ("a b", 3, '"b" is too much here'),
        ("a)", 2, '")" is too much here'),
        ("a>=11", 4, '"11" is no level; allowed: 1 to 10'),
        ("a>=", 4, "a level is missing"),
        ("a>5", 2, '">" has no meaning'),
        ("  a , b", 5, '"," has no meaning'),
        ("not", 4, "something is missing"),
        ("a" * 1001, 1001, "longer than"),
        ("(" * 30, 22, "brackets"),
        ("not " * 30 + "a", 85, "brackets"),
    ],
)
def test_mistake_is_told_with_its_column(text: str, column: int, words: str) -> None:
    with pytest.raises(NeedError) as raised:
        parse(text)
    assert raised.value.column == column
    assert words in str(raised.value)


ids = st.from_regex(r"[a-z][a-z0-9_-]{0,5}", fullmatch=True).filter(lambda id_: id_ not in {"and", "or", "not", "any"})
atoms = st.one_of(
    st.just(Anybody()),
    st.builds(Skilled, st.sampled_from("abc"), st.integers(1, 10)),
    st.builds(InGroup, ids),
    st.builds(Named, ids),
)
several = lambda parts: st.lists(parts, min_size=2, max_size=3).map(tuple)  # noqa: E731
needs = st.recursive(
    atoms, lambda part: st.one_of(part.map(Not), several(part).map(All), several(part).map(Either)), max_leaves=8
)
skills = st.dictionaries(st.sampled_from("abc"), st.integers(1, 10))


@given(needs, skills)
def test_what_is_shown_reads_back_and_means_the_same(need: Need, have: dict[str, int]) -> None:
    again = parse(shown(need))
    assert shown(again) == shown(need)
    assert admits(again, "x", have, frozenset()) == admits(need, "x", have, frozenset())


@given(needs, needs, skills, st.sets(ids).map(frozenset), ids)
def test_words_mean_what_logic_says(a: Need, b: Need, have: dict[str, int], groups: frozenset[str], agent: str) -> None:
    one, other = admits(a, agent, have, groups), admits(b, agent, have, groups)
    assert admits(All((a, b)), agent, have, groups) == (one and other)
    assert admits(Either((a, b)), agent, have, groups) == (one or other)
    assert admits(Not(a), agent, have, groups) == (not one)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        need: Need | NeedError = parse(text)
    except NeedError as error:
        need = error
    if isinstance(need, NeedError):
        assert 1 <= need.column <= len(text) + 1
    else:
        assert parse(shown(need)) == need


def test_leaves_tell_what_is_asked_for_and_what_is_excluded() -> None:
    found = list(leaves(parse("a>=5 and not (b or not group:g)")))
    assert found == [(Skilled("a", 5), True), (Skilled("b"), False), (InGroup("g"), True)]
