"""Departments and an emergency centre as third parties: each attempt is a row, a figure and a line of a report."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.root import Asterisk
from sandbox.scenario import ANSWERS, BUSY
from service.cli.stage import Stage
from tests.e2e.cast import Cast
from tests.e2e.evidence import several
from tests.e2e.parties import nothing_left
from tests.e2e.staging import asked_every, timing

LIMIT_S = 40.0
FIRST, SECOND = "02088880000", "02088880001"


def directory(text: str) -> str:
    """A department whose first number is busy, and one that is closed whenever the test runs."""
    today = datetime.now().astimezone().date()
    closed = f"{today - timedelta(days=3)}..{today + timedelta(days=3)} off"
    return f"""{text}
[[department]]
id = "zjj"
name = "住建局"
level = 1
numbers = ["{FIRST}@department", "{SECOND}@department"]

[[department]]
id = "museum"
level = 1
hours = "{closed}"
numbers = ["{SECOND}@department"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    edit = several(timing(wrap_up_s=0, answer_notice_after_s=0), directory)
    stage = Stage(folder, asterisk, ports, seats=1, edit=edit)
    async with stage.serving(lambda files: asked_every(files, 0)):  # so that the dead route is tried first
        yield stage


class Desk:
    """Acts on one call over the API, and what is known of it."""

    def __init__(self, stage: Stage, call_id: str) -> None:
        self._stage, self._call_id = stage, call_id

    async def ask(self, act: str, **target: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._stage.settings.cli_token()}"}
        return await self._stage.http.post(f"/api/v1/calls/{self._call_id}/{act}", headers=headers, json=target or None)

    async def legs(self) -> list[dict[str, Any]]:
        found = await self._stage.api(f"/api/v1/calls/{self._call_id}/handoffs")
        assert isinstance(found, list)
        return found

    async def until(self, *wanted: tuple[str, bool]) -> list[dict[str, Any]]:
        """Until the legs of the call end so: (outcome, or "" while it lasts; whether somebody answered)."""

        async def so() -> bool:
            return [(leg["outcome"] or "", leg["answered_ms"] is not None) for leg in await self.legs()] == list(wanted)

        await self._stage.until(so, LIMIT_S, f"legs {wanted}")
        return await self.legs()

    async def until_joined(self) -> None:
        """Who was dialled last is with the caller, and the act is done: a goodbye before that takes it back."""

        async def so() -> bool:
            last = (await self.legs())[-1]
            return last["joined_ms"] is not None and last["act_outcome"] == "done"

        await self._stage.until(so, LIMIT_S, "joined")


@pytest.mark.asyncio(loop_scope="session")
async def test_every_attempt_is_a_row_a_figure_and_a_line_of_a_report(stage: Stage) -> None:
    async with Cast(stage) as cast:
        await cast.department(by_number={FIRST: BUSY, SECOND: ANSWERS})
        await cast.telephone(ANSWERS)  # the carrier's way to 110; nobody plays the centre itself
        _, caller = await cast.busy_seat("1001")
        desk = Desk(stage, (await stage.talk())["id"])

        refused = await desk.ask("consult", department="museum")
        assert (
            refused.status_code,
            re.search(r"is closed now \(.*\); it opens again on", refused.text) is not None,
        ) == (422, True)
        closed = ("out_of_hours", False)
        await desk.until(closed)

        assert (await desk.ask("consult", department="zjj")).status_code == 202
        _, busy, answered = await desk.until(closed, ("busy", False), ("", True))
        assert (busy["way"], answered["way"]) == (f"{FIRST}@department", f"{SECOND}@department")
        assert busy["dialled_ms"] <= busy["ended_ms"] <= answered["dialled_ms"] <= answered["answered_ms"]

        assert (await desk.ask("return")).status_code == 202
        told = [closed, ("busy", False), ("answered", True)]
        await desk.until(*told)
        assert (await desk.ask("emergency", emergency="110")).status_code == 202
        *_, dead, reached = await desk.until(*told, ("not_reached", False), ("", True))
        assert (dead["route"], reached["route"]) == (1, 2)
        await desk.until_joined()
        await caller.hang_up()
    await nothing_left(stage)

    report = await stage.api("/api/v1/reports/departments")
    figures = {row["id"]: row for row in report["departments"]}
    names = ("asked", "judged", "reached", "busy", "answered", "out_of_hours")
    assert [figures["zjj"][name] for name in names] == [1, 1, 1, 1, 1, 0]
    assert [figures["museum"][name] for name in names] == [1, 0, 0, 0, 0, 1]
    (act,) = (await stage.api("/api/v1/reports/emergency"))["acts"]
    assert (act["number"], act["outcome"], len(act["routes"])) == ("110", "done", 2)
    assert 0 <= act["dialled_ms"] <= act["answered_ms"] <= act["joined_ms"]
    for kind, outcome, count in (
        ("department", "busy", 1),
        ("department", "answered", 1),
        ("department", "out_of_hours", 1),
        ("emergency", "not_reached", 1),
        ("emergency", "answered", 1),
    ):
        assert await stage.total("hotline_thirds_total", kind=kind, outcome=outcome) == count
    assert await stage.total("hotline_emergency_handoffs_total", target="110", outcome="done") == 1
    assert await stage.total("hotline_joins_total", verb="consult", outcome="refused") == 1
