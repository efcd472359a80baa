"""A real Prometheus scrapes a real service: every panel, every recorded ratio and every alert is asked of it.

The calls of this morning are three: two are answered in time, one gives up. A hotline with two months behind it, so that
there is a forecast.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Caller, Seats
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.arrivals import even_days, keep
from tests.e2e.evidence import in_state, ready
from tests.e2e.prometheus import Prometheus
from tests.e2e.staging import nothing_left_over, timing
from tests.slots import beside
from tests.unit.metrics.promtool import alerts, recorded

DASHBOARD: Final = json.loads((Path(__file__).parents[2] / "config/grafana/hotline.json").read_text("utf-8"))
DRAWN: Final = sorted({t["expr"].replace("$line", ".*") for p in DASHBOARD["panels"] for t in p.get("targets", [])})
COMPARED: Final = re.compile(r"(?<= )(==|!=|<=|>=|<|>)(?= )")
AGENT: Final = "1001"
SCRAPED_S: Final = 30.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    stage = Stage(folder, asterisk, ports, seats=3, edit=timing(wrap_up_s=0, answer_notice_after_s=0))
    zone, url = stage.settings.zone_info, stage.settings.database_url()
    today = datetime.fromtimestamp(time.time(), zone).date()
    await keep(url, even_days("12345", today - timedelta(days=60), today - timedelta(days=1), zone))
    async with stage.serving(), Seats(stage.pbx, [AGENT], folder / "seats"):
        await ready(stage, AGENT)
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def prometheus(stage: Stage, ports: Ports) -> AsyncIterator[Prometheus]:
    """It has seen the counters at 0, then the calls, and has evaluated all rules since."""
    async with Prometheus(stage.folder / "prometheus", beside(ports, 9).http, ports.http) as prometheus:

        async def seen(expr: str) -> bool:
            return bool(await prometheus.query(expr))

        await stage.until(
            lambda: seen('count_over_time(hotline_calls_offered_total{line="12345"}[1h]) >= 2'), SCRAPED_S
        )
        await three_calls(stage)
        await stage.until(lambda: seen('sum(hotline_calls_judged_total{line="12345"}) == 3'), SCRAPED_S, "all judged")
        await stage.until(lambda: seen("hotline:calls_judged:increase1h > 0"), SCRAPED_S, "rules evaluated")
        yield prometheus


async def three_calls(stage: Stage) -> None:
    """The one agent talks with the first while the second gives up; then the third."""
    folder = stage.folder / "callers"
    async with Caller(stage.pbx, "12345", folder, caller="13800001101") as talking:
        await talking.until_talking()
        async with Caller(stage.pbx, "12345", folder, caller="13800001102", patience_s=1.0) as impatient:
            await impatient.until_ended()
    await in_state(stage, AGENT, "ready")
    async with Caller(stage.pbx, "12345", folder, caller="13800001103", talk_s=0.3) as caller:
        assert (await caller.until_ended()).code == 200
    await nothing_left_over(stage)


async def series(stage: Stage, prometheus: Prometheus, expr: str) -> list[tuple[dict[str, str], float]]:
    """What the expression gives, once that is anything: after a scrape that took too long there is nothing for a second."""
    found = await stage.until(lambda: prometheus.query(expr), SCRAPED_S, expr)
    assert isinstance(found, list)
    return found


async def gives_a_value(stage: Stage, prometheus: Prometheus, expr: str) -> None:
    """At least one series, and one of them a number. What needs a second look or a forecast may take a while."""

    async def number() -> bool:
        return any(not math.isnan(value) for _, value in await prometheus.query(expr))

    await stage.until(number, SCRAPED_S, expr)


@pytest.mark.parametrize("expr", DRAWN)
async def test_panel_gives_a_value(stage: Stage, prometheus: Prometheus, expr: str) -> None:
    await gives_a_value(stage, prometheus, expr)


@pytest.mark.parametrize("name", recorded())
async def test_recorded_series_and_its_expression_give_a_value(stage: Stage, prometheus: Prometheus, name: str) -> None:
    await gives_a_value(stage, prometheus, recorded()[name])
    await gives_a_value(stage, prometheus, name)


@pytest.mark.parametrize("name", alerts())
async def test_alert_can_be_asked_and_whatever_it_compares_gives_a_value(
    stage: Stage, prometheus: Prometheus, name: str
) -> None:
    """With `bool` a comparison says 0 or 1 of each series that it has, instead of leaving out those it is not true of."""
    expr = alerts()[name].expr
    await prometheus.query(expr)
    compared, times = COMPARED.subn(r"\1 bool", expr)
    assert times
    await gives_a_value(stage, prometheus, compared)


async def test_prometheus_evaluates_every_rule_of_the_file_without_an_error(
    stage: Stage, prometheus: Prometheus
) -> None:
    async def all_evaluated() -> bool:
        return all(rule["health"] != "unknown" for rule in await prometheus.rules())

    await stage.until(all_evaluated, SCRAPED_S, "all rules evaluated")
    rules = await prometheus.rules()
    assert {rule["name"] for rule in rules} == set(recorded()) | set(alerts())
    assert [rule for rule in rules if rule["health"] != "ok"] == []


@pytest.mark.parametrize("window", ["5m", "1h", "1d"])
async def test_recorded_ratio_is_that_of_the_calls(stage: Stage, prometheus: Prometheus, window: str) -> None:
    found = await series(stage, prometheus, f"hotline:answered_in_time:ratio{window}")
    assert [labels["line"] for labels, _ in found] == ["12345"], "lines without traffic have no ratio"
    assert found[0][1] == pytest.approx(2 / 3)


async def test_counters_are_what_the_records_say(stage: Stage, prometheus: Prometheus) -> None:
    """Without the past, which no process of today has counted."""
    today = [call for call in await stage.calls() if call.trunk]
    found = await series(stage, prometheus, 'hotline_calls_judged_total{line="12345"} > 0')
    assert {labels["result"]: value for labels, value in found} == {"in_time": 2, "abandoned": 1}
    assert len(today) == 3
