"""What every end-to-end test starts from: the Asterisk program, ports of its own, a folder that is kept when it fails.

Each pytest-xdist worker takes a slot of its own, from `HOTLINE_TEST_SLOT` (10 by default) on, and holds it by a lock: so
workers, other test runs, a developer's sandbox and `make run` never meet.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from sandbox import root
from sandbox.places import SLOTS, Ports
from tests.e2e.machine import lateness


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


@pytest.fixture(scope="session", autouse=True)
def watched_machine() -> Iterator[None]:
    """Bounds on times know how late the machine was (`machine.tolerance_s`)."""
    lateness.start()
    yield
    lateness.stop()


@pytest.fixture(scope="session")
def slot() -> Iterator[int]:
    """A slot that is this worker's alone while the session lasts."""
    first = int(os.environ.get("HOTLINE_TEST_SLOT", "10"))
    for number in range(first, SLOTS):
        if (held := _take(number)) is not None:
            with held:
                yield number
            return
    pytest.fail(f"the slots {first} to {SLOTS - 1} are all taken by other test runs")


def _take(number: int) -> IO[str] | None:
    """The lock of a slot, held while the file is open; None when another has it, or a sandbox runs there."""
    folder = root.cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / f"slot-{number}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", Ports.of_slot(number).sip))
    except OSError:
        lock.close()
        return None
    return lock


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
