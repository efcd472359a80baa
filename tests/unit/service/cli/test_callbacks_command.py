"""`hotline callbacks …` against an HTTP service that is a function of the request."""

from __future__ import annotations

import io
import json

import httpx
import pytest

from service.cli import callbacks
from tests.unit.service.cli.answering import asked_of
from tests.unit.service.cli.test_commands import run
from tests.unit.service.conftest import SAMPLE

CONFIG = ("-c", str(SAMPLE))
NUMBER = "13800000077"
ENTRY = {
    "id": 17, "number": "138****0077", "line": "12345", "due_at": 1795302613.0, "overdue": True, "state": "not_reached",
    "attempts": 2, "case": "A1", "note": "", "lost": True, "reason": "",
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("call-out"):
            return httpx.Response(202, json={"id": "out-1-ab", "seat": "1001"})
        if request.method == "PATCH":
            return httpx.Response(200, json=ENTRY | json.loads(request.content))
        return httpx.Response(200, json=[ENTRY] if request.method == "GET" else ENTRY)

    return asked_of(monkeypatch, callbacks, answer)


def test_the_list_shows_whom_to_call_and_what_is_over_due(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]
) -> None:
    code, out, _ = run(capsys, "callbacks", "list", *CONFIG)
    assert (code, asked[0].url.params.get_list("state")) == (0, ["open", "placed", "not_reached"])
    assert all(part in out for part in ("138****0077", "not reached", "yes", "2026-11-22 07:10", "lost call"))
    assert json.loads(run(capsys, "callbacks", "list", "--overdue", "--json", *CONFIG)[1]) == [ENTRY]
    assert asked[1].url.params["overdue"] == "true"


def test_a_number_comes_by_standard_input_and_never_as_an_argument(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{NUMBER}\n"))
    code, *told = run(capsys, "callbacks", "add", "--consent", "--wanted", "2026-12-01 14:00", *CONFIG)
    sent = json.loads(asked[0].content)
    assert (code, sent["number"], sent["wanted_at"]) == (0, NUMBER, 1796104800.0)
    assert NUMBER not in "".join(told)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run(capsys, "callbacks", "add", "--consent", *CONFIG)[0] == 2
    assert run(capsys, "callbacks", "add", "--call", "c-1", *CONFIG)[0] == 2  # nobody has agreed
    assert len(asked) == 1


def test_a_call_is_placed_and_an_entry_closed(capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]) -> None:
    code, _, told = run(capsys, "callbacks", "call", "17", "--agent", "a1", *CONFIG)
    assert (code, asked[0].url.path, json.loads(asked[0].content)) == (
        0,
        "/api/v1/agents/a1/call-out",
        {"callback": 17},
    )
    assert "the phone of seat 1001 rings; the call is out-1-ab" in told
    assert "call-back 17 is given up" in run(capsys, "callbacks", "done", "17", "--given-up", *CONFIG)[2]
    assert json.loads(asked[1].content) == {"state": "given_up"}
