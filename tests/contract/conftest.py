"""Databases for all modules here: one PostgreSQL cluster for the whole run, and an empty `database` of each kind."""

from __future__ import annotations

import pytest

from tests.contract.storage_databases import database, postgres

__all__ = ["database", "postgres"]
LONG = ("test_killed_between_writes", "test_storage_records", "test_exactly_once", "test_reconcile", "test_retention")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest modules begin first: what begins last is waited for by all others."""
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONG)))
