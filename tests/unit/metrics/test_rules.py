"""The rules and the manual name only series that exist, and the manual names all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metrics.measures import FORMULAS, HEADLINE
from metrics.registry import Metrics

ROOT = Path(__file__).parents[3]
RULES = (ROOT / "config/prometheus/hotline.rules.yml").read_text("utf-8")
MANUAL = (ROOT / "docs/metrics.md").read_text("utf-8")


def series() -> set[str]:
    """Every family by the name that a query uses, with the histograms' buckets."""
    found = set()
    for family in Metrics().registry.collect():
        ending = {"counter": "_total", "info": "_info"}.get(family.type, "")
        found.add(family.name + ending)
        if family.type == "histogram":
            found.add(family.name + "_bucket")
    return found


def test_rules_use_only_series_that_exist() -> None:
    used = set(re.findall(r"\bhotline_[a-z0-9_]+", re.sub(r"name: hotline_\w+", "", RULES))) - {"hotline_service_level"}
    assert used <= series()


def test_every_recorded_series_that_a_rule_uses_is_recorded() -> None:
    recorded = set(re.findall(r"record: (hotline:[\w:]+)", RULES))
    used = set(re.findall(r"hotline:[a-z_]+:[a-z0-9_]+", re.sub(r"record: \S+", "", RULES)))
    assert used <= recorded


def test_the_recorded_ratio_names_its_formula() -> None:
    assert set(re.findall(r"formula: ([\w-]+)", RULES)) <= set(FORMULAS)
    assert f"formula: {HEADLINE}" in RULES


def test_rules_are_indented_by_spaces_and_every_alert_has_both_languages() -> None:
    assert "\t" not in RULES
    alerts = re.split(r"- alert: ", RULES)[1:]
    assert alerts
    for alert in alerts:
        assert "summary:" in alert
        assert "summary_zh:" in alert
        assert "severity:" in alert


def test_the_manual_lists_every_metric_and_no_other() -> None:
    told = set(re.findall(r"^\| `(hotline_[a-z0-9_]+)", MANUAL, re.MULTILINE))
    assert told == {name for name in series() if not name.endswith("_bucket")}


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_manual_explains_every_formula(formula: str) -> None:
    assert f"| `{formula}` |" in MANUAL
