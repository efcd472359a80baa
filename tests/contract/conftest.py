"""Databases for all modules here: one PostgreSQL cluster for the whole run, and an empty `database` of each kind."""

from __future__ import annotations

import pytest

from tests.contract.storage_databases import database, postgres

__all__ = ["database", "postgres"]
LONGEST = "test_killed_between_writes"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest module begins first: what begins last is waited for by all others."""
    items.sort(key=lambda item: item.path.stem != LONGEST)
