"""Wallboard and API page: who gets in, and that nothing comes from elsewhere."""

from __future__ import annotations

import re

import httpx

from console.access import known
from console.deps import Token
from tests.unit.console.fakes import Hotline, bearer


async def test_the_token_in_the_address_moves_into_a_cookie(client: httpx.AsyncClient) -> None:
    answer = await client.get("/wallboard?token=supervisor-secret")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/wallboard"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    page = await client.get("/wallboard")
    assert page.status_code == 200
    assert "supervisor-secret" not in page.text


async def test_without_a_token_the_wallboard_says_what_to_do(client: httpx.AsyncClient) -> None:
    for path in ("/wallboard", "/wallboard?token=wrong"):
        answer = await client.get(path)
        assert answer.status_code == 401
        assert "token" in answer.text
        assert "set-cookie" not in answer.headers


async def test_the_cookie_opens_nothing_that_acts_or_lists_calls(client: httpx.AsyncClient, hotline: Hotline) -> None:
    await client.get("/wallboard?token=engineer-secret")
    assert (await client.post("/api/v1/agents/1001/ready")).status_code == 401
    assert (await client.get("/api/v1/calls")).status_code == 401
    assert hotline.acts == []


async def test_pages_take_nothing_from_other_hosts_and_no_inline_script(client: httpx.AsyncClient) -> None:
    for path in ("/wallboard", "/api/docs", "/static/wallboard.js", "/static/wallboard.css", "/static/docs.css"):
        answer = await client.get(path, headers=bearer("agent"))
        assert answer.status_code == 200, path
        assert not re.search(r"https?://|//[a-z]+\.", answer.text.replace("// ", "")), path
        assert not re.search(r"<script>|<script [^>]*>[^<]|\son\w+=|style=", answer.text), path


async def test_the_api_page_lists_every_route_and_shape(client: httpx.AsyncClient) -> None:
    page = (await client.get("/api/docs")).text
    described = (await client.get("/api/openapi.json")).json()
    assert {"/api/v1/status", "/api/v1/calls", "/api/v1/agents/{agent}/sign-in"} <= set(described["paths"])
    for path in described["paths"]:
        assert path in page
    for shape in described["components"]["schemas"]:
        assert f'id="{shape}"' in page


def test_a_token_is_found_by_its_hash_in_any_case_of_digits() -> None:
    tokens = {"2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25B": Token("x", "agent")}  # type: ignore[arg-type]
    assert known(tokens, "secret") is not None
    assert known(tokens, "Secret") is None
    assert known(tokens, "") is None
    assert known({}, "secret") is None
