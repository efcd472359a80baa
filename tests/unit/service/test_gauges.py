"""What is looked at rather than told reaches the metrics, and no count is lost or counted twice."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from console.deps import Health
from metrics.exporter import Exporter
from metrics.registry import ASIDE, Metrics
from routing.model import DeviceState, EngineView, LineView, SeatView
from routing.need import InGroup, Named
from routing.roster import Duty
from routing.rostering import InForce
from service.gauges import Gauges
from storage.writer import Aside
from telephony.agi.server import AgiStats
from telephony.ami.link import AmiDisconnected
from telephony.ami.stats import LinkStats
from tests.unit.routing.floor_plan import rules

COUNTS = {"seats": 3, "queue": 2, "telephone": 1, "unknown": 4}


@dataclass
class Link:
    stats: LinkStats = field(default_factory=LinkStats)
    counts: Mapping[str, int] | Exception = field(default_factory=lambda: dict(COUNTS))
    asked: int = 0

    async def fallback_counts(self) -> Mapping[str, int]:
        self.asked += 1
        if isinstance(self.counts, Exception):
            raise self.counts
        return self.counts


@dataclass
class Agi:
    stats: AgiStats = field(default_factory=AgiStats)


@dataclass
class Kept:
    lost: int = 0
    set_aside: dict[str, int] = field(default_factory=dict)


@dataclass
class Records:
    spooled: int = 0
    degraded: str | None = None
    stats: Kept = field(default_factory=Kept)


@dataclass
class Board:
    stalls: int = 0
    bugs: int = 0


@dataclass
class Engine:
    illegal: Counter[str] = field(default_factory=Counter)
    duty: InForce = field(default_factory=lambda: InForce(0.0, 1.0, {}, {}))
    trunks: dict[str, bool] = field(default_factory=lambda: {"police": False, "carrier": True})


@dataclass
class Calendar:
    days_left: int = 39


@dataclass
class Forecasts:
    expected: dict[str, float] = field(default_factory=lambda: {"": 40.5, "12345": 30.25, "12333": math.nan})
    suggested: dict[str, object] | None = None

    def expected_now(self, now: float) -> dict[str, float]:
        return dict(self.expected)

    def suggestion(self) -> dict[str, object] | None:
        return self.suggested


@dataclass
class Staffing:
    told: Mapping[str, Any] | None = None

    def shown(self) -> Mapping[str, Any] | None:
        return self.told


@dataclass
class Ends:
    ready: bool | None = None
    free_bytes: int | None = None


@dataclass
class Recordings:
    ends: Ends = field(default_factory=Ends)


@dataclass
class Pbx:
    name: str = "pbx1"


class Service:
    """Everything that is looked at, as plain values."""

    def __init__(self) -> None:
        self.exporter = Exporter(Metrics(["pbx1"]), rules().lines)
        self.link, self.agi, self.records, self.board = Link(), Agi(), Records(), Board()
        self.engine, self.pbx, self.calendar = Engine(), Pbx(), Calendar()
        self.forecasts, self.recordings, self.staffing = Forecasts(), Recordings(), Staffing()
        self.alarms = SimpleNamespace(open=["one"])
        self.degraded: tuple[str, ...] = ()

    def view(self) -> EngineView:
        seats = (SeatView("1001", "1001", "甲", "ready", 1.0, DeviceState.NOT_INUSE, None),)
        return EngineView((LineView("12345", "热线", 2, 7.5, 1),), seats, ready=True, ami_up=True)

    def health(self) -> Health:
        return Health(True, True, self.degraded)

    def value(self, name: str, **labels: str) -> float | None:
        return self.exporter.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def service() -> Any:
    return Service()


def test_what_is_now_is_shown(service: Any) -> None:
    service.degraded = ("ami",)
    service.records.spooled = 12
    service.agi.stats = AgiStats(sessions_held=5)
    Gauges(service).take()
    assert service.value("hotline_calls_waiting", line="12345") == 2
    assert service.value("hotline_longest_wait_seconds", line="12345") == 7.5
    assert service.value("hotline_agents", state="ready") == 1
    assert service.value("hotline_serving") == 1
    assert service.value("hotline_degraded", part="ami") == 1
    assert service.value("hotline_degraded", part="database") == 0
    assert service.value("hotline_records_spooled") == 12
    assert service.value("hotline_agi_sessions") == 5
    assert service.value("hotline_emergency_alarms") == 1
    assert [service.value("hotline_trunk_up", trunk=name) for name in ("police", "carrier")] == [0, 1]


@pytest.mark.parametrize(("ready", "shown"), [(True, 1.0), (False, 0.0)])
def test_whether_calls_can_be_recorded_is_shown_with_the_space_left(service: Any, ready: bool, shown: float) -> None:
    service.recordings.ends = Ends(ready=ready, free_bytes=3_000_000)
    Gauges(service).take()
    assert service.value("hotline_recording_ready") == shown
    assert service.value("hotline_recording_free_bytes") == 3_000_000


def test_calls_that_shall_not_be_recorded_raise_no_alarm(service: Any) -> None:
    Gauges(service).take()
    assert math.isnan(service.value("hotline_recording_ready"))


def test_counts_of_others_are_taken_over_once_however_often_they_are_looked_at(service: Any) -> None:
    gauges = Gauges(service)
    service.agi.stats = AgiStats(shed=2, refused_by={"script": 3}, renewals_late=4, callback_errors=1)
    service.board.stalls, service.board.bugs = 5, 6
    service.engine.illegal.update(call=7, agent=2)
    service.link.stats.drift = Counter({"ghost": 8})
    service.link.stats.consumer_failures = 9
    service.records.stats = Kept(lost=1, set_aside=dict.fromkeys(Aside, 3))
    for _ in range(3):
        gauges.take()
    assert service.value("hotline_records_lost_total") == 1
    assert [service.value("hotline_records_aside_total", kind=kind) for kind in ASIDE] == [3, 3, 3]
    assert service.value("hotline_agi_refused_total", reason="shed") == 2
    assert service.value("hotline_agi_refused_total", reason="script") == 3
    assert service.value("hotline_lease_renewals_late_total") == 4
    assert service.value("hotline_loop_stalls_total") == 5
    assert service.value("hotline_illegal_transitions_total", machine="call") == 7
    assert service.value("hotline_illegal_transitions_total", machine="agent") == 2
    assert service.value("hotline_reconcile_drift_total", kind="ghost") == 8
    parts = {part: service.value("hotline_bugs_total", part=part) for part in ("routing", "agi", "ami")}
    assert parts == {"routing": 6, "agi": 1, "ami": 9}


def test_what_came_since_the_last_look_is_added(service: Any) -> None:
    gauges = Gauges(service)
    for stalls in (1, 1, 4):
        service.board.stalls = stalls
        gauges.take()
    assert service.value("hotline_loop_stalls_total") == 4


def test_forecast_and_suggestion_are_shown_and_what_is_not_known_is_no_number(service: Any) -> None:
    gauges = Gauges(service)
    gauges.take()
    assert service.value("hotline_forecast_arrivals", line="12345") == 30.25
    assert math.isnan(service.value("hotline_forecast_arrivals", line="12333"))
    assert service.value("hotline_forecast_arrivals_all") == 40.5
    assert service.value("hotline_surge_suggested") == 0
    service.forecasts.suggested = {"percent": 80}
    service.forecasts.expected = {"": 20.0, "12333": 20.0}
    gauges.take()
    assert service.value("hotline_surge_suggested") == 1
    assert math.isnan(service.value("hotline_forecast_arrivals", line="12345")), "the line is gone after a reload"


def test_seats_needed_are_shown_by_quarter_and_are_no_number_while_nobody_knows(service: Any) -> None:
    gauges = Gauges(service)
    gauges.take()
    assert math.isnan(service.value("hotline_seats_needed", quarter="0"))
    quarters = [{"needed": 45 - nth, "gap": 4 - nth} for nth in range(3)]
    service.staffing.told = {"quarters": [*quarters, {"needed": None, "gap": None}], "today": {"expected": 0.93}}
    gauges.take()
    assert [service.value("hotline_seats_needed", quarter=str(nth)) for nth in range(3)] == [45, 44, 43]
    assert [service.value("hotline_seats_gap", quarter=str(nth)) for nth in range(3)] == [4, 3, 2]
    assert math.isnan(service.value("hotline_seats_needed", quarter="3"))
    assert math.isnan(service.value("hotline_seats_gap", quarter="3"))
    assert service.value("hotline_today_ratio_expected") == 0.93
    service.staffing.told = {"quarters": [], "today": {"expected": None}}
    gauges.take()
    assert math.isnan(service.value("hotline_seats_gap", quarter="0"))
    assert math.isnan(service.value("hotline_today_ratio_expected"))


async def one_round(gauges: Gauges) -> None:
    """The first round of the task, up to its pause."""
    keeping = asyncio.create_task(gauges.keep())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not keeping.done(), "it goes on"
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_after_a_bug_in_a_look_the_next_one_is_the_next_and_not_the_first(service: Any) -> None:
    def broken() -> EngineView:
        raise RuntimeError("a bug")

    gauges, view = Gauges(service), service.view
    await one_round(gauges)
    service.view = broken
    with pytest.raises(RuntimeError):
        await gauges.keep()
    service.view = view
    await one_round(gauges)
    assert service.link.asked == 1, "Asterisk is asked every ten looks"


async def test_asterisks_own_counts_are_read_at_the_start(service: Any) -> None:
    await one_round(Gauges(service))
    shown = {
        stage: service.value("hotline_fallback_calls_total", stage=stage) for stage in COUNTS if stage != "unknown"
    }
    assert shown == {"seats": 3, "queue": 2, "telephone": 1}
    assert service.value("hotline_unknown_number_calls_total") == 4


@pytest.mark.parametrize("fault", [AmiDisconnected("no link"), TimeoutError()])
async def test_while_asterisk_does_not_answer_the_rest_is_shown(service: Any, fault: Exception) -> None:
    service.link.counts = fault
    await one_round(Gauges(service))
    assert service.link.asked == 1
    assert service.value("hotline_calls_waiting", line="12345") == 2


async def test_who_is_on_duty_is_said_at_each_change_and_a_gap_is_an_error(service: Any) -> None:
    gauges = Gauges(service)
    night, gap = Duty((InGroup("night"),), (Named("9001"),)), Duty(())
    with capture_logs() as said:
        for duties in ({}, {"12345": night}, {"12345": night}, {"12345": gap}, {}, {}):
            service.engine.duty = InForce(0.0, 1.0, duties, dict.fromkeys(duties))
            await one_round(gauges)
            assert service.value("hotline_roster_gap", line="12345") == (duties == {"12345": gap})
    assert [(line["log_level"], line["on_duty"], line["first"]) for line in said if line["event"] == "duty"] == [
        ("info", "group:night", ["agent:9001"]),
        ("error", "group:duty", []),
        ("info", "any", []),
    ]
    assert service.value("hotline_workdays_days_left") == 39


async def test_why_records_wait_is_said_once_and_its_end_too(service: Any) -> None:
    gauges = Gauges(service)
    with capture_logs() as said:
        for trouble in (None, "locked", "locked", "full", None, None):
            service.records.degraded = trouble
            await one_round(gauges)
    assert [(line["log_level"], line["state"], line.get("reason")) for line in said] == [
        ("error", "degraded", "locked"),
        ("error", "degraded", "full"),
        ("info", "whole", None),
    ]
