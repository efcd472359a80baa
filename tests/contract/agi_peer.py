"""A small Asterisk that plays res_agi's side of FastAGI, keeps a list of what it was told, and a lease of its own.

It passes the same tests as the real one (`test_agi_peer.py`).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

CALL_ID = "1795302613422-1795302613.7"
ROUTE_ARGS = (CALL_ID, "12345", "1795302613422", "carrier", "", "", "0", "", "", "")

USAGE = (
    b"520-Invalid command syntax.  Proper usage follows:\n"
    b" Usage: SET VARIABLE <variablename> <value>\n\tSets a variable to the current channel.\n"
    b"520 End of proper usage.\n"
)


def environment(script: str = "route", args: tuple[str, ...] = ROUTE_ARGS, **more: str) -> bytes:
    """The block as res_agi.c writes it."""
    fields = {
        "agi_network": "yes",
        "agi_network_script": script,
        "agi_request": f"agi://127.0.0.1:4573/{script}",
        "agi_channel": "PJSIP/carrier-00000007",
        "agi_language": "en",
        "agi_type": "PJSIP",
        "agi_uniqueid": "1795302613.7",
        "agi_version": "22.10.1",
        "agi_callerid": "13800000000",
        "agi_calleridname": "unknown",
        "agi_context": "hotline-route",
        "agi_extension": "s",
        "agi_priority": "9",
        "agi_enhanced": "0.0",
        "agi_accountcode": "",
        "agi_threadid": "140000000000000",
        **{f"agi_arg_{number}": arg for number, arg in enumerate(args, 1)},
        **more,
    }
    return b"".join(f"{key}: {value}\n".encode("utf-8", "surrogateescape") for key, value in fields.items()) + b"\n"


@dataclass
class FakeAsterisk:
    """One AGI session. `told` is every command line in order, without its end; `variables` is what was set.

    `went_to` says how the dialplan went on: "" still in AGI, "next" the line after AGI, "T" the lease ran out, "h" hung up.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    lease_s: float | None = None  # as `Set(TIMEOUT(absolute)=...)` before AGI
    told: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    went_to: str = ""
    _serving: asyncio.Task[None] | None = None
    _lease: asyncio.TimerHandle | None = None
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def calls(
        cls, address: tuple[str, int], block: bytes | None = None, lease_s: float | None = None
    ) -> FakeAsterisk:
        """Connects, sends the block and answers commands until the server closes."""
        peer = await cls.connects(address)
        peer.lease_s = lease_s
        peer.send(environment() if block is None else block)
        peer.serve()
        return peer

    @classmethod
    async def connects(cls, address: tuple[str, int]) -> FakeAsterisk:
        return cls(*await asyncio.open_connection(*address))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def serve(self) -> None:
        self._renew(self.lease_s)
        self._serving = asyncio.create_task(self._serve())

    async def heard(self, pattern: str, times: int = 1) -> str:
        """Waits until so many commands match; returns the last of them."""
        while len(self._matching(pattern)) < times:
            self._heard.clear()
            await self._heard.wait()
        return self._matching(pattern)[-1]

    async def ended(self) -> str:
        """Waits until AGI is over; returns where the dialplan went on."""
        assert self._serving is not None
        await asyncio.gather(self._serving, return_exceptions=True)
        await self._close("next")
        return self.went_to

    async def hangs_up(self) -> None:
        """The caller's channel goes, with AGIEXITONHANGUP=yes: two HANGUP lines, and the stream ends."""
        self.send(b"HANGUP\nHANGUP\n")
        await self._close("h")

    async def goes(self) -> None:
        """The connection ends without a word."""
        await self._close("h")

    def _matching(self, pattern: str) -> list[str]:
        return [line for line in self.told if re.search(pattern, line)]

    async def _serve(self) -> None:
        try:
            while line := await self.reader.readline():
                self._command(line.decode().rstrip("\n"))
        except ConnectionError:
            return

    def _command(self, line: str) -> None:
        self.told.append(line)
        self._heard.set()
        self.send(self._reply(line))

    def _reply(self, line: str) -> bytes:
        if match := re.fullmatch(r'SET VARIABLE "?([^" ]+)"? "(.*)"', line):
            self.variables[match[1]] = match[2]
            if match[1] == "TIMEOUT(absolute)":
                self._renew(float(match[2]))
            return b"200 result=1\n"
        if line.startswith("SET VARIABLE"):
            return USAGE
        if line.startswith("EXEC "):
            return b"200 result=0\n"
        return b"510 Invalid or unknown command\n"

    def _renew(self, lease_s: float | None) -> None:
        if self._lease is not None:
            self._lease.cancel()
        self._lease = asyncio.get_running_loop().call_later(lease_s, self._lease_ran_out) if lease_s else None

    def _lease_ran_out(self) -> None:
        self.went_to = "T"
        self.send(b"HANGUP\nHANGUP\n")
        self.writer.close()
        if self._serving is not None:
            self._serving.cancel()

    async def _close(self, went_to: str) -> None:
        self.went_to = self.went_to or went_to
        self._renew(None)
        self.writer.close()
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)
