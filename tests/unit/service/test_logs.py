"""A log line is one JSON object on stderr; it never tells a caller's number."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from service import logs


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Logging belongs to the process: put it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    out, err = capsys.readouterr()
    assert out == ""
    return [json.loads(line) for line in err.splitlines()]


def test_line_has_time_level_and_what_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    structlog.get_logger("hotline").info("answered", call_id="1-1", line="12345", name="坐席一")
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "answered", "level": "info", "call_id": "1-1", "line": "12345", "name": "坐席一"}


def test_what_could_tell_who_called_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    structlog.get_logger("hotline").info(
        "offered", call_id="1-1", caller_ref="abc", caller_sealed="v1:abc", caller_number="13800000000"
    )
    (line,) = lines(capsys)
    assert set(line) == {"event", "level", "timestamp", "call_id"}


def test_less_important_lines_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning")
    log = structlog.get_logger("hotline")
    log.info("offered")
    log.warning("stalled")
    assert [line["event"] for line in lines(capsys)] == ["stalled"]


def test_bug_is_one_line_with_its_traceback_and_no_values(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")

    def fails(caller: str) -> None:
        raise RuntimeError("broken")

    try:
        fails("138" + "0" * 8)
    except RuntimeError:
        structlog.get_logger("hotline").exception("engine failed", call_id="1-1")
    (line,) = lines(capsys)
    assert "RuntimeError: broken" in line["exception"]
    assert "13800000000" not in json.dumps(line)
