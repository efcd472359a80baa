"""One SIPp process: started with its own ports and files, spoken to, and ended for sure.

It dies with us (`setpriv --pdeathsig`), at exit, or by `stop`; it is a process group of its own. What it traced stays
in its folder: the evidence when a test fails.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sandbox.trace import Leg, Trace
from sandbox.waiting import until

_serial = itertools.count(1)
_alive: dict[int, subprocess.Popen[bytes]] = {}  # by pid: what is to be ended at exit
START_LIMIT_S: Final = 30.0
DONE: Final = (0, 1, 97, 99)  # SIPp's exit codes other than "could not"
MEDIA_FIRST: Final = 12000  # above what Asterisk, service and far ends of all slots listen on ...
MEDIA_LAST: Final = 19990  # ... and below their sound
TAKEN: Final = 3  # how often we choose other ports when somebody was quicker


class PeopleError(Exception):
    """A simulated phone did not come up, or not into the state that was waited for."""


@atexit.register
def _end_all() -> None:
    for process in list(_alive.values()):
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _alive.pop(process.pid, None)


def free_port(ip: str, kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A port nobody uses now on `ip`, chosen by the kernel."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((ip, 0))
        return int(probe.getsockname()[1])


def free_media_port(ip: str) -> int:
    """An even port with the next even one free too (SIPp takes both), where no slot and not the kernel gives ports."""
    for _ in range(200):
        port = random.randrange(MEDIA_FIRST, MEDIA_LAST, 4)
        with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as one:
            one.bind((ip, port))
            with socket.socket(type=socket.SOCK_DGRAM) as two:
                two.bind((ip, port + 2))
                return port
    raise PeopleError(f"no free media ports on {ip}")


class Sipp:
    """A SIPp process at `ip` that talks to `pbx` (host, port). Files go to a new folder under `folder`."""

    def __init__(self, name: str, pbx: tuple[str, int], ip: str, folder: Path, *, port: int | None = None) -> None:
        self.name = name
        self.pbx = pbx
        self.ip = ip
        self.port = port
        self._fixed = port is not None
        self.token = f"{name}-{os.getpid()}-{next(_serial)}"
        self.folder = folder.absolute() / self.token
        self.folder.mkdir(parents=True)
        self.trace = Trace(self.folder / "short.log")
        self._process: subprocess.Popen[bytes] | None = None

    def again(self) -> Sipp:
        """The same phone, not yet started: same address and port, new files."""
        return Sipp(self.name, self.pbx, self.ip, self.folder.parent, port=self.port)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def legs(self) -> list[Leg]:
        """All calls of this process so far."""
        return self.trace.read()

    def call_id(self, number: int) -> str:
        """The Call-ID of the call that this process placed as its `number`th, from 1."""
        return f"{self.token}-{number}"

    async def start(self, options: Sequence[str]) -> None:
        """Starts SIPp; returns when its socket is bound.

        Raises:
            PeopleError: it ended at once; the text is what it said.
        """
        for _ in range(TAKEN):
            if not self._fixed:
                self.port = free_port(self.ip)
            self._process = self._spawn(options)
            if await self._bound():
                return
        raise PeopleError(f"{self.name} did not start: {self.words()}")

    def _spawn(self, options: Sequence[str]) -> subprocess.Popen[bytes]:
        own = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        media = str(free_media_port(self.ip))
        base = [
            *("sipp", f"{self.pbx[0]}:{self.pbx[1]}", "-nostdin", "-i", self.ip, "-bind_local", "-p", str(self.port)),
            *("-mi", self.ip, "-mp", media, "-cid_str", f"{self.token}-%u", "-default_behaviors", "none"),
            *("-trace_shortmsg", "-shortmessage_file", "short.log", "-trace_err", "-error_file", "errors.log"),
            *("-deadcall_wait", "0", "-max_socket", "1000", "-skip_rlimit"),
            *("-watchdog_interval", "0"),  # it ends SIPp after a while on a machine that is busy, or after a freeze
        ]
        with (self.folder / "screen.log").open("ab") as screen:
            process = subprocess.Popen(
                [*own, *base, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=screen,
                cwd=self.folder,
                start_new_session=True,
            )
        _alive[process.pid] = process
        return process

    async def _bound(self) -> bool:
        """True when SIPp holds its port; False when it ended instead."""
        assert self._process is not None
        process = self._process
        port = self.port or 0
        await until(
            lambda: process.poll() is not None or _holds(process.pid, self.ip, port), START_LIMIT_S, poll_s=0.01
        )
        return process.poll() is None or process.poll() in DONE  # so short that all of it is over

    async def send(self, method: str, call_id: str, subject: str = "us") -> None:
        """A word from us to this process about one of its calls, as a SIP request that only its scenario understands."""
        text = (
            f"{method} sip:us@{self.ip} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-{random.getrandbits(64)}\r\n"
            f"From: <sip:us@127.0.0.1>;tag=us\r\nTo: <sip:you@{self.ip}>\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n"
            f"Subject: {subject}\r\nContent-Length: 0\r\n\r\n"
        )
        with socket.socket(type=socket.SOCK_DGRAM) as line:
            line.sendto(text.encode(), (self.ip, self.port or 0))

    async def ended(self, limit_s: float) -> int:
        """SIPp's exit code, when it has ended by itself. Raises NeverTrue."""
        assert self._process is not None
        process = self._process
        await until(lambda: process.poll() is not None, limit_s)
        _alive.pop(process.pid, None)
        return process.returncode

    def kill(self) -> None:
        """Ends it without a word on the wire, as a phone that loses its power."""
        if self._process is not None:
            _kill(self._process)

    def freeze(self) -> None:
        """SIGSTOP: its socket stays open, nothing answers, no sound goes out."""
        if self._process is not None and self.alive:
            os.killpg(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None and self.alive:
            os.killpg(self._process.pid, signal.SIGCONT)

    def words(self) -> str:
        """The last that SIPp said."""
        said = [
            p.read_text(errors="replace") for name in ("screen.log", "errors.log") if (p := self.folder / name).exists()
        ]
        return "\n".join("".join(said).splitlines()[-5:])


def _holds(pid: int, ip: str, port: int) -> bool:
    """Whether this very process has the UDP port: somebody else may have been quicker to take it."""
    own = set()
    with contextlib.suppress(OSError):
        own = {entry.readlink().name for entry in Path(f"/proc/{pid}/fd").iterdir()}
    address = f"{int.from_bytes(socket.inet_aton(ip), sys.byteorder):08X}:{port:04X}"
    rows = (line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:])
    return any(row[1] == address and f"socket:[{row[9]}]" in own for row in rows)
