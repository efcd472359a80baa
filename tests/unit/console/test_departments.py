"""`/api/v1/departments` as a client sees it."""

from __future__ import annotations

import httpx
import pytest

from console.deps import Refused, Role
from tests.unit.console.fakes import DEPARTMENT, Hotline, bearer

DEPARTMENTS = "/api/v1/departments"
MAY = {Role.SUPERVISOR, Role.ENGINEER}


@pytest.mark.parametrize("role", list(Role))
async def test_everybody_looks_into_the_directory(client: httpx.AsyncClient, hotline: Hotline, role: Role) -> None:
    me = bearer(role)
    found = (await client.get(f"{DEPARTMENTS}?q=住建&all=true", headers=me)).json()
    assert found == [DEPARTMENT]
    assert (await client.get(f"{DEPARTMENTS}/zjj", headers=me)).json() == DEPARTMENT
    assert (await client.get(f"{DEPARTMENTS}/export?chinese=true", headers=me)).content == b"csv zh"
    assert hotline.directory.asked == [("listed", "住建", True), ("shown", "zjj")]
    assert (await client.get(DEPARTMENTS)).status_code == 401


@pytest.mark.parametrize("role", list(Role))
async def test_supervisors_and_engineers_change_it_and_nobody_else(
    client: httpx.AsyncClient, hotline: Hotline, role: Role
) -> None:
    data = "编号,名称\nzjj,市住建局\n".encode("gb18030")
    me = bearer(role)
    taken = await client.post(f"{DEPARTMENTS}/import?dry_run=true", content=data, headers=me)
    filled = await client.post(f"{DEPARTMENTS}/from-config", json={"departments": ["zjj"]}, headers=me)
    assert taken.is_success == filled.is_success == (role in MAY)
    asked = [("csv", data, "1001", True), ("file", ["zjj"], "1001", False)]
    assert hotline.directory.asked == (asked if role in MAY else [])


async def test_mistakes_and_unknown_ids_come_back_as_problems(client: httpx.AsyncClient, hotline: Hotline) -> None:
    me = bearer("supervisor")
    assert (await client.get(f"{DEPARTMENTS}/a b", headers=me)).status_code == 422
    errors = [{"row": 2, "column": "numbers", "why": "is not permitted"}]
    hotline.directory.refusal = Refused(422, "Nothing is imported.", errors)
    answer = await client.post(f"{DEPARTMENTS}/import", content=b"id\nx\n", headers=me)
    assert (answer.status_code, answer.json()["errors"]) == (422, errors)
    hotline.directory.refusal = Refused(404, "There is no department x.")
    assert (await client.get(f"{DEPARTMENTS}/x", headers=me)).json()["detail"] == "There is no department x."


async def test_a_long_list_fits_into_an_import(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{DEPARTMENTS}/import", content=b"x" * 100_000, headers=bearer("supervisor"))
    assert answer.is_success
