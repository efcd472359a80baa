"""Caller numbers: one written form, a keyed reference for matching, and the encrypted original.

A number leaves this module only as `caller_ref` (to recognise a caller again without knowing the number) or sealed (to
be opened by those who may). Nothing here puts a number into an error text.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from hashlib import blake2b, sha256
from typing import Final

from storage.keys import KEY_BYTES, Keyring
from storage.sealing import number_seal

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
    """References and seal of caller numbers, by the keys of a keyring."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._seal = number_seal(keyring)

    def caller_ref(self, number: str) -> str:
        """32 hex digits, the same for the same normalised number, also after a renewal of the key."""
        return hmac.new(self._keyring.keys.refs[:KEY_BYTES], number.encode(), sha256).hexdigest()[:32]

    def block_ref(self, beginning: str) -> str:
        """As `caller_ref`, of all numbers that begin so, under a key of its own. Each call asks for a dozen of them."""
        return blake2b(beginning.encode(), key=self._keyring.keys.refs[KEY_BYTES:], digest_size=16).hexdigest()

    def block_refs(self, number: str) -> tuple[str, ...]:
        """Of all blocks that the normalised number lies in, the largest first; none for a service number (110, 95xxx)."""
        if not number.startswith("+"):
            return ()
        return tuple(self.block_ref(number[:length]) for length in range(SHORTEST_BLOCK, len(number)))

    def seal(self, number: str) -> str:
        """Encrypted text, different every time."""
        return self._seal.seal(number)

    def open_sealed(self, sealed: str) -> str:
        """The number. Raises StorageError when it was sealed under a key that is not there, or changed."""
        return self._seal.open_sealed(sealed)
