"""Why the database does not take records, in words for the operator; nothing of a record stands in them."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from storage.errors import StorageError
from storage.faults import sentence


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("file is not a database", "move it away"),
        ("database disk image is malformed", "move it away"),
        ("attempt to write a readonly database", "right to write"),
        ("unable to open database file", "right to its folder"),
        ("database is locked", "database is locked"),
    ],
)
def test_sqlites_own_words_become_what_to_do(words: str, told: str) -> None:
    wrapped = DatabaseError("INSERT INTO calls VALUES ('13800000000')", None, sqlite3.DatabaseError(words))
    assert told in sentence(wrapped)
    assert told in sentence(OperationalError("INSERT", None, sqlite3.OperationalError(words)))
    assert "1380000" not in sentence(wrapped)


def test_words_that_could_hold_a_value_are_left_out() -> None:
    error = IntegrityError("INSERT", None, sqlite3.IntegrityError("13800000000 is there already"))
    assert sentence(error) == "the database does not take records (IntegrityError); they wait in the journal"


def test_words_of_our_own_are_told_as_they_are() -> None:
    assert sentence(StorageError("database: make the folder")) == "database: make the folder"


def test_long_words_are_cut_at_the_first_line() -> None:
    text = sentence(OperationalError("SELECT", None, sqlite3.OperationalError("x" * 500 + "\nsecond line")))
    assert len(text) < 250
    assert "second line" not in text
