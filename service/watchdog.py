"""A sign of life for systemd: a service that stands still is ended and begun anew (`WatchdogSec` of the unit).

Asterisk waits for ever on half a line, and a frozen process serves nobody: only its end frees what it holds.
Source: sd_notify(3), `WATCHDOG=1` on the datagram socket that NOTIFY_SOCKET names.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping
from typing import Final

ALIVE: Final = b"WATCHDOG=1"


class Watchdog:
    """Without systemd's variables it does nothing. `environment`: NOTIFY_SOCKET, WATCHDOG_USEC."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        usec = environment.get("WATCHDOG_USEC", "")
        self.every_s = int(usec) / 1_000_000 / 3 if usec.isdecimal() and self._address else None

    async def keep(self) -> None:
        """Says so a few times within systemd's patience, for as long as the loop turns."""
        if self.every_s is None:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            while True:
                with contextlib.suppress(OSError):  # systemd away or slow: its patience decides
                    out.sendto(ALIVE, self._address)
                await asyncio.sleep(self.every_s)
