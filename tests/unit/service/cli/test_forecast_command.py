"""`hotline forecast`: with a service, without one, as a table, as a picture, and when there is nothing to say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from service.cli import forecast as module
from service.cli import surge
from service.cli.client import Client
from service.cli.forecast import bar, rows
from service.forecast_picture import title
from service.settings import Settings, load
from service.starter import write_starter
from tests.arrivals import even_days, keep
from tests.unit.console.fakes import SUGGESTION
from tests.unit.service.cli.test_commands import run

SHANGHAI = ZoneInfo("Asia/Shanghai")
QUARTERS = [
    {"at": f"{n // 4:02}:{n % 4 * 15:02}", "expected": 10.0 + n, "low": n, "high": 20 + n, "arrived": 9 if n < 40 else None}
    for n in range(96)
]  # fmt: skip
MADE = {
    "total": 960.0, "until_now": 400.0, "like": ["2026-11-06", "2026-11-13"], "own_kind": False, "level": 1.2,
    "spread": 0.05,
}  # fmt: skip
FOUND = {
    "day": "2026-11-20", "kind": "Friday", "line": None, "name": "the whole hotline", "forecast": MADE,
    "why_none": None, "arrived": 360, "quarters": QUARTERS,
}  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a hotline whose service does not run."""
    write_starter(tmp_path, seats=2, http_port=1)
    return tmp_path / "hotline.toml"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    return answered(monkeypatch, lambda _: FOUND)


def answered(monkeypatch: pytest.MonkeyPatch, tell: Callable[[str], Any]) -> list[httpx.Request]:
    """A service that is a function of the path."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, content=json.dumps(tell(request.url.path)))

    def client(*_: object) -> Client:
        return Client("http://h", "t", httpx.MockTransport(answer))

    monkeypatch.setattr(module, "Client", client)
    monkeypatch.setattr(surge, "connect", client)
    return requests


def test_the_table_shows_each_quarter_beside_what_it_is_made_of(
    capsys: pytest.CaptureFixture[str], config: Path, asked: list[httpx.Request]
) -> None:
    code, out, err = run(capsys, "forecast", "2026-11-20", "--line", "12345", "--config", str(config))
    assert (code, asked[0].url.query) == (0, b"line=12345&day=2026-11-20")
    row = next(line for line in out.splitlines() if line.strip().startswith("09:45"))
    assert row.split()[:5] == ["09:45", "49.0", "39", "59", "9"]
    assert "960 calls" in err
    assert "2026-11-06, 2026-11-13 (too few days of its own kind), times 1.20 as the last week was" in err
    assert json.loads(run(capsys, "forecast", "--json", "--config", str(config))[1]) == FOUND


def test_bar_is_who_came_and_the_mark_who_was_expected() -> None:
    assert bar(4, 6.0, 1.0) == "████  ┃"
    assert bar(6, 3.0, 1.0) == "███┃██"
    assert bar(None, 2.0, 1.0) == "  ┃"
    assert bar(3, None, 1.0) == "███"
    assert all(len(str(row[module.COLUMNS[-1]])) <= module.WIDTH + 1 for row in rows(FOUND))


def test_without_a_forecast_it_says_why_and_exits_1(
    capsys: pytest.CaptureFixture[str], config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarters = [{**quarter, "expected": None, "low": None, "high": None} for quarter in QUARTERS]
    none = {**FOUND, "forecast": None, "why_none": "no forecast: 2 days are recorded", "quarters": quarters}
    answered(monkeypatch, lambda _: none)
    code, _, err = run(capsys, "forecast", "--config", str(config))
    assert (code, "no forecast: 2 days are recorded" in err) == (1, True)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_picture_is_drawn_the_same_for_the_same_figures(
    capsys: pytest.CaptureFixture[str], config: Path, asked: list[httpx.Request], tmp_path: Path, ending: str
) -> None:
    files = [tmp_path / f"{n}.{ending}" for n in (1, 2)]
    for file in files:
        assert run(capsys, "forecast", "--picture", str(file), "--config", str(config))[0] == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size > 5_000
    assert title(FOUND).isascii()


def test_picture_that_cannot_be_drawn_is_refused_before_anything_is_asked(
    capsys: pytest.CaptureFixture[str], config: Path, asked: list[httpx.Request]
) -> None:
    code, _, err = run(capsys, "forecast", "--picture", "day.txt", "--config", str(config))
    assert (code, asked, "give a name that ends in .svg or .png" in err) == (2, [], True)


def test_what_is_no_day_is_refused(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    code, _, err = run(capsys, "forecast", "tomorrow", "--config", str(config))
    assert (code, "is no day: write it like 2026-10-01" in err) == (2, True)


def test_without_service_and_database_it_says_what_to_start(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    code, _, err = run(capsys, "forecast", "--config", str(config))
    assert (code, "start it with `hotline serve`" in err) == (1, True)
    assert not list(config.parent.rglob("*.db")), "a question makes no database"


async def past(settings: Settings) -> None:
    today = datetime.now(SHANGHAI).date()
    days = today - timedelta(days=40), today - timedelta(days=1)
    await keep(settings.database_url(), even_days("12345", *days, SHANGHAI))


def test_without_a_service_the_database_answers(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    (config.parent / "var").mkdir(exist_ok=True)
    asyncio.run(past(load(config, check_secrets=False)))
    code, out, err = run(capsys, "forecast", "--json", "--config", str(config))
    assert (code, "this is what the database has" in err) == (0, True)
    found = json.loads(out)
    assert found["forecast"]["total"] == pytest.approx(96)
    code, _, err = run(capsys, "forecast", "--line", "999", "--config", str(config))
    assert (code, "There is no line 999" in err) == (1, True)


def test_surge_show_tells_the_suggestion(
    capsys: pytest.CaptureFixture[str], config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(monkeypatch, lambda path: SUGGESTION if path.endswith("suggestion") else None)
    assert run(capsys, "surge", "show", "--config", str(config))[2] == f"no surge; {SUGGESTION['text']}\n"
    assert run(capsys, "surge", "show", "--json", "--config", str(config))[1] == "null\n"
