"""`hotline check`: every problem of the configuration at once, each with its key, its line and what is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import typer

from routing.restrictions import Kind
from routing.workdays import Workdays
from service import clock, recording_files
from service.agents import Agents
from service.asterisk_folder import spool_owner
from service.calendar import ending
from service.cli.output import DEFAULT_CONFIG, GOOD, WRONG, ConfigOption, JsonOption, print_json
from service.department_rows import made
from service.directory import Directory
from service.number_keys import missing
from service.official_days import DecreeUnavailable, official_days
from service.pbx import DEBIAN
from service.restriction_rows import status
from service.seeded import NAMED_AT_MOST, Seeded
from service.settings import SecretError, Settings, SettingsError, SettingsProblem, load
from service.settings_rosters import needs_calendar
from storage.agents import AgentRow
from storage.audit import Act
from storage.errors import StorageError, StorageUnavailable
from storage.records import agents_of, audit_of, departments_of, restrictions_of, workdays_of
from storage.seeded import Row

R = TypeVar("R", bound=Row)


def check(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Report all problems of the configuration; exit 2 when there is an error."""
    errors: Sequence[SettingsProblem]
    warnings: Sequence[SettingsProblem]
    try:
        rows = agents_in_database(load(config, check_seats=True))
        zones = None if rows is None else {id_: row.zone for id_, row in rows.items()}
        settings = load(config, check_seats=True, known_agents=zones)
        found = [*_differing(Agents, settings, rows or {}), *_directory(settings), *_silent_notice(settings)]
        errors = _keys(settings)
        warnings = (*settings.warnings, *found, *_calendar(settings), *_recording(settings))
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


def agents_in_database(settings: Settings) -> dict[str, AgentRow] | None:
    """The agents who rule while the service runs; None when the database cannot be asked."""
    try:
        return {row.id: row for row in asyncio.run(agents_of(settings.database_url()))}
    except (StorageError, StorageUnavailable):
        return None


def _differing(seeded: type[Seeded[R]], settings: Settings, rows: Mapping[str, R]) -> list[SettingsProblem]:
    ids = seeded.differences(settings, rows)
    if not ids:
        return []
    few = ", ".join(ids[:NAMED_AT_MOST]) + (f" and {len(ids) - NAMED_AT_MOST} more" if len(ids) > NAMED_AT_MOST else "")
    return [SettingsProblem(seeded.word, None, f"{few}: file and database differ, {seeded.hint(ids)}")]


def _directory(settings: Settings) -> list[SettingsProblem]:
    """Departments that file and database have otherwise, and numbers that are not dialled any more."""
    try:
        rows = {row.id: row for row in asyncio.run(departments_of(settings.database_url()))}
    except (StorageError, StorageUnavailable):
        return []
    found = _differing(Directory, settings, rows)
    for row in rows.values():
        if not row.disabled and (wrong := made(row, settings).problems):
            text = f"{row.id} in the database: {'; '.join(wrong)}"
            found.append(SettingsProblem("department", None, text, "hotline departments import"))
    return found


def _silent_notice(settings: Settings) -> list[SettingsProblem]:
    """Somebody is rejected and no voice tells him where help is to be had."""
    if settings.voice_notice is not None:
        return []
    try:
        rows = asyncio.run(restrictions_of(settings.database_url()))
    except (StorageError, StorageUnavailable):
        return []
    now = clock.wall()
    ids = [row.id for row in rows if row.kind == Kind.REJECT and status(row, now) in ("in_force", "pending")]
    if not ids:
        return []
    few = ", ".join(map(str, ids[:NAMED_AT_MOST])) + (" and more" if len(ids) > NAMED_AT_MOST else "")
    said = f"is missing, so callers rejected by restriction {few} hear tones and no emergency numbers"
    return [SettingsProblem("restrictions.voice_notice", None, said, "a WAV file (8 kHz, mono, 16 bit) that says them")]


def _recording(settings: Settings) -> list[SettingsProblem]:
    """Whether Asterisk could record now. Whom it runs as tells its spool; without one, whose folder it is."""
    if not settings.recording.enabled:
        return []
    user = spool_owner(DEBIAN)
    problem = recording_files.trouble(settings.recordings_dir, settings.recording.min_free_mb, user)
    if problem is None:
        return []
    return [
        SettingsProblem(
            "recording", None, f"calls are not recorded: {problem}", "hotline asterisk install makes the folder"
        )
    ]


def _keys(settings: Settings) -> list[SettingsProblem]:
    """Keys that numbers in the database are sealed under and that the file does not have."""
    try:
        rows = asyncio.run(audit_of(settings.database_url(), (Act.KEY_RENEWED, Act.KEY_RETIRED)))
        gone = missing(rows, settings.number_keys())
    except (StorageError, StorageUnavailable, SecretError):
        return []
    text = "does not have the key {}: numbers are sealed under it and cannot be read"
    return [
        SettingsProblem("service.number_key_file", None, text.format(id_), "put it back from your copy") for id_ in gone
    ]


def _calendar(settings: Settings) -> list[SettingsProblem]:
    """When the known workdays end soon: those of the database, or those that a first start would take."""
    if not needs_calendar(settings):
        return []
    today = datetime.fromtimestamp(clock.wall(), settings.zone_info).date()
    try:
        days = [row.day for row in asyncio.run(workdays_of(settings.database_url()))]
    except (StorageError, StorageUnavailable):
        days = []
    try:
        known = days or official_days((today.year, today.year + 1))
    except DecreeUnavailable as error:
        return [SettingsProblem("roster", None, f"needs the calendar of workdays, and {error}")]
    sentence = ending(Workdays({day.date: day for day in known}), today)
    return [] if sentence is None else [SettingsProblem("roster", None, sentence)]


def _print(file: str, errors: Sequence[SettingsProblem], warnings: Sequence[SettingsProblem]) -> None:
    for kind, problems in (("error", errors), ("warning", warnings)):
        for problem in problems:
            typer.echo(f"{kind}: {problem}")
    typer.echo(f"{file}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")


def _count(problems: Sequence[SettingsProblem], word: str) -> str:
    return f"{len(problems) or 'no'} {word}{'' if len(problems) == 1 else 's'}"
