"""A caller's number becomes a reference and a sealed copy, or nothing."""

from __future__ import annotations

import pytest

from service.numbers import Numbers
from storage.keys import Keyring
from storage.numbers import NumberVault

KEY = bytes(range(32))


def test_number_in_any_spelling_is_the_same_caller() -> None:
    numbers = Numbers(Keyring.of(KEY), "0519")
    refs = {numbers.sealed(raw)[0] for raw in ("13800000000", "+8613800000000", "013800000000")}
    assert len(refs) == 1
    assert None not in refs


def test_sealed_copy_opens_to_the_number_and_shows_nothing_of_it() -> None:
    ref, sealed = Numbers(Keyring.of(KEY), "0519").sealed("13800000000")
    assert ref is not None
    assert sealed is not None
    assert "1380000" not in ref + sealed
    assert NumberVault(Keyring.of(KEY)).open_sealed(sealed) == "+8613800000000"


def test_local_number_is_that_of_the_hotlines_own_city() -> None:
    here, there = Numbers(Keyring.of(KEY), "0519"), Numbers(Keyring.of(KEY), "0571")
    assert here.sealed("80000000")[0] == here.sealed("0519-80000000")[0]
    assert here.sealed("80000000")[0] != there.sealed("80000000")[0]


@pytest.mark.parametrize(
    "raw", ["", "anonymous", "unknown", "0000", "1" * 65, "13800000000;DROP", "${SHELL(id)}", "\n"]
)
def test_withheld_or_senseless_number_matches_nobody(raw: str) -> None:
    assert Numbers(Keyring.of(KEY), "").sealed(raw) == (None, None)


def test_other_key_gives_other_references() -> None:
    assert (
        Numbers(Keyring.of(KEY), "").sealed("13800000000")[0]
        != Numbers(Keyring.of(KEY[::-1]), "").sealed("13800000000")[0]
    )
