"""The second witness at work: at the start and every hour Asterisk's CEL is held against the records.

Calls that the records do not have are told to them as stories of their own (`routing.witness`), through the journal like
any other. Nothing is told while AMI is down: the dialplan's notes (decision 0011) know who ended a call, and are read
first when AMI is back. Whatever the engine still knows is its own to tell.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection
from typing import Any, Final

import structlog

from console.deps import Refused
from routing.engine import Engine
from routing.steps import Step, StepKind
from routing.witness import Witnessed, story
from service import cel_files, clock
from service.cel_files import ASIDE_FILE, CelFilesError, CelLook, Marks
from service.reconcile import CALL_MISSED, Comparison, Placed, Report, period_ms, placing, shown
from service.settings import Settings
from storage.errors import StorageUnavailable
from storage.records import Records
from telephony.ami.legs import Seats
from telephony.cel import CelCalls

log = structlog.get_logger("hotline")

EVERY_S: Final = 3600.0
START_HOURS: Final = 24.0  # the first look goes back at least so far: a database may have lost what it had
LOOK_S: Final = 1.0  # for AMI, before a look
AGAIN_S: Final = 60.0  # after a look that could not be made
WRITTEN_WITHIN_S: Final = 10.0
MARKS_FILE: Final = "cel-marks.json"
LINES_SAID: Final = 10
ASIDE_BYTES: Final = 4_000_000
MOST_COUNTED: Final = 100_000  # calls: more than a large city has in two days


class Reconciling:
    """`keep` writes, counts and logs a step that routing has no part in, `write` only writes it; `drift` counts what was
    found, by kind; `ready`: AMI is up and the engine has its picture."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        records: Records,
        engine: Engine,
        *,
        ready: Callable[[], bool],
        keep: Callable[[Step], None],
        write: Callable[[Step], None],
        drift: Callable[[str, int], None],
    ) -> None:
        self._settings, self._records, self._engine = settings, records, engine
        self._ready, self._keep, self._write, self._drift = ready, keep, write, drift
        self._lock = asyncio.Lock()
        self._until_ms: int | None = None  # of the last look
        self._counted: set[str] = set()  # calls that /metrics has, since the last look
        self._counted_before: set[str] = set()
        self._said: str | None = None
        self._last: dict[str, Any] | None = None

    def follow(self, step: Step) -> None:
        """One more step of any call. Never raises."""
        if step.kind is not StepKind.OFFERED:
            return
        if len(self._counted) >= MOST_COUNTED:  # no look has succeeded for days: CEL is not there, and calls go on
            self._counted, self._counted_before = set(), self._counted
        self._counted.add(step.call_id)

    def shown(self) -> dict[str, Any] | None:
        """The last look, by the keys of `schemas.ReconcileOut`."""
        return self._last

    async def keep(self) -> None:
        while True:
            pause_s = await self._turn()
            await asyncio.sleep(pause_s)

    async def _turn(self) -> float:
        """One look, if there can be one; seconds until the next."""
        if not self._ready():
            return LOOK_S
        try:
            await self._look(None)
        except (CelFilesError, StorageUnavailable) as error:
            if str(error) != self._said:
                log.warning("CEL not compared", problem=str(error))
            self._said = str(error)
            return AGAIN_S
        self._said = None
        return EVERY_S

    async def look(self, hours: float, by: str) -> dict[str, Any]:
        """The calls of the last hours, now. Raises Refused."""
        if not self._ready():
            raise Refused(503, "Asterisk Manager is not connected: nothing can be told yet; try again when it is")
        try:
            found = await self._look(hours)
        except CelFilesError as error:
            raise Refused(409, str(error)) from None
        except StorageUnavailable as error:
            raise Refused(503, str(error)) from None
        log.info("reconciled on request", by=by, hours=hours)
        return found

    async def _look(self, hours: float | None) -> dict[str, Any]:
        """`hours`: so many, for whoever asks; what follows each hour is remembered by the looks of each hour alone."""
        async with self._lock:
            now_ms = math.floor(clock.wall() * 1000)
            if not await self._records.flush(WRITTEN_WITHIN_S):
                raise StorageUnavailable("the database has not taken all records yet; try again when it has")
            marks_file = self._settings().data_dir / MARKS_FILE
            try:
                marks = await asyncio.to_thread(cel_files.read_marks, marks_file)
                report = await self._compared(now_ms, marks, hours)
            except OSError as error:
                raise CelFilesError(
                    f"{marks_file} cannot be used ({error.strerror}): make room, give the right"
                ) from None
            self._tell(report, told_once=hours is None)
            self._last = shown(report, recovered=True)
            return self._last

    async def _compared(self, now_ms: int, marks: Marks, hours: float | None) -> Report:
        """Raises CelFilesError, StorageUnavailable, OSError."""
        since_ms, until_ms = period_ms(now_ms, START_HOURS if hours is None else hours)
        on_from = self._until_ms if hours is None else None
        if hours is None and on_from is None:
            since_ms = min(since_ms, marks.until_ms)
        file, anew_ms = self._settings().cel_file, since_ms if on_from is None else None
        look = await asyncio.to_thread(CelLook, file, marks, now_ms=now_ms, settled_ms=until_ms, since_ms=anew_ms)
        try:
            covered_ms = look.covered_ms(since_ms if on_from is None else on_from, until_ms)
            comparison = self._comparison(look, Report(covered_ms, until_ms), strict=hours is not None)
            report = await comparison.run(self._alive)
            if hours is None:
                await asyncio.to_thread(self._remember, look, comparison)
                self._until_ms = until_ms
                self._counted, self._counted_before = set(), self._counted
        finally:
            look.close()
        return report

    def _comparison(self, look: CelLook, report: Report, *, strict: bool) -> Comparison:
        settings = self._settings()
        return Comparison(
            self._records,
            look,
            CelCalls(Seats(settings.dial_strings()).of_device),
            report,
            strict=strict,
            place=placing(settings, self._engine.serving),
            missed=self._tell_missed,
            mine=lambda call_id: self._engine.known(call_id) is not None,
        )

    def _remember(self, look: CelLook, comparison: Comparison) -> None:
        """Raises OSError. The marks come last: a line is rather kept twice than not at all."""
        folder = self._settings().data_dir
        bad = [line for line in comparison.report.bad.named if line.news]
        if bad:
            cel_files.keep_aside(folder / ASIDE_FILE, bad, ASIDE_BYTES)
        cel_files.write_marks(folder / MARKS_FILE, look.marks(comparison.open_places()))

    def _alive(self) -> Collection[str]:
        return {call_id.partition("-")[2] for call_id in self._engine.calls}

    def _tell_missed(self, call: Witnessed, place: Placed) -> None:
        """A call that this process has counted, and the records have lost since, is not counted again."""
        counted = call.call_id in self._counted or call.call_id in self._counted_before
        tell = self._write if counted else self._keep
        for step in story(
            call, number=place.number, line=place.line.number, trunk=place.trunk, emergency=place.emergency,
            answer_within_s=place.line.answer_within_s,
        ):  # fmt: skip
            tell(step)

    def _tell(self, report: Report, *, told_once: bool) -> None:
        """`told_once`: nothing of it was seen by a look before. Of a look that somebody asked for, what it has recorded is
        news; all else is told by the next look of the hour."""
        for kind, count in report.news.items():
            if told_once or kind == CALL_MISSED:
                self._drift(kind, count)
        for line in [line for line in report.bad.named if line.news and told_once][:LINES_SAID]:
            log.warning("CEL line not read", file=line.file, line=line.line, problem=line.why)
        say = log.info if report.agree else log.warning
        say(
            "reconciled", cel=report.cel, records=report.matched + report.alone, recovered=report.missing.count,
            differing=report.differing.count, corrupt=report.bad.count, unplaced=report.unplaced.count,
            not_in_cel=report.alone,
        )  # fmt: skip
