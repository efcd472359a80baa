"""Caller numbers on their way in: normalised, then only a keyed reference and a sealed copy go on."""

from __future__ import annotations

from storage.keys import Keyring
from storage.numbers import NumberVault, normalise


class Numbers:
    """`area_code`: of local numbers, as in `[service] area_code`."""

    def __init__(self, keyring: Keyring, area_code: str) -> None:
        self._vault, self._area_code = NumberVault(keyring), area_code

    def sealed(self, raw: str) -> tuple[str | None, str | None]:
        """`(caller_ref, caller_sealed)`; a withheld or senseless number gives (None, None): it matches nobody."""
        number = normalise(raw, area_code=self._area_code)
        if number is None:
            return None, None
        return self._vault.caller_ref(number), self._vault.seal(number)

    def blocks(self, raw: str) -> tuple[str, ...]:
        """References of the blocks of numbers it lies in; none of a withheld, senseless or service number."""
        number = normalise(raw, area_code=self._area_code)
        return () if number is None else self._vault.block_refs(number)
