"""`hotline emergency report` against an HTTP service that is a function of the request."""

from __future__ import annotations

import copy
import json

import httpx
import pytest

from service.cli import emergency
from tests.unit.console.fakes import EMERGENCY_REPORT
from tests.unit.service.cli.answering import asked_of
from tests.unit.service.cli.test_commands import run
from tests.unit.service.conftest import SAMPLE

CONFIG = ("-c", str(SAMPLE))
REPORT = copy.deepcopy(EMERGENCY_REPORT)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=REPORT)

    return asked_of(monkeypatch, emergency, answer)


def test_each_handoff_is_a_line_with_its_milliseconds_and_routes(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]
) -> None:
    code, out, err = run(capsys, "emergency", "report", "--month", "2026-11", *CONFIG)
    assert (code, dict(asked[0].url.params)) == (0, {"month": "2026-11"})
    assert all(part in out for part in ("2026-11-22 07:10:00.123", "3250", "7050", "slowest dial ms"))
    assert "110@police not_reached; 110@carrier lasting" in out
    assert err.startswith("2026-11: 1 handoffs, 0 failed")


def test_a_month_in_which_one_failed_is_a_no(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REPORT["numbers"][0], "failed", 1)
    code, out, _ = run(capsys, "emergency", "report", "--json", *CONFIG)
    assert (code, json.loads(out)["month"], dict(asked[0].url.params)) == (1, "2026-11", {})
