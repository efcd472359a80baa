"""The committed dashboard is what the code makes, and it asks only for what exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from config.grafana.dashboard import made
from tests.unit.metrics.promtool import recorded
from tests.unit.metrics.test_rules import series

COMMITTED = (Path(__file__).parents[3] / "config/grafana/hotline.json").read_text("utf-8")
PANELS: list[dict[str, Any]] = json.loads(COMMITTED)["panels"]
DRAWN = [panel for panel in PANELS if panel["type"] != "row"]


def test_committed_dashboard_is_what_the_code_makes() -> None:
    assert made() == COMMITTED, "type: python -m config.grafana"
    assert made() == COMMITTED


def test_every_panel_asks_the_chosen_source_for_series_that_exist() -> None:
    known = series() | set(recorded())
    for panel in DRAWN:
        assert panel["targets"]
        for target in panel["targets"]:
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert set(re.findall(r"\bhotline[_:][a-z0-9_:]+", target["expr"])) <= known


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_title_is_in_both_languages(panel: dict[str, Any]) -> None:
    chinese, apart, english = panel["title"].partition("·")
    assert apart
    assert re.search(r"[\u4e00-\u9fff]|AMI", chinese)
    assert re.search(r"[A-Za-z]", english)
    assert not re.search(r"[\u4e00-\u9fff]", english)


def test_no_two_panels_lie_over_each_other_and_each_has_an_id_of_its_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not taken & cells
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
