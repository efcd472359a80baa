from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from service.watchdog import ALIVE, Watchdog


async def test_systemd_is_told_that_the_loop_turns(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.setblocking(False)
        dog = Watchdog({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000"})
        task = asyncio.create_task(dog.keep())
        loop = asyncio.get_running_loop()
        assert [await loop.sock_recv(systemd, 64) for _ in range(3)] == [ALIVE] * 3
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_systemd_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    dog = Watchdog({"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "3000"})
    task = asyncio.create_task(dog.keep())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_without_systemd_nothing_is_kept() -> None:
    await Watchdog({}).keep()
    await Watchdog({"NOTIFY_SOCKET": "/run/x"}).keep()
