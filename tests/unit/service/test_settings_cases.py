"""`cases` and `case_prefix` of `[[trunk]]`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.settings import Settings, SettingsProblem

Mistakes = Callable[[str], list[SettingsProblem]]
EMERGENCY = "emergency = true"


def trunk_keys(text: str, keys: str) -> str:
    """The police's trunk, with these keys in the place of `emergency`."""
    assert text.count(EMERGENCY) == 1
    return text.replace(EMERGENCY, keys)


@pytest.mark.parametrize(
    ("keys", "takes"),
    [
        ("emergency = true", True),
        ("emergency = false", False),
        ("emergency = true\ncases = false", False),
        ("cases = true", True),
    ],
)
def test_centres_bring_cases_and_others_where_it_is_said(
    read: Callable[[str], Settings], sample_text: str, keys: str, takes: bool
) -> None:
    carrier, police = read(trunk_keys(sample_text, keys)).trunks
    assert (carrier.takes_cases, police.takes_cases) == (False, takes)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (f'{EMERGENCY}\ncase_prefix = "9a"', "is no beginning of numbers (allowed: at most 8 digits in quotes)"),
        (f'{EMERGENCY}\ncase_prefix = "123456789"', "is no beginning of numbers"),
        ('case_prefix = "9"', "is of a trunk whose calls bring no case"),
        (f'{EMERGENCY}\ncases = false\ncase_prefix = "9"', "is of a trunk whose calls bring no case"),
    ],
)
def test_prefix_that_cannot_be_dialled_is_refused(mistakes: Mistakes, sample_text: str, keys: str, told: str) -> None:
    (problem,) = mistakes(trunk_keys(sample_text, keys))
    assert problem.path == "trunk[1].case_prefix"
    assert told in str(problem)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("1234567", "cannot tell [[line]] 1234567 from 12345 with a case"),
        ("91234500", "makes [[line]] 91234500 a case of 12345"),
    ],
)
def test_prefix_that_makes_a_line_a_case_of_another_is_refused(
    mistakes: Mistakes, sample_text: str, number: str, told: str
) -> None:
    line = f'\n[[line]]\nnumber = "{number}"\nname = "x"\nrings = [ {{after_s = 0, need = "any"}} ]\n'
    assert not mistakes_of_case_prefix(mistakes, trunk_keys(sample_text, EMERGENCY) + line + "\n[x]\n")
    (problem,) = mistakes_of_case_prefix(mistakes, trunk_keys(sample_text, f'{EMERGENCY}\ncase_prefix = "9"') + line)
    assert told in str(problem)


def mistakes_of_case_prefix(mistakes: Mistakes, text: str) -> list[SettingsProblem]:
    return [problem for problem in mistakes(text) if problem.path.endswith("case_prefix")]
