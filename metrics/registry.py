"""Every Prometheus metric of the service in one place: name, unit, help, labels, buckets.

One `Metrics` object is one registry, made by the composition root; there is no global one, so tests and several
services in one process do not see each other. Everything that is known beforehand (lines, results, outcomes, stages,
states) is present at 0 from the start: a series that appears with its first count loses it for every `increase()`.

Labels never carry a caller's number or an agent's id. A ratio of what was is never exported alone: `config/prometheus`
makes it. `docs/metrics.md` is the manual and a test holds it to this file.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics

from routing.agent_state import AgentState
from routing.model import DeviceState, Line
from routing.outbound import OutKind, OutOutcome
from routing.probe import ProbeOutcome
from routing.recording import RecordingOutcome
from routing.restrictions import Kind
from routing.steps import ActOutcome, CallOutcome, Judgement, Outcome, ThirdOutcome
from routing.targets import TargetKind
from routing.witness import What

M = TypeVar("M", Counter, Gauge, Histogram)

# 15.0 is the target of the agreement (T7); 6 and 10 are the rings, 20, 30 and 60 what other cities publish.
WAIT_BUCKETS: Final = (
    1.0,
    2.0,
    3.0,
    5.0,
    6.0,
    8.0,
    10.0,
    12.0,
    15.0,
    20.0,
    30.0,
    45.0,
    60.0,
    90.0,
    120.0,
    300.0,
    600.0,
)

AGENT_STATES: Final = tuple(AgentState)
FALLBACK_STAGES: Final = ("seats", "queue", "telephone")
ENDED_BY: Final = ("caller", "agent", "pbx", "unknown")
ANSWERED_BY: Final = ("engine", "fallback", "unknown")
KEPT: Final = (  # tasks that go on and on
    "gauges", "snapshots", "watchdog", "agents", "workdays", "forecast", "restrictions", "departments",
    "recordings", "callbacks", "debts", "offers", "lost_today", "disk", "outbox", "reconcile", "hidden", "number keys",
    "retention", "probes",
)  # fmt: skip
FORGOTTEN: Final = ("numbers", "intakes", "callbacks", "agents", "calls")  # storage.forgetting.Kind
FORGET_RESULTS: Final = ("done", "failed")
JOIN_VERBS: Final = (
    "consult", "three_way", "blind", "emergency", "merge", "transfer", "return", "hold", "resume"
)  # fmt: skip
CALLBACK_STATES: Final = ("open", "placed", "reached", "not_reached", "given_up", "done", "served")
DELIVERY_RESULTS: Final = ("delivered", "refused", "timed_out", "unreached")
# how Asterisk's CEL and the records may differ: `routing.witness.What`, and what has no second side
CEL_DRIFTS: Final = ("call_missed", "call_unplaced", "line_corrupt", *(what.value for what in What))
ASIDE: Final = ("cut", "unreadable", "refused")  # why a line of the journal cannot be written: `storage.writer.Aside`
DEGRADABLE: Final = ("ami", "database")
NEEDED_QUARTERS: Final = ("0", "1", "2", "3")  # the one that is going on, and three more


class Metrics:
    """The registry and its metrics as attributes; lines come with `add_line`."""

    def __init__(self, pbx: Iterable[str] = (), version: str = "") -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # process-wide; halves the lines of a counter
        self.registry: Final = CollectorRegistry(auto_describe=True)
        self._calls()
        self._now()
        self._presentations()
        self._outbound()
        self._retention()
        self._probes()
        self._links()
        self._health()
        self.build = Info("hotline_build", "Version of the running service.", registry=self.registry)
        self.build.info({"version": version})
        self._zeroes(pbx)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return _with_children_at_hand(Counter(name, about, labels, registry=self.registry))

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return _with_children_at_hand(Gauge(name, about, labels, registry=self.registry))

    def _histogram(self, name: str, about: str, *labels: str) -> Histogram:
        return _with_children_at_hand(Histogram(name, about, labels, registry=self.registry, buckets=WAIT_BUCKETS))

    def _calls(self) -> None:
        self.offered = self._counter(
            "hotline_calls_offered_total", "Calls that reached a line, counted at arrival.", "line"
        )
        self.judged = self._counter(
            "hotline_calls_judged_total",
            "Calls whose result for the figures is decided, once per call; ratios are made from this one.",
            "line",
            "result",
        )
        self.answer_seconds = self._histogram(
            "hotline_answer_seconds", "Arrival of a call to the bridge of caller and agent, seconds.", "line"
        )
        self.abandon_seconds = self._histogram(
            "hotline_abandon_seconds", "Arrival of a call to the caller's giving up, seconds.", "line"
        )
        self.answered = self._counter(
            "hotline_answers_total", "Bridges of a caller with an agent, by who found him.", "by"
        )
        self.ended = self._counter("hotline_calls_ended_total", "Calls whose channel is gone.", "outcome", "by")
        self.notices = self._counter(
            "hotline_notices_total", "Callers answered into the notice before an agent was free."
        )
        self.requeued = self._counter(
            "hotline_calls_requeued_total", "Callers brought back to the head of the queue.", "cause"
        )
        self.recovered = self._counter(
            "hotline_calls_recovered_total",
            "Calls known again after a restart or a loss of AMI, by their state.",
            "state",
        )
        self.flags = self._counter("hotline_call_flags_total", "Remarks that a reader of figures should know.", "flag")
        self.restricted = self._counter(
            "hotline_restricted_calls_total", "Calls with a restriction on their number, by what it asks for.", "rule"
        )
        self.fallback = self._counter(
            "hotline_fallback_calls_total",
            "Calls that the dialplan alone took over, by stage, counted by Asterisk.",
            "stage",
        )
        self.unknown_number = self._counter(
            "hotline_unknown_number_calls_total", "Calls to a number that is no line (404), counted by Asterisk."
        )

        self.recordings = self._counter(
            "hotline_recordings_total", "Recordings of answered calls that are over, by what became of them.", "outcome"
        )
        self.recordings_deleted = self._counter(
            "hotline_recordings_deleted_total", "Recordings deleted after their time."
        )

    def _now(self) -> None:
        self.waiting = self._gauge("hotline_calls_waiting", "Callers waiting for a person now.", "line")
        self.longest_wait = self._gauge("hotline_longest_wait_seconds", "Longest wait of a caller waiting now.", "line")
        self.talking = self._gauge("hotline_calls_talking", "Callers who talk with an agent now.", "line")
        self.agents = self._gauge("hotline_agents", "Seats by the state of who sits there.", "state")
        self.seats = self._gauge("hotline_seats", "Seats by the state of the phone as Asterisk sees it.", "device")
        self.target_seconds = self._gauge(
            "hotline_target_seconds", "Answer target of a line from the configuration.", "line"
        )
        self.target_ratio = self._gauge("hotline_target_ratio", "Share of calls to answer in time, 0..1.", "line")

        self.roster_gap = self._gauge(
            "hotline_roster_gap", "1 while no roster covers this line and the duty seats serve it, else 0.", "line"
        )
        self.workdays_left = self._gauge(
            "hotline_workdays_days_left", "Days after today that the calendar of workdays knows; -1: not even today."
        )

    def _presentations(self) -> None:
        self.presented = self._counter("hotline_presentations_sent_total", "Decisions sent to Asterisk.")
        self.presentations = self._counter(
            "hotline_presentations_total", "Ended presentations of a call at a seat, by outcome.", "outcome"
        )
        self.emergency_alarms = self._gauge(
            "hotline_emergency_alarms", "Emergency centres that were not reached and nobody has acknowledged it."
        )
        self.trunk_up = self._gauge(
            "hotline_trunk_up", "1 while the other end of a trunk to emergency centres answers, else 0.", "trunk"
        )
        self.surge = self._gauge("hotline_surge", "1 while a declared surge lasts.")
        self.surge_suggested = self._gauge(
            "hotline_surge_suggested", "1 while arrivals are above the forecast and no surge is declared, else 0."
        )
        self.forecast = self._gauge(
            "hotline_forecast_arrivals", "Calls expected in the present quarter of an hour; NaN: no forecast.", "line"
        )
        self.forecast_all = self._gauge(
            "hotline_forecast_arrivals_all", "The same for all lines together, made by itself; NaN: no forecast."
        )
        self.forecast_all.set(math.nan)
        self.seats_needed = self._gauge(
            "hotline_seats_needed", "Seats for the target by quarter of an hour, 0 is now; NaN: no forecast.", "quarter"
        )
        self.seats_gap = self._gauge(
            "hotline_seats_gap",
            "Seats needed less people signed in and not paused; above 0 some are missing.",
            "quarter",
        )
        self.today_ratio_expected = self._gauge(
            "hotline_today_ratio_expected", "V2-all of today as it will be at midnight, 0..1; NaN: no forecast."
        )
        self.today_ratio_expected.set(math.nan)
        self.shadow = self._gauge("hotline_shadow", "1 while other rules are tried beside the live ones.")
        self.shadow_decisions = self._counter(
            "hotline_shadow_decisions_total", "Live decisions held against those of other rules.", "line", "result"
        )
        self.shadow_ended = self._counter("hotline_shadow_ended_total", "Shadows that are over, by reason.", "reason")
        self.set_aside = self._counter(
            "hotline_seats_set_aside_total", "Seats set aside after the second missed call in a row."
        )
        self.handoffs = self._counter(
            "hotline_emergency_handoffs_total", "Handoffs to an emergency centre, ended.", "target", "outcome"
        )
        self.joins = self._counter(
            "hotline_joins_total",
            "Acts on calls in progress, ended: consultations, transfers and others.",
            "verb",
            "outcome",
        )
        self.thirds = self._counter(
            "hotline_thirds_total", "Legs to third parties, ended, by what they were to.", "kind", "outcome"
        )

    def _outbound(self) -> None:
        self.outbound = self._counter(
            "hotline_outbound_calls_total", "Calls that agents placed and that are over.", "kind", "outcome"
        )
        self.callbacks = self._gauge("hotline_callbacks", "Entries of citizens who want to be called back.", "state")
        self.callbacks_overdue = self._gauge(
            "hotline_callbacks_overdue", "Citizens still to be called back whose time is over."
        )
        self.citizens_lost = self._gauge(
            "hotline_citizens_lost_today", "Citizens whose call of today nobody answered, served since or not."
        )
        self.citizens_not_served = self._gauge(
            "hotline_citizens_not_served_today", "Citizens whose call of today nobody answered, and nobody since."
        )
        self.outbox_pending = self._gauge(
            "hotline_outbox_pending", "What the work-order platform is still to be told, and is tried."
        )
        self.outbox_dead = self._gauge(
            "hotline_outbox_dead", "What it could not be told for too long: somebody retries or drops it."
        )
        self.deliveries = self._counter(
            "hotline_outbox_deliveries_total",
            "Attempts to tell the work-order platform, by what became of them.",
            "result",
        )

    def _retention(self) -> None:
        self.forgotten = self._counter("hotline_forgotten_rows_total", "Rows forgotten by their age.", "kind")
        self.held = self._gauge(
            "hotline_held_rows", "Rows over their age that a legal hold keeps, as the last run found them.", "kind"
        )
        self.forget_runs = self._counter(
            "hotline_forget_runs_total", "Runs of forgetting, by how they ended.", "result"
        )
        self.forget_last = self._gauge(
            "hotline_forget_last_run_timestamp_seconds", "When such a run was done last; 0: never."
        )
        self.forget_late = self._gauge(
            "hotline_forget_late_seconds",
            "For how long a run has been due; 0 also while nothing is forgotten by its age.",
        )
        for kind in FORGOTTEN:
            self.forgotten.labels(kind)
            self.held.labels(kind)
        for result in FORGET_RESULTS:
            self.forget_runs.labels(result)

    def _probes(self) -> None:
        self._probed: set[str] = set()  # lines whose gauges are there
        self.probes = self._counter("hotline_probe_calls_total", "Test calls that are over.", "number", "outcome")
        self.probe_good = self._gauge(
            "hotline_probe_good", "1 when the last test call was as it should be, else 0; NaN: none yet.", "number"
        )
        self.probe_dial_delay = self._gauge(
            "hotline_probe_dial_delay_seconds", "Of the last one: dialled until the first sound.", "number"
        )
        self.probe_answer = self._gauge(
            "hotline_probe_answer_seconds", "Of the last one: dialled until answered.", "number"
        )
        self.probe_at = self._gauge("hotline_probe_last_timestamp_seconds", "When the last one ended.", "number")
        self.probe_missed = self._gauge(
            "hotline_probe_missed_seconds", "For so long the schedule waits for a test call; 0: for none.", "number"
        )

    def _links(self) -> None:
        self.ami_connected = self._gauge(
            "hotline_ami_connected", "1 while the AMI link is up and rebuilt, else 0.", "pbx"
        )
        self.ami_events = self._counter("hotline_ami_events_total", "AMI messages received.", "pbx")
        self.ami_dropped = self._counter("hotline_ami_dropped_total", "AMI messages that could not be read.", "pbx")
        self.ami_reconnects = self._counter("hotline_ami_reconnects_total", "AMI links lost and tried again.", "pbx")
        self.stamps_differ = self._counter(
            "hotline_stamps_differ_total", "Calls whose stamp and channel creation lie more than 0.5 s apart.", "pbx"
        )
        self.drift = self._counter(
            "hotline_reconcile_drift_total", "Differences found between our picture and Asterisk's, by kind.", "kind"
        )
        for kind in CEL_DRIFTS:
            self.drift.labels(f"cel_{kind}")
        self.agi_sessions = self._gauge("hotline_agi_sessions", "FastAGI sessions open now.")
        self.agi_refused = self._counter(
            "hotline_agi_refused_total", "FastAGI sessions refused or cut, by reason.", "reason"
        )
        self.leases_late = self._counter(
            "hotline_lease_renewals_late_total", "Routing leases renewed after their time."
        )

    def _health(self) -> None:
        self.serving = self._gauge("hotline_serving", "1 while callers are served by this service, else 0.")
        self.degraded = self._gauge("hotline_degraded", "1 while this part is out of order, else 0.", "part")
        self.stalls = self._counter("hotline_loop_stalls_total", "Stalls of the event loop longer than half a lease.")
        self.bugs = self._counter(
            "hotline_bugs_total",
            "Unexpected failures of our own code, each confined to one call, event or look.",
            "part",
        )
        self.illegal = self._counter(
            "hotline_illegal_transitions_total", "Events that did not fit our picture of a call or agent.", "machine"
        )
        self.spooled = self._gauge(
            "hotline_records_spooled", "Records in the journal that are not yet in the database."
        )
        self.recording_ready = self._gauge(
            "hotline_recording_ready", "1 while calls can be recorded, 0 while not, NaN when they shall not be."
        )
        self.recording_ready.set(math.nan)
        self.recording_free_bytes = self._gauge(
            "hotline_recording_free_bytes", "Space left where recordings are kept, bytes; NaN: not known."
        )
        self.recording_free_bytes.set(math.nan)
        self.records_lost = self._counter(
            "hotline_records_lost_total", "Records that could not even be kept in the journal."
        )
        self.records_aside = self._counter(
            "hotline_records_aside_total", "Lines of the journal that cannot be written and are kept aside.", "kind"
        )
        for kind in ASIDE:
            self.records_aside.labels(kind)
        self.data_free_bytes = self._gauge(
            "hotline_data_free_bytes", "Space left where the journal is kept, bytes; NaN: not known."
        )
        self.data_free_bytes.set(math.nan)

    def _zeroes(self, pbx: Iterable[str]) -> None:
        for by in ANSWERED_BY:
            self.answered.labels(by)
        for outcome in CallOutcome:
            for by in ENDED_BY:
                self.ended.labels(outcome, by)
        for stage in FALLBACK_STAGES:
            self.fallback.labels(stage)
        for state in AGENT_STATES:
            self.agents.labels(state)
        for device in DeviceState:
            self.seats.labels(device)
        for quarter in NEEDED_QUARTERS:
            self.seats_needed.labels(quarter).set(math.nan)
            self.seats_gap.labels(quarter).set(math.nan)
        for result in Outcome:
            self.presentations.labels(result)
        for verb in JOIN_VERBS:
            for act_outcome in ActOutcome:
                self.joins.labels(verb, act_outcome)
        for target_kind in TargetKind:
            for third_outcome in ThirdOutcome:
                self.thirds.labels(target_kind, third_outcome)
        for became in RecordingOutcome:
            self.recordings.labels(became)
        for part in DEGRADABLE:
            self.degraded.labels(part)
        for kind in Kind:
            self.restricted.labels(kind)
        self.flags.labels("storm")
        for cause in ("lost_leg", "left_alone"):
            self.requeued.labels(cause)
        for part in ("routing", "agi", "ami", "reload", *KEPT):
            self.bugs.labels(part)
        for out_kind in OutKind:
            for out_outcome in OutOutcome:
                self.outbound.labels(out_kind, out_outcome)
        for entry_state in CALLBACK_STATES:
            self.callbacks.labels(entry_state)
        for delivery in DELIVERY_RESULTS:
            self.deliveries.labels(delivery)
        for machine in ("call", "agent", "joined", "outbound", "probe"):
            self.illegal.labels(machine)
        for name in pbx:
            self.ami_connected.labels(name)
            for metric in (self.ami_events, self.ami_dropped, self.ami_reconnects, self.stamps_differ):
                metric.labels(name)

    def add_emergency(self, number: str) -> None:
        """Bring all series of an emergency number into being at 0; again is harmless."""
        for outcome in ActOutcome:
            self.handoffs.labels(number, outcome)

    def _add_probes(self, number: str) -> None:
        """What the last test call said stays over a reload."""
        self.probe_missed.labels(number)
        for ended in ProbeOutcome:
            self.probes.labels(number, ended)
        for gauge in () if number in self._probed else (
            self.probe_good, self.probe_dial_delay, self.probe_answer, self.probe_at
        ):  # fmt: skip
            gauge.labels(number).set(math.nan)
        self._probed.add(number)

    def add_line(self, line: Line) -> None:
        """Bring all series of a line into being at 0; again after a reload is harmless."""
        for metric in (self.offered, self.answer_seconds, self.abandon_seconds):
            metric.labels(line.number)
        for gauge in (self.waiting, self.longest_wait, self.talking, self.roster_gap):
            gauge.labels(line.number)
        self._add_probes(line.number)
        for result in Judgement:
            self.judged.labels(line.number, result)
        self.forecast.labels(line.number).set(math.nan)  # until somebody knows
        self.target_seconds.labels(line.number).set(line.answer_within_s)
        self.target_ratio.labels(line.number).set(line.ratio)


def _with_children_at_hand(metric: M) -> M:
    """`labels(...)` finds a child that it gave before by one look into a dict, on every way that counts something.

    The library's own takes a lock, checks names and makes texts each time. No child is ever removed here, so none goes
    stale; there are as many as series.
    """
    metric.labels = functools.cache(metric.labels)  # type: ignore[method-assign]
    return metric
