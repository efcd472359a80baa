"""`hotline check`: every problem of the configuration at once, each with its key, its line and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from service.cli.output import DEFAULT_CONFIG, GOOD, WRONG, ConfigOption, JsonOption, print_json
from service.settings import SettingsError, SettingsProblem, load


def check(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Report all problems of the configuration; exit 2 when there is an error."""
    errors: Sequence[SettingsProblem]
    warnings: Sequence[SettingsProblem]
    try:
        errors, warnings = (), load(config, check_seats=True).warnings
    except SettingsError as error:
        errors, warnings = error.errors, error.warnings
    if as_json:
        print_json(
            {
                "file": str(config),
                "errors": [problem.as_dict() for problem in errors],
                "warnings": [problem.as_dict() for problem in warnings],
            }
        )
    else:
        _print(str(config), errors, warnings)
    raise typer.Exit(WRONG if errors else GOOD)


def _print(file: str, errors: Sequence[SettingsProblem], warnings: Sequence[SettingsProblem]) -> None:
    for kind, problems in (("error", errors), ("warning", warnings)):
        for problem in problems:
            typer.echo(f"{kind}: {problem}")
    typer.echo(f"{file}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")


def _count(problems: Sequence[SettingsProblem], word: str) -> str:
    return f"{len(problems) or 'no'} {word}{'' if len(problems) == 1 else 's'}"
