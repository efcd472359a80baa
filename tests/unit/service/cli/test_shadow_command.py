"""`hotline shadow …` against an HTTP service that is a function of the request."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.cli import shadow
from service.cli.client import Client
from service.starter import write_starter
from tests.unit.service.cli.test_commands import run
from tests.unit.service.test_replay import lived

RESULTS = {"same": 96, "seat": 1, "earlier": 1, "later": 1, "order": 1, "found": 1, "fallback": 1}


def example(result: str, call_id: str, **more: object) -> dict[str, object]:
    known: dict[str, object] = {
        "line": "12345",
        "at": 1_795_000_000.0,
        "wait_s": 6.0,
        "live": ["1001"],
        "shadow": ["1002"],
    }
    return {**known, "earlier_s": None, "rival": None, "result": result, "call_id": call_id, **more}


SHADOW: dict[str, Any] = {
    "file": "other.toml", "since": 1_795_000_000.0, "until": 1_795_028_800.0, "by": "cli", "running": True,
    "ended": None, "ended_at": None, "share": 0.001, "rebuilt": 0, "not_compared": ["timing.wrap_up_s 10 -> 30"],
    "lines": [{"number": "12345", "name": "热线", "compared": 102, "results": RESULTS}],
    "examples": [
        example("seat", "c-seat"), example("seat", "c-seat-2"), example("seat", "c-seat-3"),
        example("earlier", "c-earlier", earlier_s=4.2), example("later", "c-later", shadow=[]),
        example("later", "c-left", live=[], shadow=[]),
        example("order", "c-order", shadow=[], rival="c-rival"), example("found", "c-found", live=[]),
        example("fallback", "c-fallback", shadow=[]),
    ],
}  # fmt: skip


class Service:
    """Answers with `said`; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.said: object = SHADOW

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if b"nonsense" in request.content:
            return httpx.Response(422, json={"detail": "no rules to try", "errors": [{"why": "line 1: not TOML"}]})
        if request.url.path.endswith("/rules"):
            return httpx.Response(200, content=b"[timing]\nclass_worth_s = 7\n")
        return (
            httpx.Response(204)
            if request.url.path.endswith("/end")
            else httpx.Response(200, text=json.dumps(self.said))
        )


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Service:
    service = Service()
    monkeypatch.setenv("HOTLINE_CONFIG", str(write_starter(tmp_path, seats=2)))
    monkeypatch.setattr(os, "nice", lambda _: 0)  # the tests go on after the command
    monkeypatch.setattr(shadow, "connect", lambda _: Client("http://h", "t", httpx.MockTransport(service)))
    return service


