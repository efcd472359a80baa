"""A test that failed while the machine stood still is played once more (docs/decisions/0027), and at a stage of its own."""

from __future__ import annotations

import pytest


def stage_anew(item: pytest.Item) -> None:
    """Before a test is played again: what its module shares is ended, and so made anew for it.

    pytest-rerunfailures keeps all that is of a wider scope than the test. Figures, records and phones are then as the first
    try left them, and few tests can be right about those.
    """
    if getattr(item, "execution_count", 1) < 2 or not isinstance(item, pytest.Function):
        return
    for definitions in item._fixtureinfo.name2fixturedefs.values():  # pytest has no other way to end a fixture early
        for definition in definitions:
            if definition.scope == "module":
                definition.finish(item._request)  # and before it all that was made of it
