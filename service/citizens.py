"""Whom an agent may call, and how: the one place where the number of a citizen becomes something Asterisk dials.

No sentence here repeats the number.
"""

from __future__ import annotations

from typing import Final

from routing import permitted
from service.settings import Settings
from storage.numbers import normalise

CHINA: Final = "+86"
NO_NUMBER: Final = "This is no telephone number."


def dialled(number: str, area_code: str) -> str:
    """A normalised number as it is dialled from here: 13800000000, 02180000000, of the own area 80000000, 00852…"""
    if not number.startswith("+"):
        return number
    if not number.startswith(CHINA):
        return "00" + number[1:]
    bare = number.removeprefix(CHINA)
    if len(bare) == 11 and bare.startswith("1") and bare[1] != "0":
        return bare  # a mobile
    if bare.startswith(("400", "800")) and len(bare) == 10:
        return bare
    own = area_code.removeprefix("0")
    return bare.removeprefix(own) if own and bare.startswith(own) else "0" + bare


def way_to(raw: str, settings: Settings) -> tuple[str, str | None]:
    """(dial string, None), or ("", why this number is not called)."""
    area_code = settings.service.area_code
    number = normalise(raw, area_code=area_code)
    if number is None:
        return "", NO_NUMBER
    digits = dialled(number, area_code)
    refused = permitted.refusal(digits, settings.dialing_rules())
    if refused is not None:
        return "", refused
    trunk = next((trunk for trunk in settings.trunks if trunk.name == settings.citizens_trunk), None)
    if trunk is None:
        return "", "There is no trunk to the citizens; name one: trunk in [dialing]."
    return trunk.dial.replace("{number}", digits), None
