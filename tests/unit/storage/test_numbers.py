from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import StorageError
from storage.keys import Keyring, key_id
from storage.numbers import NumberVault, normalise, normalise_block

KEY = bytes(range(32))


@pytest.mark.parametrize(
    "raw",
    [
        "13800000000",
        "013800000000",
        "+8613800000000",
        "8613800000000",
        "008613800000000",
        "+86 138-0000-0000",
        "1795113800000000",
        "1259313800000000",
        "17909013800000000",
        "１３８００００００００",
        "+86013800000000",
    ],
)
def test_every_way_to_write_a_mobile_number_is_one_number(raw: str) -> None:
    assert normalise(raw) == "+8613800000000"


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("0527-80000000", "+8652780000000"),
        ("(0527) 80000000", "+8652780000000"),
        ("52780000000", "+8652780000000"),
        ("+8652780000000", "+8652780000000"),
        ("010-80000000", "+861080000000"),
        ("1080000000", "+861080000000"),
        ("02080000000", "+862080000000"),
        ("03198000000", "+863198000000"),
        ("17951052780000000", "+8652780000000"),
        ("80000000", "+8652780000000"),
        ("4000000000", "+864000000000"),
        ("4002000000", "+864002000000"),
        ("110", "110"),
        ("12345", "12345"),
        ("95500", "95500"),
        ("+852 2000 0000", "+85220000000"),
        ("0014155550100", "+14155550100"),
    ],
)
def test_fixed_foreign_and_service_numbers(raw: str, number: str | None) -> None:
    assert normalise(raw, area_code="0527") == number


def test_without_an_area_code_a_local_number_stays_as_dialled() -> None:
    assert normalise("80000000") == "80000000"


def test_a_local_number_too_short_for_its_area_stays_as_dialled() -> None:
    assert normalise("2000000", area_code="010") == "2000000"


@pytest.mark.parametrize(
    "raw",
    [None, "", " ", "anonymous", "Restricted", "unknown", "0", "00000000", "+", "138****0000", "1", "12", "+0", "00"],
)
def test_a_withheld_number_matches_nobody(raw: str | None) -> None:
    assert normalise(raw, area_code="0527") is None


@pytest.mark.parametrize(
    "raw", ["sip:13800000000", "13800000000;DROP", "${CALLERID(num)}", "9" * 20, "1" * 10_000, "1380000000²x", "\x00"]
)
def test_a_senseless_number_matches_nobody(raw: str) -> None:
    assert normalise(raw, area_code="0527") is None


@given(st.text(alphabet="0123456789+-() 86", max_size=24) | st.text(max_size=24), st.sampled_from(["", "0527", "10"]))
def test_a_normalised_number_stays_what_it_is(raw: str, area_code: str) -> None:
    number = normalise(raw, area_code=area_code)
    assert number is None or normalise(number, area_code=area_code) == number


def test_a_reference_is_the_same_for_a_number_and_tells_nothing_without_the_key() -> None:
    vault = NumberVault(Keyring.of(KEY))
    assert vault.caller_ref("+8613800000000") == NumberVault(Keyring.of(KEY)).caller_ref("+8613800000000")
    assert vault.caller_ref("+8613800000000") != NumberVault(Keyring.of(bytes(32))).caller_ref("+8613800000000")
    assert len(vault.caller_ref("110")) == 32


def test_a_sealed_number_opens_and_looks_different_every_time() -> None:
    vault = NumberVault(Keyring.of(KEY))
    first, second = vault.seal("+8613800000000"), vault.seal("+8613800000000")
    assert first != second
    assert first.startswith(f"v2:{key_id(KEY)}:")
    assert "+86" not in first
    assert vault.open_sealed(first) == vault.open_sealed(second) == "+8613800000000"


@pytest.mark.parametrize(
    "damage",
    [
        lambda box: box[:-4] + "AAA=",
        lambda box: "v3:" + box[3:],
        lambda box: "",
        lambda box: "v1:é",
        lambda box: "v2:x",
    ],
)
def test_a_changed_seal_is_refused_without_telling_its_content(damage) -> None:
    with pytest.raises(StorageError, match="another number key"):
        NumberVault(Keyring.of(KEY)).open_sealed(damage(NumberVault(Keyring.of(KEY)).seal("+8613800000000")))


def test_another_key_opens_nothing() -> None:
    with pytest.raises(StorageError, match="another number key"):
        NumberVault(Keyring.of(bytes(32))).open_sealed(NumberVault(Keyring.of(KEY)).seal("110"))


@pytest.mark.parametrize(
    ("raw", "block"),
    [
        ("0519", "+86519"),
        ("0519-8610", "+865198610"),
        ("8610", "+865198610"),
        ("138", "+86138"),
        ("+86 138 0013", "+861380013"),
        ("0086138", "+86138"),
        ("+852", "+852"),
        ("00852", "+852"),
        ("+86", None),
        ("+861", None),
        ("+1", None),
        ("", None),
        ("13x", None),
        ("+1234567890123456", None),
    ],
)
def test_beginning_of_numbers_has_one_form(raw: str, block: str | None) -> None:
    assert normalise_block(raw, area_code="0519") == block


def test_beginning_of_local_numbers_needs_the_area_code() -> None:
    assert normalise_block("8610") is None


def test_number_lies_in_the_blocks_of_all_its_beginnings_and_a_service_number_in_none() -> None:
    vault = NumberVault(Keyring.of(bytes(range(32))))
    refs = vault.block_refs("+8613800001000")
    assert refs[0] == vault.block_ref("+86")
    assert refs[-1] == vault.block_ref("+861380000100")
    assert vault.caller_ref("+8613800001000") not in refs
    assert vault.block_ref("+8613800001000") != vault.caller_ref("+8613800001000")
    assert vault.block_refs("110") == vault.block_refs("95588") == ()
