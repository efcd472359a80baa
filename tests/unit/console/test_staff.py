"""`/api/v1/agents` as a client sees it: who may change whom, and how mistakes come back."""

from __future__ import annotations

import httpx
import pytest

from console.deps import Refused, Role
from tests.unit.console.fakes import AGENT, Hotline, bearer

AGENTS = "/api/v1/agents"
MAY = {Role.SUPERVISOR, Role.ENGINEER}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", AGENTS, {"id": "7001"}),
        ("PATCH", f"{AGENTS}/1001", {"zone": "tax"}),
        ("POST", f"{AGENTS}/from-config", {}),
    ],
)
async def test_supervisors_and_engineers_change_agents_and_nobody_else(
    client: httpx.AsyncClient, hotline: Hotline, role: Role, method: str, path: str, body: object
) -> None:
    answer = await client.request(method, path, json=body, headers=bearer(role))
    assert answer.is_success == (role in MAY)
    assert len(hotline.staff.asked) == (role in MAY)


@pytest.mark.parametrize("role", list(Role))
async def test_agents_do_not_see_the_list(client: httpx.AsyncClient, role: Role) -> None:
    for path in (AGENTS, f"{AGENTS}/export"):
        answer = await client.get(path, headers=bearer(role))
        assert answer.is_success == (role not in (Role.AGENT, Role.EXPERT))
    assert (await client.get(AGENTS, headers=bearer("auditor"))).json() == [AGENT]


async def test_what_a_change_does_not_name_stays(client: httpx.AsyncClient, hotline: Hotline) -> None:
    me = bearer("supervisor")
    await client.patch(f"{AGENTS}/1001", json={"skills": {"tax": 0}, "revision": 3}, headers=me)
    await client.patch(f"{AGENTS}/1001", json={"zone": None, "name": None}, headers=me)
    assert hotline.staff.asked == [
        ("change", "1001", {"skills": {"tax": 0}}, "1001", 3),
        ("change", "1001", {"zone": None}, "1001", None),
    ]


async def test_a_file_goes_through_as_it_is(client: httpx.AsyncClient, hotline: Hotline) -> None:
    data = "id,name\n7001,新\n".encode("gb18030")
    answer = await client.post(f"{AGENTS}/import?dry_run=true", content=data, headers=bearer("supervisor"))
    assert answer.json()["added"] == ["1001"]
    assert hotline.staff.asked == [("csv", data, "1001", True)]
    exported = await client.get(f"{AGENTS}/export?chinese=true", headers=bearer("supervisor"))
    assert (exported.content, exported.headers["content-type"]) == (b"csv zh", "text/csv; charset=utf-8")


async def test_all_mistakes_of_a_file_come_back_at_once(client: httpx.AsyncClient, hotline: Hotline) -> None:
    errors = [{"row": 2, "column": "id", "why": "is not an id"}, {"row": 3, "column": "skills", "why": "no"}]
    hotline.staff.refusal = Refused(422, "Nothing is imported.", errors)
    answer = await client.post(f"{AGENTS}/import", content=b"id\n-\n", headers=bearer("supervisor"))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["detail"], answer.json()["errors"]) == ("Nothing is imported.", errors)


async def test_only_an_import_may_be_large(client: httpx.AsyncClient) -> None:
    me = bearer("supervisor")
    assert (await client.post(f"{AGENTS}/import", content=b"x" * 100_000, headers=me)).is_success
    assert (await client.post(f"{AGENTS}/import", content=b"x" * 3_000_000, headers=me)).status_code == 413
    assert (await client.post(AGENTS, content=b"x" * 100_000, headers=me)).status_code == 413
