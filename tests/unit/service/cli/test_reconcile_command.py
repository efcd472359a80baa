"""`hotline reconcile` against an HTTP service that is a function of the request, and with no service at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.cli import reconcile
from service.cli.client import Client
from service.cli.stage import CEL_FILE
from service.starter import write_starter
from tests.unit.console.fakes import LOOK
from tests.unit.service.cli.test_commands import run
from tests.unit.service.conftest import SAMPLE

CONFIG = ("-c", str(SAMPLE))
NOTHING: dict[str, Any] = {
    **LOOK, "missing": 0, "recovered": 0, "differing": 0, "corrupt_lines": 0, "agree": True, "missing_calls": [],
    "differences": [], "corrupt": [],
}  # fmt: skip
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[httpx.Request]]:
    def answering(answer: Answer) -> list[httpx.Request]:
        asked: list[httpx.Request] = []

        def keep(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return answer(request)

        def client(url: str, token: str, *, timeout_s: float) -> Client:
            return Client(url, token, httpx.MockTransport(keep), timeout_s)

        monkeypatch.setattr(reconcile, "Client", client)
        monkeypatch.setenv("HOTLINE_TOKEN", "t")
        return asked

    return answering


def nobody(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody", request=request)


def test_agreement_is_0_and_drift_is_1(
    capsys: pytest.CaptureFixture[str], service: Callable[[Answer], list[httpx.Request]]
) -> None:
    asked = service(lambda _: httpx.Response(200, json=NOTHING))
    code, out, told = run(capsys, "reconcile", *CONFIG)
    assert (code, asked[0].method, asked[0].url.path, asked[0].url.params["hours"]) == (
        0,
        "POST",
        reconcile.PATH,
        "24.0",
    )
    assert "corrupt lines" in out
    assert told == ""
    service(lambda _: httpx.Response(200, json=LOOK))
    code, out, told = run(capsys, "reconcile", "--hours", "48", *CONFIG)
    assert (code, out.splitlines()[3].split()[-7:]) == (1, ["3", "2", "1", "1", "0", "0", "1"])
    assert "recorded: call 1795302613422-1795302613.7 to 12345, 2026-" in told
    assert "answered by seat 1001" in told
    assert "differing: call c-2, answer_missed: cel 2026-" in told
    assert "records unknown" in told
    assert "corrupt: hotline.csv line 7: not whole; kept aside in cel-refused.txt" in told


def test_json_is_all_of_it(
    capsys: pytest.CaptureFixture[str], service: Callable[[Answer], list[httpx.Request]]
) -> None:
    service(lambda _: httpx.Response(200, json=LOOK))
    code, out, told = run(capsys, "reconcile", "--json", *CONFIG)
    assert (code, json.loads(out), told) == (1, LOOK, "")


def test_what_could_not_be_compared_is_2_and_one_sentence(
    capsys: pytest.CaptureFixture[str], service: Callable[[Answer], list[httpx.Request]]
) -> None:
    service(lambda _: httpx.Response(503, json={"detail": "Asterisk Manager is not connected"}))
    code, out, told = run(capsys, "reconcile", *CONFIG)
    assert (code, out, told) == (2, "", "hotline: Asterisk Manager is not connected\n")


@pytest.mark.parametrize("hours", ["0", "800", "many"])
def test_wrong_hours_are_2(capsys: pytest.CaptureFixture[str], hours: str) -> None:
    assert run(capsys, "reconcile", "--hours", hours, *CONFIG)[0] == 2


def test_without_a_service_and_a_database_it_says_what_to_type(
    capsys: pytest.CaptureFixture[str], service: Callable[[Answer], list[httpx.Request]], tmp_path: Path
) -> None:
    service(nobody)
    file = write_starter(tmp_path, seats=2, cel_file=str(tmp_path / CEL_FILE))
    code, out, told = run(capsys, "reconcile", "-c", str(file))
    assert (code, out) == (2, "")
    assert "there is no database: start it with `hotline serve`" in told
    assert not (tmp_path / "var" / "hotline.db").exists()
