"""Whose call it is that CEL tells of: by the number that was dialled, with and without a case."""

from __future__ import annotations

from pathlib import Path

import pytest

from routing.witness import Witnessed
from service.reconcile import placing
from service.settings import Settings, load
from service.starter import write_starter


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = write_starter(tmp_path, seats=2)
    file.write_text(file.read_text().replace("emergency = true", 'emergency = true\ncase_prefix = "9"', 1))
    return load(file)


@pytest.mark.parametrize(
    ("endpoint", "dialled", "number", "trunk", "emergency"),
    [
        ("carrier", "12345", "12345", "carrier", False),
        ("police", "12345", "12345", "police", True),
        ("police", "9123452026112217", "12345", "police", True),
        ("police", "912345", "12345", "police", True),
        ("elsewhere", "12345", "12345", "", False),
    ],
)
def test_number_is_what_was_dialled_or_stands_behind_the_prefix(
    settings: Settings, endpoint: str, dialled: str, number: str, trunk: str, emergency: bool
) -> None:
    found = placing(settings, settings.rules().serving)(Witnessed("1-1.1", dialled, endpoint, 1, 2))
    assert found is not None
    assert (found.number, found.line.number, found.trunk, found.emergency) == (number, "12345", trunk, emergency)


@pytest.mark.parametrize(
    ("endpoint", "dialled"), [("carrier", "912345"), ("police", "955555"), ("police", ""), ("x", "")]
)
def test_other_numbers_are_nobodys(settings: Settings, endpoint: str, dialled: str) -> None:
    assert placing(settings, settings.rules().serving)(Witnessed("1-1.1", dialled, endpoint, 1, 2)) is None
