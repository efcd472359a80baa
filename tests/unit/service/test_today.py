"""Figures since midnight and calls as people read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from metrics import measures
from routing.steps import Judgement
from service import clock, today
from storage.queries import CallRecord, LineFigures
from tests.unit.routing.floor_plan import rules

SHANGHAI = ZoneInfo("Asia/Shanghai")
CALL = CallRecord(
    call_id="1795302613422-1.7",
    number="12336",
    line="12345",
    trunk="carrier",
    emergency=False,
    caller_ref="a-reference",
    arrived_ms=1_795_302_613_422,
    answered_ms=1_795_302_615_922,
    ended_ms=1_795_302_620_000,
    wait_ms=2_500,
    talk_ms=4_078,
    seat_id="1001",
    agent_id="1001",
    answered_by="engine",
    talking_seat_id=None,
    presented=1,
    requeued=0,
    noticed=False,
    fallback_stage=None,
    judged="in_time",
    outcome="answered",
    ended_by="caller",
    cause=16,
    flags="",
)


class Records:
    """What the records have of today."""

    def __init__(self, *rows: LineFigures) -> None:
        self.rows = list(rows)
        self.since_ms = 0

    async def line_figures(self, since_ms: int) -> list[LineFigures]:
        self.since_ms = since_ms
        return self.rows


def epoch(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("utc", "midnight_utc"),
    [
        ("2026-11-20T15:59:59", "2026-11-19T16:00:00"),
        ("2026-11-20T16:00:00", "2026-11-20T16:00:00"),
        ("2026-11-21T08:00:00", "2026-11-20T16:00:00"),
    ],
)
def test_today_begins_at_midnight_of_the_hotlines_own_time_zone(utc: str, midnight_utc: str) -> None:
    assert today.midnight_ms(SHANGHAI, epoch(utc)) == epoch(midnight_utc) * 1000


def test_day_on_which_clocks_are_set_forward_begins_at_its_own_midnight() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert today.midnight_ms(berlin, epoch("2026-03-29T12:00:00")) == epoch("2026-03-28T23:00:00") * 1000


async def figures(*rows: LineFigures) -> dict[str, Any]:
    records: Any = Records(*rows)
    found = {line.number: line for line in await today.figures(records, rules(), SHANGHAI)}
    assert records.since_ms == today.midnight_ms(SHANGHAI, clock.wall())
    return found


async def test_every_line_is_there_also_without_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "wall", lambda: 1_795_302_613.0)
    found = await figures(LineFigures("12345", 1, 1, 1, judged={"in_time": 1}))
    assert list(found) == ["12345", "12333", "12336"]
    assert (found["12333"].offered, found["12333"].ratio, found["12333"].p50_s) == (0, None, None)


async def test_ratio_is_in_time_of_all_that_count_and_names_its_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "wall", lambda: 1_795_302_613.0)
    judged = dict.fromkeys(Judgement, 1) | {Judgement.IN_TIME: 6}
    row = LineFigures("12345", 13, 7, 6, 1, 1, judged, p50_ms=2_500, p95_ms=14_999, max_ms=15_001)
    line = (await figures(row))["12345"]
    assert line.judged == 6 + len(Judgement) - 1 - 2, "test calls and restricted callers are left out"
    assert line.ratio == 6 / line.judged
    assert line.formula == measures.HEADLINE
    assert (line.p50_s, line.p95_s, line.max_s) == (2.5, 14.999, 15.001)
    assert (line.failed, line.flowed_out, line.restricted) == (1, 1, 1)


def test_call_is_shown_with_names_and_seconds_and_nothing_of_its_caller() -> None:
    shown = today.shown(CALL, rules())
    assert shown["agent"] == "甲"
    assert (shown["arrived_at"], shown["wait_s"], shown["talk_s"]) == (1_795_302_613.422, 2.5, 4.078)
    assert shown["outcome"] == "answered"
    assert "a-reference" not in str(shown)


@pytest.mark.parametrize(("answered_ms", "outcome"), [(None, "waiting"), (1_795_302_615_922, "talking")])
def test_call_that_goes_on_says_where_it_stands(answered_ms: int | None, outcome: str) -> None:
    shown = today.shown(replace(CALL, outcome=None, answered_ms=answered_ms, agent_id="gone", wait_ms=None), rules())
    assert (shown["outcome"], shown["agent"], shown["wait_s"]) == (outcome, "gone", None)
