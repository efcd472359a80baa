"""The database engine: SQLite for one node, PostgreSQL by configuration, with the settings that make both safe.

SQLite: WAL, so readers never wait for the writer; our own `BEGIN IMMEDIATE`, because the driver's lazy begin loses
updates silently (a SELECT first, then an UPDATE on an old snapshot); `synchronous=NORMAL`, for the journal file is what
survives a power cut. A connection that only reads begins plainly and takes no write lock. Who has to wait for another
writer asks again for `BUSY_TRIES` seconds: SQLite's lock knows no queue, and a disk may keep its owner for more than one.
The journal's writer asks once, for it says at once why records wait, and tries again for ever by itself.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage.errors import StorageError

BUSY_TIMEOUT_MS: Final = 1000
BUSY_TRIES: Final = 5  # of BUSY_TIMEOUT_MS each; together below the time a question has
ANSWER_TIMEOUT_S: Final = 10.0  # PostgreSQL: one statement; the writer tries again, so short is right
_READ_ONLY: Final = "hotline_read_only"
_TRIES: Final = "hotline_tries"


def create_engine(url: str, *, password_file: Path | None = None) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///path` or `postgresql+asyncpg://user@host/name`. Does not connect yet.

    Raises:
        StorageError: the address is unusable, the SQLite file or the password file is out of reach.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StorageError("service.database: not a database address; use sqlite+aiosqlite:///path/to.db") from None
    if parsed.drivername == "sqlite+aiosqlite":
        return _sqlite(parsed)
    if parsed.drivername == "postgresql+asyncpg":
        return _postgres(parsed, password_file)
    raise StorageError(
        f"service.database: {parsed.drivername} is not supported; use sqlite+aiosqlite:///… or postgresql+asyncpg://…"
    )


def sqlite_file_exists(url: str) -> bool:
    """False for a SQLite file that is not there; asking it would make it. True for all else."""
    parsed = make_url(url)
    return parsed.get_backend_name() != "sqlite" or Path(parsed.database or "").is_file()


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that only reads: on SQLite it neither waits for the writer nor stops it."""
    async with engine.connect() as connection:
        yield await connection.execution_options(**{_READ_ONLY: True})


def asking_once(engine: AsyncEngine) -> AsyncEngine:
    """The same engine for one who tries again by himself when another one writes."""
    return engine.execution_options(**{_TRIES: 1})


def _sqlite(url: URL) -> AsyncEngine:
    if not url.database or url.database == ":memory:":
        raise StorageError("service.database: SQLite needs a file, as in sqlite+aiosqlite:///var/hotline.db")
    _check_file(Path(url.database))
    engine = create_async_engine(url, pool_size=4, max_overflow=4, pool_timeout=ANSWER_TIMEOUT_S)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _check_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"database: the folder {path.parent} cannot be made ({error.strerror}); make it") from None
    if path.is_dir():
        raise StorageError(f"database: {path} is a folder; name a file")
    wanted = [path.parent, path] if path.exists() else [path.parent]
    for place in wanted:
        if not os.access(place, os.R_OK | os.W_OK):
            raise StorageError(f"database: {place} is not writable; give the service's user the right to write there")


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; see _begin_sqlite
    cursor = connection.cursor()
    for setting in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get(_READ_ONLY, False):
        connection.exec_driver_sql("BEGIN")
        return
    for left in reversed(range(options.get(_TRIES, BUSY_TRIES))):
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        except OperationalError:
            if not left:
                raise


def _postgres(url: URL, password_file: Path | None) -> AsyncEngine:
    if password_file is not None:
        url = url.set(password=_password(password_file))
    try:
        return create_async_engine(
            url,
            pool_pre_ping=True,
            pool_size=4,
            max_overflow=4,
            pool_timeout=ANSWER_TIMEOUT_S,
            connect_args={
                "timeout": 5,
                "command_timeout": ANSWER_TIMEOUT_S,
                "server_settings": {"application_name": "hotline"},
            },
        )
    except ModuleNotFoundError:
        raise StorageError("service.database: PostgreSQL needs asyncpg; install hotline12345[postgres]") from None


def _password(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise StorageError(f"database password: {path} cannot be read ({error.strerror})") from None
