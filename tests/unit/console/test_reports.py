"""`/api/v1/reports` as a client sees it."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from console.deps import Role
from tests.unit.console.fakes import DEPARTMENTS_REPORT, EMERGENCY_REPORT, HANDOFF, Hotline, bearer

REPORTS = "/api/v1/reports"
ME = bearer("auditor")


@pytest.mark.parametrize("role", list(Role))
async def test_overseers_see_reports_and_agents_do_not(client: httpx.AsyncClient, role: Role) -> None:
    for path in (f"{REPORTS}/departments", f"{REPORTS}/emergency", "/api/v1/calls/c-1/handoffs"):
        answer = await client.get(path, headers=bearer(role))
        assert answer.is_success == (role not in (Role.AGENT, Role.EXPERT))


async def test_spans_go_through_and_every_figure_comes_back(client: httpx.AsyncClient, hotline: Hotline) -> None:
    found = await client.get(f"{REPORTS}/departments?from=2026-10-24&to=2026-11-22", headers=ME)
    assert found.json() == DEPARTMENTS_REPORT
    assert (await client.get(f"{REPORTS}/emergency?month=2026-11", headers=ME)).json() == EMERGENCY_REPORT
    assert hotline.reports.asked == [
        ("departments", date(2026, 10, 24), date(2026, 11, 22)),
        ("emergency", "2026-11"),
    ]


async def test_what_makes_no_sense_is_422_and_a_database_that_is_away_503(
    client: httpx.AsyncClient, hotline: Hotline
) -> None:
    assert (await client.get(f"{REPORTS}/departments?from=soon", headers=ME)).status_code == 422
    hotline.reports.found = "is no month"
    answer = await client.get(f"{REPORTS}/emergency?month=x", headers=ME)
    assert (answer.status_code, answer.json()["detail"]) == (422, "is no month")
    hotline.reports.found = OSError("away")
    assert (await client.get(f"{REPORTS}/departments", headers=ME)).status_code == 503


async def test_the_legs_of_a_call_are_told(client: httpx.AsyncClient, hotline: Hotline) -> None:
    assert (await client.get("/api/v1/calls/c-1/handoffs", headers=ME)).json() == [HANDOFF]
    assert hotline.reports.asked == [("handoffs", "c-1")]
