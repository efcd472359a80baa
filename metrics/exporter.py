"""Steps of calls and views of the engine -> Prometheus. The one place that knows which step counts where.

Everything but `render` is called on the event loop. `render` is called in a thread: it reads only the library's own
locked values, so a scrape of any size never holds up a caller and never sees the engine's private state.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from prometheus_client import Counter
from prometheus_client.exposition import choose_encoder

from metrics.registry import AGENT_STATES, CALLBACK_STATES, DEGRADABLE, FALLBACK_STAGES, NEEDED_QUARTERS, Metrics
from routing.model import DeviceState, EngineView, Line
from routing.steps import Judgement, Step, StepKind, Value

ACTS_KNOWN: Final = 10_000  # acts whose targets are remembered, far more than there can be at once


class FollowedCount:
    """A count that somebody else keeps and we only repeat, with early news from events where there are some.

    Asterisk counts in a global variable since its own start, so nothing is lost while we are down; its events tell us
    at once what the next look will confirm. The shown total is the larger of both and never falls: when the other's
    number falls it has restarted, and counting goes on from where it was.

    A look may overtake the events that it confirms, so events are counted by themselves: one that comes late adds
    nothing. What two looks in a row know and no event has told was missed, and no event will tell it any more.
    """

    def __init__(self, metric: Counter) -> None:
        self._metric = metric
        self._shown = 0
        self._base = 0
        self._absolute = 0
        self._heard = 0  # as if events had told everything
        self._unheard = 0  # at the last look

    def seen(self) -> None:
        """One more, told by an event."""
        self._heard += 1
        self._raise_to(max(self._shown, self._heard))

    def told(self, absolute: int) -> None:
        """The other's count since its start. Raises ValueError when it is negative."""
        if absolute < 0:
            raise ValueError("a count is never negative")
        if absolute < self._absolute:
            self._base += self._absolute
        self._absolute = absolute
        self._raise_to(max(self._shown, self._base + absolute))
        missed = min(self._unheard, self._shown - self._heard)
        self._heard += missed
        self._unheard = self._shown - self._heard

    def _raise_to(self, total: int) -> None:
        self._metric.inc(total - self._shown)
        self._shown = total


