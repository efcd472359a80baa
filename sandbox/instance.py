"""One private Asterisk in a folder: its configuration, its process, its console. Several run side by side, one a slot.

The process is a session of its own, so that a key pressed in a terminal never reaches it and ending it ends all of it.
"Started" means: fully booted and the manager port open. Nothing here waits a number of seconds: every wait is for a
condition, with a limit after which it is an error that shows Asterisk's last words.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from sandbox import root
from sandbox.places import STATE_FILE, Folders, Ports, State, began, default_folder, short_enough
from sandbox.root import Asterisk
from sandbox.waiting import NeverTrue, Patience, until

__all__ = ["Folders", "Ports", "Sandbox", "SandboxError", "State", "default_folder", "end", "knows_itself"]

MARK_FILE: Final = ".hotline-sandbox"
OPEN_FILES: Final = 65536
BOOT_LIMIT_S: Final = 60.0
# As the unit of a real one: what it writes is not for everybody. More files than the machine's soft limit; as many as it
# lets us have. Then an own death with the starter, if wanted.
_RAISE: Final = f'umask 027; ulimit -n {OPEN_FILES} 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$@"'


class SandboxError(Exception):
    """The private Asterisk did not start, died, or does not answer. The text shows its last words."""


class Sandbox:
    """A private Asterisk in `folder`.

    `attached`: it dies with the process that started it (tests, `make run`); else it stays until `stop` (`sandbox up`).
    """

    def __init__(self, folder: Path, asterisk: Asterisk, ports: Ports, *, attached: bool = True) -> None:
        self.folder = folder.absolute()
        self.asterisk = asterisk
        self.ports = ports
        self.attached = attached
        self.folders = Folders(
            etc=self.folder / "etc",
            moddir=asterisk.modules,
            varlib=self.folder / "varlib",
            data=asterisk.data,
            keys=self.folder / "keys",
            agi=self.folder / "agi",
            run=short_enough(self.folder / "run"),
            log=self.folder / "log",
            spool=self.folder / "spool",
            db=self.folder / "db",
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Asterisk's process id, None when it does not run. Also true for one that an earlier process started."""
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else None
        state = State.read(self.folder)
        return state.pid if state else None

    async def start(self, files: Mapping[str, str], *, limit_s: float = BOOT_LIMIT_S) -> None:
        """Writes `files` (name -> text) as the whole configuration, starts Asterisk, returns when it is fully booted.

        Raises:
            SandboxError: one runs here already, a port is taken, or it did not come up within `limit_s`.
        """
        if self.pid is not None:
            raise SandboxError(f"a sandbox runs already in {self.folder} (process {self.pid})")
        self._check_ports()
        if not knows_itself(socket.gethostname()):
            root.say(
                "/etc/hosts lacks this machine's name: each call may wait for DNS. Add it to the line of 127.0.0.1"
            )
        self.write(files)
        self._process = self._spawn()
        try:
            await self._booted(limit_s)
        except BaseException:
            await self.stop()
            raise
        started = began(self._process.pid)
        program = self.asterisk
        state = State(self._process.pid, started or "", program.version, program.command, self.ports)
        state.write(self.folder)

    def write(self, files: Mapping[str, str]) -> None:
        """Replaces the configuration files. A running Asterisk reads them at `cli("core reload")`."""
        self._claim()
        shutil.rmtree(self.folders.etc, ignore_errors=True)
        own = (f for name, f in asdict(self.folders).items() if name not in {"moddir", "data"})
        for folder in own:
            folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = self.folders.etc / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o600)  # some hold secrets

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """Ends Asterisk and all it started: TERM, then KILL after `grace_s`. No error when it does not run."""
        if (pid := self.pid) is not None:
            await _end(pid, self._process, grace_s)
        self._process = None
        (self.folder / STATE_FILE).unlink(missing_ok=True)

    async def kill(self) -> None:
        """Ends Asterisk without a word, as a crash would."""
        if (pid := self.pid) is not None:
            _signal_group(pid, signal.SIGKILL)
            await _until_gone(pid, self._process, 5.0)
        self._process = None

    async def restart(self, files: Mapping[str, str] | None = None) -> None:
        """Ends it and starts it again, with the same files when none are given. The database of Asterisk stays."""
        if files is None:
            etc = self.folders.etc
            files = {str(p.relative_to(etc)): p.read_text() for p in etc.rglob("*") if p.is_file()}
        await self.stop()
        await self.start(files)

    def freeze(self) -> None:
        """Stops its clockwork (SIGSTOP): sockets stay open, nothing answers."""
        if (pid := self.pid) is not None:
            _signal_group(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        if (pid := self.pid) is not None:
            _signal_group(pid, signal.SIGCONT)

    async def cli(self, command: str, *, limit_s: float = 10.0) -> str:
        """What Asterisk's console answers to `command`.

        Raises:
            SandboxError: the console cannot be reached, or does not answer within `limit_s`.
        """
        argv = [*self.asterisk.command, "-C", str(self._conf), "-rx", command]
        pipe = asyncio.subprocess.PIPE
        asked = await asyncio.create_subprocess_exec(*argv, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
        try:
            out, _ = await asyncio.wait_for(asked.communicate(), limit_s)
        except BaseException as failure:
            with contextlib.suppress(ProcessLookupError):
                asked.kill()
            await asked.wait()
            if isinstance(failure, TimeoutError):
                raise SandboxError(f"no answer to '{command}' within {limit_s:g} s") from None
            raise
        text = out.decode(errors="replace")
        if asked.returncode != 0:
            raise SandboxError(f"'{command}': {text.strip()}")
        return text

    def words(self, lines: int = 15) -> str:
        """The last lines of Asterisk's own output."""
        path = self.folders.log / "console.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def _claim(self) -> None:
        """Makes the folder ours. One with other things in it is refused: `etc` and more in it will be replaced."""
        mark = self.folder / MARK_FILE
        if not mark.exists() and self.folder.is_dir() and any(self.folder.iterdir()):
            raise SandboxError(f"{self.folder} holds other things: choose an empty folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        mark.touch()

    @property
    def _conf(self) -> Path:
        return self.folders.etc / "asterisk.conf"

    def _spawn(self) -> subprocess.Popen[bytes]:
        dies_with_us = ["setpriv", "--pdeathsig", "KILL", "--"] if self.attached and shutil.which("setpriv") else []
        argv = ["sh", "-c", _RAISE, "sh", *dies_with_us, *self.asterisk.command, "-C", str(self._conf), "-f"]
        with (self.folders.log / "console.log").open("ab") as log:
            return subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )

    async def _booted(self, limit_s: float) -> None:
        assert self._process is not None
        patience = Patience(limit_s)
        while not await self._answers():
            if self._process.poll() is not None:
                raise SandboxError(f"Asterisk ended while it started:\n{self.words()}")
            if patience.over:
                raise SandboxError(f"Asterisk did not come up within {limit_s:g} s:\n{self.words()}")
            await asyncio.sleep(0.05)

    async def _answers(self) -> bool:
        """The manager port is open and the console says that everything is loaded."""
        if not _listens(self.ports.ami) or not (self.folders.run / "asterisk.ctl").exists():
            return False
        try:
            return "fully booted" in (await self.cli("core waitfullybooted", limit_s=30)).lower()
        except SandboxError:
            return False

    def _check_ports(self) -> None:
        for name, kind in (("sip", socket.SOCK_DGRAM), ("ami", socket.SOCK_STREAM)):
            port = getattr(self.ports, name)
            with socket.socket(socket.AF_INET, kind) as probe:
                if kind is socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError as failure:
                    hint = "another sandbox? Choose another --slot"
                    raise SandboxError(f"{name} port {port}: {failure.strerror} ({hint})") from None


async def end(folder: Path, *, grace_s: float = 5.0) -> bool:
    """Ends the sandbox that runs in `folder`, whoever started it. False: none runs there."""
    state = State.read(folder)
    if state is not None:
        await _end(state.pid, None, grace_s)
    (folder / STATE_FILE).unlink(missing_ok=True)
    return state is not None


async def _end(pid: int, process: subprocess.Popen[bytes] | None, grace_s: float) -> None:
    _signal_group(pid, signal.SIGCONT)
    _signal_group(pid, signal.SIGTERM)
    with contextlib.suppress(NeverTrue):
        await _until_gone(pid, process, grace_s)
    _signal_group(pid, signal.SIGKILL)
    await _until_gone(pid, process, grace_s)


def knows_itself(name: str, hosts: Path = Path("/etc/hosts")) -> bool:
    """Whether the hosts file has this name. Without it PJSIP asks DNS for it, call by call."""
    lines = hosts.read_text(errors="replace").splitlines() if hosts.is_file() else []
    return any(name in line.partition("#")[0].split()[1:] for line in lines)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


async def _until_gone(pid: int, process: subprocess.Popen[bytes] | None, limit_s: float) -> None:
    """Returns when the process has ended (and, if it is our child, was reaped). Raises NeverTrue."""
    await until(lambda: began(pid) is None if process is None else process.poll() is not None, limit_s)
