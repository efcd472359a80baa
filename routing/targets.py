"""Whom a call can be joined with: a third party and the ways to reach it. Plain values; who resolves them is the shell.

Source: clauses T9 to T12.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TargetKind(StrEnum):
    DEPARTMENT = "department"  # of the directory
    AGENT = "agent"
    SKILL = "skill"  # whoever has it and is free
    HOTLINE = "hotline"  # another city's, with the case id and the caller's number
    NUMBER = "number"  # a plain telephone number
    EMERGENCY = "emergency"  # 110, 119, 120, 122, 12395


@dataclass(frozen=True, slots=True)
class Route:
    """One number of a third party. `dial`: Asterisk's dial string. `name`: what people are shown of it."""

    dial: str
    name: str

    @property
    def trunk(self) -> str:
        return self.dial.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Target:
    """`routes` are tried in order. For an agent or a skill they are empty: the engine knows who is free.

    `answer_s`: how long one route may ring. `first_sound_s`: without a 180 or 183 by then the next route is dialled too.
    `shows_caller`: the citizen's number is shown there, else that of the line he dialled.
    """

    kind: TargetKind
    id: str
    name: str
    routes: tuple[Route, ...] = ()
    answer_s: float = 30.0
    first_sound_s: float | None = None
    shows_caller: bool = False
