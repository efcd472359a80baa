"""A configuration with its secrets, and a way to spoil it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from service.settings import Settings, SettingsError, SettingsProblem, load

SAMPLE = Path(__file__).parent / "data" / "hotline.toml"


@pytest.fixture
def sample_text() -> str:
    return SAMPLE.read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the sample and its secrets; the environment has none."""
    for name in ("HOTLINE_NUMBER_KEY", "HOTLINE_DATABASE_PASSWORD", "HOTLINE_AMI_SECRET_PBX1", "HOTLINE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "hotline.toml").write_bytes(SAMPLE.read_bytes())
    secrets = tmp_path / "secrets"
    secrets.mkdir(mode=0o700)
    for name, content in (
        ("number.key", bytes(range(32)).hex().encode()),
        ("ami", b"ami-secret\n"),
        ("cli.token", b"example-token\n"),
    ):
        (secrets / name).write_bytes(content)
        (secrets / name).chmod(0o600)
    return tmp_path


@pytest.fixture
def read(folder: Path) -> Callable[[str], Settings]:
    def read_text(text: str) -> Settings:
        (folder / "hotline.toml").write_text(text)
        return load(folder / "hotline.toml", known_agents={})

    return read_text


@pytest.fixture
def mistakes(read: Callable[[str], Settings]) -> Callable[[str], list[SettingsProblem]]:
    """The problems of a text that must not load."""

    def problems(text: str) -> list[SettingsProblem]:
        with pytest.raises(SettingsError) as caught:
            read(text)
        return caught.value.errors

    return problems
