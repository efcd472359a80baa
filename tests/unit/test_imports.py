"""Imports point one way (docs/architecture.md), and the core needs nothing but the standard library and the core.

Walks the source, imports inside functions and under TYPE_CHECKING included; nothing is executed.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# package -> the packages of ours it may import, itself left out. `service -> ... -> routing -> standard library`
MAY_IMPORT: dict[str, set[str]] = {
    "routing": set(),
    "telephony": {"routing"},
    "metrics": {"routing"},
    "storage": {"routing"},
    "console": {"routing"},
    "config": {"routing", "telephony"},
    "sandbox": {"routing", "telephony", "config"},
    "service": {"routing", "telephony", "metrics", "storage", "console", "config"},
    "service/cli": {"routing", "telephony", "metrics", "storage", "console", "config", "sandbox"},
    "bench": {"routing", "telephony", "metrics", "storage", "console", "config", "sandbox", "service"},
}
OURS = {name for name in MAY_IMPORT if "/" not in name} | {"tests"}

# The core: pure, no IO, no clock. All of routing, and these.
CORE_FILES = (
    "telephony/cel.py",
    "telephony/names.py",
    "telephony/ami/codec.py",
    "telephony/ami/ends.py",
    "telephony/ami/feed.py",
    "telephony/ami/joins.py",
    "telephony/ami/legs.py",
    "telephony/ami/outbound.py",
    "telephony/ami/picture.py",
    "telephony/ami/probes.py",
    "telephony/ami/versions.py",
    "telephony/ami/events.py",
    "telephony/ami/tracker.py",
    "telephony/ami/actions.py",
    "telephony/agi/codec.py",
    "telephony/agi/dialogue.py",
    "telephony/agi/leases.py",
    "metrics/counting.py",
    "metrics/day_end.py",
    "metrics/erlang.py",
    "metrics/measures.py",
    "metrics/working.py",
    "service/outbox_plan.py",
)

# What reads a clock, a socket, a file or another process has no place in the core, standard library or not.
NOT_IN_CORE = {"asyncio", "socket", "time", "threading", "subprocess", "logging", "os", "pathlib", "sqlite3"}

# Some libraries have one door, or one for each that needs them.
ONE_DOOR: dict[str, str | tuple[str, ...]] = {
    "panoramisk": "telephony/ami",
    "asterisk": "telephony/agi/fallback.py",
    "twisted": "telephony/agi",
    "sqlalchemy": "storage",
    "fastapi": "console",
    "grafana_foundation_sdk": "config/grafana",
    "matplotlib": ("service/simulation/picture.py", "service/forecast_picture.py", "service/reports/charts.py"),
}


def sources() -> list[Path]:
    return sorted(path for name in OURS - {"tests"} for path in (ROOT / name).rglob("*.py"))


def core() -> list[Path]:
    return sorted([*(ROOT / "routing").rglob("*.py"), *(ROOT / name for name in CORE_FILES)])


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module named in an import; of `from a import b` both a and a.b, as b may be a module."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                module = ".".join([*path.relative_to(ROOT).parts[: -node.level], *filter(None, [module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def allowed(path: Path) -> set[str]:
    name = shown(path)
    key = max((key for key in MAY_IMPORT if name.startswith(f"{key}/")), key=len)
    return MAY_IMPORT[key] | {key.partition("/")[0]}


@pytest.mark.parametrize("path", sources(), ids=shown)
def test_imports_point_one_way(path: Path) -> None:
    reached = {module.partition(".")[0] for module in imports(path)} & OURS
    assert reached <= allowed(path)


@pytest.mark.parametrize("path", core(), ids=shown)
def test_the_core_needs_only_the_standard_library_and_the_core(path: Path) -> None:
    modules = {shown(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in core()}
    packages = {name.rpartition(".")[0] for name in modules}
    for module in imports(path):
        top = module.partition(".")[0]
        ours = module in modules | packages or module.rpartition(".")[0] in modules
        assert ours or (top in sys.stdlib_module_names and top not in NOT_IN_CORE), module


@pytest.mark.parametrize(("library", "door"), ONE_DOOR.items())
def test_a_library_with_one_door_is_imported_nowhere_else(library: str, door: str) -> None:
    importers = {
        shown(path)
        for path in sources()
        if not shown(path).startswith("bench/") and any(module.partition(".")[0] == library for module in imports(path))
    }
    assert {name for name in importers if not name.startswith(door)} == set()
