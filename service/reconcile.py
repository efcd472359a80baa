"""Holds Asterisk's CEL against the records, once: the part that is the same with a service and without.

A look reads the lines (`cel_files`), makes calls of them (`telephony.cel`) and asks the records about each. A call that
they do not have is given to whoever can tell it to them (`reconciling`); what differs is counted and named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from routing.model import Line
from routing.witness import Kept, Witnessed, differences
from service.cel_files import CelLook, Place
from service.settings import Settings
from telephony.cel import CelCalls

SETTLE_MS: Final = 10_000  # what is younger may still be on its way to the records
LOST_END_MS: Final = 60_000  # a call that Asterisk does not have, and of which nothing was heard for so long, is over
MARGIN_MS: Final = 1_000  # of calls that ended so near the end of the look, one side may know and the other not yet
BATCH: Final = 200  # calls asked about at once
PAUSE_S: Final = 0.005  # between two portions: others want to work
CALL_MISSED: Final = "call_missed"
NAMED: Final = 1_000  # so many of each kind are named; all are counted


class Asked(Protocol):
    """What a look asks the records."""

    async def kept(self, call_ids: Iterable[str]) -> dict[str, Kept]: ...
    async def kept_of_channel(self, channel: str, arrived_ms: int) -> Kept | None: ...
    async def ended_calls(self, since_ms: int, until_ms: int, ended_before_ms: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Placed:
    """Whose call it is. `number` was dialled, `line` serves it."""

    number: str
    line: Line
    trunk: str
    emergency: bool


def placing(settings: Settings, serving: Callable[[str], Line | None]) -> Callable[[Witnessed], Placed | None]:
    """Whose call it is; None: its number is none of ours. `serving`: the line of a dialled number.

    Calls that bring a case along may have a prefix of their trunk in front of the number, and the case behind it.
    """
    trunks = {trunk.name: trunk for trunk in settings.trunks}

    def place(call: Witnessed) -> Placed | None:
        trunk = trunks.get(call.endpoint)
        number = _number(call.dialled, trunk.case_prefix if trunk else "", serving)
        line = serving(number)
        if line is None:
            return None
        return Placed(number, line, trunk.name if trunk else "", trunk.emergency if trunk else False)

    return place


def _number(dialled: str, prefix: str, serving: Callable[[str], Line | None]) -> str:
    """The longest number of ours that it begins with behind the prefix; what was dialled when that is one."""
    if serving(dialled) is not None or not prefix or not dialled.startswith(prefix):
        return dialled
    behind = dialled.removeprefix(prefix)
    return next((behind[:size] for size in range(len(behind), 0, -1) if serving(behind[:size])), "")


def period_ms(now_ms: int, hours: float) -> tuple[int, int]:
    """Of arrival: from so many hours ago to the youngest that is compared."""
    return now_ms - round(hours * 3_600_000), now_ms - SETTLE_MS


@dataclass(slots=True)
class Found:
    """All of one kind: each is counted, the first are named."""

    count: int = 0
    named: list[Any] = field(default_factory=list)

    def add(self, what: object) -> None:
        self.count += 1
        if len(self.named) < NAMED:
            self.named.append(what)


@dataclass(slots=True)
class Report:
    """What one look found. `since_ms` to `until_ms`: the period of arrival in which calls are counted.

    `cel`: calls that are over by CEL, `matched` of them are in the records; `alone`: calls of the records that CEL does
    not have; `open`: not over by CEL. `missing`: calls that the records do not have; `unplaced`: likewise, and their
    number is none of ours; `news`: what no look had seen before, by kind.
    """

    since_ms: int
    until_ms: int
    cel: int = 0
    matched: int = 0
    alone: int = 0
    open: int = 0
    missing: Found = field(default_factory=Found)
    unplaced: Found = field(default_factory=Found)
    differing: Found = field(default_factory=Found)
    bad: Found = field(default_factory=Found)
    news: dict[str, int] = field(default_factory=dict)

    @property
    def agree(self) -> bool:
        return not (self.alone or any(f.count for f in (self.missing, self.unplaced, self.differing, self.bad)))

    def note(self, found: Found, what: object, kind: str, news: bool) -> None:
        found.add(what)
        if news:
            self.news[kind] = self.news.get(kind, 0) + 1


class Comparison:
    """One look. Times of its period as in `Report`; `until_ms` is what `look` reads to."""

    def __init__(
        self,
        asked: Asked,
        look: CelLook,
        calls: CelCalls,
        report: Report,
        *,
        strict: bool,
        place: Callable[[Witnessed], Placed | None],
        missed: Callable[[Witnessed, Placed], None],
        mine: Callable[[str], bool],
    ) -> None:
        """`strict`: calls outside the period are no matter. `place`: whose a call is; `missed` is told each call that the
        records do not have; `mine`: whether the engine still knows a call, and will tell its end itself."""
        self._asked, self._look, self._calls = asked, look, calls
        self._strict, self._place, self._missed, self._mine = strict, place, missed, mine
        self._settled_matches = 0
        self._seen: set[str] = set()
        self.report = report

    async def run(self, alive: Callable[[], Collection[str]] | None = None) -> Report:
        """`alive`: uniqueids of the callers who are there now; without it no call is given up.

        Raises:
            CelFilesError, StorageUnavailable.
        """
        batch: list[tuple[Witnessed, bool]] = []
        over = False
        while not over:
            portion = await asyncio.to_thread(self._look.portion)
            over = portion.over
            for bad in portion.bad:
                self.report.note(self.report.bad, bad, "line_corrupt", bad.news)
            fed = ((self._calls.feed(line, place), news) for line, place, news in portion.lines)
            batch += [(call, news) for call, news in fed if call is not None]
            if over and alive is not None:
                gone = self._calls.give_up(self.report.until_ms - LOST_END_MS, alive())
                batch += [(call, True) for call in gone]
            if over or len(batch) >= BATCH:
                await self._settle(batch)
                batch = []
            await asyncio.sleep(PAUSE_S)
        await self._count_alone()
        return self.report

    def open_places(self) -> list[Place]:
        """Where the calls that are still open began."""
        return [call.place for call in self._calls.open.values() if isinstance(call.place, Place)]

    async def _settle(self, told: Sequence[tuple[Witnessed, bool]]) -> None:
        batch = [one for one in told if self._is_first(one[0].call_id)]
        known = await self._asked.kept([call.call_id for call, _ in batch])
        for call, news in batch:
            kept = known.get(call.call_id)
            if kept is None and not call.named:
                kept = await self._asked.kept_of_channel(call.channel, call.arrived_ms)
            within = self._within(call.arrived_ms if kept is None else kept.arrived_ms)
            if (within or not self._strict) and not self._mine(call.call_id):
                self._compare(call, kept, within, news)
                if kept is None:
                    await asyncio.sleep(0)  # a whole story was told

    def _is_first(self, call_id: str) -> bool:
        """A line that stands there twice ends its call twice."""
        first = call_id not in self._seen
        self._seen.add(call_id)
        return first

    def _within(self, arrived_ms: int) -> bool:
        return self.report.since_ms <= arrived_ms < self.report.until_ms

    def _compare(self, call: Witnessed, kept: Kept | None, within: bool, news: bool) -> None:
        report = self.report
        if kept is not None:
            report.cel += within
            report.matched += within
            self._settled_matches += within and self._is_settled(kept)
            for difference in differences(call, kept):
                report.note(report.differing, difference, difference.what.value, news)
            return
        place = self._place(call)
        if place is not None:
            report.cel += within
            report.note(report.missing, call, CALL_MISSED, True)
            self._missed(call, place)
        elif call.named:  # else it is no call of ours: nobody serves the number
            report.cel += within
            report.note(report.unplaced, call, "call_unplaced", news)

    def _counts(self, kept: Kept) -> bool:
        return self._within(kept.arrived_ms) and self._is_settled(kept)

    def _is_settled(self, kept: Kept) -> bool:
        return kept.ended_ms is not None and kept.ended_ms < self.report.until_ms - MARGIN_MS

    async def _count_alone(self) -> None:
        """Calls of the period that the records alone know to be over."""
        report, still = self.report, self._calls.open.values()
        report.open = len(still)
        before_ms = report.until_ms - MARGIN_MS
        ours = await self._asked.ended_calls(report.since_ms, report.until_ms, before_ms)
        known = await self._asked.kept([call.call_id for call in still if call.call_id])
        report.alone = max(0, ours - self._settled_matches - sum(map(self._counts, known.values())))
        for call in still:
            if report.alone and not call.call_id:  # never bridged: its end alone would have told the id
                kept = await self._asked.kept_of_channel(call.uniqueid, call.began_ms)
                report.alone -= kept is not None and self._counts(kept)


def shown(report: Report, *, recovered: bool) -> dict[str, Any]:
    """By the keys of `schemas.ReconcileOut`. `recovered`: what was missing has been told to the records."""
    return {
        "since": report.since_ms / 1000,
        "until": report.until_ms / 1000,
        "cel_calls": report.cel,
        "record_calls": report.matched + report.alone,
        "missing": report.missing.count,
        "recovered": report.missing.count if recovered else 0,
        "unplaced": report.unplaced.count,
        "not_in_cel": report.alone,
        "differing": report.differing.count,
        "corrupt_lines": report.bad.count,
        "open": report.open,
        "agree": report.agree,
        "missing_calls": [_call(call) for call in report.missing.named],
        "unplaced_calls": [_call(call) for call in report.unplaced.named],
        "differences": [
            {
                "call_id": d.call_id,
                "what": d.what.value,
                "cel": _seconds(d.witnessed_ms),
                "records": _seconds(d.kept_ms),
            }
            for d in report.differing.named
        ],
        "corrupt": [{"file": bad.file, "line": bad.line, "why": bad.why} for bad in report.bad.named],
    }


def _call(call: Witnessed) -> dict[str, Any]:
    return {
        "call_id": call.call_id,
        "number": call.dialled,
        "seat": call.seat_id,
        "arrived_at": _seconds(call.arrived_ms),
        "answered_at": _seconds(call.answered_ms),
        "ended_at": _seconds(call.ended_ms),
    }


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
