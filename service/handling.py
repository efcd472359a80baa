"""How long a call keeps its agent, and how long callers wait before they give up: from the last two weeks' records.

Handling is talk and wrap-up: talk as it was recorded, wrap-up as the line has it now. Patience is the whole waiting time of
all callers for each who gave up: who was answered has shown that he would wait for so long at least (exponential patience,
censored by the answer; Mandelbaum and Zeltyn 2005, section 5). With too few calls the configuration speaks, and it is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta, tzinfo
from typing import Final, NamedTuple, Protocol

from service.history import start_of
from storage.handling import Handled

DAYS: Final = 14
FEWEST: Final = 100  # answered calls: their mean is then known to a tenth
FEWEST_ABANDONED: Final = 50
HOUR_MS: Final = 3_600_000
NEAR: Final = 1  # hour to each side
PAUSE: Final = 1.0  # times as long as a day took: others wait for the database too

SAME_HOURS: Final = "same hours"
ALL_HOURS: Final = "all hours"
CONFIGURED: Final = "configuration"


class Learned(NamedTuple):
    """`source`: which calls it is the mean of; `calls`: how many, 0 for the configuration's."""

    seconds: float
    source: str
    calls: int


class Recorded(Protocol):
    """Of `storage.records.Archive`."""

    async def handled_by(self, since_ms: int, until_ms: int, every_ms: int) -> list[Handled]: ...


class Handling:
    """Each past day is asked for once."""

    def __init__(self, zone: tzinfo, pause: float = PAUSE) -> None:
        self._zone, self._pause = zone, pause
        self._days: dict[date, list[Handled]] = {}

    async def learn(self, records: Recorded, today: date) -> None:
        """Reads the days before today that are not known. Raises StorageUnavailable."""
        wanted = [today - timedelta(days=back) for back in range(1, DAYS + 1)]
        self._days = {day: self._days[day] for day in wanted if day in self._days}
        for day in wanted:
            if day not in self._days:
                begun = asyncio.get_running_loop().time()
                since, until = start_of(day, self._zone), start_of(day + timedelta(days=1), self._zone)
                self._days[day] = await records.handled_by(since * 1000, until * 1000, HOUR_MS)
                await asyncio.sleep(self._pause * (asyncio.get_running_loop().time() - begun))

    def handle_s(self, hour: int, wrap_up_s: Callable[[str], float], otherwise_s: float) -> Learned:
        """Around an hour of the day. `wrap_up_s`: of a line."""
        near = (found for found in self._all() if abs(found.place - hour) <= NEAR)
        for source, rows in ((SAME_HOURS, near), (ALL_HOURS, self._all())):
            handling_s, calls = _sum(rows, wrap_up_s)
            if calls >= FEWEST and handling_s > 0:
                return Learned(handling_s / calls, source, calls)
        return Learned(otherwise_s, CONFIGURED, 0)

    def patience_s(self, otherwise_s: float) -> Learned:
        abandoned = sum(found.abandoned for found in self._all())
        waited_s = sum(found.waited_ms for found in self._all()) / 1000
        if abandoned < FEWEST_ABANDONED or waited_s <= 0:
            return Learned(otherwise_s, CONFIGURED, 0)
        return Learned(waited_s / abandoned, ALL_HOURS, abandoned)

    def _all(self) -> Iterator[Handled]:
        return (found for rows in self._days.values() for found in rows)


def _sum(rows: Iterable[Handled], wrap_up_s: Callable[[str], float]) -> tuple[float, int]:
    """(seconds of talk and wrap-up, answered calls)."""
    handling_s, calls = 0.0, 0
    for found in rows:
        handling_s += found.talk_ms / 1000 + found.answered * wrap_up_s(found.line)
        calls += found.answered
    return handling_s, calls
