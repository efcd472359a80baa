"""What a failure of the database means: wait and try again, or one entry that it will never take."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Mapping
from typing import Final, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from storage.errors import StorageError, StorageUnavailable

T = TypeVar("T")

QUESTION_S: Final = 10.0
LONG_QUESTION_S: Final = 60.0


async def asked(question: Awaitable[T], timeout: float = QUESTION_S) -> T:
    """The answer. Raises StorageUnavailable with one sentence."""
    try:
        async with asyncio.timeout(timeout):
            return await question
    except (SQLAlchemyError, OSError) as error:
        raise StorageUnavailable(sentence(error)) from error


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
    """One sentence for `degraded`."""
    if isinstance(error, StorageError):
        return str(error)
    return f"the database does not take records ({reason(error)}); they wait in the journal"


def reason(error: BaseException) -> str:
    """Why, in a few words. Statements and values never stand in it: only names and SQLite's own words are safe."""
    cause: BaseException | None = error
    if isinstance(error, DBAPIError):
        cause = getattr(error.orig, "__cause__", None) or error.orig
    name = type(cause).__name__
    if name in _REASONS:
        return _REASONS[name]
    if isinstance(cause, sqlite3.OperationalError) or type(cause) is sqlite3.DatabaseError:
        words = str(cause).partition("\n")[0][:120]
        return _SQLITE.get(words, words)
    return name


_SQLITE: Final[Mapping[str, str]] = {
    "file is not a database": "the file is not a database; move it away, or name another in [service] database",
    "database disk image is malformed": "the file is damaged; move it away, the journal has the last 24 hours",
    "attempt to write a readonly database": "the file is read-only; give the service's user the right to write it",
    "unable to open database file": "unable to open database file; give the service's user the right to its folder",
}


_REASONS: Final[Mapping[str, str]] = {
    "AdminShutdownError": "the server shuts down",
    "CannotConnectNowError": "the server starts or stops",
    "ConnectionRefusedError": "nothing listens at its address",
    "FileNotFoundError": "nothing listens at its address",
    "gaierror": "its host name is not known",
    "InvalidAuthorizationSpecificationError": "wrong user",
    "InvalidCatalogNameError": "there is no database of this name; create it",
    "InvalidPasswordError": "wrong user or password",
    "TimeoutError": "no answer in time",
    "TooManyConnectionsError": "too many connections; raise max_connections",
}
