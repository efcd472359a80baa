"""Day profiles: files that say who calls, who works and how long people take, for `hotline simulate`.

Written like `hotline.toml` and checked by the same means: every mistake at once, with its key and line. Those that travel
with the program are in `service/simulation/profiles`; any other is named by its path.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, StrictInt, StrictStr, ValidationError

from service import settings_checks
from service.settings import Settings, SettingsError, read_toml
from service.settings_findings import Finding, unknown
from service.settings_lines import Path as KeyPath
from service.settings_lines import key_lines, line_of
from service.settings_problems import SettingsProblem, from_validation, in_file_order, nearest, path_text
from service.settings_tables import AgentTable, LineTable, SeatTable, Table, TargetTable, TimingTable
from service.settings_values import Digits, Id, Level, Seconds, SkillId, Text, matching, seconds, wrong
from service.simulation.day import QUARTERS, Arrivals, Day, Habits, Kind, Person, Shift, Spread

SHIPPED: Final = resources.files("service.simulation") / "profiles"
_SHIFT: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d|24:00)")
_CHECKS: Final = (
    settings_checks.duplicates,
    settings_checks.line_modes,
    settings_checks.rings,
    settings_checks.served,
)


def _shift(value: str) -> Shift:
    """`"08:00-17:30"` as seconds since midnight."""
    begin, end = (int(hours) * 3600 + int(minutes) * 60 for hours, minutes in (t.split(":") for t in value.split("-")))
    return Shift(float(begin), float(end))


def _check_shift(value: str) -> str:
    if not _SHIFT.fullmatch(value) or _shift(value).until_at <= _shift(value).from_at:
        raise wrong(
            "is not a shift", '"08:00-17:30", the end after the beginning, at most 24:00; a night is two shifts'
        )
    return value


def _check_shape(value: tuple[float, ...]) -> tuple[float, ...]:
    if len(value) != QUARTERS or min(value) < 0 or not sum(value) > 0:
        raise wrong("is not the shape of a day", f"{QUARTERS} weights, one for each quarter of an hour, not all 0")
    return value


def _check_some(value: tuple[Any, ...]) -> tuple[Any, ...]:
    """`min_length` would also say it of a list whose items are wrong."""
    if not value:
        raise wrong("must not be empty", "at least one")
    return value


Some: Final = AfterValidator(_check_some)
Source = Annotated[StrictStr, matching(r"[^\x00-\x1f\x7f]{1,400}", "is not plain text", "at most 400 characters")]
ShiftText = Annotated[StrictStr, AfterValidator(_check_shift)]
Shape = Annotated[tuple[Seconds, ...], AfterValidator(_check_shape)]


class SpreadTable(Table):
    kind: Kind = Field(default=Kind.LOGNORMAL, description="constant, exponential or lognormal")
    mean_s: Seconds = seconds(..., 0, 86_400, "mean of the duration")  # type: ignore[arg-type]
    sigma: Seconds = seconds(0.5, 0, 3, "lognormal: scatter of the logarithm")

    def model(self) -> Spread:
        return Spread(self.kind, self.mean_s, self.sigma if self.kind is Kind.LOGNORMAL else 0.0)


class HabitsTable(Table):
    patience: SpreadTable | None = Field(default=None, description="how long a caller waits before he gives up")
    talk: SpreadTable | None = Field(default=None, description="answer to goodbye")
    wrap_up: SpreadTable | None = Field(default=None, description="work after the call; cut off by wrap_up_s")
    pick_up: SpreadTable | None = Field(default=None, description="ringing until the agent answers")
    returns_after_s: Seconds = seconds(300.0, 0, 86_400, "who was set aside after missed calls is back by then")

    def model(self) -> Habits:
        given = {name: spread.model() for name, spread in self if isinstance(spread, SpreadTable)}
        return Habits(**given, returns_after_s=self.returns_after_s)


class CallsTable(Table):
    number: Digits = Field(description="the dialled number, a [[line]]")
    per_day: Seconds = seconds(..., 0, 1_000_000, "calls a day, on average")  # type: ignore[arg-type]
    shape: Id = Field(description="the day's course, a key of [shape]")
    talk: SpreadTable | None = Field(default=None, description="own talk time of this number")


class StaffTable(Table):
    name: Text = Field(default="", description="name shown to people")
    count: StrictInt = Field(ge=1, le=5000, description="how many people, each at a seat of their own")
    skills: dict[SkillId, Level] = Field(default_factory=dict, description="skill = level, 1 to 10")
    zone: Id | None = Field(default=None, description="the zone these people belong to")
    groups: tuple[Id, ...] = Field(default=(), description="groups of their seats")
    shifts: Annotated[tuple[ShiftText, ...], Some] = Field(description='when they are there, like "08:00-17:30"')


class ProfileFile(Table):
    """All of a day profile. Lists carry the plural of their table's name where Python needs another."""

    title: Text = Field(description="one line about this day")
    sources: Annotated[tuple[Source, ...], Some] = Field(description="where its numbers come from")
    target: TargetTable = TargetTable()
    timing: TimingTable = TimingTable()
    habits: HabitsTable = HabitsTable()
    skills: dict[SkillId, Text] = Field(default_factory=dict)
    shape: dict[Id, Shape] = Field(default_factory=dict)
    lines: Annotated[tuple[LineTable, ...], Some] = Field(alias="line", description="the dialled numbers")
    calls: Annotated[tuple[CallsTable, ...], Some] = Field(description="who calls")
    staff: Annotated[tuple[StaffTable, ...], Some] = Field(description="who works")


