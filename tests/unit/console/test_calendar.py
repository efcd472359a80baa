"""`/api/v1/workdays` as a client sees it: who may change the calendar, and how mistakes come back."""

from __future__ import annotations

import httpx
import pytest

from console.deps import Refused, Role
from tests.unit.console.fakes import DAYS, Hotline, bearer

PATH = "/api/v1/workdays"
DAY = {"date": "2026-12-31", "kind": "holiday", "name": "停机日"}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(
    ("path", "body"), [(PATH, {"days": [DAY]}), (f"{PATH}/official", None), (f"{PATH}/import", {})]
)
async def test_supervisors_and_engineers_change_the_calendar_and_everybody_sees_it(
    client: httpx.AsyncClient, hotline: Hotline, role: Role, path: str, body: object
) -> None:
    answer = await client.post(path, json=body, headers=bearer(role))
    may = role in (Role.SUPERVISOR, Role.ENGINEER)
    assert answer.is_success == may
    assert len(hotline.calendar.asked) == may
    assert (await client.get(PATH, headers=bearer(role))).is_success
    assert (await client.get(PATH)).status_code == 401


async def test_days_go_through_as_they_were_given(client: httpx.AsyncClient, hotline: Hotline) -> None:
    me = bearer("supervisor")
    assert (await client.get(f"{PATH}?year=2026", headers=me)).json()["days"] == DAYS["days"]
    await client.post(PATH, json={"days": [DAY]}, headers=me)
    await client.post(f"{PATH}/import?dry_run=true", content=b"date,kind\n", headers=me)
    await client.post(f"{PATH}/official?over_operators=true", headers=me)
    assert hotline.calendar.asked == [
        ("listed", 2026),
        ("set", DAY, "1001"),
        ("csv", b"date,kind\n", "1001", True),
        ("official", "1001", True, False),
    ]


async def test_all_mistakes_come_back_at_once(client: httpx.AsyncClient, hotline: Hotline) -> None:
    errors = [{"row": 2, "column": "date", "why": "no date"}, {"row": 3, "column": "kind", "why": "no kind"}]
    hotline.calendar.refusal = Refused(422, "Nothing is imported.", errors)
    answer = await client.post(f"{PATH}/import", content=b"x", headers=bearer("supervisor"))
    assert (answer.status_code, answer.json()["errors"]) == (422, errors)
    assert (await client.post(PATH, json={"days": []}, headers=bearer("supervisor"))).status_code == 422
