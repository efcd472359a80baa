"""The table [outbox]: personal data goes to its url, so it is looked at closely."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from service.settings import SecretError, Settings, SettingsProblem, load

Mistakes = Callable[[str], list[SettingsProblem]]
GOOD = "whsec_" + base64.b64encode(bytes(32)).decode()


def with_outbox(sample: str, keys: str) -> str:
    return f"{sample}\n[outbox]\n{keys}\n"


@pytest.mark.parametrize(
    "url",
    [
        "http://platform.example/events", "ftp://platform.example", "https://user:word@platform.example/", "https://",
        "https://platform.example/#part", "platform.example", "https://a b/", "https://[::1", "https://h:x/",
        "http://10.0.0.1/",
    ],
)  # fmt: skip
def test_address_that_is_not_safe_is_no_address(sample_text: str, mistakes: Mistakes, url: str) -> None:
    (problem,) = mistakes(with_outbox(sample_text, f'url = "{url}"'))
    assert problem.path == "outbox.url"
    assert "word" not in str(problem)


@pytest.mark.parametrize("url", ["https://platform.example/events?x=1", "http://127.0.0.1:8080/", "http://[::1]:80/"])
def test_tls_or_this_machine_is_safe(sample_text: str, read: Callable[[str], Settings], url: str) -> None:
    assert read(with_outbox(sample_text, f'url = "{url}"')).outbox.url == url


def test_pauses_that_shrink_are_a_mistake(sample_text: str, mistakes: Mistakes) -> None:
    (problem,) = mistakes(with_outbox(sample_text, "first_pause_s = 10.0\nlongest_pause_s = 9.0"))
    assert problem.path == "outbox.longest_pause_s"


def test_missing_secret_or_authority_warns_and_keeps_nobody_from_starting(folder: Path, sample_text: str) -> None:
    file = folder / "hotline.toml"
    file.write_text(with_outbox(sample_text, 'url = "https://platform.example/"\nca_file = "no.pem"'))
    told = [problem.path for problem in load(file, known_agents={}).warnings if problem.path.startswith("outbox")]
    assert told == ["outbox.secret_file", "outbox.ca_file"]


def test_numbers_for_nobody_warn(read: Callable[[str], Settings], sample_text: str) -> None:
    settings = read(with_outbox(sample_text, "with_numbers = true"))
    assert [problem.path for problem in settings.warnings if "outbox" in problem.path] == ["outbox.with_numbers"]


@pytest.mark.parametrize(
    ("content", "mode", "good"),
    [
        (GOOD, 0o600, 1), (f"{GOOD}\n{GOOD}\n", 0o600, 2), (f"{GOOD}\n" * 3, 0o600, 0), (GOOD, 0o644, 0), ("", 0o600, 0),
        (GOOD.removeprefix("whsec_"), 0o600, 0), ("whsec_" + base64.b64encode(bytes(23)).decode(), 0o600, 0),
        ("whsec_%%%", 0o600, 0), ("whsec_é", 0o600, 0),
    ],
)  # fmt: skip
def test_secret_file_holds_one_or_two_good_secrets_for_nobody_else(
    folder: Path, read: Callable[[str], Settings], sample_text: str, content: str, mode: int, good: int
) -> None:
    file = folder / "secrets/outbox.key"
    file.write_text(content)
    file.chmod(mode)
    settings = read(sample_text)
    if good:
        assert settings.outbox_secrets() == (bytes(32),) * good
        return
    with pytest.raises(SecretError) as caught:
        settings.outbox_secrets()
    assert GOOD.removeprefix("whsec_") not in str(caught.value)
