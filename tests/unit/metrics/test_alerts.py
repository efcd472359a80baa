"""Each alert fires when it should, says so in two languages, and keeps quiet just short of that. By Debian's promtool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.metrics.promtool import alerts, check, passes

ROOT = Path(__file__).parents[3]
ALERTS = alerts()
GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """`series`: name -> values in promtool's notation, one each 30 s. `at`: when the alert is looked at.

    `labels` of the one alert that fires then, beside its severity; None: none does. `words`: what stands in its
    annotations for each placeholder.
    """

    alert: str
    why: str
    series: Mapping[str, str]
    at: str
    labels: Mapping[str, str] | None = None
    words: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.alert}: {self.why}"


def agents(**states: int) -> dict[str, str]:
    known = {"signed_out": 0, "ready": 0, "ringing": 0, "talking": 0, "wrap_up": 0, "paused": 0}
    return {f'hotline_agents{{state="{state}"}}': f"{n}+0x40" for state, n in {**known, **states}.items()}


def waiting(callers: int) -> dict[str, str]:
    return {'hotline_calls_waiting{line="12345"}': f"{callers}+0x40"}


def hour(in_time: int, late: int) -> dict[str, str]:
    """So many calls of each kind in an hour, one after the other, and on; the target is 95 %."""
    return {
        'hotline_target_ratio{line="12345"}': "0.95+0x200",
        'hotline_calls_judged_total{line="12345", result="in_time"}': f"0+{in_time / 120}x200",
        'hotline_calls_judged_total{line="12345", result="late"}': f"0+{late / 120}x200",
    }


def counted(name: str, once: bool = True) -> dict[str, str]:
    """A counter that rises by one after three minutes, or never."""
    return {name: "0+0x5 1+0x40" if once else "7+0x45"}


HANDOFF = 'hotline_emergency_handoffs_total{target="110", outcome="failed"}'
THIRD = 'hotline_thirds_total{kind="emergency", outcome="not_reached"}'
FALLBACK = 'hotline_fallback_calls_total{stage="queue"}'
SHORT = 'hotline_recordings_total{outcome="short"}'
ASIDE = 'hotline_records_aside_total{kind="cut"}'
DRIFT = 'hotline_reconcile_drift_total{kind="cel_end_time"}'
LINE = {"line": "12345"}
LINE_WORDS = {"$labels.line": "12345"}

FIRES = [
    Case("HotlineDown", "the service is gone", {"up": "0+0x20"}, "1m", {}),
    Case("HotlineDown", "it is there and serves nobody", {"hotline_serving": "0+0x20"}, "1m", {}),
    Case("HotlineNobodySignedIn", "all are signed out", agents(signed_out=9) | waiting(1), "1m", {}),
    Case("HotlineNobodySignedIn", "all who are there pause", agents(paused=2) | waiting(1), "1m", {}),
    Case("HotlineAllSignedOut", "and nobody waits", agents(signed_out=9) | waiting(0), "2m", {}),
    Case(
        "HotlineCallerWaitsLong",
        "100 s",
        {'hotline_longest_wait_seconds{line="12345"}': "10+30x3 100+0x20"},
        "3m",
        LINE,
        LINE_WORDS | {"$value | humanizeDuration": "1m 40s"},
    ),
    Case(
        "HotlineTargetMissed",
        "27 of 30 in the hour",
        hour(27, 3),
        "70m",
        LINE,
        LINE_WORDS | {"$value | humanizePercentage": "90%"},
    ),
    Case("HotlineEmergencyAlarm", "at once", {"hotline_emergency_alarms": "0+0x2 1+0x9"}, "90s", {}, {"$value": "1"}),
    Case("HotlineEmergencyFailed", "once", counted(HANDOFF), "3m", {"target": "110"}, {"$labels.target": "110"}),
    Case("HotlineEmergencyRouteDead", "once", counted(THIRD), "3m", {"kind": "emergency", "outcome": "not_reached"}),
    Case(
        "HotlineEmergencyTrunkDown",
        "for a minute",
        {'hotline_trunk_up{trunk="police"}': "1+0x2 0+0x9", 'hotline_trunk_up{trunk="police-2"}': "1+0x12"},
        "3m",
        {"trunk": "police"},
        {"$labels.trunk": "police"},
    ),
    Case("HotlineRosterGap", "at once", {'hotline_roster_gap{line="12345"}': "0+0x2 1+0x9"}, "90s", LINE, LINE_WORDS),
    Case("HotlineSurgeSuggested", "at once", {"hotline_surge_suggested": "0+0x2 1+0x9"}, "90s", {}),
    Case("HotlineFallbackInUse", "one call", counted(FALLBACK), "3m", {"stage": "queue"}, {"$labels.stage": "queue"}),
    Case(
        "HotlineAmiDown",
        "for a minute",
        {'hotline_ami_connected{pbx="main"}': "1+0x2 0+0x9"},
        "3m",
        {"pbx": "main"},
        {"$labels.pbx": "main"},
    ),
    Case(
        "HotlineDegraded",
        "the database",
        {'hotline_degraded{part="database"}': "1+0x20", 'hotline_degraded{part="agents"}': "0+0x20"},
        "6m",
        {"part": "database"},
        {"$labels.part": "database"},
    ),
    Case("HotlineRecordsSpooled", "1,001", {"hotline_records_spooled": "1001+0x20"}, "6m", {}, {"$value": "1001"}),
    Case("HotlineRecordsLost", "one", counted("hotline_records_lost_total"), "3m", {}),
    Case("HotlineRecordsAside", "one", counted(ASIDE), "3m", {"kind": "cut"}, {"$labels.kind": "cut"}),
    Case("HotlineCelDrift", "one", counted(DRIFT), "3m", {"kind": "cel_end_time"}, {"$labels.kind": "cel_end_time"}),
    Case(
        "HotlineDiskFull",
        "half a gigabyte",
        {"hotline_data_free_bytes": f"{1 << 29}+0x20"},
        "2m",
        {},
        {"$value | humanize1024": "512Mi"},
    ),
    Case(
        "HotlineDiskFilling",
        "100 GB left, 50 MB each half minute",
        {"hotline_data_free_bytes": f"{100 * GB}-50000000x80"},
        "40m",
        {"folder": "data_dir"},
        {"$labels.folder": "data_dir"},
    ),
    Case(
        "HotlineDiskFilling",
        "the other disk",
        {
            "hotline_data_free_bytes": f"{300 * GB}+0x80",
            "hotline_recording_free_bytes": f"{100 * GB}-50000000x80",
        },
        "40m",
        {"folder": "recordings"},
        {"$labels.folder": "recordings"},
    ),
    Case("HotlineNotRecording", "for 30 s", {"hotline_recording_ready": "1+0x2 0+0x9"}, "3m", {}),
    Case(
        "HotlineRecordingsIncomplete",
        "a short one",
        counted(SHORT),
        "3m",
        {"outcome": "short"},
        {"$labels.outcome": "short"},
    ),
    Case("HotlineCallbacksOverdue", "two", {"hotline_callbacks_overdue": "2+0x20"}, "6m", {}, {"$value": "2"}),
    Case(
        "HotlineSeatsMissing",
        "in a later quarter",
        {'hotline_seats_gap{quarter="0"}': "-1+0x40", 'hotline_seats_gap{quarter="2"}': "3+0x40"},
        "16m",
        {},
        {"$value": "3"},
    ),
    Case(
        "HotlineNumberNotReached",
        "one of two",
        {'hotline_probe_good{number="12345"}': "1+0x2 0+0x9", 'hotline_probe_good{number="12333"}': "1+0x12"},
        "3m",
        {"number": "12345"},
        {"$labels.number": "12345"},
    ),
    Case(
        "HotlineProbeMissing",
        "for more than an hour",
        {'hotline_probe_missed_seconds{number="12345"}': "3590+30x20"},
        "3m",
        {"number": "12345"},
        {"$labels.number": "12345"},
    ),
    Case("HotlineOutboxDead", "one", {"hotline_outbox_dead": "1+0x20"}, "2m", {}, {"$value": "1"}),
    Case(
        "HotlineForgettingLate",
        "since two hours and a second",
        {"hotline_forget_late_seconds": "7201+0x20"},
        "6m",
        {},
        {"$value | humanizeDuration": "2h 0m 1s"},
    ),
    Case(
        "HotlineBug",
        "once",
        counted('hotline_bugs_total{part="agi"}'),
        "3m",
        {"part": "agi"},
        {"$labels.part": "agi"},
    ),
    Case("HotlineLoopStalls", "a stall", counted("hotline_loop_stalls_total"), "3m", {}),
    Case("HotlineLoopStalls", "late leases", {"hotline_lease_renewals_late_total": "0+2x20"}, "5m", {}),
]

QUIET = [
    Case("HotlineDown", "serving", {"hotline_serving": "1+0x20"}, "5m"),
    Case("HotlineDown", "a restart of some seconds", {"hotline_serving": "1+0x4 0 1+0x9"}, "150s"),
    Case("HotlineNobodySignedIn", "one is there", agents(talking=1, signed_out=8) | waiting(3), "5m"),
    Case("HotlineNobodySignedIn", "nobody waits", agents(signed_out=9) | waiting(0), "5m"),
    Case("HotlineNobodySignedIn", "just now", agents(signed_out=9) | waiting(1), "0s"),
    Case("HotlineAllSignedOut", "one pauses", agents(paused=1, signed_out=8), "10m"),
    Case("HotlineAllSignedOut", "a change of shift of 90 s", agents(signed_out=9), "90s"),
    Case("HotlineCallerWaitsLong", "60 s", {'hotline_longest_wait_seconds{line="12345"}': "60+0x20"}, "5m"),
    Case("HotlineCallerWaitsLong", "just now", {'hotline_longest_wait_seconds{line="12345"}': "10+0x3 99+0x20"}, "2m"),
    Case("HotlineTargetMissed", "29 of 30 is above 95 %", hour(29, 1), "70m"),
    Case("HotlineTargetMissed", "of 10 calls", hour(5, 5), "70m"),
    Case("HotlineTargetMissed", "no traffic", hour(0, 0), "70m"),
    Case("HotlineTargetMissed", "20 calls since two minutes ago", hour(27, 3), "42m"),
    Case("HotlineEmergencyAlarm", "all acknowledged", {"hotline_emergency_alarms": "0+0x20"}, "5m"),
    Case("HotlineEmergencyFailed", "a failure of last week", counted(HANDOFF, once=False), "15m"),
    Case("HotlineEmergencyFailed", "another outcome", counted(HANDOFF.replace("failed", "done")), "5m"),
    Case("HotlineEmergencyRouteDead", "none today", counted(THIRD, once=False), "15m"),
    Case("HotlineEmergencyRouteDead", "busy", counted(THIRD.replace("not_reached", "busy")), "5m"),
    Case(
        "HotlineEmergencyTrunkDown", "one answer missed", {'hotline_trunk_up{trunk="police"}': "1+0x4 0 1+0x9"}, "150s"
    ),
    Case("HotlineRosterGap", "covered", {'hotline_roster_gap{line="12345"}': "0+0x20"}, "5m"),
    Case("HotlineSurgeSuggested", "as foretold", {"hotline_surge_suggested": "0+0x20"}, "5m"),
    Case("HotlineFallbackInUse", "six minutes ago", counted(FALLBACK), "9m"),
    Case("HotlineAmiDown", "back after 30 s", {'hotline_ami_connected{pbx="main"}': "1+0x4 0 1+0x9"}, "150s"),
    Case("HotlineDegraded", "AMI alone", {'hotline_degraded{part="ami"}': "1+0x40"}, "15m"),
    Case("HotlineDegraded", "for four minutes", {'hotline_degraded{part="database"}': "1+0x40"}, "4m"),
    Case("HotlineRecordsSpooled", "1,000", {"hotline_records_spooled": "1000+0x40"}, "15m"),
    Case("HotlineRecordsSpooled", "for four minutes", {"hotline_records_spooled": "1001+0x40"}, "4m"),
    Case("HotlineRecordsLost", "none since", counted("hotline_records_lost_total", once=False), "15m"),
    Case("HotlineRecordsAside", "none since", counted(ASIDE, once=False), "15m"),
    Case("HotlineCelDrift", "none since", counted(DRIFT, once=False), "15m"),
    Case("HotlineCelDrift", "a ghost of the picture", counted(DRIFT.replace("cel_end_time", "ghost")), "3m"),
    Case("HotlineDiskFull", "a gigabyte", {"hotline_data_free_bytes": f"{GB}+0x40"}, "15m"),
    Case(
        "HotlineDiskFilling",
        "300 GB left last for two days",
        {"hotline_data_free_bytes": f"{300 * GB}-50000000x90"},
        "45m",
    ),
    Case("HotlineDiskFull", "just now", {"hotline_data_free_bytes": f"{1 << 29}+0x40"}, "30s"),
    Case("HotlineDiskFilling", "as full as ever", {"hotline_data_free_bytes": f"{2 * GB}+0x90"}, "45m"),
    Case("HotlineDiskFilling", "one big file", {"hotline_data_free_bytes": f"{9 * GB}+0x9 {5 * GB}+0x9"}, "9m"),
    Case("HotlineNotRecording", "not wanted", {"hotline_recording_ready": "NaN+0x20"}, "5m"),
    Case("HotlineNotRecording", "one look", {"hotline_recording_ready": "1+0x4 0 1+0x9"}, "150s"),
    Case("HotlineRecordingsIncomplete", "whole ones", counted(SHORT.replace("short", "kept")), "5m"),
    Case("HotlineCallbacksOverdue", "none", {"hotline_callbacks_overdue": "0+0x40"}, "15m"),
    Case("HotlineCallbacksOverdue", "for four minutes", {"hotline_callbacks_overdue": "2+0x40"}, "4m"),
    Case("HotlineSeatsMissing", "enough", {'hotline_seats_gap{quarter="0"}': "0+0x80"}, "30m"),
    Case("HotlineSeatsMissing", "no forecast", {'hotline_seats_gap{quarter="0"}': "NaN+0x80"}, "30m"),
    Case("HotlineSeatsMissing", "for ten minutes", {'hotline_seats_gap{quarter="0"}': "2+0x80"}, "10m"),
    Case("HotlineForgettingLate", "two hours", {"hotline_forget_late_seconds": "7200+0x20"}, "10m"),
    Case("HotlineForgettingLate", "for four minutes", {"hotline_forget_late_seconds": "9000+0x20"}, "4m"),
    Case("HotlineNumberNotReached", "good", {'hotline_probe_good{number="12345"}': "1+0x20"}, "5m"),
    Case("HotlineNumberNotReached", "none yet", {'hotline_probe_good{number="12345"}': "NaN+0x20"}, "5m"),
    Case("HotlineNumberNotReached", "for half a minute", {'hotline_probe_good{number="12345"}': "0+0x20"}, "30s"),
    Case("HotlineProbeMissing", "for an hour", {'hotline_probe_missed_seconds{number="12345"}': "3600+0x20"}, "5m"),
    Case("HotlineOutboxDead", "none", {"hotline_outbox_dead": "0+0x20"}, "5m"),
    Case("HotlineOutboxDead", "for half a minute", {"hotline_outbox_dead": "1+0x20"}, "30s"),
    Case("HotlineBug", "six minutes ago", counted('hotline_bugs_total{part="agi"}'), "9m"),
    Case(
        "HotlineLoopStalls",
        "ten late leases in five minutes",
        {"hotline_lease_renewals_late_total": "0+1x20", "hotline_loop_stalls_total": "4+0x20"},
        "5m",
    ),
]


@pytest.mark.parametrize("case", [*FIRES, *QUIET], ids=str)
def test_alert_fires_when_it_should_and_only_then(case: Case, tmp_path: Path) -> None:
    alert = ALERTS[case.alert]
    fires = [] if case.labels is None else [
        {"exp_labels": {"severity": alert.severity, **case.labels}, "exp_annotations": alert.said(case.words)}
    ]  # fmt: skip
    test = {"eval_time": case.at, "alertname": case.alert, "exp_alerts": fires}
    passes(tmp_path, case.series, alert_tests=[test])


@pytest.mark.parametrize("cases", [FIRES, QUIET], ids=["fires", "quiet"])
def test_no_alert_is_left_untried(cases: list[Case]) -> None:
    assert {case.alert for case in cases} == set(ALERTS)


def test_promtool_finds_no_fault_with_the_rules() -> None:
    assert "SUCCESS" in check()


@pytest.mark.parametrize("alert", ALERTS.values(), ids=lambda alert: alert.name)
def test_alert_says_how_bad_it_is_how_long_it_waits_and_what_to_do_in_two_languages(alert) -> None:  # type: ignore[no-untyped-def]
    assert alert.severity in ("critical", "warning")
    assert alert.waits
    assert list(alert.annotations) == ["summary", "summary_zh", "action", "action_zh"]
    for key, of_titles, apart in (("action", ": ", ", "), ("action_zh", "：", "、")):
        manual, _, titles = alert.annotations[key].rpartition("docs/")[2].partition(of_titles)
        text = (ROOT / "docs" / manual).read_text("utf-8")
        for title in titles.rstrip(".。").split(apart):
            assert re.search(rf"^(## |\*\*){re.escape(title)}", text, re.MULTILINE), f"{manual} has no {title}"


@pytest.mark.parametrize("manual", ["operations.md", "operations.zh-CN.md", "metrics.md", "metrics.zh-CN.md"])
def test_the_manual_lists_every_alert_and_no_other(manual: str) -> None:
    text = (ROOT / "docs" / manual).read_text("utf-8")
    assert set(re.findall(r"^\| `(Hotline\w+)` \|", text, re.MULTILINE)) == set(ALERTS)


@pytest.mark.parametrize("manual", ["metrics.md", "metrics.zh-CN.md"])
def test_the_manual_says_how_bad_each_alert_is(manual: str) -> None:
    text = (ROOT / "docs" / manual).read_text("utf-8")
    told = dict(re.findall(r"^\| `(Hotline\w+)` \| (\w+) \|", text, re.MULTILINE))
    assert told == {name: alert.severity for name, alert in ALERTS.items()}
