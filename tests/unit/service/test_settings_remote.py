"""Seats behind a trunk, and seats for some lines only, as the configuration says them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.agent_rows import checked
from service.settings import Settings, SettingsProblem

Mistakes = Callable[[str], list[SettingsProblem]]
Read = Callable[[str], Settings]

SEAT = '[[seat]]\nid = "2001"\ntelephone = "13900000001"\n'
TRUNK = 'trunk = "carrier"\n'
AGENT = '[[agent]]\nid = "2001"\nskills = { general = 5 }\n'


def test_a_telephone_is_dialled_by_its_trunk(sample_text: str, read: Read) -> None:
    seat = read(sample_text + SEAT + 'trunk = "police"\nlines = ["12333"]\n').rules().seats["2001"]
    assert (seat.dial, seat.remote, seat.lines) == ("PJSIP/13900000001@police", True, {"12333"})


def test_the_only_trunk_that_is_not_for_emergencies_need_not_be_named(sample_text: str, read: Read) -> None:
    assert read(sample_text + SEAT).rules().seats["2001"].dial == "PJSIP/13900000001@carrier"


def test_a_dial_string_through_a_trunk_is_a_remote_seat_too(sample_text: str, read: Read) -> None:
    seats = read(sample_text + '[[seat]]\nid = "2001"\ndial = "PJSIP/13900000001@carrier"\n').rules().seats
    assert [(id_, seat.remote) for id_, seat in seats.items()] == [("1001", False), ("2001", True)]


def test_its_agent_signs_in_by_an_act(sample_text: str, read: Read) -> None:
    assert read(sample_text + SEAT + AGENT + 'sign_in = "agent"\n').rules().agents["2001"].sign_in == "agent"


@pytest.mark.parametrize(
    ("tables", "path", "words"),
    [
        (SEAT + 'trunk = "carier"\n', "seat[1].trunk", 'unknown trunk "carier" (did you mean "carrier"?)'),
        (SEAT + 'dial = "PJSIP/2001"\n', "seat[1].dial", "cannot be given with telephone"),
        (SEAT.replace("1390", "+86"), "seat[1].telephone", "is not a number"),
        ('[[seat]]\nid = "2001"\n' + TRUNK, "seat[1].trunk", "only for a seat with telephone"),
        (SEAT + SEAT.replace("2001", "2002"), "seat[2].telephone", "the same telephone as seat[1]"),
        (SEAT + AGENT, "agent[1].id", "never registers"),
        (SEAT + 'lines = ["12399"]\n', "seat[1].lines[0]", "unknown line"),
        (SEAT + 'lines = ["12345", "12336"]\n', "seat[1].lines[1]", "is merged: its callers are those of 12345"),
        (
            '[[trunk]]\nname = "far"\ndial = "PJSIP/{number}@far"\n' + SEAT,
            "seat[1]",
            "needs the key trunk (allowed: carrier, police, far)",
        ),
        (
            '[[trunk]]\nname = "isdn"\ndial = "DAHDI/g1/{number}"\n' + SEAT + 'trunk = "isdn"\n',
            "seat[1].telephone",
            'cannot be reached by the trunk "isdn"',
        ),
    ],
)
def test_mistakes_are_told_at_their_key(
    sample_text: str, mistakes: Mistakes, tables: str, path: str, words: str
) -> None:
    (problem,) = mistakes(sample_text + tables)
    assert problem.path == path
    assert words in str(problem)


def test_a_way_that_is_not_known_hides_no_other_mistake(sample_text: str, mistakes: Mistakes) -> None:
    found = mistakes(sample_text + SEAT + 'trunk = "carier"\nlines = ["12336"]\n' + AGENT)
    assert [problem.path for problem in found] == ["seat[1].trunk", "seat[1].lines[0]", "agent[1].id"]


def test_a_line_that_every_seat_leaves_out_is_a_warning(sample_text: str, read: Read) -> None:
    limited = sample_text.replace('dial = "PJSIP/1001"\n', 'dial = "PJSIP/1001"\nlines = ["12333"]\n')
    assert any("nobody can serve 12345" in warning.text for warning in read(limited).warnings)


def test_an_agent_who_is_added_later_cannot_sign_in_by_such_a_telephone(sample_text: str, read: Read) -> None:
    settings = read(sample_text + SEAT)
    values = {"id": "2001", "skills": {"general": 5}}
    (mistake,) = checked({**values, "sign_in": "phone"}, settings)[1]
    assert mistake.column == "sign_in"
    assert checked({**values, "sign_in": "agent"}, settings)[1] == []
