"""The FastAGI server alone: sessions a second beside a bare asyncio server, memory and renewals with 2,000 callers held.

    python -m bench.agi

The callers are one process of their own, on loopback; with two cores, both sides have one each.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from telephony.agi.codec import decision_command
from telephony.agi.reactor import install_reactor, remove_reactor
from telephony.agi.server import AgiServer, HeldSession

VALUE = "present:p1:1795302614000:6:1001"
HELD = 2000
LEASE_S = 3.0
AT_ONCE = 50
MEASURED_S = 5.0
BINS = 40  # of a renewal period, for the spread

_FIELDS = {
    "network": "yes",
    "network_script": "route",
    "request": "agi://127.0.0.1:4573/route",
    "channel": "PJSIP/carrier-00000007",
    "language": "en",
    "type": "PJSIP",
    "uniqueid": "1795302613.7",
    "version": "22.10.1",
    "callerid": "13800000000",
    "calleridname": "unknown",
    "callingpres": "0",
    "callingani2": "0",
    "callington": "0",
    "callingtns": "0",
    "dnid": "12345",
    "rdnis": "unknown",
    "context": "hotline-route",
    "extension": "s",
    "priority": "9",
    "enhanced": "0.0",
    "accountcode": "",
    "threadid": "140000000000000",
    "arg_1": "1795302613422-1795302613.7",
    "arg_2": "12345",
    "arg_3": "1795302613422",
    "arg_4": "carrier",
    "arg_5": "",
    "arg_6": "",
    "arg_7": "0",
}
BLOCK = "".join(f"agi_{key}: {value}\n" for key, value in _FIELDS.items()).encode() + b"\n"


# -- the callers, in a process of their own --


class Caller(asyncio.Protocol):
    """Asterisk's side of one session: answers every command."""

    def __init__(self, ended: Callable[[], None], times: list[float]) -> None:
        self._ended, self.times = ended, times

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._transport.write(BLOCK)

    def data_received(self, data: bytes) -> None:
        self.times.append(time.monotonic())
        self._transport.write(b"200 result=1\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended()


async def rate(port: int) -> dict[str, float]:
    """Sessions one after the other, so many at once, for a while."""
    loop, done = asyncio.get_running_loop(), 0
    until = time.monotonic() + MEASURED_S

    async def one_after_the_other() -> None:
        nonlocal done
        while time.monotonic() < until:
            ended = loop.create_future()
            await loop.create_connection(
                lambda over=ended: Caller(lambda: over.set_result(None), []), "127.0.0.1", port
            )
            await ended
            done += 1

    started = time.monotonic()
    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    return {"sessions_per_s": done / (time.monotonic() - started)}


async def hold(port: int) -> dict[str, float]:
    """All at once, as after a restart of the service; then looks at when each is renewed."""
    loop = asyncio.get_running_loop()
    times: list[list[float]] = [[] for _ in range(HELD)]
    for mine in times:
        await loop.create_connection(lambda mine=mine: Caller(lambda: None, mine), "127.0.0.1", port)
    print("held", flush=True)
    await asyncio.sleep(LEASE_S + 3 * MEASURED_S)
    period = LEASE_S / 3
    settled = time.monotonic() - 3 * MEASURED_S
    gaps = [later - at for mine in times for at, later in itertools.pairwise(mine) if at > settled]
    bins = [0] * BINS
    for at in (at for mine in times for at in mine if at > settled):
        bins[int(at % period / period * BINS)] += 1
    return {"worst_gap_s": max(gaps), "bins_max_to_mean": max(bins) / (sum(bins) / BINS), "renewals": float(sum(bins))}


# -- the servers --


class Bare(asyncio.Protocol):
    """The least that could be called a FastAGI server."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._data.endswith(b"\n\n"):
            self._transport.write(decision_command(VALUE))
        elif self._data.endswith(b"200 result=1\n"):
            self._transport.close()


def make(on_request: Callable[[HeldSession], None]) -> AgiServer:
    return AgiServer(
        on_request=on_request,
        on_closed=lambda session, reason: None,
        on_decided=lambda session, accepted: None,
        lease_s=LEASE_S,
    )


async def nothing() -> None:
    """While there is nothing to look at."""


async def callers(mode: str, port: int, while_held: Callable[[], Awaitable[None]] = nothing) -> dict[str, float]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.agi", mode, str(port), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    async for line in child.stdout:
        if line != b"held\n":
            await child.wait()
            return dict(json.loads(line))
        await while_held()
    raise RuntimeError("the callers ended without a result")


async def measure_rate() -> None:
    bare = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=1024)
    of_bare, cpu_bare = await timed("rate", bare.sockets[0].getsockname()[1])
    bare.close()
    server = make(lambda session: session.decide(VALUE))
    await server.start("tcp:0:interface=127.0.0.1")
    ours, cpu = await timed("rate", server.address[1])
    await server.stop(1.0)
    print(f"sessions/s     ours {ours:6.0f} ({cpu / ours * 1e6:4.0f} us CPU each)")
    print(f"               bare asyncio {of_bare:6.0f} ({cpu_bare / of_bare * 1e6:4.0f} us CPU each)")
    print(f"               ratio of CPU ours/bare {cpu / ours / (cpu_bare / of_bare):.2f}")


async def timed(mode: str, port: int) -> tuple[float, float]:
    """Sessions per second, and seconds of our CPU per second."""
    cpu = time.process_time()
    result = await callers(mode, port)
    return result["sessions_per_s"], (time.process_time() - cpu) / MEASURED_S


async def measure_held() -> None:
    before = resident_bytes()
    server = make(lambda session: None)
    await server.start("tcp:0:interface=127.0.0.1")
    held: dict[str, float] = {}

    async def note() -> None:
        while server.stats.sessions_held < HELD:  # noqa: ASYNC110 - a counter tells nobody when it changes
            await asyncio.sleep(0.01)
        held.update(
            bytes=resident_bytes() - before, whole=resident_bytes(), cpu=time.process_time(), at=time.monotonic()
        )

    seen = await callers("hold", server.address[1], note)
    cpu = (time.process_time() - held["cpu"]) / (time.monotonic() - held["at"])
    stats, lag_s = server.stats, server.lag_s
    await server.stop(1.0)
    period_s = LEASE_S / 3
    print(f"held           {HELD} callers, {held['bytes'] / HELD / 1024:.1f} KiB each, {cpu * 100:.0f} % of a core")
    print(f"               {held['whole'] / 1e6:.0f} MB in all")
    print(f"renewals       every {period_s:g} s; worst gap {seen['worst_gap_s']:.3f} s, {stats.renewals_late} late")
    print(f"               worst lag {lag_s * 1000:.1f} ms, the arrival of all at once included")
    print(f"               busiest {period_s / BINS * 1000:.0f} ms / mean {seen['bins_max_to_mean']:.2f}")


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


async def main() -> None:
    install_reactor()
    await measure_held()  # first: memory that the other one leaves behind would hide what is taken here
    await measure_rate()
    remove_reactor()


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if len(sys.argv) == 3:
        print(json.dumps(asyncio.run({"rate": rate, "hold": hold}[sys.argv[1]](int(sys.argv[2])))), flush=True)
    else:
        asyncio.run(main())
