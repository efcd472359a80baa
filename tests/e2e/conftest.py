"""What every end-to-end test starts from: the Asterisk program, ports of its own, a folder that is kept when it fails.

Each pytest-xdist worker has a slot of its own (`HOTLINE_TEST_SLOT` + its number, 10 by default), so workers, a
developer's sandbox and `make run` never meet.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import root
from sandbox.instance import Ports


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """A failure says where the traces and logs of its module are."""
    report = yield
    if report.failed and (folder := _folder_of(item)) is not None:
        report.sections.append(("files", f"traces and logs: {folder}"))
    return report


def _folder_of(item: pytest.Item) -> Path | None:
    folder = getattr(item, "funcargs", {}).get("folder")
    return folder if isinstance(folder, Path) else None


@pytest.fixture(scope="session")
def slot() -> int:
    """This worker's slot."""
    worker = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
    return int(os.environ.get("HOTLINE_TEST_SLOT", "10")) + int(worker)


@pytest.fixture(scope="session")
def ports(slot: int) -> Ports:
    return Ports.of_slot(slot)


@pytest.fixture(scope="session")
def asterisk() -> root.Asterisk:
    """The Asterisk that `ASTERISK` asks for, built now if this machine has none."""
    return root.find()


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder for one test module: removed when all went well, kept with traces and logs when something failed."""
    name = Path(request.node.name).stem
    made = Path(tempfile.mkdtemp(prefix=f"hotline-{name}-"))
    failed = request.session.testsfailed
    yield made
    if request.session.testsfailed == failed:
        shutil.rmtree(made, ignore_errors=True)
