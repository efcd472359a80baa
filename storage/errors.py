"""What storage says when it cannot: one sentence for the operator, never a caller's number."""

from __future__ import annotations


class StorageError(Exception):
    """A mistake of set-up that only an operator can mend: a path, a right, a key. The text says what to do."""


class StorageUnavailable(Exception):
    """The database does not answer now; records go on being kept in the journal, only questions fail."""


class EntryError(ValueError):
    """A journal line that is no entry: damaged, or written by a newer version."""
