"""Which departments do not answer, and the drill report of emergencies, from records."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from routing.steps import Step, StepKind
from service.handoff_reports import HandoffReports
from service.settings import Settings, load
from storage.records import Records
from tests.contract.storage_stories import FIRST_MS, consulted_call, emergency_call

DAY = date(2023, 11, 15)  # in Shanghai, of the stories


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load(folder / "hotline.toml")


@contextlib.asynccontextmanager
async def reports(settings: Settings, *stories: list[Step]) -> AsyncIterator[HandoffReports]:
    records = await Records.open(settings.database_url(), settings.data_dir, catch_up_s=20.0)
    try:
        for story in stories:
            records.write(*story)
        assert await records.flush(20)
        yield HandoffReports(records, lambda: settings, lambda: {"zjj": "现在的名字"})
    finally:
        await records.close()


def changed(story: list[Step], **data: object) -> list[Step]:
    """The story with other data in its act's beginning."""
    return [replace(s, data={**s.data, **data}) if s.kind is StepKind.ACT_ASKED else s for s in story]


def closed(number: int) -> list[Step]:
    """Asked for out of hours: nothing is dialled."""
    story = [s for s in consulted_call(number) if s.kind not in _LEGS]
    asked = next(s for s in story if s.kind is StepKind.ACT_ASKED)
    seq = story[-1].seq + 1
    data = {"act": 1, "leg": 0, "outcome": "out_of_hours"}
    ended = {"act": 1, "verb": "consult", "outcome": "refused", "reason": "closed"}
    story = [s for s in story if s.kind is not StepKind.ACT_ENDED]
    return [
        *story,
        Step(asked.call_id, seq, asked.at, StepKind.THIRD_ENDED, data),
        Step(asked.call_id, seq + 1, asked.at, StepKind.ACT_ENDED, ended),
    ]


_LEGS = frozenset(kind for kind in StepKind if kind.value.startswith("third_"))


async def test_departments_are_told_by_how_they_answer_the_worst_first(settings: Settings) -> None:
    stories = [
        consulted_call(1), consulted_call(2), consulted_call(3, second="no_answer"), closed(4),
        consulted_call(7, second="not_reached"),
        changed(consulted_call(5), target="gas", name="燃气"),
        changed(consulted_call(6, second="cancelled"), target="gas"),
    ]  # fmt: skip
    async with reports(settings, *stories) as told:
        found = await told.departments(DAY, DAY)
    assert isinstance(found, dict)
    housing, gas = found["departments"]
    assert (housing["id"], housing["name"], gas["id"], gas["name"]) == ("zjj", "现在的名字", "gas", "燃气")
    assert {key: housing[key] for key in ("asked", "judged", "reached", "ratio", "attempts", "busy", "answered")} == {
        "asked": 5, "judged": 4, "reached": 2, "ratio": 0.5, "attempts": 9, "busy": 4, "answered": 2,
    }  # fmt: skip
    assert (housing["no_answer"], housing["not_reached"], housing["out_of_hours"], housing["open"]) == (1, 1, 1, 0)
    assert (housing["p50_s"], housing["p95_s"]) == (4.0, 4.0)
    assert (gas["asked"], gas["judged"], gas["reached"], gas["cancelled"]) == (2, 2, 1, 1)  # a busy number was heard


async def test_an_asking_that_was_only_taken_back_says_nothing_about_the_department(settings: Settings) -> None:
    story = [s for s in consulted_call(1, second="cancelled") if s.data.get("leg") != 1]
    async with reports(settings, story) as told:
        found = await told.departments(DAY, DAY)
    assert isinstance(found, dict)
    (row,) = found["departments"]
    assert (row["asked"], row["judged"], row["ratio"], row["attempts"]) == (1, 0, None, 1)


async def test_days_are_those_of_the_asking_by_local_time(settings: Settings) -> None:
    async with reports(settings, consulted_call(1)) as told:
        for first, last, expected in (
            (DAY, DAY, 1),
            (date(2023, 11, 14), date(2023, 11, 14), 0),
            (date(2023, 11, 16), date(2023, 11, 16), 0),
        ):
            found = await told.departments(first, last)
            assert isinstance(found, dict)
            assert len(found["departments"]) == expected
        assert "lies before" in str(await told.departments(DAY, date(2023, 11, 1)))
        assert "at most 366 days" in str(await told.departments(date(2020, 1, 1), DAY))


async def test_the_last_thirty_days_are_asked_for_by_default(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.clock.wall", lambda: FIRST_MS / 1000 + 29 * 86_400)
    async with reports(settings, consulted_call(1)) as told:
        found = await told.departments(None, None)
        assert isinstance(found, dict)
        assert (found["first"], found["last"]) == (str(DAY), "2023-12-14")
        assert len(found["departments"]) == 1


async def test_the_drill_report_has_each_handoff_in_milliseconds(settings: Settings) -> None:
    async with reports(settings, emergency_call(1), emergency_call(2, "119")) as told:
        found = await told.emergency("2023-11")
    assert isinstance(found, dict)
    act = found["acts"][0]
    assert {key: act[key] for key in ("number", "by", "via", "outcome", "dialled_ms", "first_sound_ms", "answered_ms")} == {
        "number": "110", "by": "a1", "via": "phone", "outcome": "done", "dialled_ms": 50, "first_sound_ms": 3250,
        "answered_ms": 7050,
    }  # fmt: skip
    assert [(r["way"], r["outcome"], r["dialled_ms"]) for r in act["routes"]] == [
        ("110@police", "not_reached", 50),
        ("110@carrier", "answered", 3050),
    ]
    by_number = {row["number"]: row for row in found["numbers"]}
    assert (by_number["110"]["handoffs"], by_number["110"]["several_routes"], by_number["110"]["p95_ms"]) == (
        1,
        1,
        7050,
    )
    assert by_number["110"]["slowest_dial_ms"] == 50


async def test_an_emergency_that_reached_nobody_is_in_the_report(settings: Settings) -> None:
    story = [s for s in emergency_call(1) if s.kind not in _LEGS]
    story = [replace(s, data={**s.data, "outcome": "failed"}) if s.kind is StepKind.ACT_ENDED else s for s in story]
    async with reports(settings, story) as told:
        found = await told.emergency("2023-11")
        other = await told.emergency("2023-12")
    assert isinstance(found, dict)
    (act,) = found["acts"]
    assert (act["outcome"], act["routes"], act["answered_ms"]) == ("failed", [], None)
    (number,) = [row for row in found["numbers"] if row["number"] == "110"]
    assert (number["handoffs"], number["failed"], number["answered"]) == (1, 1, 0)
    assert isinstance(other, dict)
    assert other["acts"] == []
    assert [row["handoffs"] for row in other["numbers"]] == [0]  # the configured number is there all the same


@pytest.mark.parametrize("month", ["2023", "2023-13", "november", "2023-11-01"])
async def test_a_month_that_is_none_is_told(settings: Settings, month: str) -> None:
    async with reports(settings) as told:
        assert "is no month" in str(await told.emergency(month))


async def test_the_legs_of_a_call_are_told_in_milliseconds_since_they_were_asked_for(settings: Settings) -> None:
    story = consulted_call(1)
    async with reports(settings, story) as told:
        busy, second = await told.handoffs(story[0].call_id)
        assert await told.handoffs("nobody") == []
    assert (busy["target"], busy["outcome"], busy["dialled_ms"], busy["ended_ms"]) == ("zjj", "busy", 20, 300)
    assert (second["answered_ms"], second["joined_ms"], second["act_outcome"]) == (4000, 4100, "done")
