"""What is wrong with a configuration, in words for the operator who has to mend it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, get_args

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from service.settings_lines import Path, line_of

_WORDS: Final = {
    "missing": "is missing",
    "string_type": "must be text in quotes",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "too_short": "must not be empty",
    "too_long": "has too many items",
}
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_BOUND_ERRORS: Final = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """One mistake. `path` is like `line[2].rings[0].need`, "" for the whole file; `line` counts from 1."""

    path: str
    line: int | None
    text: str
    allowed: str = ""

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.path} {self.what}" if self.path else f"{where}{self.what}"

    @property
    def what(self) -> str:
        """The text, and what would be allowed."""
        return f"{self.text} (allowed: {self.allowed})" if self.allowed else self.text

    def as_dict(self) -> dict[str, str | int | None]:
        return asdict(self)


class SettingsError(Exception):
    """The configuration cannot be used. `errors` has every mistake that could be seen, in the order of the file."""

    def __init__(self, errors: Sequence[SettingsProblem], warnings: Sequence[SettingsProblem] = ()) -> None:
        self.errors = list(errors)
        self.warnings = list(warnings)
        super().__init__("; ".join(str(problem) for problem in self.errors))


def path_text(path: Path) -> str:
    """`("line", 2, "rings", 0, "need")` -> `line[2].rings[0].need`, items counted from 0 as TOML tools do."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{_key_text(part)}" if text else _key_text(part)
    return text


def _key_text(key: str) -> str:
    """As it must be written in TOML; an odd key must not move a terminal's cursor."""
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key)


def clean_path(location: Sequence[str | int]) -> Path:
    """Where pydantic saw a mistake, without its mark for "the key itself"."""
    return tuple(part for part in location if part != "[key]")


def in_file_order(problems: Sequence[SettingsProblem]) -> list[SettingsProblem]:
    return sorted(problems, key=lambda problem: problem.line or 0)


def nearest(word: str, known: Sequence[str]) -> str:
    """` (did you mean "x"?)`, or "" when nothing is near."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f' (did you mean "{near[0]}"?)' if near else ""


def from_validation(root: type[BaseModel], error: ValidationError, lines: dict[Path, int]) -> list[SettingsProblem]:
    """Pydantic's errors in our words. Values are never repeated: one of them may be a secret in the wrong place."""
    items = [dict(item) for item in error.errors(include_url=False, include_input=False)]
    return [_problem(root, item, lines) for item in items if not _echo(item, items)]


def _echo(item: dict[str, Any], items: Sequence[dict[str, Any]]) -> bool:
    """A list is called too short when its wrong items are not counted: those are told already."""
    path = item["loc"]
    return item["type"] == "too_short" and any(
        len(other["loc"]) > len(path) and other["loc"][: len(path)] == path for other in items
    )


def _problem(root: type[BaseModel], item: dict[str, Any], lines: dict[Path, int]) -> SettingsProblem:
    path = clean_path(item["loc"])
    table, field = _locate(root, path)
    kind = item["type"]
    context = item.get("ctx", {})
    line = line_of(lines, path)
    if kind == "hotline":
        return SettingsProblem(path_text(path), line, context["text"], context["allowed"])
    if kind == "extra_forbidden" and table is not None:
        known = keys_of(table)
        text = f"is an unknown key{nearest(str(path[-1]), known)}"
        return SettingsProblem(path_text(path), line, text, ", ".join(known))
    if kind in _BOUND_ERRORS:
        return SettingsProblem(path_text(path), line, "is out of range", _bounds(field, context))
    if kind == "enum":
        return SettingsProblem(
            path_text(path), line, "is none of the known words", context["expected"].replace("'", '"')
        )
    if kind == "missing" and field is not None:
        return SettingsProblem(path_text(path), line, f"is missing: {field.description}")
    return SettingsProblem(path_text(path), line, _WORDS.get(kind, item["msg"]), _example(field))


def keys_of(table: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in table.model_fields.items()]


def _locate(root: type[BaseModel], path: Path) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """The model whose key the path's last name is (or would be), and that key when it exists."""
    table: type[BaseModel] | None = root
    field: FieldInfo | None = None
    for part in path:
        if isinstance(part, int):
            continue
        if field is not None:
            table = _model_in(field.annotation)
        if table is None:
            return None, field
        found = next((f for name, f in table.model_fields.items() if (f.alias or name) == part), None)
        if found is None:
            return table, None
        field = found
    return table, field


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part)) is not None), None)


def _bounds(field: FieldInfo | None, context: dict[str, Any]) -> str:
    """Both ends of a range, since an error names only the one that was crossed."""
    limits = {type(limit): limit for limit in (field.metadata if field else ())}
    low, above, high = limits.get(Ge), limits.get(Gt), limits.get(Le)
    if high is not None and low is not None:
        return f"{low.ge:g} to {high.le:g}"
    if high is not None and above is not None:
        return f"above {above.gt:g}, at most {high.le:g}"
    return "1 to 10" if field is not None else ", ".join(f"{name} {value}" for name, value in context.items())


def _example(field: FieldInfo | None) -> str:
    """The default, as TOML shows it, where there is one to show."""
    if field is None or not isinstance(field.default, str | int | float) or field.default == "":
        return ""
    return f"for example {json.dumps(field.default)}"
