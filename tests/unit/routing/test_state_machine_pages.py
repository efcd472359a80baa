from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "docs" / "state-machines"
spec = importlib.util.spec_from_file_location("draw", FOLDER / "draw.py")
assert spec is not None
assert spec.loader is not None
draw = importlib.util.module_from_spec(spec)
spec.loader.exec_module(draw)


@pytest.mark.parametrize(("name", "text"), draw.pages().items())
def test_diagram_is_drawn_from_the_table_in_force(name: str, text: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == text, "type: python docs/state-machines/draw.py"
