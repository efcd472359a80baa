"""Encryption of what is personal, at rest: AES-GCM under keys that are derived from the one number key."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.errors import StorageError

KEY_BYTES: Final = 32
_VERSION: Final = "v1:"
_NONCE_BYTES: Final = 12


def derived(key: bytes, purpose: bytes) -> bytes:
    """A key of its own for each purpose."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)


class Seal:
    """Seals text for one purpose."""

    def __init__(self, key: bytes, purpose: bytes, what: str) -> None:
        """`what`: how the sealed thing is called when it cannot be opened."""
        self._box, self._what = AESGCM(derived(key, purpose)), what

    def seal(self, text: str, owner: str = "") -> str:
        """Encrypted text, different every time: `v1:` and base64 of nonce, ciphertext and tag.

        `owner`: whose it is, like the id of a call; it opens for the same owner only, so rows cannot be exchanged.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        box = nonce + self._box.encrypt(nonce, text.encode(), (_VERSION + owner).encode())
        return _VERSION + base64.urlsafe_b64encode(box).decode("ascii")

    def open_sealed(self, sealed: str, owner: str = "") -> str:
        """Raises StorageError when it was sealed under another key, for another owner, or changed."""
        try:
            if not sealed.startswith(_VERSION):
                raise ValueError("version")
            box = base64.b64decode(sealed[len(_VERSION) :], altchars=b"-_", validate=True)
            aad = (_VERSION + owner).encode()
            return self._box.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], aad).decode()
        except (ValueError, binascii.Error, InvalidTag):
            raise StorageError(f"{self._what} cannot be opened: it was made with another number key") from None


def intake_seal(key: bytes) -> Seal:
    """Of names and texts in `intake`; the owner is the call."""
    return Seal(key, b"hotline intake v1", "a sealed intake")
