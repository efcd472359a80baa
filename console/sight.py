"""Who sees how much of a citizen's number: the one place where numbers are masked, and where a role is asked for its sight.

Everything that leaves this service with a number goes through here: answers, pages, exports, and the commands, which are
clients with a token. What a role sees is configured (`[privacy]`); a hidden caller's number is shown to nobody, and read
only one at a time, with a reason, by a role that may.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from console.deps import ConsoleDeps, Reading, Sight, Token
from console.problems import Problem

RANK: Final = tuple(Sight)  # each sees what the one before sees, and more
_LONG: Final = re.compile(r"\+?\d(?:[ \-]?\d){6,}")


def masked(number: str, *, block: bool = False) -> str:
    """As most people may see it: 138****1000; of a block all that it says."""
    if block:
        return f"{number}*"
    digits = number.removeprefix("+86")
    if len(digits) < 8:
        return digits[:1] + "*" * (len(digits) - 1)
    return digits[:3] + "*" * (len(digits) - 7) + digits[-4:]


def blanked(text: str) -> str:
    """A text without what may be a telephone number."""
    return _LONG.sub("****", text)


def sees(deps: ConsoleDeps, token: Token, sight: Sight) -> bool:
    """Whether the token's role sees at least so much."""
    return RANK.index(deps.sight(token.role)) >= RANK.index(sight)


def seen(deps: ConsoleDeps, token: Token, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """An entry with `number` (masked by whoever gives it) as this token may see it."""
    return entry if sees(deps, token, Sight.MASKED) else {**entry, "number": ""}


def all_seen(deps: ConsoleDeps, token: Token, entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [seen(deps, token, entry) for entry in entries]


def words_seen(deps: ConsoleDeps, token: Token, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """An intake as this token may see it: who sees no numbers sees no names, and no numbers in the text."""
    return entry if sees(deps, token, Sight.MASKED) else {**entry, "name": "", "text": blanked(entry["text"])}


def reading(deps: ConsoleDeps, token: Token, reason: str) -> Reading:
    """A number is asked for in clear. Raises Problem 403 for roles that see none so."""
    if not sees(deps, token, Sight.CLEAR):
        raise Problem(403, f"The role {token.role} may not see numbers.")
    return Reading(token.name, token.role.value, reason.strip(), hidden=sees(deps, token, Sight.HIDDEN))
