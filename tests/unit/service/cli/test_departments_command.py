"""`hotline departments …` against an HTTP service that is a function of the request."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from service.cli import app, departments
from tests.unit.console.fakes import DEPARTMENT, DEPARTMENTS_REPORT
from tests.unit.service.cli.answering import asked_of
from tests.unit.service.cli.test_commands import run
from tests.unit.service.conftest import SAMPLE

CONFIG = ("-c", str(SAMPLE))
CLOSED = DEPARTMENT | {"id": "gas", "open": False, "until": None, "problems": ["80003@x names the unknown trunk"]}
COUNTS = {"added": ["zjj"], "changed": [], "unchanged": 2, "dry_run": True}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if "reports" in path:
            return httpx.Response(200, json=DEPARTMENTS_REPORT)
        if path.endswith("export"):
            return httpx.Response(200, content=b"\xef\xbb\xbfid\r\n")
        if request.method == "POST":
            return httpx.Response(200, json=COUNTS)
        return httpx.Response(200, json=[DEPARTMENT, CLOSED] if path.endswith("departments") else CLOSED)

    return asked_of(monkeypatch, departments, answer)


def test_the_list_shows_who_is_open_until_when_and_what_is_wrong(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]
) -> None:
    code, out, err = run(capsys, "departments", "list", "住建", *CONFIG)
    assert (code, asked[0].url.params["q"], asked[0].url.params["all"]) == (0, "住建", "false")
    assert all(part in out for part in ("zjj", " 31 ", "open", "2026-11-22 07:10", "closed", "80001 80002@department"))
    assert err == "gas: 80003@x names the unknown trunk\n"
    assert json.loads(run(capsys, "departments", "list", "--json", *CONFIG)[1])[0] == DEPARTMENT


def test_one_department_is_shown_with_its_problems(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]
) -> None:
    code, out, _ = run(capsys, "departments", "show", "gas", *CONFIG)
    assert (code, asked[0].url.path) == (0, "/api/v1/departments/gas")
    assert "shows caller: no\n" in out
    assert "problem 1:    80003@x names the unknown trunk\n" in out


def test_files_go_in_and_out(capsys: pytest.CaptureFixture[str], asked: list[httpx.Request], tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"id\nzjj\n")
    code, out, _ = run(capsys, "departments", "import", str(tmp_path / "d.csv"), "--dry-run", *CONFIG)
    assert (code, out) == (0, "would be added 1, would be changed 0, same 2\n")
    assert (asked[0].url.query, asked[0].content) == (b"dry_run=true", b"id\nzjj\n")
    assert run(capsys, "departments", "import", "--from-config", "--department", "zjj", *CONFIG)[0] == 0
    assert json.loads(asked[1].content) == {"departments": ["zjj"]}
    assert run(capsys, "departments", "import", *CONFIG)[0] == 2
    run(capsys, "departments", "export", str(tmp_path / "out.csv"), "--chinese", *CONFIG)
    assert (tmp_path / "out.csv").read_bytes() == b"\xef\xbb\xbfid\r\n"
    assert asked[2].url.params["chinese"] == "true"


def run_binary(*arguments: str) -> int:
    """Exit code of `hotline ARGUMENTS`; CSV goes to standard output as bytes."""
    with pytest.raises(SystemExit) as ended:
        app.main(arguments)
    return int(ended.value.code or 0)


def test_who_does_not_answer_is_a_table_or_csv_or_json(
    capsysbinary: pytest.CaptureFixture[bytes], asked: list[httpx.Request]
) -> None:
    for form in ((), ("--json",), ("--csv",)):
        code = run_binary("departments", "calls", "--from", "2026-10-24", "--to", "2026-11-22", *form, *CONFIG)
        out = capsysbinary.readouterr().out
        assert code == 0
        assert (b"75.0 %" in out) is (form != ("--json",))
        assert "市住建局".encode() in out
    assert dict(asked[0].url.params) == {"from": "2026-10-24", "to": "2026-11-22"}
    assert out.startswith(b"\xef\xbb\xbfdepartment,name,asked,reached,ratio,")
    assert run_binary("departments", "calls", *CONFIG) == 0
    assert dict(asked[-1].url.params) == {}
    assert run_binary("departments", "calls", "--from", "tomorrow", *CONFIG) == 2
    assert run_binary("departments", "calls", "--json", "--csv", *CONFIG) == 2
