"""`hotline workdays …` against an HTTP service that is a function of the request."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from service.cli import workdays
from tests.unit.service.cli.answering import asked_of
from tests.unit.service.cli.test_commands import run

DAYS = [
    {"date": "2026-10-01", "kind": "holiday", "name": "国庆节", "official": True, "plain": False},
    {"date": "2026-10-08", "kind": "workday", "name": "", "official": True, "plain": True},
    {"date": "2026-12-31", "kind": "holiday", "name": "停机日", "official": False, "plain": False},
]
LISTED = {"known_until": "2026-12-31", "days_left": 39, "days": DAYS}
CHANGED = {"changed": DAYS[2:], "unchanged": 6, "dry_run": False, "days_left": 39}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """What the commands asked of the service."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=LISTED if request.method == "GET" else CHANGED)

    return asked_of(monkeypatch, workdays, answer)


def test_the_list_shows_what_is_not_common_and_until_when_it_is_known(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]
) -> None:
    code, out, err = run(capsys, "workdays", "list", "--year", "2026")
    assert (code, asked[0].url.query) == (0, b"year=2026")
    assert all(part in out for part in ("2026-10-01", "Thu", "国庆节", "停机日", "yes"))
    assert "2026-10-08" not in out
    assert "2026-10-08" in run(capsys, "workdays", "list", "--all")[1]
    assert "known until 2026-12-31, 39 days from now" in err
    assert json.loads(run(capsys, "workdays", "list", "--json")[1]) == LISTED


def test_a_span_is_set_in_one_request(capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]) -> None:
    code, _, err = run(capsys, "workdays", "set", "2026-10-06..2026-10-07", "holiday", "--name", "国庆节")
    assert (code, asked[0].url.path) == (0, "/api/v1/workdays")
    assert [day["date"] for day in json.loads(asked[0].content)["days"]] == ["2026-10-06", "2026-10-07"]
    assert "1 days changed, 6 are so already" in err


@pytest.mark.parametrize("dates", ["tomorrow", "2026-10-07..2026-10-01", "2026-01-01..2028-01-01", "2026-02-30"])
def test_dates_that_are_none_are_refused_before_anything_is_asked(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request], dates: str
) -> None:
    code, _, err = run(capsys, "workdays", "set", dates, "holiday")
    assert (code, asked) == (2, [])
    assert dates in err


def test_import_takes_the_decree_or_a_file(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request], tmp_path: Path
) -> None:
    file = tmp_path / "days.csv"
    file.write_bytes(b"date,kind\n2026-12-31,holiday\n")
    assert run(capsys, "workdays", "import", "--over-hand")[0] == 0
    assert run(capsys, "workdays", "import", str(file), "--dry-run")[0] == 0
    assert [request.url.path for request in asked] == ["/api/v1/workdays/official", "/api/v1/workdays/import"]
    assert asked[0].url.query == b"dry_run=false&over_operators=true"
    assert (asked[1].url.query, asked[1].content) == (b"dry_run=true", file.read_bytes())
    assert run(capsys, "workdays", "import", str(tmp_path / "no.csv"))[0] == 2
    assert run(capsys, "workdays", "import", str(file), "--over-hand")[0] == 2
