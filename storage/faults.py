"""What a failure of the database means: wait and try again, or one entry that it will never take."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from storage.errors import StorageError


def is_refusal(error: Exception) -> bool:
    """True when it is this content that cannot be written; everything else may pass with time.

    asyncpg raises plain OSError and TimeoutError while the server is away. What is no database error at all comes from
    the driver or from us meeting a value it cannot carry (UnicodeError, OverflowError): content as well.
    """
    if isinstance(error, DataError | IntegrityError):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return False
        cause = getattr(error.orig, "__cause__", None)
        state = str(getattr(error.orig, "sqlstate", "") or "")
        return isinstance(cause, ValueError | OverflowError) or state[:2] in ("22", "23")
    return not isinstance(error, SQLAlchemyError | sqlite3.Error | OSError | StorageError)


def sentence(error: BaseException) -> str:
    """One sentence for `degraded`. The driver's first line may stand in it, statements and values never."""
    if isinstance(error, StorageError):
        return str(error)
    if isinstance(error, DBAPIError):
        cause = getattr(error.orig, "__cause__", None) or error.orig
        return f"the database does not take records ({_first_line(cause)}); they wait in the journal"
    return f"the database does not answer ({_first_line(error)}); records wait in the journal"


def _first_line(error: BaseException | None) -> str:
    """Text of connection faults and of SQLite's own words; anything else by its name, for it may quote values."""
    if isinstance(error, sqlite3.OperationalError | ConnectionError) and error.args:
        return str(error).splitlines()[0][:120]
    return type(error).__name__
