"""`hotline outbox …` against an HTTP service that is a function of the request."""

from __future__ import annotations

import json

import httpx
import pytest

from service.cli import outbox
from tests.unit.service.cli.answering import asked_of
from tests.unit.service.cli.test_commands import run
from tests.unit.service.conftest import SAMPLE

CONFIG = ("-c", str(SAMPLE))
ENTRY = {
    "id": 7, "event": "ended_c1", "call": "c1", "type": "hotline.call.ended", "made_at": 1795302613.0, "state": "dead",
    "attempts": 3, "next_at": 0.0, "error": "answered 500", "closed_at": None, "by": None, "reason": None,
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=[ENTRY])
        return httpx.Response(200, json={"retried": 4} if request.url.path.endswith("outbox/retry") else ENTRY)

    return asked_of(monkeypatch, outbox, answer)


def test_the_list_shows_what_waits_or_is_dead(capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]) -> None:
    code, out, _ = run(capsys, "outbox", "list", *CONFIG)
    assert (code, asked[0].url.params["state"]) == (0, "pending")
    assert all(part in out for part in ("hotline.call.ended", "answered 500", "at once", "2026-11-22 07:10:13"))
    assert json.loads(run(capsys, "outbox", "list", "--dead", "--json", *CONFIG)[1]) == [ENTRY]
    assert asked[1].url.params["state"] == "dead"


def test_one_is_retried_or_all_and_never_something_in_between(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]
) -> None:
    assert run(capsys, "outbox", "retry", *CONFIG)[0] == 2
    assert run(capsys, "outbox", "retry", "7", "--all", *CONFIG)[0] == 2
    assert "entry 7 is tried again" in run(capsys, "outbox", "retry", "7", *CONFIG)[2]
    assert "4 entries are tried again" in run(capsys, "outbox", "retry", "--all", *CONFIG)[2]
    assert [request.url.path for request in asked] == ["/api/v1/outbox/7/retry", "/api/v1/outbox/retry"]


def test_nothing_is_dropped_without_a_reason(capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]) -> None:
    assert run(capsys, "outbox", "drop", "7", *CONFIG)[0] == 2
    assert asked == []
    code, _, told = run(capsys, "outbox", "drop", "7", "--reason", "it is there", *CONFIG)
    assert (code, json.loads(asked[0].content)) == (0, {"reason": "it is there"})
    assert "hotline.call.ended of call c1" in told
