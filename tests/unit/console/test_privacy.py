"""Who sees how much of a number: every route that gives one, asked by every role with every sight."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from console.access import MANAGERS, OVERSEERS
from console.app import create_app
from console.deps import Reading, Refused, Role, Sight
from console.intake_schemas import IntakeOut
from console.privacy_schemas import CallerOut
from console.retention_schemas import HoldOut
from console.schemas import CallbackOut, RestrictionOut
from console.sight import RANK, blanked, masked
from tests.unit.console.fakes import CALLER, HIDING, KEYS, TALKING, TOLD, WRITTEN, Hotline, bearer

API = "/api/v1"
NUMBER, SHOWN = "13800000001", "138****"
PERSONAL = (RestrictionOut, CallbackOut, CallerOut, IntakeOut, HoldOut)  # what holds a citizen's number or name
RESTRICT = {"number": NUMBER, "kind": "reject", "reason": "abuse", "evidence": "case 7", "until": 5.0}
FORM = {"kind": "投诉", "subject": "路灯", "text": "请回电13800000001"}
WHY = {"reason": "the police asks"}
PERSON = {"number", "caller", "caller_number", "name", "names"}
DIALLED = {  # these hold dialled lines, emergency centres, agents, departments, reasons and days
    "AgentOut", "CallOut", "DayOut", "DepartmentCallsOut", "DepartmentOut", "EmergencyActOut", "EmergencyNumberOut",
    "ForecastOut", "HandoffOut", "LineOut", "ProbeOut", "ReasonOut", "SeatOut", "ShadowLineOut", "WitnessedOut",
}  # fmt: skip

# (method, route as it is written, path that is asked, body, whether it gives the number in clear)
Route = tuple[str, str, str, Any, bool]
ROUTES: tuple[Route, ...] = (
    ("GET", "/restrictions", "/restrictions", None, False),
    ("POST", "/restrictions", "/restrictions", RESTRICT, False),
    ("GET", "/restrictions/{entry}", "/restrictions/7", None, False),
    ("GET", "/restrictions/{entry}", "/restrictions/7?number=true&reason=x", None, True),
    ("GET", "/restrictions/export", "/restrictions/export", None, False),
    ("GET", "/restrictions/export", "/restrictions/export?numbers=true", None, True),
    ("POST", "/restrictions/{entry}/approve", "/restrictions/7/approve", None, False),
    ("POST", "/restrictions/{entry}/end", "/restrictions/7/end", None, False),
    ("GET", "/callbacks", "/callbacks", None, False),
    ("POST", "/callbacks", "/callbacks", {"number": NUMBER, "consent": True}, False),
    ("GET", "/callbacks/{entry}", "/callbacks/17", None, False),
    ("PATCH", "/callbacks/{entry}", "/callbacks/17", {"note": "x"}, False),
    ("GET", "/holds", "/holds", None, False),
    ("POST", "/holds", "/holds", {"call": TALKING, **WHY}, False),
    ("POST", "/holds/{hold}/lift", "/holds/3/lift", WHY, False),
    ("GET", "/calls/{call}/caller", f"/calls/{TALKING}/caller", None, False),
    ("POST", "/calls/{call}/caller", f"/calls/{TALKING}/caller", WHY, True),
    ("GET", "/calls/{call}/intake", f"/calls/{TALKING}/intake", None, False),
    ("POST", "/calls/{call}/intake", f"/calls/{TALKING}/intake", FORM, False),
)


def answers() -> dict[str, Any]:
    """The API as it describes itself."""
    return create_app(Hotline().deps()).openapi()


def routes_with(models: tuple[type[BaseModel], ...]) -> Iterator[tuple[str, str]]:
    for path, methods in answers()["paths"].items():
        for method, route in methods.items():
            good = json.dumps([answer for code, answer in route["responses"].items() if code.startswith("2")])
            if any(f'/{model.__name__}"' in good for model in models):
                yield method.upper(), path.removeprefix(API)


def test_no_route_that_gives_a_number_is_missing_here() -> None:
    exports = {("GET", "/restrictions/export")}  # CSV has no model
    assert set(routes_with(PERSONAL)) | exports == {(method, route) for method, route, *_ in ROUTES}


def test_no_other_answer_has_a_place_for_a_citizens_number() -> None:
    """What ends in `In` is sent to us."""
    known = {model.__name__ for model in PERSONAL} | DIALLED
    for name, schema in answers()["components"]["schemas"].items():
        if not name.endswith("In") and PERSON & schema.get("properties", {}).keys():
            assert name in known, f"{name}: whose number or name is it?"


async def ask(client: httpx.AsyncClient, role: Role, route: Route) -> httpx.Response:
    method, _, path, body, _ = route
    return await client.request(method, API + path, json=body, headers=bearer(role))


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_sees_what_its_sight_allows_and_no_more(
    client: httpx.AsyncClient, hotline: Hotline, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    monkeypatch.setitem(WRITTEN, "text", f"请回电{NUMBER}")
    for route in ROUTES:
        hotline.sights[role] = Sight.HIDDEN
        allowed = (await ask(client, role, route)).status_code != 403
        for sight in Sight:
            hotline.sights[role] = sight
            answer = await ask(client, role, route)
            judge(answer, route, sight, allowed=allowed, what=f"{role} with {sight}: {route[0]} {route[2]}")


def judge(answer: httpx.Response, route: Route, sight: Sight, *, allowed: bool, what: str) -> None:
    clear = RANK.index(sight) >= RANK.index(Sight.CLEAR)
    if not allowed or (route[4] and not clear):
        assert answer.status_code == 403, what
        assert NUMBER not in answer.text, what
        assert SHOWN not in answer.text, what
    elif route[4] or "intake" in route[2]:
        assert answer.is_success, what
        assert (NUMBER in answer.text) == (sight is not Sight.NONE), what
    else:
        assert answer.is_success, what
        assert NUMBER not in answer.text, what
        assert (SHOWN in answer.text) == (sight is not Sight.NONE), what


@pytest.mark.parametrize("sight", [Sight.CLEAR, Sight.HIDDEN])
async def test_whoever_gives_the_number_is_told_who_reads_and_whether_hidden_ones_too(
    client: httpx.AsyncClient, hotline: Hotline, sight: Sight
) -> None:
    hotline.sights[Role.SUPERVISOR] = sight
    me = bearer("supervisor")
    await client.post(f"{API}/calls/{TALKING}/caller", json={"reason": " the police asks "}, headers=me)
    how = Reading("1001", "supervisor", "the police asks", hidden=sight is Sight.HIDDEN)
    assert hotline.caller_data.asked == [("read", TALKING, how)]
    await client.get(f"{API}/restrictions/7?number=true&reason=why", headers=me)
    assert hotline.restrictions.asked == [
        ("shown", 7, Reading("1001", "supervisor", "why", hidden=sight is Sight.HIDDEN))
    ]
    for body in ({}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 121}, {"reason": "x", "more": 1}):
        answer = await client.post(f"{API}/calls/{TALKING}/caller", json=body, headers=me)
        assert answer.status_code == 422


@pytest.mark.parametrize("role", list(Role))
async def test_who_may_hide_show_again_and_look(client: httpx.AsyncClient, hotline: Hotline, role: Role) -> None:
    hide = {"call": TALKING, "reason": "he asked"}
    made = await client.post(f"{API}/hidden", json=hide, headers=bearer(role))
    assert (made.status_code, role is Role.AUDITOR) in ((201, False), (403, True))
    over = await client.post(f"{API}/hidden/3/end", json={"reason": "he asked"}, headers=bearer(role))
    assert over.is_success == (role in MANAGERS)
    assert (await client.get(f"{API}/hidden", headers=bearer(role))).is_success == (role in OVERSEERS)
    assert (await client.get(f"{API}/audit-log", headers=bearer(role))).is_success == (role in OVERSEERS)
    for method, path in (("GET", ""), ("POST", "/take"), ("POST", "/reseal")):
        answer = await client.request(method, f"{API}/number-key{path}", headers=bearer(role))
        assert answer.is_success == (role is Role.ENGINEER)
    assert (await client.get(f"{API}/hidden")).status_code == 401


async def test_requests_go_through_as_they_were_given(client: httpx.AsyncClient, hotline: Hotline) -> None:
    me = bearer("engineer")
    assert (await client.get(f"{API}/hidden?all=true", headers=me)).json() == [HIDING]
    await client.post(f"{API}/hidden", json={"number": NUMBER, "reason": "he asked"}, headers=me)
    await client.post(f"{API}/hidden/3/end", json={"reason": "no more"}, headers=me)
    assert hotline.hidden.asked == [
        ("listed", True),
        ("add", {"call": "", "every_call": False, "number": NUMBER, "reason": "he asked"}, "1001", "engineer"),
        ("end", 3, "no more", "1001", "engineer"),
    ]
    path = f"{API}/audit-log?since=1.5&until=9&act=read&subject_kind=call&subject_id=1-1&before=7&limit=3"
    assert (await client.get(path, headers=me)).json() == [TOLD]
    which = {"limit": 3, "since_ms": 1500, "until_ms": 9000, "act": "read", "actor": "", "subject_kind": "call"}
    assert hotline.caller_data.asked == [("audit", which | {"subject_id": "1-1", "before_id": 7})]
    assert (await client.get(f"{API}/calls/{TALKING}/caller", headers=me)).json() == CALLER
    assert (await client.get(f"{API}/number-key", headers=me)).json() == KEYS
    await client.post(f"{API}/number-key/reseal?after=0:t:1-1", headers=me)
    assert hotline.number_keys.asked == [("reseal", "0:t:1-1", "1001", "engineer")]


async def test_a_number_that_is_refused_is_not_repeated(client: httpx.AsyncClient, hotline: Hotline) -> None:
    hotline.hidden.refusal = Refused(422, "This is no telephone number.")
    wrong: dict[str, Any]
    for wrong in ({"number": NUMBER}, {"number": NUMBER * 9}, {"number": NUMBER, "more": 1}, {"number": [NUMBER]}):
        body = wrong if wrong == {"number": NUMBER} else wrong | {"reason": "x"}
        answer = await client.post(f"{API}/hidden", json=body, headers=bearer("engineer"))
        assert answer.status_code == 422
        assert NUMBER not in answer.text


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
async def test_nothing_changes_or_deletes_an_audit_row(client: httpx.AsyncClient, method: str) -> None:
    for path in ("/audit-log", "/audit-log/9"):
        answer = await client.request(method, API + path, headers=bearer("engineer"))
        assert answer.status_code in (404, 405)


def test_masks() -> None:
    assert masked("+8613800001000") == "138****1000"
    assert masked("+8651980000000") == "519****0000"
    assert masked("110") == "1**"
    assert masked("+861380000", block=True) == "+861380000*"
    told = "请回电 138-0000 1000 或 +8651980000000，门牌 12，2026 年"
    assert blanked(told) == "请回电 **** 或 ****，门牌 12，2026 年"