def shipped() -> list[str]:
    """The names of the profiles that travel with the program."""
    return sorted(item.name.removesuffix(".toml") for item in SHIPPED.iterdir() if item.name.endswith(".toml"))


def load_day(name: str) -> Day:
    """A shipped profile by its name, or a file by its path.

    Raises:
        SettingsError: with all mistakes, in the order of the file; or the one that there is no such profile.
    """
    if name in shipped():
        with resources.as_file(SHIPPED / f"{name}.toml") as path:
            return _read(name, path)
    if not Path(name).is_file():
        known = shipped()
        text = f'there is no day profile "{name}"{nearest(name, known)}: give the path of a file, or {", ".join(known)}'
        raise SettingsError([SettingsProblem("", None, text)])
    return _read(Path(name).stem, Path(name))


def _read(name: str, path: Path) -> Day:
    text = read_toml(path)
    lines = key_lines(text)
    try:
        file = ProfileFile.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise SettingsError(in_file_order(from_validation(ProfileFile, error, lines))) from None
    settings = _as_settings(file)
    found = [finding for check in _CHECKS for finding in check(settings) if finding.path[0] == "line"]
    found += _contradictions(file)
    wrong_ones = [_located(finding, lines) for finding in found if finding.is_error]
    if wrong_ones:
        raise SettingsError(in_file_order(wrong_ones))
    return _day(name, file, settings)


def _located(finding: Finding, lines: dict[KeyPath, int]) -> SettingsProblem:
    return SettingsProblem(path_text(finding.path), line_of(lines, finding.path), finding.text, finding.allowed)


def _contradictions(file: ProfileFile) -> Iterator[Finding]:
    """What two tables of a profile say about each other."""
    numbers, shapes = [line.number for line in file.lines], list(file.shape)
    for index, calls in enumerate(file.calls):
        if calls.number not in numbers:
            yield unknown(("calls", index, "number"), "line", calls.number, numbers)
        if calls.shape not in shapes:
            yield unknown(("calls", index, "shape"), "shape", calls.shape, shapes)
    for index, staff in enumerate(file.staff):
        for skill in staff.skills:
            if skill not in file.skills:
                yield unknown(("staff", index, "skills", skill), "skills", skill, list(file.skills))
        for before, after in pairwise(sorted(map(_shift, staff.shifts))):
            if after.from_at < before.until_at:
                yield Finding(("staff", index, "shifts"), "overlap", "shifts one after the other")
    if not any(calls.per_day for calls in file.calls):
        yield Finding(("calls",), "make a day without calls", "per_day above 0 in one of them")


def _ids(file: ProfileFile) -> Iterator[tuple[str, StaffTable]]:
    for index, staff in enumerate(file.staff, 1):
        for number in range(1, staff.count + 1):
            yield f"{index:02}-{number:04}", staff


def _as_settings(file: ProfileFile) -> Settings:
    """The configuration that this day would have: the same rules, and checked by the same checks."""
    agents = [AgentTable(id=id_, name=staff.name, skills=staff.skills, zone=staff.zone) for id_, staff in _ids(file)]
    seats = [SeatTable(id=id_, groups=staff.groups) for id_, staff in _ids(file)]
    return Settings.model_validate(
        {
            "skills": file.skills,
            "target": file.target,
            "timing": file.timing,
            "line": file.lines,
            "agent": agents,
            "seat": seats,
        }
    )


def _day(name: str, file: ProfileFile, settings: Settings) -> Day:
    rules = settings.rules()
    shifts = {id_: tuple(map(_shift, staff.shifts)) for id_, staff in _ids(file)}
    arrivals = [
        Arrivals(calls.number, calls.per_day, file.shape[calls.shape], calls.talk.model() if calls.talk else None)
        for calls in file.calls
    ]
    people = tuple(Person(rules.agents[id_], rules.seats[id_], shifts[id_]) for id_ in rules.agents)
    return Day(name, file.title, rules, tuple(arrivals), people, file.habits.model(), file.sources)
