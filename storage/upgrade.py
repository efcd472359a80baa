"""Brings the tables to this program's revision. Alembic is loaded only when they differ: a restart must be quick."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.engine import reading
from storage.errors import StorageError
from storage.schema import REVISION

_LOCK: Final = 12345  # PostgreSQL advisory lock: two services that start at once migrate one after the other


async def upgrade(engine: AsyncEngine) -> bool:
    """True when something was changed.

    Raises:
        StorageError: the tables are newer than this program.
    """
    if await is_current(engine):
        return False
    async with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        await connection.run_sync(_run)
    return True


async def is_current(engine: AsyncEngine) -> bool:
    """Whether the tables are those of this program."""
    async with reading(engine) as connection:
        return await connection.run_sync(_revision) == REVISION


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _run(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    with as_file(files("storage") / "migrations") as scripts:
        config = Config()
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.attributes["connection"] = connection
        found = _revision(connection)
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if found is not None and found not in known:
            raise StorageError(
                f"database: its tables (revision {found}) are newer than this program; install that version"
            )
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StorageError(f"database: the tables cannot be brought up to date ({error})") from error
