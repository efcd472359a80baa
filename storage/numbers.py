"""Caller numbers: one written form, a keyed reference for matching, and the encrypted original.

A number leaves this module only as `caller_ref` (to recognise a caller again without knowing the number) or sealed (to
be opened by those who may). Nothing here puts a number into an error text.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
import unicodedata
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Final

from storage.errors import StorageError
from storage.sealing import KEY_BYTES, Seal, derived

LONGEST_RAW: Final = 64
SHORTEST_BLOCK: Final = 3  # +1x: a country, or a part of a large one
LONGEST_BLOCK: Final = 15

# Call-by-call selection codes of Chinese carriers (IP telephony and discount access) that stay in front of a caller id.
_CARRIER_PREFIX: Final = re.compile(r"179(?:0[0189]|1[01]|31|5[01]|6[089]|9[0156])|12593|10193|11808")
_MOBILE: Final = re.compile(r"1[3-9]\d{9}")
_LOCAL: Final = re.compile(r"[2-9]\d{6,7}")
_AREA: Final = re.compile(
    r"(?:10|2\d)[2-9]\d{7}|[3-9]\d{2}[2-9]\d{6,7}|[48]00\d{7}"
)  # area code without 0, local number; 400
_SHORT: Final = re.compile(r"1\d{2,5}|9[56]\d{3,4}")  # 110, 12345, 10086, 95xxx, 96xxx: no E.164 form exists
_FOREIGN: Final = re.compile(r"[1-9]\d{6,14}")
_PUNCTUATION: Final = re.compile(r"[\s\-().]+")


def normalise(raw: str | None, *, area_code: str = "") -> str | None:
    """The one form of a caller number: E.164 with `+`; service numbers (110, 95xxx) as they are.

    Args:
        raw: what the trunk delivered, at most 64 characters: 13800000000, 013800000000, +8613800000000,
            008613800000000, 0527-80000000, 80000000, 1795113800000000, +85220000000.
        area_code: of the hotline's own city, with or without the 0. Without it a local number stays as dialled.

    Returns:
        None for a withheld, empty or senseless number: such a caller matches nobody.
    """
    if raw is None or len(raw) > LONGEST_RAW:
        return None
    digits = _PUNCTUATION.sub("", unicodedata.normalize("NFKC", raw))
    plus = digits.startswith("+")
    digits = digits.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or not digits.strip("0"):
        return None
    if plus or digits.startswith("00"):
        return _international(digits.removeprefix("00"), area_code)
    return _national(digits, area_code)


def _international(digits: str, area_code: str) -> str | None:
    if digits.startswith("86"):
        return _national(digits[2:], area_code)
    return "+" + digits if _FOREIGN.fullmatch(digits) else None


def _national(digits: str, area_code: str) -> str | None:
    if len(digits) >= 15 and _CARRIER_PREFIX.match(digits):
        return _national(digits[5:], area_code)
    if digits.startswith("86") and len(digits) >= 12:
        return _national(digits[2:], area_code)
    bare = digits.removeprefix("0")
    if _MOBILE.fullmatch(bare) or _AREA.fullmatch(bare):
        return "+86" + bare
    if _LOCAL.fullmatch(digits) and not _SHORT.fullmatch(digits):
        whole = area_code.removeprefix("0") + digits
        return f"+86{whole}" if _AREA.fullmatch(whole) else digits  # too short for its area: as it was dialled
    return digits if _SHORT.fullmatch(digits) else None


def normalise_block(raw: str, *, area_code: str = "") -> str | None:
    """The beginning of numbers in the form of `normalise`: 1380013, 0519, 0519-8610, 8610 (in the own area), +852.

    Returns:
        None for what is no beginning of a number, and for one as short as a whole country at home.
    """
    digits = _PUNCTUATION.sub("", unicodedata.normalize("NFKC", raw[:LONGEST_RAW]))
    if not re.fullmatch(r"\+?[0-9]+", digits):
        return None
    if digits.startswith(("+", "00")):
        found = "+" + digits.removeprefix("+").removeprefix("00")
    elif digits.startswith("0"):
        found = "+86" + digits[1:]
    elif re.match(r"1[3-9]", digits):
        found = "+86" + digits
    else:
        found = f"+86{area_code.removeprefix('0')}{digits}" if area_code else ""
    shortest = 5 if found.startswith("+86") else SHORTEST_BLOCK
    return found if shortest <= len(found) <= LONGEST_BLOCK else None


class NumberVault:
    """References and seal of caller numbers, by keys derived from one."""

    def __init__(self, key: bytes) -> None:
        """Raises StorageError for a key shorter than 32 bytes."""
        if len(key) < KEY_BYTES:
            raise StorageError("number key: shorter than 32 bytes; make a new one with `hotline init`")
        self._ref_key = derived(key, b"hotline caller_ref v1")
        self._block_key = derived(key, b"hotline block_ref v1")
        self._seal = Seal(key, b"hotline caller_sealed v1", "a sealed caller number")

    @classmethod
    def from_file(cls, path: Path) -> NumberVault:
        """Raises StorageError: missing, readable by others, or not a key."""
        return cls(read_key_file(path))

    def caller_ref(self, number: str) -> str:
        """32 hex digits, the same for the same normalised number under the same key."""
        return hmac.new(self._ref_key, number.encode(), sha256).hexdigest()[:32]

    def block_ref(self, beginning: str) -> str:
        """As `caller_ref`, of all numbers that begin so, under a key of its own. Each call asks for a dozen of them."""
        return blake2b(beginning.encode(), key=self._block_key, digest_size=16).hexdigest()

    def block_refs(self, number: str) -> tuple[str, ...]:
        """Of all blocks that the normalised number lies in, the largest first; none for a service number (110, 95xxx)."""
        if not number.startswith("+"):
            return ()
        return tuple(self.block_ref(number[:length]) for length in range(SHORTEST_BLOCK, len(number)))

    def seal(self, number: str) -> str:
        """Encrypted text, different every time."""
        return self._seal.seal(number)

    def open_sealed(self, sealed: str) -> str:
        """The number. Raises StorageError when it was sealed under another key or changed."""
        return self._seal.open_sealed(sealed)


def make_key_file(path: Path) -> None:
    """Writes a new random key, mode 0600. An existing file is never overwritten: it opens the numbers stored so far.

    Raises:
        StorageError: the file exists or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise StorageError(f"number key: {path} exists already; it is kept") from None
    except OSError as error:
        raise StorageError(f"number key: {path} cannot be written ({error.strerror})") from None
    with os.fdopen(fd, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_key_file(path: Path) -> bytes:
    """The key's bytes. Raises StorageError: missing, readable or writable by others, or not 64 hex digits."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        content = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise StorageError(f"number key: {path} cannot be read; make it with `hotline init`") from None
    if mode & 0o077:
        raise StorageError(f"number key: {path} is open to others (mode {mode:04o}); run: chmod 600 {path}")
    try:
        return bytes.fromhex(content)
    except ValueError:
        raise StorageError(f"number key: {path} does not hold 64 hex digits; restore it from your backup") from None
