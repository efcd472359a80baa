"""Which numbers may be dialled for a call, whoever asks for it: the one rule against toll fraud, loops and slips.

It holds for the directory when it is written and again when it is used, and for plain numbers that somebody types. What a
number costs is decided by how it begins, also behind an area code, so that is what the rule looks at.

No sentence here repeats the number: it may be a citizen's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# 00: abroad. 160, 168 and 1259: information by the minute (声讯). 179, 10193 and 11808: the dial-around of other carriers,
# behind which any number can follow. 400 and 800 are paid for by whoever is called, or like a local call.
FORBIDDEN: Final = ("00", "160", "168", "179", "1259", "10193", "11808")
FEWEST_DIGITS: Final = 3
MOST_DIGITS: Final = 12  # 0, area code of three and number of eight digits; or 0 and a mobile number
ROLES: Final = frozenset({"supervisor", "expert"})
FOLLOW_UP_ROLES: Final = ROLES | {"agent"}


@dataclass(frozen=True, slots=True)
class DialingRules:
    """`forbidden`: how numbers begin that are never dialled. `lines`: our own numbers, merged ones too. `area_code`: ours,
    like 0519, or "". `roles`: whose people may dial a number that stands in no directory; `follow_up_roles`: whose may call
    the citizen of a case."""

    forbidden: tuple[str, ...] = FORBIDDEN
    lines: frozenset[str] = frozenset()
    emergency: frozenset[str] = frozenset()
    area_code: str = ""
    most_digits: int = MOST_DIGITS
    roles: frozenset[str] = ROLES
    follow_up_roles: frozenset[str] = FOLLOW_UP_ROLES


def refusal(number: str, rules: DialingRules) -> str | None:
    """One sentence that says why this number is not dialled; None: it is permitted."""
    if not (number.isascii() and number.isdigit()):
        return "A number has digits only, without +, blanks and signs."
    bare = without_area_code(number)
    if beginning := next(
        (start for start in rules.forbidden if number.startswith(start) or bare.startswith(start)), None
    ):
        return f"Numbers that begin with {beginning} are not permitted; see forbidden in [dialing]."
    if not FEWEST_DIGITS <= len(number) <= rules.most_digits:
        return f"A number has {FEWEST_DIGITS} to {rules.most_digits} digits."
    ours = rules.area_code != "" and number.startswith(rules.area_code)
    here = {number, "" if bare == number else number.removeprefix("0")} | ({bare} if ours else set())
    if here & rules.emergency:
        return "An emergency number is reached by the emergency act, which has several routes and tells its steps."
    if here & rules.lines:
        return "This is a number of this hotline itself: the call would come back to it."
    return None


def role_refusal(role: str, rules: DialingRules) -> str | None:
    """Why people of this role may not dial a number that they type in a talk, by the API or by keys. None: they may."""
    if role in rules.roles:
        return None
    permitted = "departments of the directory and citizens of the list of call-backs are permitted"
    return f"The role {role} may not dial plain numbers, {_few(rules.roles)} may; {permitted}."


def follow_up_refusal(role: str, rules: DialingRules) -> str | None:
    """Why people of this role may not call the citizen of a case, whose number they type (T17). None: they may."""
    if role in rules.follow_up_roles:
        return None
    permitted = "citizens of the list of call-backs are permitted"
    return f"The role {role} may not follow up a case by a call, {_few(rules.follow_up_roles)} may; {permitted}."


def without_area_code(number: str) -> str:
    """`051985680000` -> `85680000`; `013800000000` -> `13800000000`, whose 0 is a mere prefix; others as they are."""
    if not number.startswith("0") or number.startswith("00"):
        return number
    if number.startswith("01") and not number.startswith("010"):
        return number[1:]
    return number[3:] if number.startswith(("010", "02")) else number[4:]


def _few(words: Iterable[str]) -> str:
    return " and ".join(sorted(words)) or "nobody"
