"""Where a sandbox is: its ports, its folders, and the file that lets a later command find it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from sandbox import root

STATE_FILE: Final = "sandbox.json"
CONTROL_PATH_LIMIT: Final = 90  # a Unix socket's path ends at 107 bytes
SLOTS: Final = 22  # RTP of slot 22 would pass port 65535


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a sandbox listens, all on 127.0.0.1. `fastagi` and `http` are for the service that serves it.

    `far` is where the other ends of trunks (127.0.0.2, .3, .4) are called: carrier, emergency centre, department.
    """

    sip: int = 5160
    ami: int = 5138
    fastagi: int = 4573
    http: int = 8345
    far: int = 5060
    rtp_first: int = 20000
    rtp_last: int = 21999

    @classmethod
    def of_slot(cls, slot: int, **given: int | None) -> Ports:
        """The ports of a slot, 0..21; what is given by name stands instead.

        Raises:
            ValueError: there is no such slot.
        """
        if not 0 <= slot < SLOTS:
            raise ValueError(f"slot {slot}: choose 0 to {SLOTS - 1}")
        step, rtp = 100 * slot, 2000 * slot
        base = cls(5160 + step, 5138 + step, 4573 + step, 8345 + step, 5060 + step, 20000 + rtp, 21999 + rtp)
        return replace(base, **{name: port for name, port in given.items() if port is not None})


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one Asterisk, by the names of `config.plan.Directories`.

    `moddir` and `data` belong to the program, the others to the sandbox.
    """

    etc: Path
    moddir: Path
    varlib: Path
    data: Path
    keys: Path
    agi: Path
    spool: Path
    run: Path
    log: Path
    db: Path

    def texts(self) -> dict[str, str]:
        """For `config.plan.Directories(**...)`."""
        return {name: str(path) for name, path in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class State:
    """What `sandbox.json` says about a running sandbox. `started` tells our process from a later one of the same id."""

    pid: int
    started: str
    version: str
    command: tuple[str, ...]
    ports: Ports

    @classmethod
    def read(cls, folder: Path) -> State | None:
        """The state of the sandbox in `folder`, or None when none runs there (a stale file counts as none)."""
        try:
            found = json.loads((folder / STATE_FILE).read_text())
            command, ports = tuple(found["command"]), Ports(**found["ports"])
            state = cls(found["pid"], found["started"], found["version"], command, ports)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return state if began(state.pid) == state.started else None

    def write(self, folder: Path) -> None:
        (folder / STATE_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n")


def began(pid: int) -> str | None:
    """When a process began, in kernel ticks since boot; None when there is none or it is only waiting to be reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else fields[19]


def short_enough(run: Path) -> Path:
    """`run`, or a short stand-in under the temporary folder when a socket in `run` would have too long a path."""
    if len(str(run)) <= CONTROL_PATH_LIMIT:
        return run
    return Path(tempfile.gettempdir()) / f"hotline-{hashlib.sha256(str(run).encode()).hexdigest()[:12]}"


def default_folder(slot: int) -> Path:
    """Where `hotline sandbox` keeps a slot's files."""
    return root.cache_folder() / f"sandbox-{slot}"


def default_folders() -> list[Path]:
    """The folders of all slots that were ever up, in the order of slots."""
    found = {path: path.name.removeprefix("sandbox-") for path in root.cache_folder().glob("sandbox-*")}
    return sorted((path for path, slot in found.items() if slot.isdecimal()), key=lambda path: int(found[path]))
