"""`[[roster]]` as operators write it, every mistake in it at its key, and hours that nobody covers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from routing.need import All, Anybody, Either, InGroup, InZone, Named
from routing.roster import Days, Shift, Span
from service.settings import Settings, SettingsError, SettingsProblem, load
from service.settings_rosters import needs_calendar

Mistakes = Callable[[str], list[SettingsProblem]]
Read = Callable[[str], Settings]

H = 3600
ALWAYS = "[[roster]]\n"


@pytest.fixture
def city(sample_text: str) -> Callable[..., str]:
    """The sample with these rosters."""

    def text(*rosters: str) -> str:
        return sample_text.replace("groups = []", 'groups = ["day", "night"]') + "".join(f"\n{r}\n" for r in rosters)

    return text


def one(read: Read, text: str) -> Shift:
    return read(text).rules().roster.shifts[-1]


def test_a_roster_reads_as_it_is_spoken(read: Read, city: Callable[..., str]) -> None:
    night = '[[roster]]\nlines = ["12345"]\ngroup = "night"\ndays = "workday"\nfrom = "18:00"\nto = "08:00"\n'
    shift = one(read, city(ALWAYS, night))
    assert shift == Shift(frozenset({"12345"}), InGroup("night"), frozenset({Days.WORKDAY}), (), 18 * H, 8 * H)
    assert shift.length_s == 14 * H


def test_a_roster_that_says_nothing_is_everybody_for_every_line_at_all_times(
    read: Read, city: Callable[..., str]
) -> None:
    assert one(read, city(ALWAYS)) == Shift(people=Anybody(), days=frozenset({Days.DAILY}), begins_s=0, ends_s=24 * H)
    assert read(city()).rules().roster.shifts == ()


def test_zone_group_and_agents_must_all_hold_and_of_agents_one(read: Read, city: Callable[..., str]) -> None:
    row = '[[roster]]\nzone = "hrss"\ngroup = "day"\nagents = ["1001"]\ndays = ["mon", "holiday"]\n'
    shift = one(read, city(ALWAYS, row))
    assert shift.people == All((InZone("hrss"), InGroup("day"), Named("1001")))
    assert shift.days == {Days.MON, Days.HOLIDAY}
    two = '[[roster]]\nagents = ["1001", "17"]\nfirst = true\n'
    with pytest.raises(SettingsError, match='unknown agent "17"'):
        read(city(ALWAYS, two))
    row = city(ALWAYS, two.replace('"17"', '"1001"'))
    assert one(read, row).people == Named("1001")


def test_an_agent_or_zone_of_the_database_may_be_named(folder: Path, city: Callable[..., str]) -> None:
    file = folder / "hotline.toml"
    file.write_text(city(ALWAYS, '[[roster]]\nagents = ["1001", "17"]\n', '[[roster]]\nzone = "ships"\n'))
    settings = load(file, known_agents={"17": "ships"})
    assert settings.rules().roster.shifts[1].people == Either((Named("1001"), Named("17")))
    warned = {problem.path for problem in load(file).warnings}
    assert {"roster[1].agents[1]", "roster[2].zone"} <= warned
    with pytest.raises(SettingsError, match='unknown zone "ships"'):
        load(file, known_agents={})


def test_dates_are_written_alone_as_spans_or_as_toml_has_them(read: Read, city: Callable[..., str]) -> None:
    row = '[[roster]]\ngroup = "day"\ndates = ["2026-12-31", "2026-10-01..2026-10-07", 2026-05-01]\nto = "12:30:15"\n'
    shift = one(read, city(ALWAYS, row))
    assert shift.spans == (
        Span(date(2026, 12, 31), date(2026, 12, 31)),
        Span(date(2026, 10, 1), date(2026, 10, 7)),
        Span(date(2026, 5, 1), date(2026, 5, 1)),
    )
    assert (shift.days, shift.ends_s) == (frozenset(), 12 * H + 30 * 60 + 15)


def test_the_duty_seats_are_a_group_of_their_own(read: Read, city: Callable[..., str]) -> None:
    settings = read(city('[[roster]]\ngroup = "duty"\n'))
    assert "duty" in settings.rules().seats["1001"].groups
    with pytest.raises(SettingsError, match='names the group "duty"'):
        read(city('[[roster]]\ngroup = "duty"\n').replace('duty_seats = ["1001", "1002"]', ""))


@pytest.mark.parametrize(
    ("row", "path", "words"),
    [
        ('lines = ["12346"]', "roster[1].lines[0]", 'unknown line "12346"'),
        ('lines = ["12336"]', "roster[1].lines[0]", "a merged line: name 12345"),
        ("lines = [12345]", "roster[1].lines[0]", "text in quotes"),
        ('group = "nigth"', "roster[1].group", 'did you mean "night"?'),
        ('zone = "hrs"', "roster[1].zone", 'did you mean "hrss"?'),
        ('agents = ["1009"]', "roster[1].agents[0]", 'unknown agent "1009"'),
        ('days = "weekday"', "roster[1].days", "none of the known days"),
        ("days = []", "roster[1].days", "none of the known days"),
        ('dates = ["2026-02-30"]', "roster[1].dates", "no date"),
        ('dates = ["2026-10-07..2026-10-01"]', "roster[1].dates", "ends before it begins"),
        ('dates = ["2026-01-01..2028-01-01"]', "roster[1].dates", "too long"),
        ('dates = "2026-10-01"', "roster[1].dates", "a list of dates"),
        ('from = "24:00"', "roster[1].from", "not a time of day"),
        ('to = "8:00"', "roster[1].to", "not a time of day"),
        ("to = 08:00:00", "roster[1].to", "text in quotes"),
        ('days = "daily"\ndates = ["2026-10-01"]', "roster[1].dates", "cannot stand beside days"),
        ('group = "day"\noff = true', "roster[1].off", "needs dates"),
        ('group = "day"\ndates = ["2026-10-01"]\noff = true\nfrom = "08:00"', "roster[1].off", "whole days"),
        ('group = "day"\ndates = ["2026-10-01"]\noff = true\nfirst = true', "roster[1].first", "beside off"),
        ("first = true", "roster[1].first", "needs people"),
        ('until = "18:00"', "roster[1].until", "unknown key"),
        ('form = "18:00"', "roster[1].form", 'did you mean "from"?'),
        ('lines = ["12345"]', "roster[1]", ""),
    ],
)
def test_a_mistake_in_a_roster_is_reported_at_its_key(
    folder: Path, city: Callable[..., str], row: str, path: str, words: str
) -> None:
    text = city(ALWAYS, f"[[roster]]\n{row}\n")
    (folder / "hotline.toml").write_text(text)
    if not words:  # nothing wrong with it, but hardly meant
        found = {problem.path: problem for problem in load(folder / "hotline.toml", known_agents={}).warnings}
        assert "the same people at the same hours as roster[0]" in found[path].text
        return
    with pytest.raises(SettingsError) as caught:
        load(folder / "hotline.toml", known_agents={})
    found = {problem.path: problem for problem in caught.value.errors}
    assert words in found[path].text
    assert (found[path].line or 0) > text[: text.rindex("[[roster]]")].count("\n")


def test_the_same_roster_twice_is_a_mistake_and_a_dated_one_beside_a_weekly_one_is_not(
    mistakes: Mistakes, read: Read, city: Callable[..., str]
) -> None:
    assert "the same as roster[0]" in mistakes(city(ALWAYS, ALWAYS))[0].text
    day = '[[roster]]\ngroup = "day"\n'
    settings = read(city(ALWAYS, day, day + 'dates = ["2026-10-01"]\n', day + 'dates = ["2026-10-02"]\noff = true\n'))
    assert not [problem for problem in settings.warnings if problem.path.startswith("roster")]
    night = '[[roster]]\ngroup = "night"\nfrom = "22:00"\nto = "06:00"\n'
    settings = read(city(ALWAYS, night, night.replace("22:00", "05:00").replace("06:00", "07:00")))
    assert [problem.path for problem in settings.warnings if problem.path.startswith("roster")] == ["roster[2]"]


def test_all_mistakes_of_rosters_are_told_at_once_with_those_of_other_tables(
    mistakes: Mistakes, city: Callable[..., str]
) -> None:
    text = city(
        '[[roster]]\nzone = "hrs"\nlines = ["1234"]\n', '[[roster]]\nfrom = "25:00"\n', '[[roster]]\nday = "mon"\n'
    )
    paths = {problem.path for problem in mistakes(text.replace("lease_s = 3", "lease_s = 90"))}
    assert {"timing.lease_s", "roster[0].lines[0]", "roster[1].from", "roster[2].day"} <= paths


# -- gaps --------------------------------------------------------------------------------------------------------------

DAY = '[[roster]]\ngroup = "day"\ndays = "workday"\nfrom = "08:00"\nto = "18:00"\n'
NIGHT = '[[roster]]\ngroup = "night"\ndays = "workday"\nfrom = "18:00"\nto = "08:00"\n'
REST = '[[roster]]\ngroup = "duty"\ndays = "rest"\nfrom = "08:00"\nto = "08:00"\n'


def test_hours_of_a_line_that_no_roster_covers_are_an_error_in_words(
    mistakes: Mistakes, read: Read, city: Callable[..., str]
) -> None:
    read(city(DAY, NIGHT, REST))
    (found, other) = mistakes(city(DAY, REST))
    assert found.path == "roster"
    assert found.text.startswith("leaves 12345 to nobody: 00:00-08:00 on workdays, weekends")
    assert found.text.endswith("; 18:00-24:00 on workdays, moved workdays")
    assert other.text.startswith("leaves 12333 to nobody")
    assert len(mistakes(city(DAY.replace("group", 'lines = ["12345"]\ngroup')))) == 1
    assert found.line is not None


def test_a_date_on_which_nobody_is_left_is_told_by_its_date(mistakes: Mistakes, city: Callable[..., str]) -> None:
    off = '[[roster]]\ngroup = "night"\ndates = ["2026-12-30"]\noff = true\n'
    (found, _) = mistakes(city(DAY, NIGHT, REST, off))
    assert "18:00-24:00 on 2026-12-30; 00:00-08:00 on 2026-12-31" in found.text


def test_the_service_starts_with_a_gap_all_the_same_and_a_reload_does_not_take_one(
    folder: Path, city: Callable[..., str]
) -> None:
    (folder / "hotline.toml").write_text(city(DAY))
    settings = load(folder / "hotline.toml", gaps_allowed=True)
    assert [problem.path for problem in settings.warnings].count("roster") == 2
    with pytest.raises(SettingsError):
        load(folder / "hotline.toml")


def test_only_rosters_that_tell_workdays_from_holidays_need_a_calendar(read: Read, city: Callable[..., str]) -> None:
    assert needs_calendar(read(city(DAY, NIGHT, REST)))
    assert not needs_calendar(read(city(ALWAYS)))
