"""What every end-to-end test starts from: the Asterisk program, ports of its own, a folder that is kept when it fails.

Each pytest-xdist worker takes a slot of its own (`tests.slots`).
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from sandbox import root
from sandbox.places import Ports
from service.cli.stage import Stage
from tests.e2e.again import stage_anew
from tests.e2e.cast import Cast
from tests.e2e.machine import lateness, stood_still_s
from tests.e2e.staging import nothing_left_over
from tests.slots import own_slot

# Few tests, each of them long. Begun at the end, one of them would be what everybody waits for.
LONG: Final = frozenset(
    f"test_{name}.py"
    for name in (
        "ami_cut", "bench_smoke", "cancel_sweep", "demo", "five_hundred", "joined_killed", "joined_lost", "joining",
        "lease_race", "lost_calls", "outbound_calls", "probe", "reconcile", "recordings", "rosters", "service_killed",
        "shadow", "surge", "thirty_three_ways",
    )
)  # fmt: skip

BEGAN: Final = pytest.StashKey[float]()
_kept: Final[set[Path]] = set()  # folders of modules in which something failed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ours = [item for item in items if item.path.is_relative_to(here)]
    for item in ours:
        item.add_marker(pytest.mark.e2e)
        item.add_marker(pytest.mark.flaky(reruns=1, condition=partial(_stood_still, item)))
    sizes = Counter(item.path for item in ours)
    ours.sort(key=lambda item: (item.path.name not in LONG, -sizes[item.path], item.path))
    others = [item for item in items if not item.path.is_relative_to(here)]
    items[:] = [*others, *ours]


def _stood_still(item: pytest.Item, _error: BaseException | None = None) -> bool:
    """A test that failed while the machine did not run our programs is played once more, and the summary says so.

    On a machine that ran them a failure stays a failure.
    """
    return stood_still_s(item.stash[BEGAN]) > 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item):  # type: ignore[no-untyped-def]
    item.stash[BEGAN] = time.time()
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    stage_anew(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """A failure says where the traces and logs of its module are."""
    report = yield
    if report.failed and (folder := _folder_of(item)) is not None:
        _kept.add(folder)
        report.sections.append(("files", f"traces and logs: {folder}"))
    if report.failed and (worst_s := stood_still_s(item.stash[BEGAN])):
        report.sections.append(("machine", f"programs that were ready did not run for {worst_s:.1f} s"))
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
    with own_slot() as number:
        yield number


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
    yield made
    if made not in _kept:
        shutil.rmtree(made, ignore_errors=True)


@pytest_asyncio.fixture(loop_scope="session")
async def people(stage: Stage) -> AsyncIterator[Cast]:
    """Callers and phones of one test, at the stage of its module; nothing of theirs is left over."""
    async with Cast(stage) as people:
        yield people
    await nothing_left_over(stage)
