"""What an engineer would look at, one after the other, each with how it stands and what to type next: `hotline doctor`.

It looks itself, and asks neither the service for what it can see with its own eyes nor anybody to change anything. What
stands in it is the state of this moment: what was, is in the records and in Prometheus.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from service import recording_files
from service.asterisk_folder import spool_owner
from service.pbx import DEBIAN
from service.settings import Settings
from storage.engine import sqlite_file_exists
from storage.errors import StorageError, StorageUnavailable
from storage.lag import lag_of, lines_aside
from storage.records import Archive, archive_of

LITTLE_BYTES: Final = 1_000_000_000  # as the alert HotlineDiskFull
MANY_WAIT: Final = 1000  # as the alert HotlineRecordsSpooled
CONNECT_S: Final = 2.0
CEL_LATE_S: Final = 60.0


class State(StrEnum):
    OK = "ok"
    WARN = "warn"  # callers are served; somebody should look
    FAIL = "fail"  # callers, records or recordings are touched


@dataclass(frozen=True, slots=True)
class Finding:
    """`do`: what to type next; "" when all is well."""

    part: str
    state: State
    what: str
    do: str = ""


def worst(findings: list[Finding]) -> State:
    states = {finding.state for finding in findings}
    return next((state for state in (State.FAIL, State.WARN) if state in states), State.OK)


# -- configuration --


def configuration(settings: Settings) -> Iterator[Finding]:
    """It was loaded, with its secrets: whatever is wrong with it is no finding but the end of the look."""
    count = len(settings.warnings)
    if count:
        yield Finding("configuration", State.WARN, f"{count} warnings", "hotline check")
    else:
        yield Finding("configuration", State.OK, "no mistakes; secrets are there and nobody else can read them")


# -- journal and database --


def journal(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    free = recording_files.free_bytes(folder)
    if free is None:
        yield Finding("journal", State.FAIL, f"{folder} cannot be read", f"ls -ld {folder}")
        return
    room = f"{free / 1e9:.1f} GB left in {folder}"
    if free < LITTLE_BYTES:
        yield Finding("journal", State.FAIL, room, "make room, and do not restart the service before")
    else:
        yield Finding("journal", State.OK, room)
    with suppress(OSError):
        if aside := lines_aside(folder):
            what = f"{aside} lines were kept aside, ever"
            yield Finding("journal", State.WARN, what, f"less {folder / 'journal' / 'refused.txt'}")


def database(settings: Settings) -> Iterator[Finding]:
    url = settings.database_url()
    if not sqlite_file_exists(url):
        yield Finding("database", State.FAIL, "there is none yet", "hotline serve")
        return
    try:
        behind = asyncio.run(lag_of(url, settings.data_dir))
    except (StorageError, StorageUnavailable) as error:
        yield Finding("database", State.FAIL, str(error).removeprefix("database: "), "journalctl -u hotline")
        return
    what = f"{behind} records wait in the journal"
    if behind > MANY_WAIT:
        yield Finding("database", State.WARN, what, "journalctl -u hotline | grep records")
    else:
        yield Finding("database", State.OK, what)


# -- recordings and CEL --


def recordings(settings: Settings) -> Iterator[Finding]:
    if not settings.recording.enabled:
        return
    problem = recording_files.trouble(settings.recordings_dir, settings.recording.min_free_mb, spool_owner(DEBIAN))
    if problem is None:
        yield Finding("recordings", State.OK, f"{settings.recordings_dir} takes them")
    else:
        yield Finding("recordings", State.FAIL, problem, "hotline asterisk install")


def cel(settings: Settings) -> Iterator[Finding]:
    """Asterisk writes a line when a call arrives: so the file is never older than the last call."""
    file = settings.cel_file
    try:
        written = file.stat().st_mtime
        with file.open("rb"):
            pass
    except OSError as error:
        what = f"{file} cannot be read ({(error.strerror or 'no access').lower()})"
        yield Finding("CEL", State.WARN, what, "hotline asterisk diff; docs/reconcile.md: Set up")
        return
    arrived = _last_arrival(settings)
    if arrived is not None and written < arrived - CEL_LATE_S:
        what = f"nothing was written to {file} since before the last call"
        yield Finding("CEL", State.WARN, what, "asterisk -rx 'cel show status'")
    else:
        yield Finding("CEL", State.OK, f"{file} is written")


def _last_arrival(settings: Settings) -> float | None:
    url = settings.database_url()
    if not sqlite_file_exists(url):
        return None

    async def newest() -> list[str]:
        async with archive_of(url) as archive:
            return await _newest(archive)

    try:
        found = asyncio.run(newest())
    except (StorageError, StorageUnavailable):
        return None
    stamp = found[0].partition("-")[0] if found else ""
    return int(stamp) / 1000 if stamp.isascii() and stamp.isdigit() else None


async def _newest(archive: Archive) -> list[str]:
    return await archive.call_ids("last")


# -- the service --


def fastagi(settings: Settings) -> Iterator[Finding]:
    host, port = settings.service.fastagi_address
    try:
        socket.create_connection((host, port), CONNECT_S).close()
    except OSError as error:
        what = f"nothing answers at {host}:{port} ({(error.strerror or 'no answer').lower()})"
        yield Finding("FastAGI", State.FAIL, what, "systemctl status hotline")
    else:
        yield Finding("FastAGI", State.OK, f"{host}:{port} answers")


def service(status: Mapping[str, Any] | None, problem: str) -> Iterator[Finding]:
    """`status`: as `/api/v1/status` tells it; None: it did not, and `problem` says why."""
    if status is None:
        yield Finding("service", State.FAIL, problem, "systemctl status hotline")
        return
    health = status["health"]
    if not health["serving"]:
        yield Finding("service", State.FAIL, "it serves no callers", "journalctl -u hotline")
    else:
        yield Finding("service", State.OK, f"version {status['version']} serves callers")
    for part in health["degraded"]:
        yield Finding("service", State.WARN, f"{part} is out of order", "journalctl -u hotline | grep -E 'ami|records'")
    if status["alarms"]:
        what = f"{len(status['alarms'])} emergency alarms that nobody has acknowledged"
        yield Finding("alarms", State.FAIL, what, "hotline status")
    for trunk in status["dead_trunks"]:
        what = f"the trunk {trunk} to emergency centres does not answer"
        yield Finding("emergency", State.FAIL, what, "asterisk -rx 'pjsip show contacts'")


LOCAL: Final[tuple[Callable[[Settings], Iterator[Finding]], ...]] = (
    configuration,
    journal,
    database,
    recordings,
    cel,
    fastagi,
)


def here(settings: Settings) -> list[Finding]:
    """All that this machine tells without Asterisk and without the service's word."""
    return [finding for look in LOCAL for finding in look(settings)]
