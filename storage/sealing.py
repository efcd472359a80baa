"""Encryption of what is personal, at rest: AES-GCM under keys that are derived from the number keys of `storage.keys`.

Sealed text is `v2:<key id>:` and base64 of nonce, ciphertext and tag. `v1:` without a key id is older: it is tried
with every key there is.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterator
from typing import Final

from cryptography.exceptions import InvalidTag

from storage.errors import StorageError
from storage.keys import Keyring

_OLD: Final = "v1:"
_VERSION: Final = "v2:"
_NONCE_BYTES: Final = 12


def mark(key_id: str) -> str:
    """How everything begins that was sealed under this key."""
    return f"{_VERSION}{key_id}:"


class Seal:
    """Seals text for one purpose, under whichever key is in force."""

    def __init__(self, keyring: Keyring, purpose: bytes, what: str) -> None:
        """`what`: how the sealed thing is called when it cannot be opened."""
        self._keyring, self._purpose, self._what = keyring, purpose, what

    def seal(self, text: str, owner: str = "") -> str:
        """Encrypted text, different every time.

        `owner`: whose it is, like the id of a call; it opens for the same owner only, so rows cannot be exchanged.
        """
        id_ = self._keyring.newest
        box = self._keyring.box(id_, self._purpose)
        assert box is not None
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + box.encrypt(nonce, text.encode(), (mark(id_) + owner).encode())
        return mark(id_) + base64.urlsafe_b64encode(sealed).decode("ascii")

    def open_sealed(self, sealed: str, owner: str = "") -> str:
        """Raises StorageError when it was sealed under a key that is not there, for another owner, or changed."""
        try:
            for begins, key_id, body in self._keys_for(sealed):
                if (text := self._opened(key_id, body, (begins + owner).encode())) is not None:
                    return text
        except (ValueError, binascii.Error):
            pass
        raise StorageError(f"{self._what} cannot be opened: it was made with another number key") from None

    def is_newest(self, sealed: str) -> bool:
        """Whether it was sealed under the key in force."""
        return sealed.startswith(mark(self._keyring.newest))

    def _keys_for(self, sealed: str) -> Iterator[tuple[str, str, bytes]]:
        """(beginning, key id, what follows) of each key that may open it."""
        version, _, rest = sealed.partition(":")
        if f"{version}:" == _OLD:
            body = base64.b64decode(rest, altchars=b"-_", validate=True)
            yield from ((_OLD, id_, body) for id_ in self._keyring.ids)
        elif f"{version}:" == _VERSION:
            id_, _, text = rest.partition(":")
            yield mark(id_), id_, base64.b64decode(text, altchars=b"-_", validate=True)

    def _opened(self, key_id: str, body: bytes, aad: bytes) -> str | None:
        box = self._keyring.box(key_id, self._purpose)
        if box is None:
            return None
        try:
            return box.decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], aad).decode()
        except InvalidTag:
            return None


def number_seal(keyring: Keyring) -> Seal:
    """Of numbers; they have no owner."""
    return Seal(keyring, b"hotline caller_sealed v1", "a sealed caller number")


def intake_seal(keyring: Keyring) -> Seal:
    """Of names and texts in `intake`; the owner is the call."""
    return Seal(keyring, b"hotline intake v1", "a sealed intake")
