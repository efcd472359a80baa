"""Figures of a report: each line by its own target, nothing dropped silently, the version of the data."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from metrics.counting import Count
from metrics.measures import HEADLINE
from routing.model import Line, Rules, Timing
from routing.steps import Judgement as J
from service.reports import lost, periods
from service.reports.counted import Counted
from service.reports.figures import Targets, figures, report, targets
from storage.figures import FiguredCall
from storage.lost import LostCall

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 10, tzinfo=SHANGHAI).timestamp()
DAY = periods.day("", SHANGHAI, NOW)
RULES = Rules(
    timing=Timing(),
    lines={"12345": Line("12345", "热线", zone="general"), "12333": Line("12333", "人社", answer_within_s=30.0)},
    agents={},
    seats={},
)


def call(n: int, number: str = "12345", **known: object) -> FiguredCall:
    values = {
        "call_id": f"c{n}", "number": number, "line": number, "trunk": "carrier", "emergency": False,
        "arrived_ms": DAY.since_ms + n * 60_000, "answered_ms": None, "ended_ms": None, "wait_ms": 20_000, "talk_ms": 0,
        "agent_id": None, "requeued": 0, "fallback_stage": None, "judged": "late", "outcome": "answered",
        "ended_by": "caller", "flags": "",
    }  # fmt: skip
    return FiguredCall(**{**values, **known})  # type: ignore[arg-type]


def counted(*calls: FiguredCall) -> Counted:
    found = Counted(DAY)
    for one in calls:
        found.add(one)
    return found


def test_each_line_counts_by_its_own_target_also_in_the_sum() -> None:
    count = Count()
    count.add(J.LATE, 20_000)
    found = figures({"12345": count, "12333": count}, targets(RULES, 15.0))
    assert (found["answered"], found["in_time"], found["ratios"][HEADLINE]) == (2, 1, 0.5)
    assert figures({"12345": count, "12333": count}, targets(RULES, 15.0, within_s=20.0))["in_time"] == 2


def test_a_number_that_no_line_serves_any_more_has_the_usual_target_and_is_reported() -> None:
    found = report(counted(call(1, "96510", wait_ms=15_000)), RULES, targets(RULES, 15.0))
    assert [(one["number"], one["in_time"]) for one in found["numbers"]] == [("12333", 0), ("12345", 0), ("96510", 1)]


def test_a_call_without_a_usable_time_is_named_and_in_no_figure() -> None:
    found = report(counted(call(1), call(2, wait_ms=None), call(3, wait_ms=-5)), RULES, targets(RULES, 15.0))
    assert (found["untimed"], found["total"]["offered"]) == (["c2", "c3"], 1)


def test_what_is_flagged_is_told() -> None:
    found = report(
        counted(
            call(1, flags="crossed,recovered"), call(2, flags="recovered", emergency=True), call(3, requeued=2),
            call(4, judged="flowed_out", fallback_stage="telephone"), call(5, judged="flowed_out", outcome="overflowed"),
        ),
        RULES, targets(RULES, 15.0),
    )  # fmt: skip
    assert found["flags"] == {"crossed": 1, "recovered": 2}
    assert (found["emergency"], found["requeued"]) == (1, 1)
    assert (found["flow_outs"], found["fallback"]) == ({"telephone": 1, "overflowed": 1}, {"telephone": 1})


def test_zones_have_the_lines_that_are_theirs() -> None:
    found = report(counted(call(1), call(2, "12333")), RULES, targets(RULES, 15.0))
    assert [(one["zone"], one["offered"]) for one in found["zones"]] == [("general", 1)]


@pytest.mark.parametrize(
    "change", [{"wait_ms": 20_001}, {"judged": "in_time"}, {"flags": "storm"}, {"agent_id": "1001"}]
)
def test_the_version_of_the_data_is_another_when_anything_of_a_call_is(change: dict[str, object]) -> None:
    same = counted(call(1), call(2)).data
    assert counted(call(1), call(2)).data == same
    assert counted(call(1), call(2, **change)).data != same
    assert counted(call(2), call(1)).data != same


def test_whole_days_alone_have_the_24_hour_connect_rate() -> None:
    part = periods.interval("2026-11-20T08:00", "2026-11-20T10:00", SHANGHAI, NOW)
    assert report(counted(call(1)), RULES, Targets({}, 15_000))["total"]["ratios"]["connect-24h"] == 1.0
    assert report(Counted(part), RULES, Targets({}, 15_000))["total"]["ratios"]["connect-24h"] is None


def test_a_citizen_who_gave_up_twice_is_one_who_was_not_served() -> None:
    twice = [LostCall(f"c{n}", "12345", n, 1000, "abandoned", "him", None, None) for n in range(2)]
    withheld = [LostCall(f"w{n}", "12345", n, 1000, "abandoned", None, None, None) for n in range(2)]
    served = LostCall("s", "12345", 1, 1000, "abandoned", "her", 5000, 9000)
    found = lost.report([*twice, *withheld, served], DAY)
    assert (found["lost"], found["not_served"], found["withheld"], found["called_again"]) == (5, 3, 2, 1)
    assert "citizens not served: 3, 2 of them by a withheld number" in lost.sentence(found)
