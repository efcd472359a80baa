"""Checking what is left of a configuration that has wrong values, so that one mistake does not hide the next.

A wrong value is taken out (its default applies) or, where the key is required, replaced by a stand-in; then the tables
can still be compared with each other. What such a comparison says about the places already reported, or about
references to a table whose ids could not be read, is left out: it would only be the echo of the first mistake.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from service.settings_findings import Finding
from service.settings_lines import Path
from service.settings_problems import clean_path

if TYPE_CHECKING:
    from service.settings import Settings

_ROUNDS: Final = 4  # a value taken out may leave a required key missing, and so on inwards
_STAND_IN: Final = "stand-in"
_STAND_IN_DIGITS: Final = "000000000000000"
_ID_KEYS: Final = {
    "line": "number",
    "agent": "id",
    "zone": "zone",
    "seat": "id",
    "trunk": "name",
    "pbx": "name",
    "skills": "",
}


def mended(model: type[Settings], document: dict[str, Any], error: ValidationError) -> Settings | None:
    """The configuration without its wrong values, for checking only; None when too little is left."""
    document = copy.deepcopy(document)
    for _ in range(_ROUNDS):
        for item in error.errors(include_url=False, include_input=False):
            _mend(document, clean_path(item["loc"]), is_missing=item["type"] == "missing")
        try:
            return model.model_validate(document)
        except ValidationError as again:
            error = again
    return None


def further_findings(findings: Iterable[Finding], document: dict[str, Any], wrong: Iterable[Path]) -> list[Finding]:
    """Of the contradictions between tables those that are mistakes of their own."""
    wrong = list(wrong)
    return [
        replace(finding, allowed=_without_stand_ins(finding.allowed))
        for finding in findings
        if finding.is_error
        and not (finding.refers_to and _may_exist(document, *finding.refers_to))
        and not _names_stand_in(finding.text)
        and not any(_within(finding.path, path) or _within(path, finding.path) for path in wrong)
    ]


def _may_exist(document: dict[str, Any], table: str, name: str) -> bool:
    """Whether the name is written there, if in a form that is wrong, or a name there cannot be read at all."""
    items = document.get("agent" if table == "zone" else table)
    if isinstance(items, dict):
        return name in items
    if not isinstance(items, list):
        return items is not None
    ids = [item.get(_ID_KEYS[table]) if isinstance(item, dict) else None for item in items]
    return name in ids or name.startswith(_STAND_IN) or not all(isinstance(id_, str) for id_ in ids)


def _names_stand_in(text: str) -> bool:
    """Also as part of the name of an environment variable."""
    return _STAND_IN in text.lower().replace("_", "-")


def _without_stand_ins(allowed: str) -> str:
    return ", ".join(word for word in allowed.split(", ") if not word.startswith((_STAND_IN, _STAND_IN_DIGITS)))


def _within(inner: Path, outer: Path) -> bool:
    return inner[: len(outer)] == outer


def _mend(document: dict[str, Any], path: Path, *, is_missing: bool) -> None:
    """A list with a wrong item goes as a whole: without one item the others would change their places."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    place: Any = document
    for part in path[:-1]:
        try:
            place = place[part]
        except (KeyError, IndexError, TypeError):
            return  # taken out already, with what was around it
    if not isinstance(place, dict) or not path:
        return
    if is_missing:
        place[path[-1]] = _stand_in(str(path[-1]), next((part for part in path if isinstance(part, int)), 0))
    else:
        place.pop(path[-1], None)


def _stand_in(key: str, index: int) -> Any:
    route = {"trunk": _STAND_IN, "number": "00"}
    known: dict[str, Any] = {
        "number": f"{_STAND_IN_DIGITS}{index}",
        "role": "auditor",
        "sha256": f"{index:064x}",
        "dial": "PJSIP/{number}@stand-in",
        "routes": [route],
        "numbers": [f"{_STAND_IN_DIGITS}{index}"],
    }
    return known.get(key, f"{_STAND_IN}-{index}")
