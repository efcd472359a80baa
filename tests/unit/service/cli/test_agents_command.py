"""`hotline agents …` against an HTTP service that is a function of the request."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from service.cli import agents
from tests.unit.service.cli.answering import asked_of
from tests.unit.service.cli.test_commands import run

AGENT = {
    "id": "1001", "name": "坐席一", "skills": {"general": 5, "hrss": 8}, "zone": "hrss", "sign_in": "phone",
    "disabled": False, "revision": 3, "state": "wrap_up", "seat": "1001", "since_s": 4.5, "reason": "",
}  # fmt: skip
MISTAKES = [
    {"row": 2, "column": "id", "why": "is not an id"},
    {"row": None, "column": "", "why": "the file is no CSV"},
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """What the commands asked of the service."""

    def answer(request: httpx.Request) -> httpx.Response:
        if b"nonsense" in request.content:
            return httpx.Response(422, json={"detail": "Nothing is imported.", "errors": MISTAKES})
        if request.url.path.endswith("export"):
            return httpx.Response(200, content=b"\xef\xbb\xbfid\r\n")
        if request.method == "GET":
            return httpx.Response(200, json=[AGENT, AGENT | {"id": "1002", "disabled": True}])
        return httpx.Response(200, json=AGENT | {"added": ["1"], "changed": [], "unchanged": 2, "dry_run": True})

    return asked_of(monkeypatch, agents, answer)


def test_the_list_shows_skills_and_what_everybody_does(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request]
) -> None:
    code, out, _ = run(capsys, "agents", "list")
    assert (code, asked[0].url.path) == (0, "/api/v1/agents")
    assert all(part in out for part in ("general=5 hrss=8", "wrap up", "disabled"))
    assert json.loads(run(capsys, "agents", "list", "--json")[1])[0] == AGENT


@pytest.mark.parametrize(
    ("arguments", "method", "path", "body"),
    [
        ("add 7 --skill tax=3 --sign-in agent", "POST", "", {"id": "7", "skills": {"tax": 3}, "sign_in": "agent"}),
        ("change 7 --zone= --disable", "PATCH", "/7", {"zone": None, "disabled": True}),
        ("skill 7 tax=3 hrss=0", "PATCH", "/7", {"skills": {"tax": 3, "hrss": 0}}),
        ("import --from-config --agent 7", "POST", "/from-config", {"agents": ["7"]}),
        ("login 7 1001", "POST", "/7/sign-in", {"seat": "1001"}),
        ("logout 7", "POST", "/7/sign-out", None),
        ("pause 7 小休", "POST", "/7/pause", {"reason": "小休"}),
        ("ready 7", "POST", "/7/ready", None),
    ],
)
def test_each_command_is_one_request(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request], arguments: str, method: str, path: str, body: object
) -> None:
    code, _, _ = run(capsys, "agents", *arguments.split())
    (request,) = asked
    assert (code, request.method, request.url.path) == (0, method, f"/api/v1/agents{path}")
    assert (json.loads(request.content) if request.content else None) == body


def test_every_mistake_of_a_file_is_a_line(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request], tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(b"nonsense")
    code, out, err = run(capsys, "agents", "import", str(tmp_path / "a.csv"))
    assert (code, out) == (1, "")
    assert err == "hotline: Nothing is imported.\n  row 2 id: is not an id\n  the file is no CSV\n"


def test_a_dry_run_says_would(capsys: pytest.CaptureFixture[str], asked: list[httpx.Request], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id\n7\n")
    code, out, _ = run(capsys, "agents", "import", str(tmp_path / "a.csv"), "--dry-run")
    assert (code, out) == (0, "would be added 1, would be changed 0, same 2\n")
    assert asked[0].url.query == b"dry_run=true"


def test_export_writes_the_file_as_it_came(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request], tmp_path: Path
) -> None:
    assert run(capsys, "agents", "export", str(tmp_path / "a.csv"), "--chinese")[0] == 0
    assert (tmp_path / "a.csv").read_bytes() == b"\xef\xbb\xbfid\r\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("skill 7 tax", '"tax": write SKILL=LEVEL'),
        ("change 7", "nothing to change"),
        ("import", "name either a CSV file or --from-config"),
        ("import no-such.csv", "no-such.csv cannot be read"),
    ],
)
def test_wrong_use_is_one_sentence_and_nothing_is_asked(
    capsys: pytest.CaptureFixture[str], asked: list[httpx.Request], arguments: str, told: str
) -> None:
    code, _, err = run(capsys, "agents", *arguments.split())
    assert (code, asked) == (2, [])
    assert told in err
