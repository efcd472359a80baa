"""`hotline forget` and `hotline holds` against an HTTP service that is a function of the request."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from service.cli import forget, holds
from tests.unit.console.fakes import AGES, HELD, TALKING
from tests.unit.service.cli.answering import asked_of
from tests.unit.service.cli.test_commands import run
from tests.unit.service.conftest import SAMPLE

NUMBER = "13800001000"
HERE = ("-c", str(SAMPLE))
WHY = ("--reason", "his request")
FORGOTTEN = {
    "calls": 2, "held": 1, "open": 3, "callbacks": 4, "recordings": 5, "restrictions": 6, "restrictions_in_force": 7,
}  # fmt: skip
DUE = [{"kind": "numbers", "before": 1795302613.0, "due": 5, "held": 2}]


@pytest.fixture(autouse=True)
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{NUMBER}\n"))


def answering(monkeypatch: pytest.MonkeyPatch, *bodies: Any) -> list[httpx.Request]:
    """One after the other, the last one again and again."""
    left: Iterator[Any] = iter(bodies)
    return asked_of(monkeypatch, forget, lambda request: httpx.Response(200, json=next(left, bodies[-1])))


def state(doing: str | None, done: dict[str, int], *, failure: str | None = None) -> dict[str, Any]:
    return {**AGES, "running": doing is not None, "doing": doing, "done": done, "failure": failure}


def test_a_citizens_number_comes_by_standard_input_and_is_not_echoed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, FORGOTTEN)
    code, out, err = run(capsys, "forget", "--citizen", *WHY, *HERE)
    assert (code, NUMBER in out + err) == (0, False)
    assert asked[0].url.path == "/api/v1/retention/citizen"
    assert json.loads(asked[0].content) == {"number": NUMBER, "reason": "his request", "dry_run": False}
    assert all(f"{count} {what}" in err for count, what in ((2, "calls"), (4, "call-backs"), (5, "recordings")))
    assert "7 restrictions are in force" in err
    assert "1 calls stay" in err
    assert "3 calls are not over" in err


def test_a_dry_run_says_what_would_be(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, {"call": TALKING, "forgotten_before": False})
    _, _, err = run(capsys, "forget", "--call", TALKING, "--dry-run", *WHY, *HERE)
    assert "would be forgotten" in err
    assert json.loads(asked[0].content) == {"reason": "his request", "dry_run": True}
    asked = answering(monkeypatch, DUE)
    code, out, _ = run(capsys, "forget", "--dry-run", *HERE)
    assert (code, [request.method for request in asked]) == (0, ["GET"])
    assert all(part in out for part in ("numbers", "2026-11-22", "5", "2"))
    answering(monkeypatch, [])
    assert "[retention] names no days" in run(capsys, "forget", "--dry-run", *HERE)[2]


def test_a_run_tells_how_far_it_is_and_what_it_did(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forget, "LOOK_S", 0.0)
    half, done = state("numbers", {"numbers": 1200}), state(None, {"numbers": 2000, "calls": 7})
    asked = answering(monkeypatch, state("numbers", {}), half, half, done)
    code, _, err = run(capsys, "forget", *HERE)
    assert (code, err.count("1,200 rows")) == (0, 1)  # told once, as long as it is the same
    assert "2,000 numbers, 7 calls" in err
    assert [request.method for request in asked] == ["POST", "GET", "GET", "GET"]
    answering(monkeypatch, state(None, {"numbers": 3}, failure="the database does not answer"))
    code, _, err = run(capsys, "forget", *HERE)
    assert (code, "ended early" in err, "the database does not answer" in err) == (1, True, True)


@pytest.mark.parametrize(
    "words",
    [("--citizen", "--call", TALKING, *WHY), ("--citizen",), ("--call", TALKING), ("--call", TALKING, "--reason", " ")],
)
def test_who_forgets_somebody_names_one_and_says_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    asked = answering(monkeypatch, FORGOTTEN)
    assert (run(capsys, "forget", *words, *HERE)[0], asked) == (2, [])


def test_no_number_is_refused_before_anybody_is_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    asked = answering(monkeypatch, FORGOTTEN)
    assert (run(capsys, "forget", "--citizen", *WHY, *HERE)[0], asked) == (2, [])


# -- legal holds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "on"),
    [
        (("--citizen",), {"number": NUMBER}),
        (("--call", TALKING), {"call": TALKING}),
        (("--case", "C-7"), {"case": "C-7"}),
        (("--from", "2026-10-01", "--to", "2026-10-03"), {"from": "2026-10-01", "to": "2026-10-03"}),
    ],
)
def test_a_hold_is_on_one_thing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], on: dict[str, str]
) -> None:
    asked = asked_of(monkeypatch, holds, lambda request: httpx.Response(201, json=HELD))
    code, out, err = run(capsys, "holds", "add", "--reason", "court, file 7", *words, *HERE)
    assert (code, NUMBER in out + err, "hold 3 is on citizen" in err) == (0, False, True)
    assert json.loads(asked[0].content) == {"reason": "court, file 7", **on}


@pytest.mark.parametrize(
    "words", [(), ("--call", TALKING, "--case", "x"), ("--citizen", "--to", "2026-10-01"), ("--from", "yesterday")]
)
def test_a_hold_on_nothing_or_on_two_things_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    asked = asked_of(monkeypatch, holds, lambda request: httpx.Response(201, json=HELD))
    assert (run(capsys, "holds", "add", "--reason", "court", *words, *HERE)[0], asked) == (2, [])


def test_the_list_says_what_is_held_and_who_is_hidden(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = {**HELD, "id": 4, "number": ""}
    rows = [HELD, {**nobody, "hidden": True}, nobody, {**HELD, "kind": "case", "case": "C-7"}]
    asked = asked_of(monkeypatch, holds, lambda request: httpx.Response(200, json=rows))
    code, out, _ = run(capsys, "holds", "list", "--all", *HERE)
    assert (code, asked[0].url.query) == (0, b"all=true")
    assert all(part in out for part in ("citizen 138****0001", "citizen hidden", "citizen forgotten", "C-7", "court"))
    assert json.loads(run(capsys, "holds", "list", "--json", *HERE)[1]) == rows


def test_a_hold_is_lifted_with_a_reason(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_of(monkeypatch, holds, lambda request: httpx.Response(200, json=HELD))
    assert run(capsys, "holds", "lift", "3", *HERE)[0] == 2
    code, _, err = run(capsys, "holds", "lift", "3", "--reason", "judged", *HERE)
    assert (code, "hold 3 is lifted" in err) == (0, True)
    assert (asked[0].url.path, json.loads(asked[0].content)) == ("/api/v1/holds/3/lift", {"reason": "judged"})
