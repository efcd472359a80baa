"""`hotline probe` against an HTTP service that is a function of the request."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from service.cli import probe
from tests.unit.service.cli.answering import asked_of
from tests.unit.service.cli.test_commands import run
from tests.unit.service.conftest import SAMPLE

CONFIG = ("-c", str(SAMPLE))
GOOD: dict[str, Any] = {
    "id": "test-1-a", "number": "12345", "by": "cli", "state": "ended", "asked_at": 1795302613.0,
    "ended_at": 1795302620.0, "outcome": "answered", "cause": None, "sip": None, "dial_delay_s": 1.25, "answer_s": 5.5,
    "ring_s": 4.25, "call": "c1", "seat": "1001", "agent": "1001", "answered_by": "engine", "inside_s": 4.1,
    "faults": [],
}  # fmt: skip
BAD = {**GOOD, "outcome": "refused", "cause": 34, "sip": 503, "faults": ["not_reached"], "seat": "", "answer_s": None}


class Service:
    """Answers with these states of one test call, one after the other."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self.states = list(states)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and request.url.path == "/api/v1/probes":
            return httpx.Response(200, json=[GOOD, BAD])
        if request.method == "POST" and json.loads(request.content)["number"] == "12333":
            return httpx.Response(409, json={"detail": "No test call now: 3 callers wait."})
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return httpx.Response(202 if request.method == "POST" else 200, json=state)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "LOOK_S", 0.0)


@pytest.mark.usefixtures("at_once")
def test_good_test_call_shows_its_progress_and_its_times(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rings = {**GOOD, "state": "ringing", "outcome": None}
    asked = asked_of(monkeypatch, probe, Service({**rings, "state": "asked"}, rings, GOOD))
    code, out, told = run(capsys, "probe", "12345", *CONFIG)
    assert code == 0
    assert all(word in out for word in ("answered", "1.25", "5.5", "4.25", "1001"))
    assert told.strip().splitlines() == ["12345: calling", "12345: ringing", "12345: answered"]
    assert json.loads(asked[0].content) == {"number": "12345"}


@pytest.mark.usefixtures("at_once")
def test_fault_ends_with_1_and_says_why(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked_of(monkeypatch, probe, Service(BAD))
    code, out, _ = run(capsys, "probe", "12345", *CONFIG)
    assert (code, "refused (503)" in out, "not reached from outside" in out) == (1, True, True)
    code, out, _ = run(capsys, "probe", "12345", "--json", *CONFIG)
    assert (code, json.loads(out)) == (1, [BAD])


def test_test_call_that_cannot_be_placed_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_of(monkeypatch, probe, Service(GOOD))
    code, _, told = run(capsys, "probe", "12333", *CONFIG)
    assert (code, "3 callers wait" in told) == (1, True)


def test_number_that_is_no_line_is_wrong_use_and_nobody_is_called(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asked_of(monkeypatch, probe, Service(GOOD))
    code, _, told = run(capsys, "probe", "12345", "99999", *CONFIG)
    assert (code, "99999 is no line; lines are 12345" in told, asked) == (2, True, [])


@pytest.mark.usefixtures("at_once")
def test_all_lines_are_called_without_a_number(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.settings import load

    monkeypatch.setattr(Service, "__call__", lambda self, request: httpx.Response(200, json=GOOD))
    asked = asked_of(monkeypatch, probe, Service(GOOD))
    assert run(capsys, "probe", *CONFIG)[0] == 0
    lines = [line.number for line in load(SAMPLE, check_secrets=False).lines]
    assert [json.loads(request.content)["number"] for request in asked if request.method == "POST"] == lines


def test_history_calls_nobody(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_of(monkeypatch, probe, Service(GOOD))
    code, out, _ = run(capsys, "probe", "--history", *CONFIG)
    assert (code, "2026-11-22 07:10:13" in out, "refused (503)" in out) == (0, True, True)
    assert run(capsys, "probe", "12345", "--history", "--limit", "5", *CONFIG)[0] == 0
    assert {request.method for request in asked} == {"GET"}
    assert dict(asked[1].url.params) == {"number": "12345", "limit": "5"}
