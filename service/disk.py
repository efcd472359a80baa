"""Space left where the journal is kept. Looked at in a thread: a disk that hangs holds up nobody who calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from service.recording_files import free_bytes

LOOK_EVERY_S: Final = 10.0


class Disk:
    """`tell` is told the bytes left on the file system of `folder`, None when nobody can tell."""

    def __init__(self, folder: Path, tell: Callable[[int | None], None]) -> None:
        self._folder, self._tell = folder, tell

    async def keep(self) -> None:
        while True:
            self._tell(await asyncio.to_thread(free_bytes, self._folder))
            await asyncio.sleep(LOOK_EVERY_S)
