"""Who works here, with which skills: the table `agents`. See `storage.seeded` for how it is filled and changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from routing.model import SignIn
from storage.schema import agents
from storage.seeded import NEW, SeededTable


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent. `skills`: id -> level 1..10. `sign_in`: "phone" or "agent"."""

    id: str
    name: str
    skills: Mapping[str, int] = field(default_factory=dict)
    zone: str | None = None
    sign_in: str = "phone"
    disabled: bool = False
    revision: int = NEW


def _row(values: dict[str, Any]) -> AgentRow:
    skills = values["skills"] if isinstance(values["skills"], dict) else {}
    good = {skill: level for skill, level in skills.items() if isinstance(level, int) and 1 <= level <= 10}
    sign_in = values["sign_in"] if values["sign_in"] in set(SignIn) else SignIn.PHONE.value
    return AgentRow(**values | {"skills": good, "sign_in": sign_in})


AGENTS: Final = SeededTable(agents, _row)
