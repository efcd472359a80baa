"""What befalls databases, made small: a disk that is full, and a line to the server that is cut at a chosen moment."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest

SOCKET: Final = ".s.PGSQL.5432"
BLOCK: Final = 65536


class SmallDisk:
    """A file system of a few megabytes, filled and emptied by one file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Until not one byte more can be written."""
        for size in (BLOCK, 512, 1):
            with contextlib.suppress(OSError), self._filler.open("ab", buffering=0) as file:
                while file.write(bytes(size)) == size:
                    pass

    def make_room(self) -> None:
        self._filler.unlink()


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """Skips the test where nothing can be mounted."""
    folder = Path(tempfile.mkdtemp(prefix="hotline-full-"))
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        folder.rmdir()
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


class Line:
    """Stands between a service and its server. `cut_at` counts what goes over it, in either direction, from now on: the
    n-th piece is still delivered, and then nothing more; `swallowed`: not even that one."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._left = 0
        self._swallowed = False
        self._ends: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts = 0

    def cut_at(self, nth: int, *, swallowed: bool) -> None:
        self._left, self._swallowed = nth, swallowed

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, thither = await asyncio.open_unix_connection(str(self._server / SOCKET))
        self._ends += [writer, thither]
        ways = [asyncio.create_task(self._carry(*way)) for way in ((reader, thither), (there, writer))]
        self._tasks.update(ways)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await source.read(BLOCK):
                self._left -= 1
                if self._left != 0 or not self._swallowed:
                    target.write(piece)
                    await target.drain()
                if self._left == 0:
                    self._cut()
        target.close()

    def _cut(self) -> None:
        self.cuts += 1
        for end in self._ends:
            end.close()
        self._ends = []

    async def close(self) -> None:
        self._cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def line_to(server: Path, folder: Path) -> AsyncIterator[Line]:
    """A line whose socket is in `folder`, to the server whose socket is in `server`."""
    line = Line(server)
    listening = await asyncio.start_unix_server(line.accept, str(folder / SOCKET))
    try:
        yield line
    finally:
        listening.close()
        await line.close()
