"""What an agent may be: the checks of `[[agent]]`, for those who come by command, API or CSV."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from routing.model import AgentProfile, SignIn
from service.settings import Settings
from service.settings_problems import from_validation, nearest
from service.settings_remote import remote_ids
from service.settings_tables import AgentTable
from service.sheets import Mistake
from storage.agents import AgentRow


def checked(
    values: Mapping[str, Any], settings: Settings, row: int | None = None, *, known: Collection[str] = ()
) -> tuple[AgentRow, list[Mistake]]:
    """An agent by the keys of `[[agent]]`, and everything that is wrong with him; the agent counts only without.

    `known`: skills he has already; one that the configuration has lost meanwhile is no mistake of this change.
    The texts repeat ids of skills and seats, never a name.
    """
    try:
        table = AgentTable.model_validate(dict(values))
    except ValidationError as error:
        problems = from_validation(AgentTable, error, {})
        return AgentRow("", ""), [Mistake(p.what, p.path, row) for p in problems]
    mistakes = [
        Mistake(f'names the unknown skill "{skill}"{nearest(skill, list(settings.skills))}', "skills", row)
        for skill in table.skills
        if skill not in settings.skills and skill not in known
    ]
    if table.sign_in is SignIn.PHONE and all(seat.id != table.id for seat in settings.seats):
        text = f'signs in by phone, and there is no [[seat]] with id = "{table.id}"; sign_in = agent needs none'
        mistakes.append(Mistake(text, "sign_in", row))
    elif table.sign_in is SignIn.PHONE and table.id in remote_ids(settings):
        mistakes.append(Mistake("signs in by phone, and that of a remote seat never registers", "sign_in", row))
    return row_of(table), mistakes


def row_of(table: AgentTable) -> AgentRow:
    return AgentRow(table.id, table.name, dict(table.skills), table.zone, table.sign_in.value)


def keys_of(row: AgentRow) -> dict[str, Any]:
    """The agent by the keys of `[[agent]]`."""
    return {"id": row.id, "name": row.name, "skills": dict(row.skills), "zone": row.zone, "sign_in": row.sign_in}


def profile_of(row: AgentRow, known_skills: Mapping[str, str]) -> AgentProfile:
    """As the engine has him. A skill that the configuration has no more counts for nothing."""
    skills = {skill: level for skill, level in row.skills.items() if skill in known_skills}
    return AgentProfile(row.id, row.name or row.id, skills, row.zone, SignIn(row.sign_in))
