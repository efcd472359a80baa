"""The table [callbacks]: nobody is called unasked by a slip in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from routing.model import PacingRules
from routing.pacing import may_call
from routing.workdays import Workdays
from service.settings import Settings, SettingsProblem, load

Mistakes = Callable[[str], list[SettingsProblem]]
DECIDED = '\n[callbacks]\nlost_calls_decision = "city government, 2026-11-01"\n'


def with_lost_calls(sample: str) -> str:
    return sample.replace('number = "12345"\n', 'number = "12345"\nlost_calls = true\n', 1)


def test_by_default_no_lost_call_is_called_back(sample_text: str, read: Callable[[str], Settings]) -> None:
    found = read(sample_text)
    assert not any(line.lost_calls for line in found.lines)
    assert found.callbacks.lost_calls_decision == ""


def test_lost_calls_need_the_words_of_whoever_decided_so(sample_text: str, mistakes: Mistakes) -> None:
    (problem,) = mistakes(with_lost_calls(sample_text))
    assert problem.path.endswith("lost_calls")
    assert "lost_calls_decision in [callbacks]" in str(problem)
    (blank,) = mistakes(with_lost_calls(sample_text) + DECIDED.replace("city government, 2026-11-01", "  "))
    assert blank.path.endswith("lost_calls")


def test_with_the_decision_lost_calls_of_that_line_are_on(sample_text: str, read: Callable[[str], Settings]) -> None:
    found = read(with_lost_calls(sample_text) + DECIDED)
    assert [line.number for line in found.lines if line.lost_calls] == ["12345"]


def test_decision_for_no_line_warns(folder: Path, sample_text: str) -> None:
    file = folder / "hotline.toml"
    file.write_text(sample_text + DECIDED)
    told = [problem.path for problem in load(file, known_agents={}).warnings]
    assert "callbacks.lost_calls_decision" in told


@pytest.mark.parametrize(
    "row",
    ["tries = 4", "tries = 0", "keep_free = -1", "keep_free_ratio = 1.1", "retry_growth = 0.5", 'hours = "at noon"'],
)
def test_value_out_of_its_bounds_is_a_mistake(sample_text: str, mistakes: Mistakes, row: str) -> None:
    (problem,) = mistakes(f"{sample_text}\n[callbacks]\n{row}\n")
    assert problem.path == f"callbacks.{row.split()[0]}"


def test_rules_of_the_core_are_those_of_the_file_and_its_hours_are_local(
    sample_text: str, read: Callable[[str], Settings]
) -> None:
    usual = read(sample_text).rules().pacing
    assert usual == PacingRules(hours=usual.hours)
    noon, night = 1_795_320_000.0, 1_795_363_200.0  # 12:00 and 24:00 in Shanghai
    assert [may_call(usual, at, Workdays()) for at in (noon, night)] == [True, False]
    rows = "offer = false\nkeep_free = 2\nkeep_free_ratio = 0.5\ntries = 2\nretry_s = 60.0\ndeclined_pause_s = 9.0"
    own = read(f"{sample_text}\n[callbacks]\n{rows}\nretry_growth = 3.0\n").rules().pacing
    assert own == PacingRules(False, usual.hours, 2, 0.5, 2, 60.0, 3.0, 9.0)