class Exporter:
    def __init__(self, registry: Metrics, lines: Mapping[str, Line]) -> None:
        self.metrics: Final = registry
        self._lines: set[str] = set()
        self._parts: set[str] = set(DEGRADABLE)
        self.lines(lines)
        self._fallback = {stage: FollowedCount(registry.fallback.labels(stage)) for stage in FALLBACK_STAGES}
        self._unknown = FollowedCount(registry.unknown_number)
        self._lost = FollowedCount(registry.records_lost)
        self._followed: dict[tuple[Counter, str], FollowedCount] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="metrics")
        self._on: Mapping[StepKind, Callable[[Step], None]] = {
            StepKind.OFFERED: self._offered,
            StepKind.PRESENTED: self._presented,
            StepKind.PRESENTATION_ENDED: self._presentation_ended,
            StepKind.SET_ASIDE: self._set_aside,
            StepKind.ANSWERED: self._answered,
            StepKind.NOTICE: self._notice,
            StepKind.FALLBACK: self._taken_over,
            StepKind.REQUEUED: self._requeued,
            StepKind.JUDGED: self._judged,
            StepKind.ENDED: self._ended,
            StepKind.RECOVERED: self._recovered,
            StepKind.FLAG: self._flag,
            StepKind.RESTRICTED: self._restricted,
            StepKind.ACT_ASKED: self._act_asked,
            StepKind.THIRD_ENDED: self._third_ended,
            StepKind.ACT_ENDED: self._act_ended,
            StepKind.RECORDING: self._recorded,
        }
        self._tests: dict[str, None] = {}  # calls that are tests, oldest first
        self._asked: dict[tuple[str, Value], tuple[str, str]] = {}  # call, act -> kind and id of whom it was asked for

    def bug(self, part: str) -> None:
        """One more bug in this part of our own code."""
        self.metrics.bugs.labels(part).inc()

    # -- steps --

    def step(self, step: Step) -> None:
        """Count one step. Steps of other kinds move no counter; a step is told once, so nothing is counted twice."""
        if self._is_of_a_test(step) and step.kind is not StepKind.JUDGED:
            return  # of a test call no more is told here than that there was one
        count = self._on.get(step.kind)
        if count is not None:
            count(step)

    def _is_of_a_test(self, step: Step) -> bool:
        """Every step of the engine says so itself; what became of the recording is told by others, after the end."""
        if step.data.get("test") is True:
            self._tests[step.call_id] = None
        while len(self._tests) > ACTS_KNOWN:
            del self._tests[next(iter(self._tests))]
        return step.call_id in self._tests

    def _offered(self, step: Step) -> None:
        self.metrics.offered.labels(_line(step)).inc()

    def _presented(self, step: Step) -> None:
        self.metrics.presented.inc()

    def _presentation_ended(self, step: Step) -> None:
        self.metrics.presentations.labels(_text(step, "outcome")).inc()

    def _set_aside(self, step: Step) -> None:
        self.metrics.set_aside.inc()

    def _answered(self, step: Step) -> None:
        self.metrics.answered.labels(_text(step, "by")).inc()

    def _notice(self, step: Step) -> None:
        self.metrics.notices.inc()

    def _taken_over(self, step: Step) -> None:
        followed = self._fallback.get(_text(step, "stage"))
        if followed is not None:
            followed.seen()

    def _requeued(self, step: Step) -> None:
        self.metrics.requeued.labels(_text(step, "cause")).inc()

    def _judged(self, step: Step) -> None:
        """The result and the time come from one step, so counter and histogram can never disagree."""
        line, result = _line(step), _text(step, "result")
        self.metrics.judged.labels(line, result).inc()
        wait_s = step.data.get("wait_s")
        if not isinstance(wait_s, int | float):
            return
        if result in (Judgement.IN_TIME, Judgement.LATE):
            self.metrics.answer_seconds.labels(line).observe(wait_s)
        elif result == Judgement.ABANDONED:
            self.metrics.abandon_seconds.labels(line).observe(wait_s)

    def _ended(self, step: Step) -> None:
        self.metrics.ended.labels(_text(step, "outcome"), _text(step, "by")).inc()

    def _recovered(self, step: Step) -> None:
        self.metrics.recovered.labels(_text(step, "state")).inc()

    def _flag(self, step: Step) -> None:
        self.metrics.flags.labels(_text(step, "flag")).inc()

    def _restricted(self, step: Step) -> None:
        if "restriction" in step.data:
            self.metrics.restricted.labels(_text(step, "rule")).inc()

    def _act_asked(self, step: Step) -> None:
        """Remembered for its end. A leg may end after its call, so what goes is the oldest, not what ended."""
        if step.data.get("target_kind"):
            self._asked[step.call_id, step.data.get("act")] = _text(step, "target_kind"), _text(step, "target")
        while len(self._asked) > ACTS_KNOWN:
            del self._asked[next(iter(self._asked))]

    def _target(self, step: Step) -> tuple[str, str]:
        """Kind and id of whom the act was asked for, also when that was before this process."""
        if step.data.get("target_kind"):
            return _text(step, "target_kind"), _text(step, "target")
        return self._asked.get((step.call_id, step.data.get("act")), ("unknown", "unknown"))

    def _third_ended(self, step: Step) -> None:
        self.metrics.thirds.labels(self._target(step)[0], _text(step, "outcome")).inc()

    def _act_ended(self, step: Step) -> None:
        outcome = _text(step, "outcome")
        self.metrics.joins.labels(_text(step, "verb"), outcome).inc()
        if step.data.get("verb") == "emergency":
            self.metrics.handoffs.labels(self._target(step)[1], outcome).inc()

    def _recorded(self, step: Step) -> None:
        what = step.data.get("what")
        if what == "ended":
            self.metrics.recordings.labels(_text(step, "outcome")).inc()
        elif what == "deleted":
            self.metrics.recordings_deleted.inc()

    # -- test calls --

    def probed(self, number: str, outcome: str) -> None:
        """A test call is over."""
        self.metrics.probes.labels(number, outcome).inc()

    def probe(
        self, number: str, good: bool | None, dial_delay_s: float | None, answer_s: float | None, at: float
    ) -> None:
        """The last test call of a number that says something about it."""
        self.metrics.probe_good.labels(number).set(_number(good))
        self.metrics.probe_dial_delay.labels(number).set(_number(dial_delay_s))
        self.metrics.probe_answer.labels(number).set(_number(answer_s))
        self.metrics.probe_at.labels(number).set(at)

    def probes_missed(self, seconds: Mapping[str, float]) -> None:
        """For how long each number has waited for a test call that the schedule wanted; 0: for none."""
        for number in self._lines | set(seconds):
            self.metrics.probe_missed.labels(number).set(seconds.get(number, 0.0))

    # -- what is now --

    def outbound(self, kind: str, outcome: str | None) -> None:
        """An outbound call is over."""
        self.metrics.outbound.labels(kind, outcome or "unknown").inc()

    def callbacks(self, states: Mapping[str, int], overdue: int) -> None:
        for state in CALLBACK_STATES:
            self.metrics.callbacks.labels(state).set(states.get(state, 0))
        self.metrics.callbacks_overdue.set(overdue)

    def citizens(self, lost: int, not_served: int) -> None:
        """Of today."""
        self.metrics.citizens_lost.set(lost)
        self.metrics.citizens_not_served.set(not_served)

    def outbox(self, pending: int, dead: int) -> None:
        self.metrics.outbox_pending.set(pending)
        self.metrics.outbox_dead.set(dead)

    def delivery(self, result: str) -> None:
        """One attempt to tell the work-order platform."""
        self.metrics.deliveries.labels(result).inc()

    def forgotten(self, kind: str, rows: int) -> None:
        self.metrics.forgotten.labels(kind).inc(rows)

    def held(self, kind: str, rows: int) -> None:
        """Of what is over its age."""
        self.metrics.held.labels(kind).set(rows)

    def forget_run(self, result: str) -> None:
        self.metrics.forget_runs.labels(result).inc()

    def forgetting(self, last: float, late_s: float) -> None:
        """`last`: epoch seconds, 0 for never."""
        self.metrics.forget_last.set(last)
        self.metrics.forget_late.set(late_s)

    def view(self, view: EngineView) -> None:
        """Set the gauges from what the engine shows. A line that is gone after a reload shows 0, not its last value."""
        self.metrics.surge.set(view.surge is not None)
        shown = {line.number for line in view.lines}
        for line in view.lines:
            self.metrics.waiting.labels(line.number).set(line.waiting)
            self.metrics.longest_wait.labels(line.number).set(line.longest_wait_s)
            self.metrics.talking.labels(line.number).set(line.talking)
        for number in self._lines - shown:
            for gauge in (self.metrics.waiting, self.metrics.longest_wait, self.metrics.talking):
                gauge.labels(number).set(0)
        self._lines |= shown
        states = Tally(seat.state for seat in view.seats)
        for state in {*AGENT_STATES, *states}:
            self.metrics.agents.labels(state).set(states[state])
        devices = Tally(seat.device for seat in view.seats)
        for device in DeviceState:
            self.metrics.seats.labels(device).set(devices[device])

    def forecast(self, lines: Mapping[str, float], whole: float, *, suggested: bool) -> None:
        """Calls expected in the present quarter of an hour, by line and together; not a number without a forecast."""
        for number in self._lines | set(lines):
            self.metrics.forecast.labels(number).set(lines.get(number, math.nan))
        self.metrics.forecast_all.set(whole)
        self.metrics.surge_suggested.set(suggested)

    def staffing(self, quarters: Sequence[tuple[int | None, int | None]], expected: float | None) -> None:
        """(seats needed, gap) of the quarters of an hour from now on, none while unknown; the ratio at midnight."""
        known = [*quarters, *[(None, None)] * len(NEEDED_QUARTERS)]
        for place, (needed, gap) in zip(NEEDED_QUARTERS, known, strict=False):
            self.metrics.seats_needed.labels(place).set(_number(needed))
            self.metrics.seats_gap.labels(place).set(_number(gap))
        self.metrics.today_ratio_expected.set(_number(expected))

    def lines(self, lines: Mapping[str, Line]) -> None:
        """The lines of the configuration, at start and after a reload."""
        for line in lines.values():
            self.metrics.add_line(line)
        self._lines.update(lines)

    def emergencies(self, numbers: Iterable[str]) -> None:
        """The emergency numbers, at start and after a reload."""
        for number in numbers:
            self.metrics.add_emergency(number)

    # -- told by the shadow --

    def shadow(self, line: str, result: str) -> None:
        """One live decision was held against that of other rules."""
        self.metrics.shadow_decisions.labels(line, result).inc()

    def shadow_ended(self, reason: str | None) -> None:
        """None: one began."""
        self.metrics.shadow.set(reason is None)
        if reason is not None:
            self.metrics.shadow_ended.labels(reason).inc()

    # -- told by the second witness --

    def cel_drift(self, kind: str, count: int) -> None:
        """So many more differences between Asterisk's CEL and the records."""
        self.metrics.drift.labels(f"cel_{kind}").inc(count)

    # -- told by the links --

    def fallback_total(self, stage: str, absolute: int) -> None:
        """Asterisk's own count of calls that its dialplan took over. An unknown stage is ours to fix: KeyError."""
        self._fallback[stage].told(absolute)

    def unknown_number_total(self, absolute: int) -> None:
        """Asterisk's own count of calls to numbers that are no line."""
        self._unknown.told(absolute)

    def unknown_number_seen(self) -> None:
        """The event of one such call."""
        self._unknown.seen()

    def links(self, pbx: str, *, connected: bool) -> None:
        """State of the AMI link of one Asterisk; call it at every change."""
        self.metrics.ami_connected.labels(pbx).set(connected)

    def ami_counts(self, pbx: str, *, events: int, dropped: int, reconnects: int, stamps_differ: int) -> None:
        """The link's own totals since its start."""
        metrics = self.metrics
        self._follow(metrics.ami_events, pbx, events)
        self._follow(metrics.ami_dropped, pbx, dropped)
        self._follow(metrics.ami_reconnects, pbx, reconnects)
        self._follow(metrics.stamps_differ, pbx, stamps_differ)

    def records(self, *, spooled: int, lost: int, aside: Mapping[str, int]) -> None:
        """Records not yet in the database; and totals: of those that could not even be kept in the journal, and of its
        lines that cannot be written."""
        self.metrics.spooled.set(spooled)
        self._lost.told(lost)
        for kind, total in aside.items():
            self._follow(self.metrics.records_aside, kind, total)

    def _follow(self, counter: Counter, label: str, total: int) -> None:
        followed = self._followed.setdefault((counter, label), FollowedCount(counter.labels(label)))
        followed.told(total)

    def recording(self, *, ready: bool | None, free_bytes: int | None) -> None:
        """Whether calls can be recorded (None: they shall not be) and the space left for that."""
        self.metrics.recording_ready.set(math.nan if ready is None else ready)
        self.metrics.recording_free_bytes.set(math.nan if free_bytes is None else free_bytes)

    def disk(self, free_bytes: int | None) -> None:
        """Space left where the journal is kept; None: nobody can tell."""
        self.metrics.data_free_bytes.set(math.nan if free_bytes is None else free_bytes)

    def health(self, *, serving: bool, degraded: Iterable[str]) -> None:
        """The same words as `/readyz`."""
        self.metrics.serving.set(serving)
        parts = set(degraded)
        self._parts |= parts
        for part in self._parts:
            self.metrics.degraded.labels(part).set(part in parts)

    # -- exposition --

    def render(self, accept: str) -> tuple[bytes, str]:
        """The text for one scrape and its content type. Safe in any thread. An unreadable `Accept` gets plain text."""
        try:
            encode, content_type = choose_encoder(accept)
        except (ValueError, TypeError):  # the library's own reading of a version that is none
            encode, content_type = choose_encoder("")
        return encode(self.metrics.registry), content_type

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        """`render` in this exporter's one thread, so that many scrapes at once cost one core at most."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.render, accept)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def _line(step: Step) -> str:
    """The dialled number: a merged number keeps its own figures (T4), rules may add them up."""
    return _text(step, "number") if "number" in step.data else _text(step, "line")


def _number(value: float | None) -> float:
    """Not a number: nobody knows."""
    return math.nan if value is None else value


def _text(step: Step, key: str) -> str:
    return str(step.data.get(key) or "unknown")
