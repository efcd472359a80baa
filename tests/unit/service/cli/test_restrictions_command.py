"""`hotline restrictions …` against an HTTP service that is a function of the request."""

from __future__ import annotations

import asyncio
import io
import json
import time
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.cli import restrictions
from service.settings import Settings, SettingsError, load
from storage.records import Records
from storage.restrictions import RestrictionRow
from tests.unit.console.fakes import ENTRY
from tests.unit.service.cli.answering import asked_of
from tests.unit.service.cli.test_commands import run
from tests.unit.service.conftest import SAMPLE

NUMBER = "13800001000"
WHY = ("--reason", "abuse", "--evidence", "case 7", "-c", str(SAMPLE))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """What the commands asked of the service; on standard input stands a number."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("export"):
            return httpx.Response(200, content=b"\xef\xbb\xbfid\r\n")
        if request.url.path.endswith("import"):
            return httpx.Response(200, json={"added": 2, "unchanged": 1, "ids": [], "dry_run": True})
        if request.method == "GET" and request.url.path.endswith("restrictions"):
            return httpx.Response(200, json=[ENTRY])
        return httpx.Response(200, json=ENTRY | {"second_approver": "deputy"})

    monkeypatch.setattr("sys.stdin", io.StringIO(f"{NUMBER}\n"))
    return asked_of(monkeypatch, restrictions, answer)


def body(request: httpx.Request) -> dict[str, Any]:
    found = json.loads(request.content)
    assert isinstance(found, dict)
    return found


def test_the_list_shows_masked_numbers_and_uses(capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]) -> None:
    code, out, _ = run(capsys, "restrictions", "list", "-c", str(SAMPLE))
    assert code == 0
    assert all(part in out for part in ("138****0001", "reject", "abuse", "in force", " 3 "))
    assert json.loads(run(capsys, "restrictions", "list", "--all", "--json")[1]) == [ENTRY]
    assert [str(request.url.query, "ascii") for request in asked] == ["all=false", "all=true"]
    code, out, _ = run(capsys, "restrictions", "show", "7", "--number", "-c", str(SAMPLE))
    assert (code, "case 7" in out, asked[2].url.query) == (0, True, b"number=true")


def test_the_number_comes_by_standard_input_and_is_not_echoed(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]
) -> None:
    code, out, err = run(capsys, "restrictions", "add", "reject", "--for", "30d", "--end-call", *WHY)
    sent = body(asked[0])
    assert (code, sent["number"], sent["afterwards"], sent["block"]) == (0, NUMBER, "end", False)
    assert abs(sent["until"] - time.time() - 30 * 86_400) < 60
    assert NUMBER not in out + err


def test_a_call_needs_no_number_and_a_limit_is_in_seconds_or_minutes(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]
) -> None:
    code, _, _ = run(
        capsys, "restrictions", "add", "short_call", "--call", "1795", "--limit", "3m", "--until", "2026-12-31", *WHY
    )
    sent = body(asked[0])
    assert (code, sent["call"], sent["talk_s"], "number" in sent) == (0, "1795", 180.0, False)
    assert sent["until"] == 1798732800.0, "the end of that day in Shanghai"


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "reject", *WHY),
        ("add", "reject", "--for", "1d", "--until", "2026-12-31", *WHY),
        ("add", "reject", "--for", "soon", *WHY),
        ("add", "reject", "--until", "tomorrow", *WHY),
        ("add", "reject", "--for", "1d", "--call", "1", "--block", *WHY),
        ("add", "short_call", "--for", "1d", "--limit", "long", *WHY),
        ("import", "/nowhere.csv", "-c", str(SAMPLE)),
    ],
)
def test_wrong_use_is_one_sentence_and_nothing_is_asked(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request], arguments: tuple[str, ...]
) -> None:
    code, _, err = run(capsys, "restrictions", *arguments)
    assert (code, err.count("\n"), asked) == (2, 1, [])


def test_without_a_number_it_says_how_to_give_one(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, _, err = run(capsys, "restrictions", "add", "reject", "--for", "1d", *WHY)
    assert (code, "--call" in err, asked) == (2, True, [])


def test_approve_end_import_and_export_are_one_request_each(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request], tmp_path: Path
) -> None:
    file = tmp_path / "in.csv"
    file.write_bytes(b"number\n")
    assert "approved by deputy" in run(capsys, "restrictions", "approve", "7")[2]
    run(capsys, "restrictions", "end", "7")
    assert "would be added 2" in run(capsys, "restrictions", "import", str(file), "--dry-run")[1]
    run(capsys, "restrictions", "export", str(tmp_path / "out.csv"), "--numbers")
    assert (tmp_path / "out.csv").read_bytes() == b"\xef\xbb\xbfid\r\n"
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600, "numbers are for nobody else to read"
    base = "/api/v1/restrictions"
    assert [(one.method, one.url.path) for one in asked] == [
        ("POST", f"{base}/7/approve"), ("POST", f"{base}/7/end"), ("POST", f"{base}/import"), ("GET", f"{base}/export"),
    ]  # fmt: skip


def test_check_says_when_somebody_is_rejected_without_a_voice_that_says_the_emergency_numbers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(capsys, "init", "--folder", str(tmp_path))
    config = tmp_path / "hotline.toml"
    settings = load(config)
    row = RestrictionRow("ref", "sealed", False, "reject", "wait", None, "abuse", "case 7", "c", "c", 1, 2**42)

    async def add(*rows: RestrictionRow) -> None:
        records = await Records.open(settings.database_url(), settings.data_dir, catch_up_s=20.0)
        await records.add_restrictions(rows)
        await records.close()

    asyncio.run(add(replace(row, kind="short_call"), replace(row, ended_ms=5)))
    assert "voice_notice" not in run(capsys, "check", "--config", str(config))[1]
    asyncio.run(add(row))
    code, out, _ = run(capsys, "check", "--config", str(config))
    assert (code, "restrictions.voice_notice is missing" in out, "restriction 3" in out) == (0, True, True)


def test_voice_notice_that_asterisk_cannot_play_is_an_error(read: Callable[[str], Settings], folder: Path) -> None:
    def named(name: str) -> str:
        return SAMPLE.read_text() + f'\n[restrictions]\nvoice_notice = "{name}"\n'

    for name, rate in (("good.wav", 8000), ("fast.wav", 16000)):
        with wave.open(str(folder / name), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(rate)
            sound.writeframes(bytes(320))
    (folder / "text.wav").write_text("no sound")
    (folder / "voice.alaw").write_bytes(b"\xd5" * 800)
    (folder / "voice.mp3").write_bytes(b"x")
    for good in ("good.wav", "voice.alaw"):
        assert read(named(good)).rules().restricting.spoken_notice
    for bad, why in (
        ("fast.wav", "16000 Hz"), ("text.wav", "no WAV"), ("voice.mp3", "no sound"), ("none.wav", "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(SettingsError) as caught:
            read(named(bad))
        assert why in str(caught.value.errors[0])
