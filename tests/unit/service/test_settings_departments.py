"""`[[department]]`, `[directory]` and `[dialing]`: every mistake with its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.settings import Settings, SettingsProblem

Mistakes = Callable[[str], list[SettingsProblem]]
WATER = '\n[[department]]\nid = "water"\nnumbers = ["80001"]\n'


def department(**keys: str) -> str:
    given = {"id": '"zjj"', "numbers": '["051985680000"]'} | keys
    return "\n[[department]]\n" + "".join(f"{key} = {value}\n" for key, value in given.items() if value)


@pytest.mark.parametrize(
    ("keys", "path", "told"),
    [
        ({"id": '"a b"'}, "department[0].id", "is not an id"),
        ({"name": '"x;y"'}, "department[0].name", "cannot be shown"),
        ({"level": "4"}, "department[0].level", "out of range (allowed: 1 to 3)"),
        ({"kind": '"office"'}, "department[0].kind", "none of the known words"),
        ({"hours": '"9 to 5"'}, "department[0].hours", "is no opening hours: '9' is neither days"),
        ({"numbers": ""}, "department[0].numbers", "is missing"),
        ({"numbers": "[]"}, "department[0].numbers", "must not be empty"),
        ({"numbers": '["0519-85680000"]'}, "department[0].numbers[0]", "is no number of a department"),
        (
            {"numbers": '["80001", "0085212345"]'},
            "department[0].numbers[1]",
            "is not permitted: numbers that begin with 00",
        ),
        (
            {"numbers": '["12345"]'},
            "department[0].numbers[0]",
            "is not permitted: this is a number of this hotline itself",
        ),
        ({"numbers": '["110"]'}, "department[0].numbers[0]", "is not permitted: an emergency number is reached by"),
        (
            {"numbers": '["80001@carier"]'},
            "department[0].numbers[0]",
            'unknown trunk "carier" (did you mean "carrier"?)',
        ),
        ({"numbers": '["80001", "80001"]'}, "department[0].numbers[1]", "stands there twice"),
        ({"code": '"12345"'}, "department[0].code", "is no short number (allowed: 1 to 4 digits in quotes)"),
        ({"code": '"1001"'}, "department[0].code", "1001 means agent 1001 too"),
        ({"telephone": '"1"'}, "department[0].telephone", "is an unknown key"),
    ],
)
def test_every_mistake_of_a_department_is_told_with_its_place(
    mistakes: Mistakes, sample_text: str, keys: dict[str, str], path: str, told: str
) -> None:
    (problem,) = mistakes(sample_text + department(**keys))
    assert problem.path == path
    assert told in str(problem)
    assert problem.line is not None


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        ({"code": '"31"'}, {"id": '"gas"', "code": '"31"'}, "department[0].code department[1].code"),
        ({"code": '"31"'}, {"id": '"31"'}, "department[0].code department[1].id"),
        ({"code": '"31"'}, {"id": '"gas"', "code": '"32"'}, ""),
        ({"id": '"31"', "code": '"31"'}, {"id": '"gas"'}, ""),
        ({}, {"id": '"gas"'}, ""),
    ],
)
def test_short_number_means_one_department(
    mistakes: Mistakes, sample_text: str, first: dict[str, str], second: dict[str, str], path: str
) -> None:
    found = mistakes(sample_text + department(**first) + department(**second) + department(id='"x"', level="0"))
    assert " ".join(problem.path for problem in found if problem.path != "department[2].level") == path


def test_all_mistakes_come_at_once(mistakes: Mistakes, sample_text: str) -> None:
    text = sample_text + department(level="0", numbers='["00852"]') + department(hours='"never"')
    assert {problem.path for problem in mistakes(text)} == {
        "department[0].level", "department[0].numbers[0]", "department[1].hours", "department[1].id",
    }  # fmt: skip


def test_the_own_area_code_makes_loops_visible(mistakes: Mistakes, sample_text: str) -> None:
    text = sample_text.replace("[target]", 'area_code = "0519"\n[target]') + department(numbers='["051912345"]')
    (problem,) = mistakes(text)
    assert "come back" in problem.text


def test_a_second_common_trunk_must_be_named(mistakes: Mistakes, sample_text: str) -> None:
    trunk = '\n[[trunk]]\nname = "county"\nmatch = ["127.0.0.9"]\ndial = "PJSIP/{number}@county"\n'
    (problem,) = mistakes(sample_text + trunk + department())
    assert "needs its trunk, NUMBER@TRUNK: carrier, police, county" in problem.text


def test_what_is_given_is_what_rules_and_departments_have(read: Callable[[str], Settings], sample_text: str) -> None:
    dialing = '\n[dialing]\nforbidden = ["400"]\nmost_digits = 11\nroles = ["engineer"]\n[directory]\nanswer_s = 12\n'
    settings = read(sample_text + WATER + dialing)
    rules = settings.dialing_rules()
    assert (rules.forbidden, rules.most_digits, rules.roles) == (("400",), 11, frozenset({"engineer"}))
    assert rules.lines >= {"12345", "12333", "12336"}
    assert "12395" in rules.emergency
    assert settings.departments[0].numbers == ("80001",)
    assert settings.directory.answer_s == 12
