"""What the second try of a test finds: nothing of the first one's."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

HOOKS = """
import pytest
from tests.e2e.again import stage_anew

def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.flaky(reruns=1))

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    stage_anew(item)
"""
TESTS = """
import pytest
import pytest_asyncio

SAID = []

@pytest.fixture(scope="session")
def machine():
    SAID.append("machine")

@pytest.fixture(scope="module")
def folder(machine):
    SAID.append("folder")
    yield
    SAID.append("folder ended")

@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(folder):
    yield []
    SAID.append("stage ended")

@pytest.mark.asyncio(loop_scope="module")
async def test_before(stage):
    stage.append("before")

@pytest.mark.asyncio(loop_scope="module")
async def test_fails_at_a_used_stage(stage):
    used, stage[:] = list(stage), ["mine"]
    assert used == []

@pytest.mark.asyncio(loop_scope="module")
async def test_next_has_the_stage_of_the_second_try(stage):
    assert stage == ["mine"]
    assert SAID == ["machine", "folder", "stage ended", "folder ended", "folder"]
"""


def test_test_that_is_played_again_has_a_stage_of_its_own(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makeconftest(HOOKS)
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*3 passed, 1 rerun*"])
