"""Routes that take files: an empty one is nobody's file, and who may not send one is told that first."""

from __future__ import annotations

import httpx
import pytest

from tests.unit.console.fakes import Hotline, bearer

TAKERS = ("agents", "workdays", "restrictions")


@pytest.mark.parametrize("taker", TAKERS)
async def test_a_request_without_a_file_is_told_so(client: httpx.AsyncClient, hotline: Hotline, taker: str) -> None:
    answer = await client.post(f"/api/v1/{taker}/import", headers=bearer("supervisor"))
    assert (answer.status_code, answer.json()["detail"]) == (422, "The request has no file.")


@pytest.mark.parametrize("taker", TAKERS)
async def test_who_may_not_send_a_file_is_refused_before_it_is_looked_at(client: httpx.AsyncClient, taker: str) -> None:
    assert (await client.post(f"/api/v1/{taker}/import", headers=bearer("agent"))).status_code == 403


@pytest.mark.parametrize("taker", TAKERS)
async def test_the_description_says_that_a_csv_file_is_wanted(client: httpx.AsyncClient, taker: str) -> None:
    described = (await client.get("/api/openapi.json")).json()["paths"][f"/api/v1/{taker}/import"]["post"]
    assert list(described["requestBody"]["content"]) == ["text/csv"]
