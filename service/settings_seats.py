"""The SIP passwords of the seats: a file of their own, for there may be a thousand, and the service has no use for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from service.settings_secrets import FIT_FOR_ASTERISK, FIT_WORDS, SecretError, read_private

MISTAKES_SHOWN: Final = 5
_SEAT_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,31}")


class SeatPassword(NamedTuple):
    seat_id: str
    password: str
    line: int  # where it stands, counted from 1


def read_seat_passwords(path: Path) -> list[SeatPassword]:
    """Lines of `<seat id> <password>`; `#` begins a line that is a comment.

    No such file, no passwords: the phones are then configured elsewhere in Asterisk.

    Raises:
        SecretError: open to others, or lines that are not so: all of them at once, by their numbers. Nothing of a line is
            repeated, for a password may stand in the wrong place.
    """
    if not _is_there(path):
        return []
    try:
        text = read_private(path, "write one line for each seat, or remove it").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not text") from None
    found: dict[str, SeatPassword] = {}
    mistakes = []
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if mistake := _mistake(words, found):
            mistakes.append(f"line {number} {mistake}")
        else:
            found[words[0]] = SeatPassword(words[0], words[1], number)
    if mistakes:
        raise SecretError(f"{path}: {few(mistakes, '; ')}")
    return list(found.values())


def few(items: list[str], separator: str = ", ") -> str:
    more = f" and {len(items) - MISTAKES_SHOWN} more" if len(items) > MISTAKES_SHOWN else ""
    return separator.join(items[:MISTAKES_SHOWN]) + more


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True  # reading it says why not
    return True


def _mistake(words: list[str], found: dict[str, SeatPassword]) -> str | None:
    if len(words) != 2 or not _SEAT_ID.fullmatch(words[0]):
        return "must be a seat id, a blank and a password"
    if words[0] in found:
        return f"is for the same seat as line {found[words[0]].line}"
    if not FIT_FOR_ASTERISK.fullmatch(words[1]):
        return f"has a password that may hold {FIT_WORDS}"
    return None
