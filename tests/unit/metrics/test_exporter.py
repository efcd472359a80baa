"""Steps in, series out: judged by the text that a scraper gets."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from metrics.exporter import Exporter
from metrics.registry import FALLBACK_STAGES, Metrics
from routing.model import DeviceState, EngineView, Line, LineView, Mode, SeatView
from routing.steps import Judgement, Outcome, Step, StepKind, Value
from routing.witness import What
from telephony.names import Stage

LINES = {"12345": Line("12345", "热线"), "12336": Line("12336", "举报", Mode.MERGED, into="12345")}
seqs = itertools.count(1)


def step(kind: StepKind, **data: Value) -> Step:
    return Step("1700000000000-1.1", next(seqs), 1700000000.0, kind, data)


def judged(result: Judgement, wait_s: float, number: str = "12345") -> Step:
    return step(StepKind.JUDGED, result=result, wait_s=wait_s, line="12345", number=number)


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    made = Exporter(Metrics(["pbx1"], "0.1.0"), LINES)
    yield made
    made.close()


def samples(exporter: Exporter) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    body, _ = exporter.render("")
    families = text_string_to_metric_families(body.decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(exporter: Exporter, name: str, **labels: str) -> float:
    return samples(exporter)[name, frozenset(labels.items())]


def test_all_lines_and_results_are_there_at_0_from_the_start(exporter: Exporter) -> None:
    for line in LINES:
        assert value(exporter, "hotline_calls_offered_total", line=line) == 0
        assert value(exporter, "hotline_answer_seconds_bucket", line=line, le="15.0") == 0
        assert value(exporter, "hotline_abandon_seconds_bucket", line=line, le="15.0") == 0
        for result in Judgement:
            assert value(exporter, "hotline_calls_judged_total", line=line, result=result) == 0
    for outcome in Outcome:
        assert value(exporter, "hotline_presentations_total", outcome=outcome) == 0
    assert value(exporter, "hotline_ami_connected", pbx="pbx1") == 0
    assert value(exporter, "hotline_build_info", version="0.1.0") == 1


def test_every_difference_between_cel_and_records_is_there_at_0_and_counted_by_kind(exporter: Exporter) -> None:
    kinds = ["call_missed", "call_unplaced", "line_corrupt", *What]
    for kind in kinds:
        assert value(exporter, "hotline_reconcile_drift_total", kind=f"cel_{kind}") == 0
    exporter.cel_drift("call_missed", 3)
    assert value(exporter, "hotline_reconcile_drift_total", kind="cel_call_missed") == 3


def test_an_answered_call_is_counted_with_its_time(exporter: Exporter) -> None:
    exporter.step(step(StepKind.OFFERED, number="12345", line="12345"))
    exporter.step(judged(Judgement.IN_TIME, 15.0))
    exporter.step(judged(Judgement.LATE, 15.001))
    assert value(exporter, "hotline_calls_offered_total", line="12345") == 1
    assert value(exporter, "hotline_calls_judged_total", line="12345", result="in_time") == 1
    assert value(exporter, "hotline_answer_seconds_bucket", line="12345", le="15.0") == 1
    assert value(exporter, "hotline_answer_seconds_count", line="12345") == 2
    assert value(exporter, "hotline_abandon_seconds_count", line="12345") == 0


def test_joined_calls_are_counted_by_act_and_by_whom_they_were_joined_with(exporter: Exporter) -> None:
    exporter.emergencies(["110", "12395"])
    assert value(exporter, "hotline_emergency_handoffs_total", target="12395", outcome="failed") == 0
    asked = {"act": 1, "verb": "emergency", "target_kind": "emergency", "target": "110"}
    exporter.step(step(StepKind.ACT_ASKED, **asked))
    exporter.step(step(StepKind.THIRD_ENDED, act=1, leg=1, outcome="not_reached"))
    exporter.step(step(StepKind.ACT_ENDED, act=1, verb="emergency", outcome="done"))
    exporter.step(step(StepKind.ENDED, outcome="answered", by="caller"))
    exporter.step(step(StepKind.THIRD_ENDED, act=1, leg=2, outcome="answered"))  # released after the caller
    assert value(exporter, "hotline_emergency_handoffs_total", target="110", outcome="done") == 1
    assert value(exporter, "hotline_joins_total", verb="emergency", outcome="done") == 1
    assert value(exporter, "hotline_thirds_total", kind="emergency", outcome="not_reached") == 1
    assert value(exporter, "hotline_thirds_total", kind="emergency", outcome="answered") == 1
    assert value(exporter, "hotline_joins_total", verb="hold", outcome="refused") == 0
    assert value(exporter, "hotline_thirds_total", kind="department", outcome="out_of_hours") == 0


def test_recordings_are_counted_by_what_became_of_them_and_pauses_are_none(exporter: Exporter) -> None:
    assert value(exporter, "hotline_recordings_total", outcome="unwritable") == 0
    for data in ({"what": "paused"}, {"what": "ended", "outcome": "kept"}, {"what": "ended", "outcome": "short"}):
        exporter.step(step(StepKind.RECORDING, **data))
    exporter.step(step(StepKind.RECORDING, what="deleted"))
    assert value(exporter, "hotline_recordings_total", outcome="kept") == 1
    assert value(exporter, "hotline_recordings_total", outcome="short") == 1
    assert value(exporter, "hotline_recordings_deleted_total") == 1


def test_an_act_that_began_before_this_process_is_counted_by_what_its_end_says(exporter: Exporter) -> None:
    known = {"target_kind": "emergency", "target": "119"}
    exporter.step(step(StepKind.ACT_ENDED, act=1, verb="emergency", outcome="done", **known))
    exporter.step(step(StepKind.THIRD_ENDED, act=1, leg=1, outcome="busy"))
    assert value(exporter, "hotline_emergency_handoffs_total", target="119", outcome="done") == 1
    assert value(exporter, "hotline_thirds_total", kind="unknown", outcome="busy") == 1


def test_targets_of_old_acts_are_forgotten(exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metrics.exporter.ACTS_KNOWN", 2)
    for act in (1, 2, 3):
        exporter.step(step(StepKind.ACT_ASKED, act=act, verb="consult", target_kind="department", target="d"))
    for act in (1, 2, 3):
        exporter.step(step(StepKind.THIRD_ENDED, act=act, leg=1, outcome="busy"))
    assert value(exporter, "hotline_thirds_total", kind="unknown", outcome="busy") == 1
    assert value(exporter, "hotline_thirds_total", kind="department", outcome="busy") == 2


def test_a_caller_who_gave_up_is_in_the_other_histogram(exporter: Exporter) -> None:
    exporter.step(judged(Judgement.ABANDONED, 7.0))
    assert value(exporter, "hotline_abandon_seconds_sum", line="12345") == 7.0
    assert value(exporter, "hotline_answer_seconds_count", line="12345") == 0


@pytest.mark.parametrize("result", [Judgement.TEST, Judgement.RESTRICTED, Judgement.FAILED, Judgement.FLOWED_OUT])
def test_other_results_move_no_histogram(exporter: Exporter, result: Judgement) -> None:
    exporter.step(judged(result, 1.0))
    assert value(exporter, "hotline_calls_judged_total", line="12345", result=result) == 1
    assert value(exporter, "hotline_answer_seconds_count", line="12345") == 0
    assert value(exporter, "hotline_abandon_seconds_count", line="12345") == 0


def test_a_merged_number_keeps_its_own_figures(exporter: Exporter) -> None:
    exporter.step(judged(Judgement.IN_TIME, 2.0, number="12336"))
    assert value(exporter, "hotline_calls_judged_total", line="12336", result="in_time") == 1
    assert value(exporter, "hotline_calls_judged_total", line="12345", result="in_time") == 0


def test_each_kind_of_step_moves_its_counter(exporter: Exporter) -> None:
    exporter.step(step(StepKind.PRESENTED, presentation="p1"))
    exporter.step(step(StepKind.PRESENTATION_ENDED, presentation="p1", seat="1001", outcome=Outcome.BUSY))
    exporter.step(step(StepKind.ANSWERED, seat="1001", agent="1001", wait_s=1.0, by="fallback"))
    exporter.step(step(StepKind.NOTICE, wait_s=50.0))
    exporter.step(step(StepKind.REQUEUED, cause="lost_leg"))
    exporter.step(step(StepKind.ENDED, outcome="answered", by="caller", cause=16))
    exporter.step(step(StepKind.RECOVERED, state="talking"))
    exporter.step(step(StepKind.FLAG, flag="clock_step"))
    assert value(exporter, "hotline_presentations_sent_total") == 1
    assert value(exporter, "hotline_presentations_total", outcome="busy") == 1
    assert value(exporter, "hotline_answers_total", by="fallback") == 1
    assert value(exporter, "hotline_notices_total") == 1
    assert value(exporter, "hotline_calls_requeued_total", cause="lost_leg") == 1
    assert value(exporter, "hotline_calls_ended_total", outcome="answered", by="caller") == 1
    assert value(exporter, "hotline_calls_recovered_total", state="talking") == 1
    assert value(exporter, "hotline_call_flags_total", flag="clock_step") == 1


def test_a_seat_that_is_set_aside_is_counted(exporter: Exporter) -> None:
    exporter.step(step(StepKind.SET_ASIDE, seat="1001", agent="1001"))
    assert value(exporter, "hotline_seats_set_aside_total") == 1


def test_steps_without_a_counter_and_with_missing_data_break_nothing(exporter: Exporter) -> None:
    for kind in StepKind:
        exporter.step(step(kind))
    assert value(exporter, "hotline_calls_offered_total", line="unknown") == 1


def test_no_series_carries_an_agent_or_a_caller(exporter: Exporter) -> None:
    exporter.step(step(StepKind.OFFERED, number="12345", line="12345", caller_ref="ref-77", caller_sealed="sealed-77"))
    exporter.step(step(StepKind.ANSWERED, seat="1001", agent="agent-77", wait_s=1.0, by="engine"))
    exporter.view(view(seat("1001", "talking", agent="agent-77")))
    assert b"77" not in exporter.render("")[0]


def test_fallback_calls_are_seen_at_once_and_confirmed_by_asterisks_own_count(exporter: Exporter) -> None:
    exporter.step(step(StepKind.FALLBACK, stage="seats"))
    assert value(exporter, "hotline_fallback_calls_total", stage="seats") == 1
    exporter.fallback_total("seats", 1)
    assert value(exporter, "hotline_fallback_calls_total", stage="seats") == 1
    exporter.fallback_total("seats", 4)  # three while our link was down
    assert value(exporter, "hotline_fallback_calls_total", stage="seats") == 4


def test_event_that_asterisks_own_count_overtook_is_not_counted_again(exporter: Exporter) -> None:
    exporter.fallback_total("seats", 3)
    for _ in range(3):
        exporter.step(step(StepKind.FALLBACK, stage="seats"))
    assert value(exporter, "hotline_fallback_calls_total", stage="seats") == 3
    exporter.step(step(StepKind.FALLBACK, stage="seats"))
    assert value(exporter, "hotline_fallback_calls_total", stage="seats") == 4


def test_event_is_seen_at_once_again_after_others_were_missed(exporter: Exporter) -> None:
    for _ in range(2):
        exporter.fallback_total("seats", 3)
    exporter.step(step(StepKind.FALLBACK, stage="seats"))
    assert value(exporter, "hotline_fallback_calls_total", stage="seats") == 4


def test_events_after_a_restart_of_asterisk_are_not_counted_again_by_its_new_count(exporter: Exporter) -> None:
    exporter.fallback_total("seats", 5)
    exporter.fallback_total("seats", 5)
    for _ in range(2):
        exporter.step(step(StepKind.FALLBACK, stage="seats"))
    exporter.fallback_total("seats", 2)
    assert value(exporter, "hotline_fallback_calls_total", stage="seats") == 7


def test_a_restart_of_asterisk_never_lowers_the_count(exporter: Exporter) -> None:
    exporter.fallback_total("queue", 5)
    exporter.fallback_total("queue", 2)  # counts from 0 again since its start
    assert value(exporter, "hotline_fallback_calls_total", stage="queue") == 7
    exporter.fallback_total("queue", 3)
    assert value(exporter, "hotline_fallback_calls_total", stage="queue") == 8


def test_unknown_numbers_are_followed_the_same_way(exporter: Exporter) -> None:
    exporter.unknown_number_seen()
    exporter.unknown_number_total(2)
    assert value(exporter, "hotline_unknown_number_calls_total") == 2
    with pytest.raises(ValueError, match="negative"):
        exporter.unknown_number_total(-1)


def test_totals_of_the_links_are_repeated_and_never_fall(exporter: Exporter) -> None:
    exporter.ami_counts("pbx1", events=100, dropped=1, reconnects=0, stamps_differ=0)
    exporter.ami_counts("pbx1", events=150, dropped=1, reconnects=2, stamps_differ=1)
    exporter.records(spooled=7, lost=0, aside={"cut": 1})
    exporter.records(spooled=0, lost=3, aside={"cut": 1})
    assert value(exporter, "hotline_ami_events_total", pbx="pbx1") == 150
    assert value(exporter, "hotline_ami_dropped_total", pbx="pbx1") == 1
    assert value(exporter, "hotline_ami_reconnects_total", pbx="pbx1") == 2
    assert value(exporter, "hotline_stamps_differ_total", pbx="pbx1") == 1
    assert value(exporter, "hotline_records_spooled") == 0
    assert value(exporter, "hotline_records_lost_total") == 3
    assert value(exporter, "hotline_records_aside_total", kind="cut") == 1


def seat(seat_id: str, state: str, agent: str | None = None) -> SeatView:
    return SeatView(seat_id, agent, "", state, 1.0, DeviceState.INUSE, None)


def view(*seats: SeatView, lines: tuple[LineView, ...] = ()) -> EngineView:
    return EngineView(lines, seats, ready=True, ami_up=True)


def test_gauges_follow_the_view_down_to_zero(exporter: Exporter) -> None:
    exporter.view(view(seat("1001", "talking"), lines=(LineView("12345", "热线", 3, 8.5, 1),)))
    assert value(exporter, "hotline_calls_waiting", line="12345") == 3
    assert value(exporter, "hotline_longest_wait_seconds", line="12345") == 8.5
    assert value(exporter, "hotline_calls_talking", line="12345") == 1
    assert value(exporter, "hotline_agents", state="talking") == 1
    assert value(exporter, "hotline_seats", device="INUSE") == 1
    exporter.view(view())
    assert value(exporter, "hotline_calls_waiting", line="12345") == 0
    assert value(exporter, "hotline_agents", state="talking") == 0
    assert value(exporter, "hotline_seats", device="INUSE") == 0


def test_health_and_links_say_the_same_as_readyz(exporter: Exporter) -> None:
    exporter.links("pbx1", connected=True)
    exporter.health(serving=True, degraded=("database",))
    assert value(exporter, "hotline_ami_connected", pbx="pbx1") == 1
    assert value(exporter, "hotline_serving") == 1
    assert value(exporter, "hotline_degraded", part="database") == 1
    exporter.health(serving=True, degraded=())
    assert value(exporter, "hotline_degraded", part="database") == 0


def test_a_line_of_a_reload_is_there_at_0(exporter: Exporter) -> None:
    exporter.lines({"12333": Line("12333", "人社", ratio=0.9)})
    assert value(exporter, "hotline_calls_offered_total", line="12333") == 0
    assert value(exporter, "hotline_target_ratio", line="12333") == 0.9


def test_two_services_in_one_process_do_not_share_a_count(exporter: Exporter) -> None:
    other = Exporter(Metrics(["pbx1"]), LINES)
    other.step(judged(Judgement.IN_TIME, 1.0))
    other.close()
    assert value(exporter, "hotline_calls_judged_total", line="12345", result="in_time") == 0


@pytest.mark.parametrize(
    "accept", ["", "*/*", "text/plain;version=nonsense", ";;;,,,", "text/plain;version=1.0.0;escaping=x"]
)
def test_any_accept_header_gets_a_text(exporter: Exporter, accept: str) -> None:
    body, content_type = exporter.render(accept)
    assert b"hotline_calls_offered_total" in body
    assert content_type.startswith("text/plain")


async def test_openmetrics_on_request_off_the_loop(exporter: Exporter) -> None:
    body, content_type = await exporter.exposition("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    assert content_type.startswith("application/openmetrics-text")


def test_words_shared_with_other_packages_agree() -> None:
    assert set(FALLBACK_STAGES) == set(Stage)


def test_of_a_test_call_only_the_judgement_is_counted(exporter: Exporter) -> None:
    before = {key: found for key, found in samples(exporter).items() if not math.isnan(found)}
    story = [
        step(StepKind.OFFERED, number="12345", test=True),
        step(StepKind.PRESENTED, test=True),
        step(StepKind.PRESENTATION_ENDED, outcome="no_answer", test=True),
        step(StepKind.SET_ASIDE, test=True),
        step(StepKind.ANSWERED, by="engine", test=True),
        step(StepKind.JUDGED, result="test", wait_s=3.0, number="12345", test=True),
        step(StepKind.FLAG, flag="noted", test=True),
        step(StepKind.RECOVERED, state="talking", test=True),
        step(StepKind.ENDED, outcome="answered", by="caller", test=True),
        step(StepKind.RECORDING, what="ended", outcome="kept"),  # told by who has looked at the file
    ]
    for one in story:
        exporter.step(one)
    changed = {key for key, found in samples(exporter).items() if key in before and found != before[key]}
    assert changed == {("hotline_calls_judged_total", frozenset({("line", "12345"), ("result", "test")}))}


def test_last_test_call_of_a_number_stays_over_a_reload(exporter: Exporter) -> None:
    assert math.isnan(value(exporter, "hotline_probe_good", number="12345"))
    exporter.probed("12345", "answered")
    exporter.probe("12345", False, 1.25, None, 1795000000.0)
    exporter.lines({"12345": LINES["12345"]})
    assert value(exporter, "hotline_probe_good", number="12345") == 0
    assert value(exporter, "hotline_probe_dial_delay_seconds", number="12345") == 1.25
    assert math.isnan(value(exporter, "hotline_probe_answer_seconds", number="12345"))
    assert value(exporter, "hotline_probe_calls_total", number="12345", outcome="answered") == 1
    exporter.probes_missed({"12345": 90.0})
    exporter.probes_missed({})
    assert value(exporter, "hotline_probe_missed_seconds", number="12345") == 0
