"""The tables [probe] and [[probe_schedule]], and the number by which a test call is known."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from routing.slots import Schedule
from service.settings import Settings, SettingsProblem
from service.settings_probe import spellings
from storage.numbers import normalise

Mistakes = Callable[[str], list[SettingsProblem]]
TRUNK = '\n[[trunk]]\nname = "outside"\nmatch = ["127.0.0.6"]\ndial = "PJSIP/{number}@outside"\n'
PROBE = '\n[probe]\ntrunk = "outside"\ncaller = "051980000001"\n'


@pytest.mark.parametrize(
    ("caller", "area", "shown"),
    [
        ("051980000001", "0519", ["051980000001", "51980000001", "+8651980000001", "008651980000001", "80000001"]),
        ("051980000001", "", ["051980000001", "8651980000001"]),
        ("13800000000", "0519", ["13800000000", "013800000000", "+8613800000000"]),
        ("+85220000000", "", ["+85220000000", "0085220000000"]),
        ("95001", "", ["95001"]),
    ],
)
def test_number_of_the_trunk_is_known_however_a_carrier_writes_it(caller: str, area: str, shown: list[str]) -> None:
    pattern = spellings(caller, area)
    for number in shown:
        assert re.fullmatch(pattern, number), number
        assert normalise(number, area_code=area) == normalise(caller, area_code=area)


@pytest.mark.parametrize("other", ["51980000002", "0519800000011", "1051980000001", "80000002", "", "980000001"])
def test_other_numbers_are_citizens(other: str) -> None:
    assert not re.fullmatch(spellings("051980000001", "0519"), other)


def test_number_elsewhere_with_the_same_local_part_is_a_citizen() -> None:
    assert not re.fullmatch(spellings("051980000001", "0527"), "80000001")


@pytest.mark.parametrize("caller", ["", "000", "12"])
def test_what_is_no_number_is_known_by_nothing(caller: str) -> None:
    assert spellings(caller, "0519") == ""


def test_a_trunk_and_its_number_are_all_that_is_needed(sample_text: str, read: Callable[[str], Settings]) -> None:
    settings = read(sample_text + TRUNK + PROBE)
    assert re.fullmatch(settings.probe_caller(), "051980000001")
    assert (settings.rules().probing.most_waiting, settings.probe_schedule()) == (0, ())
    assert settings.citizens_trunk != "outside"


def test_without_a_trunk_there_are_none(sample_text: str, read: Callable[[str], Settings]) -> None:
    settings = read(sample_text + '\n[[probe_schedule]]\nat = ["09:00"]\n')
    assert (settings.probe_caller(), settings.probe_schedule()) == ("", ())
    assert "probe.trunk" in [warning.path for warning in settings.warnings]


def test_schedule_is_for_all_lines_or_those_it_names(sample_text: str, read: Callable[[str], Settings]) -> None:
    tables = '\n[[probe_schedule]]\nat = ["09:00", "15:30"]\njitter_min = 0\n'
    tables += '[[probe_schedule]]\nnumbers = ["12345"]\nevery_min = 60\nfrom = "08:00"\nto = "18:00"\n'
    settings = read(sample_text + TRUNK + PROBE + tables)
    first, second = settings.probe_schedule()
    assert first == Schedule(tuple(line.number for line in settings.lines), (32400, 55800))
    assert second == Schedule(("12345",), (), 3600, 28800, 64800, 600)


@pytest.mark.parametrize(
    ("tables", "path"),
    [
        ('[probe]\ntrunk = "nowhere"\ncaller = "051980000001"\n', "probe.trunk"),
        ('[probe]\ntrunk = "police"\ncaller = "051980000001"\n', "probe.trunk"),
        ('[probe]\ntrunk = "carrier"\ncaller = "051980000001"\n', "probe.trunk"),
        ('[probe]\ntrunk = "outside"\n', "probe.caller"),
        ('[probe]\ntrunk = "outside"\ncaller = "x"\n', "probe.caller"),
        (f'{PROBE}most_waiting = -1\n', "probe.most_waiting"),
        (f'{PROBE}ring_s = 200.0\n', "probe.ring_s"),
        (f'{PROBE}talk_s = 1.0\n', "probe.talk_s"),
        (f'{PROBE}[[probe_schedule]]\nnumbers = ["99999"]\nat = ["09:00"]\n', "probe_schedule[0].numbers"),
        (f'{PROBE}[[probe_schedule]]\njitter_min = 5\n', "probe_schedule[0]"),
        (f'{PROBE}[[probe_schedule]]\nevery_min = 5\n', "probe_schedule[0].every_min"),
        (f'{PROBE}[[probe_schedule]]\nat = ["9 Uhr"]\n', "probe_schedule[0].at"),
        (f'{PROBE}[[probe_schedule]]\nevery_min = 60\nfrom = "10:00"\nto = "08:00"\n', "probe_schedule[0].to"),
    ],
)  # fmt: skip
def test_mistake_is_told_at_its_key(sample_text: str, mistakes: Mistakes, tables: str, path: str) -> None:
    found = [problem.path for problem in mistakes(f'{sample_text}\n[dialing]\ntrunk = "carrier"\n{TRUNK}\n{tables}')]
    assert any(one.startswith(path) for one in found), found
