"""The keys that caller numbers, names and texts are sealed under: one is in force, older ones still open what they sealed.

Theory of operation
* A key file holds keys of 64 hex digits, the newest first. What is sealed says under which key (`storage.sealing`),
  so a new one may come at any moment: old rows stay readable as long as their key stays in the file.
* References (`caller_ref`) do not change with the key. They stand in steps, restrictions, call-backs, in the memory of the
  engine and in the work-order platform, and must tell the same caller tomorrow. Their keys are derived from the first key
  and stand in the file as `refs:` and 128 hex digits from the first renewal on; from these nobody finds the first
  key, so it can be thrown away.
* Objects that seal hold the one `Keyring` of the process. `take` puts other keys in force for all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.errors import StorageError

KEY_BYTES: Final = 32
MOST_KEYS: Final = 8
REFS: Final = "refs:"


def derived(key: bytes, purpose: bytes) -> bytes:
    """A key of its own for each purpose."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)


def key_id(key: bytes) -> str:
    """How a key is called in sealed texts, rows and reports: 8 hex digits that tell nothing of it."""
    return derived(key, b"hotline key id")[:4].hex()


@dataclass(frozen=True, slots=True, repr=False)
class KeySet:
    """What a key file says. `refs`: the keys of references, of callers and of blocks, each 32 bytes."""

    keys: tuple[bytes, ...]  # the newest first
    refs: bytes

    @classmethod
    def of(cls, *keys: bytes, refs: bytes | None = None) -> KeySet:
        """Raises StorageError for what are no keys."""
        if not 1 <= len(keys) <= MOST_KEYS or any(len(key) != KEY_BYTES for key in keys):
            raise StorageError(f"number key: must hold {2 * KEY_BYTES} hex digits, or up to {MOST_KEYS} such keys")
        if len(set(keys)) < len(keys):
            raise StorageError("number key: the same key stands there twice")
        if refs is None and len(keys) > 1:
            raise StorageError(f"number key: of several keys the line {REFS}... is missing, by which callers are known")
        refs = _refs_of(keys[0]) if refs is None else refs
        if len(refs) != 2 * KEY_BYTES:
            raise StorageError(f"number key: {REFS} must hold {4 * KEY_BYTES} hex digits")
        return cls(keys, refs)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(map(key_id, self.keys))

    def renewed(self, key: bytes) -> KeySet:
        """With a new key in force. Raises StorageError when there are too many."""
        if len(self.keys) == MOST_KEYS:
            raise StorageError(f"number key: there are {MOST_KEYS} keys already; let old ones go first")
        return KeySet.of(key, *self.keys, refs=self.refs)

    def newest_alone(self) -> KeySet:
        """Without the old keys."""
        return KeySet.of(self.keys[0], refs=self.refs)

    def text(self) -> str:
        """As `read` reads it."""
        return "".join(f"{line}\n" for line in (*(key.hex() for key in self.keys), REFS + self.refs.hex()))


def read(text: str) -> KeySet:
    """Keys apart by blanks or line ends. Raises StorageError; its text repeats nothing of them."""
    words = text.split()
    refs = [word.removeprefix(REFS) for word in words if word.startswith(REFS)]
    try:
        keys = [bytes.fromhex(word) for word in words if not word.startswith(REFS)]
        made = [bytes.fromhex(word) for word in refs]
    except ValueError:
        keys, made = [], []
    if len(made) > 1:
        raise StorageError(f"number key: there are several lines {REFS}...; keep one")
    return KeySet.of(*keys, refs=made[0] if made else None)


class Keyring:
    """The keys in force, shared by all that seals and opens."""

    def __init__(self, keys: KeySet) -> None:
        self._boxes: dict[tuple[str, bytes], AESGCM] = {}
        self.take(keys)

    @classmethod
    def of(cls, key: bytes) -> Keyring:
        """Of one key."""
        return cls(KeySet.of(key))

    def take(self, keys: KeySet) -> None:
        """From now on these. What an absent key sealed is not opened any more."""
        self.keys = keys
        self._by_id = dict(zip(keys.ids, keys.keys, strict=True))
        self._boxes.clear()

    def lasting(self, purpose: bytes) -> bytes:
        """A secret for one purpose, which stays the same whatever keys come and go."""
        return derived(self.keys.refs, purpose)

    @property
    def newest(self) -> str:
        """Id of the key in force."""
        return next(iter(self._by_id))

    @property
    def ids(self) -> Sequence[str]:
        """The newest first."""
        return list(self._by_id)

    def box(self, id_: str, purpose: bytes) -> AESGCM | None:
        """Of a key for one purpose; None when the key is not there."""
        key = self._by_id.get(id_)
        if key is None:
            return None
        if (id_, purpose) not in self._boxes:
            self._boxes[id_, purpose] = AESGCM(derived(key, purpose))
        return self._boxes[id_, purpose]


def _refs_of(first: bytes) -> bytes:
    return derived(first, b"hotline caller_ref v1") + derived(first, b"hotline block_ref v1")
