"""Test calls (拨测): the tables `[probe]` and `[[probe_schedule]]`, and what they say about trunks and lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pydantic import Field

from routing.model import ProbeRules
from routing.probe import Limits
from routing.slots import Schedule
from service.settings_findings import Finding, unknown, warning
from service.settings_tables import Table
from service.settings_values import (
    Digits,
    EveryMinutes,
    FileName,
    Id,
    Minutes,
    MostWaiting,
    Seconds,
    TimeFrom,
    TimeTo,
    TrunksNumber,
    second_of_day,
    seconds,
)
from storage.numbers import normalise

if TYPE_CHECKING:
    from service.settings import Settings

_P: Final = ProbeRules()
_L: Final = Limits()
CHINA: Final = "+86"


class ProbeTable(Table):
    trunk: Id | None = Field(default=None, description="a [[trunk]] for test calls alone; without it there are none")
    caller: TrunksNumber = Field(default="", description="the number that calls through this trunk show")
    most_waiting: MostWaiting = Field(
        default=_P.most_waiting, description="no test call while more citizens wait; one that nobody has answered ends"
    )
    ring_s: Seconds = seconds(_P.ring_s, 5, 110, "nobody answers for so long: it is ended")
    talk_s: Seconds = seconds(_P.talk_s, 3, 30, "the agent hears the phrase, and then the call ends")
    dial_delay_s: Seconds = seconds(_L.dial_delay_s, 0, 60, "no sound for longer is a fault; 0 = never")
    answer_s: Seconds = seconds(_L.answer_s, 0, 110, "dialled until answered for longer is a fault; 0 = never")
    voice: FileName | None = Field(
        default=None, description="what the agent hears, 8 kHz mono; default: beeps and 拨测"
    )

    def model(self) -> ProbeRules:
        return ProbeRules(self.most_waiting, self.ring_s, self.talk_s)

    @property
    def limits(self) -> Limits:
        return Limits(self.dial_delay_s, self.answer_s)


class ProbeScheduleTable(Table):
    numbers: tuple[Digits, ...] = Field(default=(), description="lines that are called; default: all")
    at: tuple[TimeFrom, ...] = Field(default=(), description="local times of day")
    every_min: EveryMinutes | None = Field(default=None, description="also every so many minutes, within from and to")
    from_: TimeFrom = Field(default="00:00", alias="from", description="local time")
    to: TimeTo = Field(default="24:00", description="local time, later than from")
    jitter_min: Minutes = Field(default=10, description="each is later by up to so many minutes, differently every day")

    def model(self, lines: tuple[str, ...]) -> Schedule:
        """`lines`: all numbers, for a table that names none."""
        return Schedule(
            self.numbers or lines,
            tuple(map(second_of_day, self.at)),
            60 * (self.every_min or 0),
            second_of_day(self.from_),
            second_of_day(self.to),
            60 * self.jitter_min,
        )


def spellings(caller: str, area_code: str) -> str:
    """A regular expression of all ways in which a carrier may show this number; "" for none."""
    number = normalise(caller, area_code=area_code)
    if number is None:
        return ""
    if not number.startswith("+"):
        return number
    if not number.startswith(CHINA):
        return f"([+]|00){number[1:]}"
    bare, area = number.removeprefix(CHINA), area_code.removeprefix("0")
    local = f"|{bare.removeprefix(area)}" if area and bare.startswith(area) else ""
    return f"(([+]86|0086|86|0)?{bare}{local})"


def probe(settings: Settings) -> Iterator[Finding]:
    """A trunk of its own with a number of its own: whoever shows that number while the door is open is a test call."""
    table, trunks = settings.probe, {trunk.name: trunk for trunk in settings.trunks}
    if table.trunk is None:
        if settings.probe_schedules or table.caller:
            yield warning(("probe", "trunk"), "is missing, so nothing is tested")
        return
    if table.trunk not in trunks:
        yield unknown(("probe", "trunk"), "trunk", table.trunk, list(trunks))
    elif trunks[table.trunk].emergency:
        yield Finding(("probe", "trunk"), "is a trunk to emergency centres", "a trunk for test calls alone")
    elif table.trunk == settings.citizens_trunk:
        yield Finding(("probe", "trunk"), "is the trunk by which citizens are called", "a trunk for test calls alone")
    if not spellings(table.caller, settings.service.area_code):
        yield Finding(("probe", "caller"), "is missing or no telephone number", "the number that this trunk shows")
    if not table.answer_s or table.answer_s > table.ring_s:
        return
    if table.dial_delay_s > table.answer_s:
        yield warning(("probe", "dial_delay_s"), "is longer than answer_s, so it finds nothing")


def probe_schedules(settings: Settings) -> Iterator[Finding]:
    known = [line.number for line in settings.lines]
    for index, table in enumerate(settings.probe_schedules):
        for number in table.numbers:
            if number not in known:
                yield unknown(("probe_schedule", index, "numbers"), "line", number, known)
        if not table.at and table.every_min is None:
            yield Finding(("probe_schedule", index), "has no times", "at, every_min, or both")
        if second_of_day(table.to) <= second_of_day(table.from_):
            yield Finding(("probe_schedule", index, "to"), "is not later than from", 'up to "24:00"')
