"""Rules to be tried beside the running ones: a whole `hotline.toml`, or only the part of it that is to be another.

A file with nothing but `ROUTING` tables is a part: its lines and zones stand in the place of the running ones of the same
number or id, its rosters in the place of all, and of its other tables each key in the place of that key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from service import settings_checks
from service.settings import Settings, SettingsError, SettingsProblem, checked, toml_text
from service.settings_lines import key_lines

ROUTING: Final = frozenset({"skills", "line", "zone", "timing", "target", "roster", "surge"})
BY_KEY: Final = {"line": "number", "zone": "id"}


def load_beside(running: Settings, data: bytes, known_agents: Mapping[str, str | None]) -> Settings:
    """The settings of a file that nobody serves by yet; its secrets are not looked at.

    Raises:
        SettingsError: with all mistakes. Those of a part have no line: they may be between it and what is running.
    """
    text = toml_text(data)
    document = tomllib.loads(text)
    check = partial(settings_checks.check, check_secrets=False, check_seats=False, known_agents=known_agents)
    if not document:
        raise SettingsError([SettingsProblem("", None, "the file says nothing", "a hotline.toml, or a part of one")])
    if not document.keys() <= ROUTING:
        return checked(running.file, document, key_lines(text), check)
    whole = _joined(running.document, document)
    try:
        return checked(running.file, whole, {}, check)
    except SettingsError as error:
        raise SettingsError([_named(problem, whole) for problem in error.errors]) from None


def _joined(running: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    return {**running, **{name: _table(name, running.get(name), value) for name, value in part.items()}}


def _table(name: str, running: Any, part: Any) -> Any:
    """What makes no sense goes through as it is: the check says so."""
    if isinstance(part, dict) and isinstance(running, dict):
        return {**running, **part}
    key = BY_KEY.get(name)
    if key is None or not isinstance(part, list) or not isinstance(running, list):
        return part
    named = {str(item.get(key)): item for item in part if isinstance(item, dict)}
    if len(named) != len(part):
        return part
    known = {str(item.get(key)) for item in running}
    stays = [named.get(str(item.get(key)), item) for item in running]
    return stays + [item for id_, item in named.items() if id_ not in known]


def _named(problem: SettingsProblem, whole: Mapping[str, Any]) -> SettingsProblem:
    """`line[3].rings` -> `line 12333.rings`: the place in a list that nobody wrote says nothing."""
    found = re.match(r"(line|zone)\[(\d+)\]", problem.path)
    if found is None:
        return problem
    item = whole[found[1]][int(found[2])]
    name = item.get(BY_KEY[found[1]], "without a name") if isinstance(item, dict) else "without a name"
    return replace(problem, path=f"{found[1]} {name}{problem.path[found.end() :]}")
