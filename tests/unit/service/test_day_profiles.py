"""Day profiles: those that are shipped, and every mistake in one told at once with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from service.day_profiles import load_day, shipped
from service.settings import SettingsError
from service.simulation.day import DAY_S, Kind, Shift, serving

SMALL = """\
title = "a small day"
sources = ["nobody's city"]

[skills]
general = "综合"

[shape]
flat = [QUARTERS]

[[line]]
number = "12345"
rings  = [ {after_s = 0, need = "general"} ]

[[calls]]
number  = "12345"
per_day = 96
shape   = "flat"

[[staff]]
count  = 2
skills = {general = 5}
shifts = ["08:00-12:00", "13:00-24:00"]
""".replace("QUARTERS", ", ".join("1" * 96))


@pytest.fixture
def problems(tmp_path: Path) -> Callable[[str], list[str]]:
    def told(text: str) -> list[str]:
        (tmp_path / "day.toml").write_text(text)
        with pytest.raises(SettingsError) as caught:
            load_day(str(tmp_path / "day.toml"))
        return [str(problem) for problem in caught.value.errors]

    return told


def test_three_days_are_shipped() -> None:
    assert shipped() == ["large-city", "prefecture-city", "storm-day"]


@pytest.mark.parametrize(("name", "calls"), [("prefecture-city", 2640), ("large-city", 38_000), ("storm-day", 7920)])
def test_a_shipped_day_has_the_published_number_of_calls_and_names_its_sources(name: str, calls: int) -> None:
    day = load_day(name)
    assert sum(item.per_day for item in day.arrivals) == pytest.approx(calls, rel=0.002)
    assert len(day.sources) >= 2
    assert day.unserved() == []


def test_what_a_shipped_day_says_of_habits_is_what_is_taken_without() -> None:
    day = load_day("prefecture-city")
    assert day.habits == type(day.habits)()


def test_the_busy_hour_of_a_shipped_day_is_a_tenth_of_it() -> None:
    day = load_day("large-city")
    hourly = [sum(a.expected(q) for a in day.arrivals for q in range(4 * h, 4 * h + 4)) for h in range(24)]
    assert max(hourly) / sum(hourly) == pytest.approx(0.1, abs=0.006)


@pytest.mark.parametrize("name", ["large-city", "prefecture-city", "storm-day"])
def test_somebody_is_there_for_12345_at_every_moment(name: str) -> None:
    day = load_day(name)
    shifts = [shift for person in day.people for shift in person.shifts]
    for quarter in range(96):
        at = quarter * DAY_S / 96
        assert any(shift.from_at <= at < shift.until_at for shift in shifts), quarter
    assert serving(day.rules, "96510").number == "12345"


def test_a_file_of_ones_own_is_a_day(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SMALL)
    day = load_day(str(tmp_path / "mine.toml"))
    assert (day.name, day.title, len(day.people)) == ("mine", "a small day", 2)
    assert day.people[0].shifts == (Shift(8 * 3600.0, 12 * 3600.0), Shift(13 * 3600.0, DAY_S))
    assert day.habits.talk.kind is Kind.LOGNORMAL
    assert [item.expected(0) for item in day.arrivals] == [1.0]


def test_every_mistake_is_told_at_once_with_its_place(problems: Callable[[str], list[str]]) -> None:
    text = SMALL.replace('title = "a small day"\n', "").replace('"08:00-12:00"', '"12:00-08:00"')
    text = text.replace("count  = 2", "count  = 0").replace("per_day = 96", "per_day = -1\ncolour  = 1")
    found = problems(text)
    assert [line.partition(":")[0] for line in found] == [
        "title is missing",
        "line 15",
        "line 16",
        "line 20",
        "line 22",
    ]
    assert "calls[0].colour is an unknown key" in found[2]
    assert "staff[0].shifts[0] is not a shift" in found[4]


def test_what_tables_say_about_each_other_is_told_at_once_with_its_place(problems: Callable[[str], list[str]]) -> None:
    text = SMALL.replace('need = "general"', 'need = "genral"').replace('shape   = "flat"', 'shape   = "flut"')
    text = text.replace('number  = "12345"', 'number  = "12346"').replace("{general = 5}", "{general = 5, tax = 1}")
    text = text.replace('"13:00-24:00"', '"11:00-24:00"')
    found = problems(text)
    assert [line.partition(":")[0] for line in found] == ["line 12", "line 15", "line 17", "line 21", "line 22"]
    assert 'did you mean "general"?' in found[0]
    assert 'the unknown line "12346"' in found[1]
    assert 'did you mean "flat"?' in found[2]
    assert 'the unknown skill "tax"' in found[3]
    assert "overlap" in found[4]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("per_day = 96", "per_day = 0", "make a day without calls"),
        ("flat = [1, ", "flat = [", "is not the shape of a day"),
        ("flat = [1, ", "flat = [-1, ", "is not the shape of a day"),
        ("[shape]", '[habits]\ntalk = {mean_s = 100, kind = "normal"}\n[shape]', "is none of the known words"),
        ("[shape]", "[shape", "not TOML"),
        ('sources = ["nobody\'s city"]', "sources = []", "must not be empty"),
    ],
)
def test_a_mistake_is_named(problems: Callable[[str], list[str]], old: str, new: str, told: str) -> None:
    found = problems(SMALL.replace(old, new))
    assert len(found) == 1
    assert told in found[0]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r'no day profile "large-town" \(did you mean "large-city"\?\)'):
        load_day("large-town")
