"""The HTTP API as a client sees it, without a network."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import httpx
import pytest

from console.deps import Health, Refused, Role
from tests.unit.console.fakes import FORECAST, LOST, OUTLOOK, STAFFING, SUGGESTION, Hotline, bearer

API = "/api/v1"


async def test_status_says_what_is_now_and_today(client: httpx.AsyncClient) -> None:
    body = (await client.get(f"{API}/status", headers=bearer("agent"))).json()
    assert body["now"] == {
        "waiting": 2,
        "longest_wait_s": 7.2,
        "talking": 1,
        "seats": {"signed_out": 1, "talking": 1},
        "set_aside": [],
    }
    assert body["today"]["ratio"] == 0.8
    assert body["today"]["formula"] == "V2-all"
    assert body["health"] == {"ready": True, "serving": True, "degraded": []}
    assert [line["number"] for line in body["lines"]] == ["12345", "12333", "12336"]


async def test_a_merged_number_shows_its_figures_but_no_callers_of_now(client: httpx.AsyncClient) -> None:
    merged = (await client.get(f"{API}/lines", headers=bearer("agent"))).json()[-1]
    assert (merged["number"], merged["waiting"], merged["today"]["offered"]) == ("12336", None, 1)


async def test_without_records_what_is_now_is_still_shown(client: httpx.AsyncClient, hotline: Hotline) -> None:
    hotline.today = OSError("disk")
    body = (await client.get(f"{API}/status", headers=bearer("agent"))).json()
    assert body["today"] is None
    assert body["now"]["waiting"] == 2


async def test_many_readers_cost_one_look_at_the_records(client: httpx.AsyncClient, hotline: Hotline) -> None:
    for _ in range(5):
        await client.get(f"{API}/status", headers=bearer("agent"))
    assert hotline.asked == 1


async def test_calls_show_named_fields_only_and_never_a_caller(client: httpx.AsyncClient, hotline: Hotline) -> None:
    hotline.calls = [{"call_id": "1-1", "number": "12345", "caller": "13800000000", "caller_sealed": "x"}]
    answer = await client.get(f"{API}/calls", headers=bearer("supervisor"))
    assert answer.json()[0]["number"] == "12345"
    assert "13800000000" not in answer.text
    assert "caller" not in answer.text


@pytest.mark.parametrize(("outcome", "answer_s"), [("answered", 3.25), ("talking", 3.25), ("abandoned", None)])
async def test_only_an_answered_call_has_an_answer_time(
    client: httpx.AsyncClient, hotline: Hotline, outcome: str, answer_s: float | None
) -> None:
    hotline.calls = [{"call_id": "1-1", "wait_s": 3.25, "outcome": outcome}]
    answer = await client.get(f"{API}/calls", headers=bearer("supervisor"))
    assert answer.json()[0]["answer_s"] == answer_s


async def test_calls_while_the_database_is_away_are_a_clear_503(client: httpx.AsyncClient, hotline: Hotline) -> None:
    hotline.calls = OSError("connection to /secret/path refused")
    answer = await client.get(f"{API}/calls", headers=bearer("supervisor"))
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", ""])
async def test_a_limit_out_of_bounds_is_a_problem_that_names_the_field(client: httpx.AsyncClient, limit: str) -> None:
    answer = await client.get(f"{API}/calls", params={"limit": limit}, headers=bearer("supervisor"))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["where"] == "query.limit"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic YTpi", "Bearer " + "x" * 5000, "Bearer \xff"])
@pytest.mark.parametrize("path", ["status", "lines", "seats", "calls", "calls/last/why"])
async def test_without_a_known_token_nothing_is_told(client: httpx.AsyncClient, header: str, path: str) -> None:
    answer = await client.get(f"{API}/{path}", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.AGENT, "lines", 200),
        (Role.AGENT, "seats", 403),
        (Role.EXPERT, "calls", 403),
        (Role.AUDITOR, "calls", 200),
        (Role.AGENT, "calls/last/why", 403),
        (Role.AUDITOR, "calls/last/why", 404),  # there is none
        (Role.SUPERVISOR, "seats", 200),
    ],
)
async def test_roles_see_what_is_theirs(client: httpx.AsyncClient, role: Role, path: str, status: int) -> None:
    assert (await client.get(f"{API}/{path}", headers=bearer(role))).status_code == status


async def test_an_agent_acts_for_himself(client: httpx.AsyncClient, hotline: Hotline) -> None:
    own = f"{API}/agents/1001"
    me = bearer("agent")
    assert (await client.post(f"{own}/sign-in", json={"seat": "1002"}, headers=me)).json()["done"] == "sign-in"
    assert (await client.post(f"{own}/pause", json={"reason": "午餐"}, headers=me)).status_code == 200
    assert (await client.post(f"{own}/pause", headers=me)).status_code == 200
    assert (await client.post(f"{own}/ready", headers=me)).status_code == 200
    assert (await client.post(f"{own}/sign-out", headers=me)).status_code == 200
    assert hotline.acts == [
        ("sign-in", "1001", "1002"),
        ("pause", "1001", "午餐"),
        ("pause", "1001", ""),
        ("ready", "1001"),
        ("sign-out", "1001"),
    ]


async def test_an_agent_does_not_act_for_another_but_a_supervisor_may(
    client: httpx.AsyncClient, hotline: Hotline
) -> None:
    assert (await client.post(f"{API}/agents/1002/ready", headers=bearer("agent"))).status_code == 403
    assert hotline.acts == []
    assert (await client.post(f"{API}/agents/1002/ready", headers=bearer("supervisor"))).status_code == 200


async def test_an_auditor_only_reads(client: httpx.AsyncClient, hotline: Hotline) -> None:
    assert (await client.post(f"{API}/agents/1001/ready", headers=bearer("auditor"))).status_code == 403
    assert hotline.acts == []


async def test_a_refused_act_says_why(client: httpx.AsyncClient, hotline: Hotline) -> None:
    hotline.refusal = "Seat 1002 is taken."
    answer = await client.post(f"{API}/agents/1001/sign-in", json={"seat": "1002"}, headers=bearer("agent"))
    assert (answer.status_code, answer.json()["detail"]) == (409, "Seat 1002 is taken.")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("agents/1001/sign-in", {}),
        ("agents/1001/sign-in", {"seat": "a/b"}),
        ("agents/1001/sign-in", {"seat": "1", "more": 1}),
        ("agents/1001/pause", {"reason": "x" * 65}),
        ("agents/1001/pause", {"reason": "a\r\nAction: Originate"}),
        ("agents/..%3B/ready", None),
        ("agents/" + "9" * 65 + "/ready", None),
    ],
)
async def test_bad_input_is_refused_before_anybody_is_asked(
    client: httpx.AsyncClient, hotline: Hotline, path: str, body: object
) -> None:
    answer = await client.post(f"{API}/{path}", json=body, headers=bearer("supervisor"))
    assert answer.status_code == 422
    assert "Originate" not in answer.text
    assert hotline.acts == []


async def test_only_an_engineer_reloads_and_hears_all_mistakes(client: httpx.AsyncClient, hotline: Hotline) -> None:
    assert (await client.post(f"{API}/reload", headers=bearer("supervisor"))).status_code == 403
    assert (await client.post(f"{API}/reload", headers=bearer("engineer"))).json() == {"reloaded": True}
    hotline.errors = ("line 3: timing.ring_s: …", "line 9: seat.id: …")
    answer = await client.post(f"{API}/reload", headers=bearer("engineer"))
    assert answer.status_code == 409
    assert "line 3" in answer.json()["detail"]
    assert "line 9" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("health", "status"),
    [
        (Health(True, True), 200),
        (Health(True, True, ("ami", "database")), 200),
        (Health(False, False), 503),
    ],
)
async def test_readyz_is_200_while_callers_are_served(
    client: httpx.AsyncClient, hotline: Hotline, health: Health, status: int
) -> None:
    hotline.health = health
    answer = await client.get("/readyz")
    assert answer.status_code == status
    assert answer.json()["degraded"] == list(health.degraded)
    assert (await client.get("/healthz")).status_code == 200


async def test_metrics_hands_on_what_the_scraper_accepts(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.text == "# application/openmetrics-text\n"
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_an_unknown_path_and_a_wrong_method_are_problems(client: httpx.AsyncClient) -> None:
    for answer in (await client.get("/nothing"), await client.delete(f"{API}/status")):
        assert answer.status_code in (404, 405)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_bug_is_a_500_that_tells_nothing_about_itself(client: httpx.AsyncClient, hotline: Hotline) -> None:
    hotline.view = None  # type: ignore[assignment]
    answer = await client.get(f"{API}/status", headers=bearer("agent"))
    assert answer.status_code == 500
    assert answer.json()["title"] == "Internal Server Error"
    assert "NoneType" not in answer.text


async def test_a_large_body_is_refused_by_its_announcement_and_by_its_size(client: httpx.AsyncClient) -> None:
    async def endless() -> object:  # no content-length
        for _ in range(64):
            yield b"x" * 1024

    url, me = f"{API}/agents/1001/pause", {**bearer("agent"), "content-type": "application/json"}
    assert (await client.post(url, content=b"x" * 20000, headers=me)).status_code == 413
    late = await client.post(url, content=endless(), headers=me)
    assert late.status_code == 413
    assert late.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/wallboard", "/healthz", "/nothing", "/static/wallboard.js", "/api/docs", f"{API}/status"]
)
async def test_every_answer_has_the_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


STORY = {
    "call": {"call_id": "1-1", "number": "12345", "caller": "13800000000"},
    "line_name": "热线",
    "trunk": "carrier",
    "emergency": False,
    "rings": [{"ring": 1, "after_s": 0.0, "need": "general>=1"}],
    "story": [
        {
            "at": 1.5,
            "kind": "presented",
            "text": "sent to Asterisk: ring seat 1001",
            "candidates": [{"reason": "talking", "text": "talking", "total": 1, "seats": ["1002"]}],
        }
    ],
}


async def test_why_tells_the_story_of_a_call_and_never_a_caller(client: httpx.AsyncClient, hotline: Hotline) -> None:
    hotline.story = STORY
    answer = await client.get(f"{API}/calls/1-1/why", headers=bearer("supervisor"))
    assert answer.json()["story"] == STORY["story"]
    assert "13800000000" not in answer.text


async def test_why_of_a_call_that_is_not_there_is_a_sentence(client: httpx.AsyncClient, hotline: Hotline) -> None:
    answer = await client.get(f"{API}/calls/17/why", headers=bearer("supervisor"))
    assert (answer.status_code, answer.json()["detail"]) == (404, "no call begins so")
    assert (await client.get(f"{API}/calls/1%20OR%201/why", headers=bearer("supervisor"))).status_code == 422


async def test_why_while_the_database_is_away_is_a_clear_503(client: httpx.AsyncClient, hotline: Hotline) -> None:
    hotline.story = OSError("connection to /secret/path refused")
    answer = await client.get(f"{API}/calls/last/why", headers=bearer("supervisor"))
    assert answer.status_code == 503
    assert "secret" not in answer.text


async def test_a_wrap_up_is_extended_by_its_agent_or_a_supervisor(client: httpx.AsyncClient, hotline: Hotline) -> None:
    assert (await client.post(f"{API}/agents/1001/extend-wrap-up", headers=bearer("agent"))).is_success
    assert (await client.post(f"{API}/agents/1002/extend-wrap-up", headers=bearer("agent"))).status_code == 403
    assert hotline.acts == [("extend", "1001")]


async def test_reasons_are_there_for_everybody(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{API}/reasons", headers=bearer("agent"))
    assert answer.json() == [{"code": 1, "name": "小休"}, {"code": 2, "name": "用餐"}]


async def test_seats_set_aside_are_named_for_the_supervisor(client: httpx.AsyncClient, hotline: Hotline) -> None:
    aside = replace(hotline.view.seats[0], state="paused", reason="auto: set aside after two missed calls")
    hotline.view = replace(hotline.view, seats=(aside, hotline.view.seats[1]))
    body = (await client.get(f"{API}/status", headers=bearer("supervisor"))).json()
    assert body["now"]["set_aside"] == ["1001"]


SURGE = {"for_s": 600, "reason": "暴雨"}


async def test_supervisor_declares_a_surge_and_everybody_sees_it(client: httpx.AsyncClient, hotline: Hotline) -> None:
    assert (await client.get(f"{API}/surge", headers=bearer("agent"))).json() is None
    declared = await client.post(f"{API}/surge", headers=bearer("supervisor"), json=SURGE)
    assert declared.json() == {"since": 100.0, "until": 700.0, "reason": "暴雨", "by": "1001"}
    assert (await client.get(f"{API}/surge", headers=bearer("agent"))).json() == declared.json()
    assert (await client.get(f"{API}/status", headers=bearer("agent"))).json()["surge"]["reason"] == "暴雨"
    assert (await client.post(f"{API}/surge/end", headers=bearer("supervisor"))).status_code == 204
    assert hotline.acts == [("surge", "暴雨", "1001"), ("surge over", "1001")]


async def test_suggestion_and_forecast_of_today_are_in_the_picture(client: httpx.AsyncClient, hotline: Hotline) -> None:
    path = f"{API}/surge/suggestion"
    assert (await client.get(path, headers=bearer("agent"))).json() is None
    hotline.forecasts.suggested, hotline.forecasts.today = SUGGESTION, OUTLOOK
    assert (await client.get(path, headers=bearer("agent"))).json() == SUGGESTION
    hotline.view = replace(hotline.view, ami_up=False)
    found = (await client.get(f"{API}/status", headers=bearer("agent"))).json()
    assert (found["suggestion"], found["forecast"]) == (SUGGESTION, OUTLOOK)
    assert hotline.acts == [], "nobody acts but a person"


async def test_citizens_not_served_today_are_in_the_picture(client: httpx.AsyncClient, hotline: Hotline) -> None:
    hotline.lost_today = LOST
    assert (await client.get(f"{API}/status", headers=bearer("agent"))).json()["lost_today"] == LOST


async def test_seats_needed_are_told_alone_and_in_the_picture(client: httpx.AsyncClient, hotline: Hotline) -> None:
    away = await client.get(f"{API}/staffing", headers=bearer("agent"))
    assert (away.status_code, away.headers["Retry-After"]) == (503, "60")
    assert (await client.get(f"{API}/status", headers=bearer("agent"))).json()["staffing"] is None
    hotline.staffing = STAFFING
    hotline.view = replace(hotline.view, ami_up=False)
    found = await client.get(f"{API}/staffing", headers=bearer("agent"))
    assert (found.status_code, found.json()) == (200, STAFFING)
    assert (await client.get(f"{API}/staffing")).status_code == 401


async def test_seats_needed_without_a_forecast_are_a_sentence(client: httpx.AsyncClient, hotline: Hotline) -> None:
    unknown = dict.fromkeys(("expected", "to_come", "must", "best", "reachable"))
    hotline.staffing = {
        **STAFFING, "why_none": "no forecast", "quarters": [], "handling": None, "patience": None, "level": None,
        "today": {**STAFFING["today"], **unknown},
    }  # fmt: skip
    assert (await client.get(f"{API}/staffing", headers=bearer("agent"))).json() == hotline.staffing


async def test_forecast_of_a_day_and_a_line(client: httpx.AsyncClient, hotline: Hotline) -> None:
    found = await client.get(f"{API}/forecast?day=2026-10-01&line=12333", headers=bearer("agent"))
    assert (found.status_code, found.json()) == (200, FORECAST)
    await client.get(f"{API}/forecast", headers=bearer("agent"))
    assert hotline.forecasts.asked == [(date(2026, 10, 1), "12333"), (None, "")]


@pytest.mark.parametrize("wish", ["day=2026-13-01", "day=soon", "line=a", "line=" + "1" * 40])
async def test_forecast_of_what_is_no_day_or_number_is_refused(
    client: httpx.AsyncClient, hotline: Hotline, wish: str
) -> None:
    assert (await client.get(f"{API}/forecast?{wish}", headers=bearer("agent"))).status_code == 422
    assert hotline.forecasts.asked == []


async def test_forecast_that_there_is_not_says_why(client: httpx.AsyncClient, hotline: Hotline) -> None:
    hotline.forecasts.found = "There is no line 1; there are 12345."
    found = await client.get(f"{API}/forecast?line=1", headers=bearer("agent"))
    assert (found.status_code, found.json()["detail"]) == (404, "There is no line 1; there are 12345.")
    hotline.forecasts.found = OSError("away")
    assert (await client.get(f"{API}/forecast", headers=bearer("agent"))).status_code == 503


@pytest.mark.parametrize("role", [Role.AGENT, Role.EXPERT, Role.AUDITOR])
async def test_surge_is_not_for_everybody(client: httpx.AsyncClient, hotline: Hotline, role: Role) -> None:
    for path in ("surge", "surge/end"):
        assert (await client.post(f"{API}/{path}", headers=bearer(role), json=SURGE)).status_code == 403
    assert hotline.acts == []


@pytest.mark.parametrize("wrong", [{"for_s": 59}, {"for_s": 86_401}, {"reason": " "}, {"reason": "a\nb"}, {"more": 1}])
async def test_surge_without_sense_is_refused(
    client: httpx.AsyncClient, hotline: Hotline, wrong: dict[str, object]
) -> None:
    answer = await client.post(f"{API}/surge", headers=bearer("supervisor"), json={**SURGE, **wrong})
    assert (answer.status_code, hotline.acts) == (422, [])


async def test_end_of_no_surge_says_so(client: httpx.AsyncClient, hotline: Hotline) -> None:
    hotline.refusal = "there is no surge"
    answer = await client.post(f"{API}/surge/end", headers=bearer("supervisor"))
    assert (answer.status_code, answer.json()["detail"]) == (409, "there is no surge")


async def test_other_rules_are_tried_by_who_may_reload_the_rules(client: httpx.AsyncClient, hotline: Hotline) -> None:
    auditor, engineer = bearer("auditor"), bearer("engineer")
    assert (await client.get(f"{API}/shadow", headers=auditor)).json() is None
    assert (await client.get(f"{API}/shadow/rules", headers=engineer)).status_code == 409
    asked = f"{API}/shadow?for_s=600&name=other.toml"
    begun = await client.post(asked, headers=engineer, content=b"[timing]")
    assert begun.json()["lines"][0]["results"] == {"same": 2, "seat": 1}
    assert (await client.get(f"{API}/shadow", headers=auditor)).json() == begun.json()
    assert (await client.get(f"{API}/shadow/rules", headers=engineer)).text == "[timing]"
    assert (await client.post(f"{API}/shadow/end", headers=engineer)).status_code == 204
    assert hotline.shadow.asked == [("start", b"[timing]", "other.toml", 600.0, "1001"), ("end", "1001")]


@pytest.mark.parametrize("role", [Role.AGENT, Role.EXPERT, Role.SUPERVISOR, Role.AUDITOR])
async def test_other_rules_are_not_for_everybody(client: httpx.AsyncClient, hotline: Hotline, role: Role) -> None:
    for path in ("shadow?for_s=600", "shadow/end"):
        assert (await client.post(f"{API}/{path}", headers=bearer(role), content=b"[timing]")).status_code == 403
    assert (await client.get(f"{API}/shadow/rules", headers=bearer(role))).status_code == 403
    seen = (await client.get(f"{API}/shadow", headers=bearer(role))).status_code
    assert seen == (200 if role in (Role.SUPERVISOR, Role.AUDITOR) else 403)
    assert hotline.shadow.asked == []


async def test_mistakes_of_other_rules_are_all_told(client: httpx.AsyncClient, hotline: Hotline) -> None:
    hotline.shadow.refusal = Refused(422, "no rules to try", [{"why": "line 3: is wrong"}, {"why": "line 5: too"}])
    answer = await client.post(f"{API}/shadow?for_s=600", headers=bearer("engineer"), content=b"x = 1")
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 2)
    for wrong in ("for_s=59", "for_s=604801", "", "for_s=600&name=a%0Ab"):
        refused = await client.post(f"{API}/shadow?{wrong}", headers=bearer("engineer"), content=b"x = 1")
        assert refused.status_code == 422
    assert (await client.post(f"{API}/shadow?for_s=600", headers=bearer("engineer"))).status_code == 422


async def test_end_of_no_shadow_says_so(client: httpx.AsyncClient, hotline: Hotline) -> None:
    hotline.shadow.refusal = "no shadow runs"
    answer = await client.post(f"{API}/shadow/end", headers=bearer("engineer"))
    assert (answer.status_code, answer.json()["detail"]) == (409, "no shadow runs")
