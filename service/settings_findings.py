"""One thing that a check of the configuration found, and the words that checks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.roster import DUTY
from service.settings_lines import Path
from service.settings_problems import nearest
from service.settings_tables import RESERVE

if TYPE_CHECKING:
    from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    path: Path
    text: str
    allowed: str = ""
    is_error: bool = True
    refers_to: tuple[str, str] | None = None  # the table and the name in it that was looked for


Check = Callable[["Settings"], Iterator[Finding]]


def warning(path: Path, text: str, allowed: str = "") -> Finding:
    return Finding(path, text, allowed, is_error=False)


def unknown(path: Path, table: str, name: str, known: Sequence[str]) -> Finding:
    what = "skill" if table == "skills" else table
    return Finding(
        path, f'names the unknown {what} "{name}"{nearest(name, known)}', ", ".join(known), refers_to=(table, name)
    )


def known_groups(settings: Settings) -> set[str]:
    """Groups that some seat is in, and those that have a meaning of their own."""
    duty = {DUTY} if settings.duty_seats else set()
    return {RESERVE, *duty, *(group for seat in settings.seats for group in seat.groups)}


def known_zones(settings: Settings) -> set[str]:
    """Zones that some agent is in, and those that have a table."""
    return {*(zone.id for zone in settings.zones), *(agent.zone for agent in settings.agents if agent.zone is not None)}
