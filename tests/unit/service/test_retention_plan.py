"""Ages and the nightly hour, by the local clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from service.retention_plan import befores, late_s, next_run
from service.settings import Settings, SettingsProblem
from service.settings_tables import RetentionTable
from storage.forgetting import Kind

ZONE = ZoneInfo("Asia/Shanghai")
Mistakes = Callable[[str], list[SettingsProblem]]


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


def test_nothing_is_over_its_age_unless_the_configuration_says_so() -> None:
    table = RetentionTable()
    assert befores(table, at("2026-11-23T10:00"), ZONE) == {}
    assert not table.forgets


def test_an_age_is_counted_in_whole_local_days_and_calls_go_last() -> None:
    table = RetentionTable(numbers_days=2, calls_days=40)
    found = befores(table, at("2026-11-23T23:59"), ZONE)
    assert found == {Kind.NUMBERS: at("2026-11-21T00:00") * 1000, Kind.CALLS: at("2026-10-14T00:00") * 1000}
    assert list(found) == [Kind.NUMBERS, Kind.CALLS]


@pytest.mark.parametrize(
    ("last", "due"),
    [
        ("2026-11-22T03:30", "2026-11-23T03:30"),
        ("2026-11-22T03:29", "2026-11-22T03:30"),
        ("2026-11-22T10:00", "2026-11-23T03:30"),
    ],
)
def test_the_next_run_is_at_the_first_such_hour_after_the_last_one(last: str, due: str) -> None:
    assert next_run(at(last), "03:30", ZONE) == at(due)


def test_a_run_is_late_from_its_hour_on_and_not_before() -> None:
    last = at("2026-11-22T03:31")
    assert late_s(last, "03:30", ZONE, at("2026-11-23T03:30")) == 0.0
    assert late_s(last, "03:30", ZONE, at("2026-11-23T05:30")) == 7200.0


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ("numbers_days = 1", "retention.numbers_days"),
        ("calls_days = 39", "retention.calls_days"),
        ("calls_days = 40000", "retention.calls_days"),
        ('forget_at = "25:00"', "retention.forget_at"),
        ("calls_days = 200\nnumbers_days = 201", "retention.numbers_days"),
        ("calls_days = 200\nintakes_days = 201", "retention.intakes_days"),
        ("calls_days = 179", "recording.keep_days"),
    ],
)
def test_an_age_that_makes_no_sense_is_a_mistake(sample_text: str, mistakes: Mistakes, keys: str, path: str) -> None:
    assert [problem.path for problem in mistakes(f"{sample_text}\n[retention]\n{keys}\n")] == [path]


def test_ages_that_fit_are_taken(sample_text: str, read: Callable[[str], Settings]) -> None:
    keys = "calls_days = 1825\nnumbers_days = 365\nintakes_days = 365\ncallbacks_days = 90\nagents_days = 730"
    assert read(f"{sample_text}\n[retention]\n{keys}\n").retention.forgets
