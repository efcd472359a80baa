"""Values that are looked at rather than told: taken over into the metrics at every scrape and every second."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final, Protocol

import structlog

from console.deps import Health
from metrics.exporter import Exporter
from routing.model import EngineView
from routing.need import shown
from routing.roster import EVERYBODY, Duty
from service import clock
from service.forecast_table import WHOLE
from telephony.ami.link import AmiError

log = structlog.get_logger("hotline")

EVERY_S: Final = 1.0
ASK_EVERY: Final = 10  # rounds between two looks at Asterisk's own counters
UNKNOWN: Final[dict[str, Any]] = {"quarters": (), "today": {"expected": None}}  # seats needed, and the end of today


class Looked(Protocol):
    """The running service, as far as it is looked at here; its parts tell their counts by attributes."""

    exporter: Exporter
    engine: Any
    board: Any
    records: Any
    agi: Any
    link: Any
    pbx: Any
    calendar: Any
    forecasts: Any
    staffing: Any
    alarms: Any
    recordings: Any

    def view(self) -> EngineView: ...
    def health(self) -> Health: ...


class Gauges:
    def __init__(self, service: Looked) -> None:
        self._service = service
        self._told: dict[str, int] = {}
        self._trouble: str | None = None
        self._doubts = 0
        self._rounds = 0
        self._duties: dict[str, Duty] = {}
        self._soon = asyncio.Event()

    def look_soon(self) -> None:
        """The dialplan took a call over: read Asterisk's counters at the next round."""
        self._soon.set()

    async def keep(self) -> None:
        while True:
            await self._round()
            await asyncio.sleep(EVERY_S)

    async def _round(self) -> None:
        ask = self._rounds % ASK_EVERY == 0 or self._soon.is_set()
        self._rounds += 1
        self.take()
        self._settle_doubts()
        self._tell_trouble()
        self._tell_duty()
        if ask:
            self._soon.clear()
            await self._ask_asterisk()

    def _settle_doubts(self) -> None:
        """An event that fitted no table: our picture differs from the switch, so the switch is asked again."""
        doubts = self._service.engine.illegal.total()
        if doubts > self._doubts:
            self._doubts = doubts
            self._service.link.look_soon()

    def _tell_trouble(self) -> None:
        """Why records wait, once when it begins or changes, and its end: `/readyz` only says that they do."""
        trouble, before = self._service.records.degraded, self._trouble
        self._trouble = trouble
        if trouble is not None and trouble != before:
            log.error("records", state="degraded", reason=trouble)
        elif trouble is None and before is not None:
            log.info("records", state="whole", waiting=self._service.records.spooled)

    def _tell_duty(self) -> None:
        """Who is on duty for a line, once when it begins or changes; a gap is an error, for the line is never closed."""
        duties, before = self._service.engine.duty.duties, self._duties
        self._duties = dict(duties)
        for line in {**before, **duties}:
            duty = duties.get(line, EVERYBODY)
            if duty != before.get(line, EVERYBODY):
                say = log.error if duty.gap else log.info
                say("duty", line=line, on_duty=duty.shown, first=[shown(who) for who in duty.first], gap=duty.gap)

    async def _ask_asterisk(self) -> None:
        """The dialplan counts what it did alone, so nothing is lost while nobody listened."""
        service = self._service
        with contextlib.suppress(AmiError, TimeoutError):
            for stage, count in (await service.link.fallback_counts()).items():
                if stage == "unknown":
                    service.exporter.unknown_number_total(count)
                else:
                    service.exporter.fallback_total(stage, count)

    def take(self) -> None:
        """Synchronous and quick: called on the loop before every scrape."""
        service, exporter = self._service, self._service.exporter
        metrics = exporter.metrics
        exporter.view(service.view())
        health = service.health()
        exporter.health(serving=health.serving, degraded=health.degraded)
        kept = service.records.stats
        exporter.records(spooled=service.records.spooled, lost=kept.lost, aside=kept.set_aside)
        for trunk, up in service.engine.trunks.items():
            metrics.trunk_up.labels(trunk).set(up)
        metrics.emergency_alarms.set(len(service.alarms.open))
        metrics.workdays_left.set(service.calendar.days_left)
        for line in {**self._duties, **service.engine.duty.duties}:
            metrics.roster_gap.labels(line).set(service.engine.duty.duties.get(line, EVERYBODY).gap)
        expected = service.forecasts.expected_now(clock.wall())
        whole = expected.pop(WHOLE)
        exporter.forecast(expected, whole, suggested=service.forecasts.suggestion() is not None)
        needed = service.staffing.shown() or UNKNOWN
        quarters = [(quarter["needed"], quarter["gap"]) for quarter in needed["quarters"]]
        exporter.staffing(quarters, needed["today"]["expected"])
        ends = service.recordings.ends
        exporter.recording(ready=ends.ready, free_bytes=ends.free_bytes)
        agi = service.agi.stats
        metrics.agi_sessions.set(agi.sessions_held)
        for reason, count in {**agi.refused_by, "shed": agi.shed}.items():
            self._raise(metrics.agi_refused.labels(reason), f"refused:{reason}", count)
        self._raise(metrics.leases_late, "late", agi.renewals_late)
        self._raise(metrics.stalls, "stalls", service.board.stalls)
        self._raise(metrics.bugs.labels("routing"), "bugs:routing", service.board.bugs)
        self._raise(metrics.bugs.labels("agi"), "bugs:agi", agi.callback_errors)
        self._raise(metrics.bugs.labels("ami"), "bugs:ami", service.link.stats.consumer_failures)
        for machine, count in service.engine.illegal.items():
            self._raise(metrics.illegal.labels(machine), f"illegal:{machine}", count)
        link = service.link.stats
        dropped = link.framing_errors + sum(link.field_errors.values())
        exporter.ami_counts(
            service.pbx.name,
            events=link.events,
            dropped=dropped,
            reconnects=link.reconnects,
            stamps_differ=link.stamps_differ,
        )
        for kind, count in link.drift.items():
            self._raise(metrics.drift.labels(kind), f"drift:{kind}", count)

    def _raise(self, counter: Any, key: str, total: int) -> None:
        """Brings a Prometheus counter to a total that somebody else counts."""
        counter.inc(max(0, total - self._told.get(key, 0)))
        self._told[key] = max(total, self._told.get(key, 0))