@pytest.mark.parametrize("arguments", [["shadow"], ["shadow", "show"]])
def test_what_differs_is_told_by_line_with_calls_as_examples(
    capsys: pytest.CaptureFixture[str], service: Service, arguments: list[str]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 0
    for words in (
        "other.toml beside the live rules since",
        "94.1",
        "rang 1001, would have rung 1002: hotline why c-seat\n",
        "rang 1001; would have rung 1002 4.2 s before: hotline why c-earlier",
        "rang 1001, would have waited on: hotline why c-later",
        "left to the duty seats, would have waited on: hotline why c-left",
        "rang 1001, which would have rung for c-rival first: hotline why c-order",
        "nobody rang, would have rung 1002: hotline why c-found",
        "rang 1001, would have been left to the duty seats: hotline why c-fallback",
    ):
        assert words in out, out
    assert "c-seat-3" not in out
    assert "timing.wrap_up_s 10 -> 30" in err


def test_as_json_it_is_what_the_service_says(capsys: pytest.CaptureFixture[str], service: Service) -> None:
    assert json.loads(run(capsys, "shadow", "--json")[1]) == {**SHADOW, "estimate": None}
    service.said = None
    assert json.loads(run(capsys, "shadow", "show", "--json")[1]) is None


def test_nothing_yet_is_said_in_words(capsys: pytest.CaptureFixture[str], service: Service) -> None:
    service.said = None
    assert "hotline shadow start FILE begins one" in run(capsys, "shadow")[2]
    service.said = {**SHADOW, "lines": [], "running": False, "ended": "slow"}
    out = run(capsys, "shadow")[1]
    assert "switched off: it cost more than its share" in out
    assert "nothing was decided yet" in out


def test_a_file_is_sent_as_it_is(capsys: pytest.CaptureFixture[str], service: Service, tmp_path: Path) -> None:
    file = tmp_path / "甲 & co.toml"
    file.write_bytes(b"[timing]\n")
    code, _, err = run(capsys, "shadow", "start", str(file), "--for", "90m")
    assert (code, "is tried beside the live rules until" in err) == (0, True)
    (request,) = service.asked
    assert (request.method, request.content) == ("POST", b"[timing]\n")
    assert dict(request.url.params) == {"for_s": "5400.0", "name": "甲 & co.toml"}


def test_mistakes_of_the_file_are_all_said(
    capsys: pytest.CaptureFixture[str], service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text("nonsense")
    code, _, err = run(capsys, "shadow", "start", str(file))
    assert (code, "no rules to try" in err, "line 1: not TOML" in err) == (1, True, True)
    code, _, err = run(capsys, "shadow", "start", str(tmp_path / "none.toml"))
    assert (code, "cannot be read" in err) == (2, True)


def test_the_end_is_said(capsys: pytest.CaptureFixture[str], service: Service) -> None:
    code, _, err = run(capsys, "shadow", "end")
    assert (code, "the shadow is over" in err) == (0, True)
    assert service.asked[0].url.path == "/api/v1/shadow/end"


# -- a day once more --


@pytest.fixture
def recorded(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A day is in the records of the configuration that the commands read; its date."""
    day = asyncio.run(lived(tmp_path / "day"))
    monkeypatch.setenv("HOTLINE_CONFIG", str(day.settings.file))
    return "2026-01-05"


def test_the_day_by_other_rules_stands_beside_what_was_and_says_what_it_is_worth(
    capsys: pytest.CaptureFixture[str], service: Service, recorded: str, tmp_path: Path
) -> None:
    part = tmp_path / "narrow.toml"
    part.write_text('[[line]]\nnumber = "12345"\nrings = [{ after_s = 0, need = "general>=6" }]\n')
    code, out, _ = run(capsys, "shadow", "day", str(part), "--day", recorded)
    assert code == 0
    for words in (
        "once more:",
        "8 people",
        "narrow.toml",
        "An estimate",
        "is off by",
        "smaller differences say nothing",
    ):
        assert words in out, out
    told = json.loads(run(capsys, "shadow", "day", str(part), "--day", recorded, "--json")[1])
    figures = {one["number"]: one for one in told["numbers"]}
    assert figures["12345"]["other"] < figures["12345"]["live"] - 0.1
    assert abs(told["total"]["live"] - told["total"]["actual"]) < 0.02


def test_what_is_tried_is_estimated_too(capsys: pytest.CaptureFixture[str], service: Service, recorded: str) -> None:
    _, out, err = run(capsys, "shadow", "--day", recorded)
    assert "rang 1001, would have rung 1002: hotline why c-seat\n" in out
    assert "once more:" in out, err
    assert "once more:" not in run(capsys, "shadow", "show", "--no-estimate")[1]
    told = json.loads(run(capsys, "shadow", "show", "--day", recorded, "--json")[1])
    assert told["estimate"]["total"]["live"] == told["estimate"]["total"]["other"], "nothing hangs on the class here"


def test_a_day_without_calls_is_said(capsys: pytest.CaptureFixture[str], service: Service, tmp_path: Path) -> None:
    part = tmp_path / "part.toml"
    part.write_text("[timing]\nclass_worth_s = 7\n")
    code, _, err = run(capsys, "shadow", "day", str(part), "--day", "2026-01-05")
    assert (code, "no call of 2026-01-05 is decided and recorded" in err) == (1, True)
    code, _, err = run(capsys, "shadow", "day", str(part), "--day", "yesterday")
    assert (code, "write it like 2026-11-20" in err) == (2, True)
    part.write_text("[timing]\nring_s = 900\n")
    code, _, err = run(capsys, "shadow", "day", str(part), "--day", "2026-01-05")
    assert (code, "timing.ring_s is out of range" in err) == (2, True)
