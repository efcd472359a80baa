"""How many series there are, and how a child is found again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from metrics.exporter import Exporter
from metrics.registry import ANSWERED_BY, CALLBACK_STATES, ENDED_BY, JOIN_VERBS, Metrics
from routing.agent_state import AgentState
from routing.model import DeviceState, EngineView, Line, LineView, SeatView
from routing.outbound import OutKind, OutOutcome
from routing.recording import RecordingOutcome
from routing.restrictions import Kind
from routing.steps import ActOutcome, CallOutcome, Judgement, Outcome, Step, StepKind, ThirdOutcome, Value
from routing.targets import TargetKind

AGENTS = 1000
LINES = {str(12340 + n): Line(str(12340 + n), f"line {n}") for n in range(12)}
EMERGENCIES = ("110", "119", "120", "122", "12395")
FEW = 5_000
# What dashboards outside of this project rely on: name -> labels.
PROMISED = {
    "hotline_calls_offered_total": {"line"},
    "hotline_calls_judged_total": {"line", "result"},
    "hotline_answer_seconds_bucket": {"line", "le"},
    "hotline_abandon_seconds_bucket": {"line", "le"},
    "hotline_calls_waiting": {"line"},
    "hotline_longest_wait_seconds": {"line"},
    "hotline_agents": {"state"},
    "hotline_presentations_total": {"outcome"},
    "hotline_emergency_handoffs_total": {"target", "outcome"},
    "hotline_fallback_calls_total": {"stage"},
    "hotline_ami_connected": {"pbx"},
    "hotline_reconcile_drift_total": {"kind"},
    "hotline_records_spooled": set(),
    "hotline_build_info": {"version"},
}
seqs = itertools.count(1)


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    made = Exporter(Metrics(["main"], "0.1.0"), LINES)
    made.emergencies(EMERGENCIES)
    yield made
    made.close()


def step(call: int, kind: StepKind, **data: Value) -> Step:
    return Step(f"1700000000000-{call}.1", next(seqs), 1700000000.0, kind, data)


def view() -> EngineView:
    lines = tuple(LineView(number, line.name, 3, 12.0, 2) for number, line in LINES.items())
    states, devices = itertools.cycle(AgentState), itertools.cycle(DeviceState)
    seats = tuple(_seat(str(1000 + n), next(states), next(devices)) for n in range(AGENTS))
    return EngineView(lines, seats, ready=True, ami_up=True)


def _seat(id_: str, state: AgentState, device: DeviceState) -> SeatView:
    return SeatView(id_, id_, id_, state, 3.0, device, None)


def everything(exporter: Exporter) -> None:
    """Each kind of step with each of its outcomes on each line, and every look, as a long day has them."""
    for call, (number, result) in enumerate(itertools.product(LINES, Judgement)):
        line = {"number": number, "line": number}
        exporter.step(step(call, StepKind.OFFERED, **line))
        exporter.step(step(call, StepKind.JUDGED, result=result, wait_s=4.0, **line))
        exporter.shadow(number, "same")
    for kind, key, values in (
        (StepKind.PRESENTATION_ENDED, "outcome", Outcome),
        (StepKind.ANSWERED, "by", ANSWERED_BY),
        (StepKind.REQUEUED, "cause", ("lost_leg", "left_alone")),
        (StepKind.RECOVERED, "state", ("waiting", "talking", "joined")),
        (StepKind.FLAG, "flag", ("clock_step", "noted", "unseen", "crossed", "storm", "talk_limit", "case_dropped")),
    ):
        for value in values:
            exporter.step(step(1, kind, **{key: value}))
    for outcome, by in itertools.product(CallOutcome, ENDED_BY):
        exporter.step(step(1, StepKind.ENDED, outcome=outcome, by=by))
    for rule in Kind:
        exporter.step(step(1, StepKind.RESTRICTED, restriction=1, rule=rule))
    for became in RecordingOutcome:
        exporter.step(step(1, StepKind.RECORDING, what="ended", outcome=became))
    _acts(exporter)
    for out, ended in itertools.product(OutKind, OutOutcome):
        exporter.outbound(out, ended)
    exporter.callbacks(dict.fromkeys(CALLBACK_STATES, 2), 1)
    exporter.view(view())
    exporter.forecast(dict.fromkeys(LINES, 3.0), 36.0, suggested=False)
    exporter.links("main", connected=True)
    exporter.ami_counts("main", events=9, dropped=0, reconnects=1, stamps_differ=0)
    exporter.health(serving=True, degraded=["database", "agents", "workdays", "restrictions", "departments"])


def _acts(exporter: Exporter) -> None:
    for verb, outcome, centre in itertools.product(JOIN_VERBS, ActOutcome, EMERGENCIES):
        target = {"target_kind": "emergency", "target": centre}
        exporter.step(step(1, StepKind.ACT_ENDED, act=1, verb=verb, outcome=outcome, **target))
    for kind, ended in itertools.product(TargetKind, ThirdOutcome):
        target = {"target_kind": kind, "target": "x"}
        exporter.step(step(1, StepKind.THIRD_ENDED, act=1, leg=1, outcome=ended, **target))


def series(exporter: Exporter) -> int:
    families = text_string_to_metric_families(exporter.render("")[0].decode())
    return sum(len(family.samples) for family in families)


def test_names_and_labels_that_others_rely_on_stay(exporter: Exporter) -> None:
    exporter.metrics.drift.labels("lost")  # what kinds there are is known when they are found
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exporter.render("")[0].decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    assert {name: found.get(name) for name in PROMISED} == PROMISED


def test_a_thousand_agents_and_twelve_lines_make_few_series(exporter: Exporter) -> None:
    everything(exporter)
    assert 500 < series(exporter) < FEW


def test_agents_and_calls_make_no_series_of_their_own(exporter: Exporter) -> None:
    everything(exporter)
    before = series(exporter)
    everything(exporter)
    everything(exporter)
    assert series(exporter) == before


def test_a_child_once_known_is_never_looked_for_in_the_library_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    theirs = MetricWrapperBase.labels

    def labels(metric: MetricWrapperBase, *values: object, **named: object) -> MetricWrapperBase:
        looked.append((metric, values))
        return theirs(metric, *values, **named)

    monkeypatch.setattr(MetricWrapperBase, "labels", labels)
    exporter = Exporter(Metrics(["main"], "0.1.0"), LINES)
    exporter.emergencies(EMERGENCIES)
    everything(exporter)
    assert looked, "the library gives each child once"
    looked.clear()
    everything(exporter)
    exporter.close()
    assert looked == []
