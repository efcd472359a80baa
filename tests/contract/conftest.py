"""Databases for all modules here: one PostgreSQL cluster for the whole run, and an empty `database` of each kind."""

from __future__ import annotations

from tests.contract.storage_databases import database, postgres

__all__ = ["database", "postgres"]
