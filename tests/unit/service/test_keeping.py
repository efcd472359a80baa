"""Tasks of the service: a bug in one is loud, and the task begins again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from metrics.exporter import Exporter
from metrics.registry import KEPT, Metrics
from service.keeping import kept
from service.main import Service, _reload
from tests.unit.routing.floor_plan import rules


class Keep:
    """Fails as often as told, then goes on until it is cancelled."""

    def __init__(self, failures: int) -> None:
        self.failures, self.begun = failures, 0
        self.whole = asyncio.Event()

    async def __call__(self) -> None:
        self.begun += 1
        if self.begun <= self.failures:
            raise ZeroDivisionError(f"bug {self.begun}")
        self.whole.set()
        await asyncio.Event().wait()


async def test_task_that_fails_is_logged_and_counted_and_begins_again_after_its_pause() -> None:
    keep, exporter = Keep(failures=2), Exporter(Metrics(), rules().lines)
    paused: list[tuple[float, int]] = []

    async def pause(seconds: float) -> None:
        paused.append((seconds, keep.begun))

    with capture_logs() as said:
        task = asyncio.create_task(kept("agents", keep, exporter.bug, 7.0, pause))
        async with asyncio.timeout(30):
            await keep.whole.wait()
    assert paused == [(7.0, 1), (7.0, 2)]
    assert exporter.metrics.registry.get_sample_value("hotline_bugs_total", {"part": "agents"}) == 2
    assert [(line["log_level"], line["part"], line["exc_info"]) for line in said] == [("error", "agents", True)] * 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_task_that_has_nothing_to_do_is_over() -> None:
    async def nothing() -> None:
        """As the watchdog without systemd."""

    await kept("watchdog", nothing, lambda name: pytest.fail(name))


def test_every_task_of_the_service_has_its_series_from_the_start() -> None:
    metrics = Metrics()
    assert {name for name, _, _ in Service.kept(Everything())} == set(KEPT)  # type: ignore[arg-type]
    for name in KEPT:
        assert metrics.registry.get_sample_value("hotline_bugs_total", {"part": name}) == 0


async def test_reload_that_meets_a_bug_is_loud() -> None:
    exporter = Exporter(Metrics(), rules().lines)

    async def reload() -> None:
        raise ZeroDivisionError

    with capture_logs() as said:
        await _reload(SimpleNamespace(exporter=exporter, reload=reload))  # type: ignore[arg-type]
    assert exporter.metrics.registry.get_sample_value("hotline_bugs_total", {"part": "reload"}) == 1
    assert [line["event"] for line in said] == ["configuration not reloaded"]


class Everything:
    """A service whose every part can be kept."""

    def __getattr__(self, part: str) -> Everything:
        return self
