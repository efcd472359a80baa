"""Number keys: renewed without losing what older ones sealed, and without losing who called."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from storage.errors import StorageError
from storage.keys import MOST_KEYS, Keyring, KeySet, derived, key_id, read
from storage.numbers import NumberVault
from storage.sealing import intake_seal, mark

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
NUMBER = "+8613800000000"


def sealed_before_keys_had_ids(number: str, key: bytes) -> str:
    """As the first version of the seal wrote it."""
    nonce = bytes(12)
    box = AESGCM(derived(key, b"hotline caller_sealed v1")).encrypt(nonce, number.encode(), b"v1:")
    return "v1:" + base64.urlsafe_b64encode(nonce + box).decode()


def test_what_an_old_key_sealed_opens_as_long_as_that_key_is_there() -> None:
    ring = Keyring.of(OLD)
    vault, intakes = NumberVault(ring), intake_seal(ring)
    before, first, text = vault.seal(NUMBER), sealed_before_keys_had_ids(NUMBER, OLD), intakes.seal("张三", "1-1")
    ring.take(KeySet.of(OLD).renewed(NEW))
    after = vault.seal(NUMBER)
    assert before.startswith(mark(key_id(OLD)))
    assert after.startswith(mark(key_id(NEW)))
    assert [vault.open_sealed(sealed) for sealed in (before, first, after)] == [NUMBER] * 3
    assert intakes.open_sealed(text, "1-1") == "张三"
    ring.take(ring.keys.newest_alone())
    assert vault.open_sealed(after) == NUMBER
    for gone in (before, first):
        with pytest.raises(StorageError, match="another number key"):
            vault.open_sealed(gone)


def test_a_sealed_text_cannot_be_passed_off_as_one_of_another_key() -> None:
    ring = Keyring(KeySet.of(OLD).renewed(NEW))
    sealed = NumberVault(ring).seal(NUMBER)
    with pytest.raises(StorageError):
        NumberVault(ring).open_sealed(sealed.replace(key_id(NEW), key_id(OLD)))


def test_references_are_the_same_after_a_renewal_and_after_the_old_key_is_gone() -> None:
    ring = Keyring.of(OLD)
    vault = NumberVault(ring)
    before = vault.caller_ref(NUMBER), vault.block_refs(NUMBER)
    for keys in (KeySet.of(OLD).renewed(NEW), KeySet.of(OLD).renewed(NEW).newest_alone()):
        for known in (keys, read(keys.text())):
            ring.take(known)
            assert (vault.caller_ref(NUMBER), vault.block_refs(NUMBER)) == before
    assert NumberVault(Keyring.of(NEW)).caller_ref(NUMBER) != before[0]


def test_a_file_without_the_old_key_does_not_hold_it_in_any_form() -> None:
    text = KeySet.of(OLD).renewed(NEW).newest_alone().text()
    assert OLD.hex() not in text
    assert read(text).ids == (key_id(NEW),)


def test_a_file_of_one_key_is_what_it_always_was() -> None:
    assert read(OLD.hex() + "\n") == KeySet.of(OLD)
    assert "0001" not in repr(KeySet.of(OLD))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "64 hex digits"),
        ("abcd", "64 hex digits"),
        ("x" * 64, "64 hex digits"),
        (f"{OLD.hex()} {NEW.hex()}", "refs:"),  # by which key would callers be known?
        (f"{OLD.hex()} {OLD.hex()} refs:{'00' * 64}", "twice"),
        (f"{OLD.hex()} refs:0011", "128 hex digits"),
        (f"{OLD.hex()} refs:{'00' * 64} refs:{'00' * 64}", "several lines"),
        (" ".join(bytes([n] * 32).hex() for n in range(MOST_KEYS + 1)) + f" refs:{'00' * 64}", f"up to {MOST_KEYS}"),
    ],
)
def test_a_key_file_that_makes_no_sense_is_refused_and_not_repeated(text: str, why: str) -> None:
    with pytest.raises(StorageError, match=why) as caught:
        read(text)
    assert OLD.hex() not in str(caught.value)


def test_there_are_never_more_keys_than_a_file_may_hold() -> None:
    keys = KeySet.of(OLD)
    for number in range(2, MOST_KEYS + 1):
        keys = keys.renewed(bytes([number] * 32))
    with pytest.raises(StorageError, match="let old ones go first"):
        keys.renewed(NEW)
