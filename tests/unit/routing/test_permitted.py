"""Which numbers may be dialled: what costs, what loops and what has an act of its own is refused, and the rest is not."""

from __future__ import annotations

import pytest

from routing.permitted import DialingRules, refusal, role_refusal, without_area_code

RULES = DialingRules(
    lines=frozenset({"12345", "12333", "96510"}),
    emergency=frozenset({"110", "119", "120", "122", "12395"}),
    area_code="0519",
)


@pytest.mark.parametrize(
    "number",
    [
        "051985680000", "85680000", "02566666666", "01066666666", "13800000000", "013800000000", "16600000000",
        "16200000000", "17000000000", "4001000000", "8008100000", "95598", "96777", "051012345", "0510110", "80001", "114",
    ],
)  # fmt: skip
def test_common_numbers_are_permitted(number: str) -> None:
    assert refusal(number, RULES) is None


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("00852123456789", "00"),  # abroad
        ("008613800000000", "00"),
        ("16800000", "168"),
        ("16000000", "160"),
        ("051916800000", "168"),  # premium behind an area code
        ("01016000000", "160"),
        ("125901234", "1259"),
        ("1795100852123", "179"),  # dial-around, behind which anything may follow
        ("01795100852", "179"),
        ("1019312345", "10193"),
        ("118081234", "11808"),
    ],
)
def test_numbers_that_cost_are_refused_however_they_are_written(number: str, told: str) -> None:
    assert f"begin with {told} " in str(refusal(number, RULES))


@pytest.mark.parametrize("number", ["12345", "12333", "96510", "051912345", "012345"])
def test_our_own_lines_are_a_loop(number: str) -> None:
    assert "come back" in str(refusal(number, RULES))


@pytest.mark.parametrize("number", ["110", "12395", "0519110", "0110", "0120"])
def test_emergency_numbers_have_an_act_of_their_own(number: str) -> None:
    assert "emergency act" in str(refusal(number, RULES))


@pytest.mark.parametrize(
    "number", ["", "+8613800000000", "1380000 0000", "138-0000", "１２３４５", "12a45", "*110", "１"]
)
def test_only_digits_make_a_number(number: str) -> None:
    told = refusal(number, RULES)
    assert told is not None
    assert "digits" in told


@pytest.mark.parametrize(("number", "fits"), [("12", False), ("114", True), ("1" * 12, True), ("1" * 13, False)])
def test_numbers_have_three_to_twelve_digits(number: str, fits: bool) -> None:
    assert (refusal(number, DialingRules()) is None) is fits


def test_without_an_area_code_of_ours_another_city_is_not_us() -> None:
    rules = DialingRules(lines=frozenset({"12345"}), area_code="")
    assert refusal("051912345", rules) is None
    assert refusal("12345", rules) is not None


def test_no_sentence_repeats_the_number() -> None:
    for number in ("0085212345678", "16812345", "110", "12345", "1380000x000"):
        assert number not in str(refusal(number, RULES))


def test_what_is_forbidden_is_the_operators_choice() -> None:
    rules = DialingRules(forbidden=("400",))
    assert "400" in str(refusal("4001000000", rules))
    assert refusal("16812345", rules) is None


def test_only_some_roles_may_dial_plain_numbers() -> None:
    assert role_refusal("supervisor", RULES) is None
    assert role_refusal("expert", RULES) is None
    assert role_refusal("agent", RULES) == (
        "The role agent may not dial plain numbers, expert and supervisor may; departments of the directory and citizens "
        "of the list of call-backs are permitted."
    )
    assert "nobody may" in str(role_refusal("agent", DialingRules(roles=frozenset())))


@pytest.mark.parametrize(
    ("number", "bare"),
    [
        ("051985680000", "85680000"), ("01066666666", "66666666"), ("02512345", "12345"), ("013800000000", "13800000000"),
        ("85680000", "85680000"), ("00852", "00852"),
    ],
)  # fmt: skip
def test_area_codes_are_known(number: str, bare: str) -> None:
    assert without_area_code(number) == bare
