"""Small words for end-to-end tests: a configuration with few seats, and what outsiders see of a call."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.instance import Sandbox
from sandbox.waiting import until
from service.cli.stage import Stage


def timing(**seconds: float) -> Callable[[str], str]:
    """An edit of the first configuration: a `[timing]` table."""
    rows = "\n".join(f"{key} = {value}" for key, value in seconds.items())
    return lambda text: re.sub(r"\n\[timing\][^\[]*", "\n", text) + f"\n[timing]\n{rows}\n"


def far_from_midnight(text: str) -> str:
    """An edit of the first configuration: noon has just begun there, so that no day ends during a test."""
    ahead = 12 - datetime.now(UTC).hour
    edited, count = re.subn(r"(?m)^timezone = .*$", f'timezone = "Etc/GMT{-ahead:+d}"', text)
    assert count == 1, "no time zone"
    return edited


async def seats(stage: Stage) -> dict[str, str]:
    """Seat id -> state, as the API shows it."""
    return {seat["seat"]: seat["state"] for seat in await stage.api("/api/v1/seats")}


async def nothing_left_over(stage: Stage) -> None:
    """No channel is left in Asterisk, no caller waits, nobody rings or talks."""

    async def empty() -> bool:
        channels = await stage.sandbox.cli("core show channels count")
        states = set((await seats(stage)).values())
        return channels.startswith("0 active channels") and not states & {"ringing", "talking"}

    await stage.until(empty, 10, "no channel and no busy seat left")


async def reachable(sandbox: Sandbox, *seats: str) -> None:
    """Waits until Asterisk has seen that these phones are there. It looks after it has said yes to their REGISTER, and
    until then the seat guard lets nobody through. With a service there is `evidence.ready`.
    """

    async def all_there() -> bool:
        text = await sandbox.cli("pjsip show endpoints")
        found = dict(re.findall(r"^ *Endpoint: +([^/ ]+)\S* +(\S.*?) +\d+ of ", text, re.MULTILINE))
        return all(found[seat] != "Unavailable" for seat in seats)

    await until(all_there, 15, f"phones {', '.join(seats)} reachable")


def asked_every(files: dict[str, str], seconds: int) -> None:
    """How often the other ends of the trunks are asked whether they are there; 0: never, and routes keep their order."""
    trunks, head, phones = files["pjsip.conf"].partition("; -- seats")
    assert "qualify_frequency=15" in trunks
    files["pjsip.conf"] = trunks.replace("qualify_frequency=15", f"qualify_frequency={seconds}") + head + phones


async def command(stage: Stage, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and answer of a command, as somebody types it with --json."""
    line = [sys.executable, "-m", "service", *words, "--json", "--config", str(stage.config)]
    done = await asyncio.to_thread(subprocess.run, line, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)
