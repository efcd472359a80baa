"""How far SQL is behind the journal, seen from outside: for who looks at an installation, with or without its service."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from storage.engine import create_engine, reading
from storage.errors import StorageError, StorageUnavailable
from storage.faults import reason
from storage.journal import ASIDE_FILE
from storage.rows import read_position
from storage.segments import count_lines, known_id
from storage.upgrade import is_current

LOOK_S: Final = 10.0


async def lag_of(url: str, data_dir: Path) -> int:
    """Lines of the journal that are not in SQL. Nothing is made or changed, but for an empty SQLite file that is missing.

    Raises:
        StorageError: the tables are those of another version, or the address cannot be used.
        StorageUnavailable: the database does not answer.
    """
    engine = create_engine(url)
    folder = data_dir / "journal"
    try:
        async with asyncio.timeout(LOOK_S):
            if not await is_current(engine):
                raise StorageError("its tables are those of another version; start the service once")
            journal_id = known_id(folder)
            if journal_id is None:
                return 0
            async with reading(engine) as connection:
                position = await read_position(connection, journal_id)
    except (SQLAlchemyError, OSError) as error:
        raise StorageUnavailable(reason(error)) from None
    finally:
        await engine.dispose()
    return count_lines(folder, journal_id, position)


def lines_aside(data_dir: Path) -> int:
    """How many lines of the journal were kept aside, ever. Raises OSError, not for a file that is not there."""
    try:
        with (data_dir / "journal" / ASIDE_FILE).open("rb") as file:
            return sum(1 for _ in file)
    except FileNotFoundError:
        return 0
