"""`hotline reload` against an HTTP service that is a function of the request."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from service.cli import reload
from tests.unit.service.cli.answering import asked_of
from tests.unit.service.cli.test_commands import run
from tests.unit.service.conftest import SAMPLE


def test_the_service_is_asked_to_read_its_configuration_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asked_of(monkeypatch, reload, lambda request: httpx.Response(200, json={"reloaded": True}))
    code, _, err = run(capsys, "reload", "-c", str(SAMPLE))
    assert (code, "in force" in err) == (0, True)
    assert [(request.method, request.url.path) for request in asked] == [("POST", "/api/v1/reload")]


def test_what_the_service_refuses_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    why = "The configuration is unchanged: number key: the key is needed by 3 rows"
    asked_of(monkeypatch, reload, lambda request: httpx.Response(409, json={"detail": why}))
    code, _, err = run(capsys, "reload", "-c", str(SAMPLE))
    assert (code, why in err, "in force" in err) == (1, True, False)


def test_mistakes_of_the_file_are_told_before_anybody_is_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "hotline.toml"
    file.write_text(SAMPLE.read_text().replace("[service]", "[service]\nnonsense = 1\n"))
    code, _, err = run(capsys, "reload", "-c", str(file))
    assert (code, "nonsense" in err) == (2, True)
