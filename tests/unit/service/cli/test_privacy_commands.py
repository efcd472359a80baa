"""`hotline hidden`, `hotline number-key`, `hotline audit-log` against an HTTP service that is a function of the request."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from service.cli import audit_log, hidden, number_key
from service.settings import load
from storage.audit import Act, AuditRow
from storage.keys import KeySet, key_id
from storage.records import Records
from tests.unit.console.fakes import CALLER, HIDING, KEYS, TALKING, TOLD
from tests.unit.service.cli.answering import asked_of
from tests.unit.service.cli.test_commands import run
from tests.unit.service.conftest import SAMPLE

NUMBER = "13800001000"
HERE = ("-c", str(SAMPLE))
WHY = ("--reason", "he asked")
Answer = Callable[[httpx.Request], httpx.Response]


def answering(monkeypatch: pytest.MonkeyPatch, body: object) -> list[httpx.Request]:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{NUMBER}\n"))
    return asked_of(monkeypatch, hidden, lambda request: httpx.Response(200, json=body))


def test_the_list_names_calls_and_no_number(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, [HIDING, HIDING | {"id": 4, "call": None, "ended_at": 2.0, "ended_by": "chief"}])
    code, out, _ = run(capsys, "hidden", "list", "--all", *HERE)
    assert code == 0
    assert all(part in out for part in (TALKING, "every call of a caller", "he asked", "chief"))
    assert asked[0].url.query == b"all=true"


def test_a_number_comes_by_standard_input_and_is_not_echoed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, HIDING)
    code, out, err = run(capsys, "hidden", "add", *WHY, *HERE)
    assert code == 0
    assert json.loads(asked[0].content) == {"number": NUMBER, "reason": "he asked"}
    assert NUMBER not in out + err
    assert run(capsys, "hidden", "add", "--call", TALKING, "--every-call", *WHY, *HERE)[0] == 0
    assert json.loads(asked[1].content) == {"call": TALKING, "every_call": True, "reason": "he asked"}
    assert run(capsys, "hidden", "add", "--every-call", *WHY, *HERE)[0] == 2
    assert run(capsys, "hidden", "end", "3", *WHY, *HERE)[0] == 0
    assert asked[2].url.path == "/api/v1/hidden/3/end"


def test_a_reading_needs_a_reason_and_shows_what_the_service_gives(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, CALLER | {"names": ["张三"], "hidden": True})
    assert run(capsys, "hidden", "read", TALKING, *HERE)[0] == 2
    assert asked == []
    code, out, _ = run(capsys, "hidden", "read", TALKING, *WHY, *HERE)
    assert (code, "138****0001" in out, "张三" in out) == (0, True, True)
    assert (asked[0].method, json.loads(asked[0].content)) == ("POST", {"reason": "he asked"})
    answering(monkeypatch, CALLER | {"number": "", "hidden": True})
    assert "not shown" in run(capsys, "hidden", "show", TALKING, *HERE)[1]


def test_the_audit_log_is_asked_by_its_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asked_of(monkeypatch, audit_log, lambda request: httpx.Response(200, json=[TOLD]))
    words = ("--since", "2026-11-01", "--until", "2026-11-30", "--call", TALKING, "--act", "read", "-n", "5")
    code, out, _ = run(capsys, "audit-log", *words, *HERE)
    assert code == 0
    assert all(part in out for part in ("supervisor", "read", f"call {TALKING}", "the police asks"))
    query = dict(asked[0].url.params)
    assert (query["subject_kind"], query["subject_id"], query["act"], query["limit"]) == ("call", TALKING, "read", "5")
    assert (float(query["until"]) - float(query["since"])) / 86_400 == 30
    assert run(capsys, "audit-log", "--since", "yesterday", *HERE)[0] == 2
    assert json.loads(run(capsys, "audit-log", "--json", *HERE)[1]) == [TOLD]


# -- number keys -------------------------------------------------------------------------------------------------------


def keys_of(folder: Path) -> KeySet:
    return load(folder / "hotline.toml").number_keys()


def taking(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> list[httpx.Request]:
    return asked_of(monkeypatch, number_key, answer)


def test_a_renewal_keeps_the_old_key_and_has_the_service_take_the_new_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    before = keys_of(folder)
    asked = taking(monkeypatch, lambda request: httpx.Response(200, json=KEYS))
    code, out, err = run(capsys, "number-key", "renew", "-c", str(folder / "hotline.toml"))
    after = keys_of(folder)
    assert code == 0
    assert (after.keys[1:], after.refs) == (before.keys, before.refs)
    assert [request.url.path for request in asked] == ["/api/v1/number-key/take"]
    assert after.ids[0] in err
    assert not any(key.hex() in out + err for key in after.keys)


def test_a_key_that_the_service_refuses_leaves_the_file_as_it_was(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    before = keys_of(folder)
    taking(monkeypatch, lambda request: httpx.Response(503, json={"detail": "The database does not answer."}))
    assert run(capsys, "number-key", "renew", "-c", str(folder / "hotline.toml"))[0] == 1
    assert keys_of(folder) == before


def test_without_a_service_the_new_key_waits_for_its_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    taking(monkeypatch, nobody)
    code, _, err = run(capsys, "number-key", "renew", "-c", str(folder / "hotline.toml"))
    assert (code, "when it starts" in err, len(keys_of(folder).keys)) == (0, True, 2)
    assert run(capsys, "number-key", "retire", "-c", str(folder / "hotline.toml"))[0] == 1
    assert len(keys_of(folder).keys) == 2


def two_keys(folder: Path) -> KeySet:
    keys = keys_of(folder).renewed(bytes(range(1, 33)))
    (folder / "secrets" / "number.key").write_text(keys.text())
    return keys


@pytest.mark.parametrize(
    ("may_go", "same", "refuses", "left"),
    [(False, True, 0, 2), (True, False, 0, 2), (True, True, 409, 2), (True, True, 0, 1)],
)
def test_an_old_key_is_deleted_when_the_service_says_so_and_not_before(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path, may_go: bool, same: bool,
    refuses: int, left: int,
) -> None:  # fmt: skip
    keys = two_keys(folder)
    standing = KEYS | {"may_go": may_go, "newest": keys.ids[0] if same else "cccccccc", "why": "7 texts are under it"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("take") and refuses:
            return httpx.Response(refuses, json={"detail": "still needed"})
        return httpx.Response(200, json=standing)

    taking(monkeypatch, answer)
    code, _, err = run(capsys, "number-key", "retire", "-c", str(folder / "hotline.toml"))
    assert code == (0 if left == 1 else 1)
    assert len(keys_of(folder).keys) == left
    assert ("7 texts" in err) == (not may_go)


def test_resealing_goes_from_place_to_place_to_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    places = iter(["0:t:1-1", "1:", None])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=KEYS)
        return httpx.Response(200, json={"resealed": 2, "unreadable": 1, "after": next(places)})

    asked = taking(monkeypatch, answer)
    code, out, err = run(capsys, "number-key", "reseal", *HERE)
    posts = [dict(request.url.params).get("after") for request in asked if request.method == "POST"]
    assert (code, posts) == (0, [None, "0:t:1-1", "1:"])
    assert "6 texts, 3 open with none of the keys" in err
    assert KEYS["why"] in out


@pytest.mark.parametrize(("may_go", "code"), [(True, 0), (False, 1)])
def test_status_says_whether_the_old_key_may_go(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, may_go: bool, code: int
) -> None:
    taking(monkeypatch, lambda request: httpx.Response(200, json=KEYS | {"may_go": may_go, "why": "for this reason"}))
    found, out, _ = run(capsys, "number-key", "status", *HERE)
    assert (found, "for this reason" in out, "in force" in out) == (code, True, True)


def test_check_finds_a_key_that_numbers_need_and_the_file_does_not_have(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    settings = load(folder / "hotline.toml")

    async def told(*rows: tuple[Act, str]) -> None:
        records = await Records.open(settings.database_url(), settings.data_dir, catch_up_s=20.0)
        for act, id_ in rows:
            await records.append_audit(AuditRow(1, "cli", "engineer", act, "number_key", id_))
        await records.close()

    asyncio.run(told((Act.KEY_RENEWED, key_id(bytes(range(32)))), (Act.KEY_RENEWED, "abcd1234")))
    code, out, _ = run(capsys, "check", "-c", str(folder / "hotline.toml"))
    assert code == 2
    assert "service.number_key_file does not have the key abcd1234" in out
    asyncio.run(told((Act.KEY_RETIRED, "abcd1234")))
    assert "abcd1234" not in run(capsys, "check", "-c", str(folder / "hotline.toml"))[1]
    (folder / "secrets" / "number.key").chmod(0o640)
    code, out, _ = run(capsys, "check", "-c", str(folder / "hotline.toml"))
    assert (code, "chmod 600" in out) == (2, True)
