"""`/api/v1/restrictions` as a client sees it: who may restrict whom, and who may see a number."""

from __future__ import annotations

import httpx
import pytest

from console.deps import Reading, Refused, Role
from tests.unit.console.fakes import ENTRY, Hotline, bearer

PATH = "/api/v1/restrictions"
BODY = {"number": "13800000001", "kind": "reject", "reason": "abuse", "evidence": "case 7", "until": 5.0}
MAY = {Role.SUPERVISOR, Role.ENGINEER}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("path", "body"), [(PATH, BODY), (f"{PATH}/7/approve", None), (f"{PATH}/7/end", None)])
async def test_supervisors_and_engineers_restrict_and_nobody_else(
    client: httpx.AsyncClient, hotline: Hotline, role: Role, path: str, body: object
) -> None:
    answer = await client.post(path, json=body, headers=bearer(role))
    assert answer.is_success == (role in MAY)
    assert len(hotline.restrictions.asked) == (role in MAY)
    assert (await client.post(path, json=body)).status_code == 401


@pytest.mark.parametrize("role", list(Role))
async def test_auditors_see_the_list_and_only_who_may_restrict_sees_numbers(
    client: httpx.AsyncClient, hotline: Hotline, role: Role
) -> None:
    for path in (PATH, f"{PATH}/7", f"{PATH}/export"):
        assert (await client.get(path, headers=bearer(role))).is_success == (role not in (Role.AGENT, Role.EXPERT))
    before = len(hotline.restrictions.asked)
    for path in (f"{PATH}/7?number=true", f"{PATH}/export?numbers=true"):
        assert (await client.get(path, headers=bearer(role))).is_success == (role in MAY)
    assert len(hotline.restrictions.asked) - before == 2 * (role in MAY)


async def test_requests_go_through_as_they_were_given(client: httpx.AsyncClient, hotline: Hotline) -> None:
    me = bearer("supervisor")
    assert (await client.get(f"{PATH}?all=true", headers=me)).json() == [ENTRY]
    made = await client.post(PATH, json=BODY | {"block": True}, headers=me)
    assert (made.status_code, made.json()) == (201, ENTRY)
    await client.post(f"{PATH}/import?dry_run=true", content=b"number\n", headers=me)
    await client.get(f"{PATH}/7?number=true", headers=me)
    defaults = {"call": "", "afterwards": "wait", "talk_s": None, "approver": ""}
    assert hotline.restrictions.asked == [
        ("listed", True),
        ("add", BODY | defaults | {"block": True}, "1001"),
        ("take", b"number\n", "1001", True),
        ("shown", 7, Reading("1001", "supervisor", "", hidden=True)),
    ]


async def test_mistakes_come_back_without_what_was_sent(client: httpx.AsyncClient, hotline: Hotline) -> None:
    me = bearer("supervisor")
    hotline.restrictions.refusal = Refused(422, "Nothing is added.", [{"column": "until", "why": "lies ahead"}])
    answer = await client.post(PATH, json=BODY, headers=me)
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"column": "until", "why": "lies ahead"}])
    for wrong in (BODY | {"number": "1" * 65}, BODY | {"more": 1}, {"number": "13800000001"}):
        answer = await client.post(PATH, json=wrong, headers=me)
        assert answer.status_code == 422
        assert "13800000001" not in answer.text
        assert "1" * 65 not in answer.text
    assert (await client.get(f"{PATH}/0", headers=me)).status_code == 422
