"""A whole hotline in a folder: private Asterisk, its rendered configuration, and the service as a process of its own.

`hotline sandbox demo`, the end-to-end tests and the benches stand on this. What they judge by comes from outside: SIP,
AMI, the database, `/metrics`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

import httpx

from config.plan import Directories, PbxPlan
from config.render import write
from sandbox.instance import Ports, Sandbox
from sandbox.root import Asterisk
from sandbox.waiting import NeverTrue, until
from service.pbx import SipSide, plan_of
from service.settings import Settings, load
from service.starter import write_starter
from storage import queries
from storage.engine import create_engine
from storage.queries import CallRecord, LineFigures

CEL_FILE: Final = "cel-custom/hotline.csv"  # in Asterisk's folder of logs
READY_S: Final = 20.0
POLL_S: Final = 0.02


class StageError(Exception):
    """A part did not come up, or a condition did not come true; the text shows the last words of the service."""


class Stage:
    """`edit` may change the text of the first configuration; `seats` are made as 1001, 1002, ..."""

    def __init__(
        self,
        folder: Path,
        asterisk: Asterisk,
        ports: Ports,
        *,
        seats: int = 12,
        edit: Callable[[str], str] = lambda text: text,
        attached: bool = True,
    ) -> None:
        self.folder, self.ports = folder.absolute(), ports
        self.sandbox = Sandbox(self.folder / "asterisk", asterisk, ports, attached=attached)
        self.config = self.folder / "hotline.toml"
        if not self.config.exists():
            telephone = "PJSIP/13800000000@carrier"
            write_starter(
                self.folder, seats=seats, fastagi_port=ports.fastagi, http_port=ports.http, ami_port=ports.ami,
                duty_telephone=telephone, cel_file=str(self.sandbox.folders.log / CEL_FILE),
                seat_password=lambda seat_id: f"seat-{seat_id}",
            )  # fmt: skip
        self.config.write_text(edit(self.config.read_text()))
        self.settings: Settings = load(self.config)
        self.service: subprocess.Popen[bytes] | None = None
        idle = httpx.Limits(keepalive_expiry=2.0)  # the service closes what is idle for five seconds
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{ports.http}", timeout=10, trust_env=False, limits=idle
        )

    @property
    def pbx(self) -> tuple[str, int]:
        """Where calls go."""
        return "127.0.0.1", self.ports.sip

    def plan(self) -> PbxPlan:
        """What Asterisk's configuration is rendered from for this sandbox."""
        directories = Directories(**self.sandbox.folders.texts())
        local = {id_: f"seat-{id_}" for id_, dial in self.settings.dial_strings().items() if dial == f"PJSIP/{id_}"}
        rtp = (self.ports.rtp_first, self.ports.rtp_last)
        sip = SipSide("127.0.0.1", self.ports.sip, rtp, local)
        version = tuple(int(part) for part in re.findall(r"\d+", self.sandbox.asterisk.version)[:3])
        plan = plan_of(self.settings, self.settings.pbxs[0], sip=sip, directories=directories, version=version)
        return replace(plan, trunks=tuple(replace(trunk, port=self.ports.far) for trunk in plan.trunks))

    # -- Asterisk -----------------------------------------------------------------------------------------------------

    async def start_asterisk(self, amend: Callable[[dict[str, str]], None] = lambda files: None) -> None:
        """Renders the configuration and starts Asterisk with it. `amend` may add to the files (name -> text)."""
        self.sandbox.write({})
        files = write(self.plan())
        amend(files)
        await self.sandbox.start(files)

    @contextlib.asynccontextmanager
    async def serving(self, amend: Callable[[dict[str, str]], None] = lambda files: None) -> AsyncIterator[Self]:
        """Asterisk and the service, which serves callers; all of it is gone afterwards."""
        try:
            await self.start_asterisk(amend)
            await self.start_service()
            yield self
        finally:
            await self.stop()

    # -- the service --------------------------------------------------------------------------------------------------

    async def start_service(self, *, ready: bool = True) -> None:
        """Starts `hotline serve`; returns when `/readyz` says that callers are served.

        Raises:
            StageError: it ended, or is not ready in time.
        """
        self.service = self._spawn()
        if ready:
            await self.until(self.is_ready, READY_S, "service ready")

    def _spawn(self) -> subprocess.Popen[bytes]:
        dies_with_us = (
            ["setpriv", "--pdeathsig", "KILL", "--"] if self.sandbox.attached and shutil.which("setpriv") else []
        )
        with (self.folder / "service.log").open("ab") as log:
            return subprocess.Popen(
                [*dies_with_us, sys.executable, "-m", "service", "serve", "--config", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip

    async def is_ready(self) -> bool:
        """Ready with AMI: nothing degraded."""
        if self.service is not None and self.service.poll() is not None:
            raise StageError(f"the service ended with {self.service.returncode}:\n{self.words()}")
        try:
            answer = await self.http.get("/readyz")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and not answer.json().get("degraded")

    def send(self, number: signal.Signals) -> None:
        """KILL, STOP, CONT, TERM to the service."""
        if self.service is not None and self.service.poll() is None:
            self.service.send_signal(number)

    async def end_service(self, number: signal.Signals = signal.SIGTERM) -> int | None:
        """Ends the service and returns its exit code."""
        if self.service is None:
            return None
        self.send(signal.SIGCONT)
        self.send(number)
        try:
            code = await asyncio.to_thread(self.service.wait, 10)
        except subprocess.TimeoutExpired:
            self.service.kill()
            code = await asyncio.to_thread(self.service.wait, 10)
        self.service = None
        return code

    def words(self, lines: int = 15) -> str:
        path = self.folder / "service.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    async def stop(self) -> None:
        await self.end_service()
        await self.http.aclose()
        await self.sandbox.stop()

    # -- what an outsider sees ----------------------------------------------------------------------------------------

    async def metrics(self) -> dict[str, float]:
        """Every sample of `/metrics`: `name{label="x"}` -> value."""
        text = (await self.http.get("/metrics")).text
        rows = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in rows}

    async def total(self, name: str, **labels: str) -> float:
        """The sum of one metric's samples that carry these labels."""
        found = await self.metrics()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        rows = (
            value for key, value in found.items() if key.partition("{")[0] == name and all(w in key for w in wanted)
        )
        return sum(rows)

    async def api(self, path: str) -> Any:
        """An answer of the API, as the commands get it."""
        headers = {"Authorization": f"Bearer {self.settings.cli_token()}"}
        answer = await self.http.get(path, headers=headers)
        answer.raise_for_status()
        return answer.json()

    async def talk(self) -> dict[str, Any]:
        """The one call in progress, once the service knows that it is a talk: phones know that a little earlier.

        Raises:
            StageError: there is none, or several.
        """

        async def so() -> dict[str, Any] | None:
            calls = await self.api("/api/v1/calls/live")
            return calls[0] if [call["state"] for call in calls] == ["talking"] else None

        found = await self.until(so, what="one call, and it is a talk")
        assert isinstance(found, dict)
        return found

    async def figures(self) -> dict[str, LineFigures]:
        """Dialled number -> counts and answer times, read from the database itself."""
        engine = create_engine(self.settings.database_url())
        try:
            return {row.line: row for row in await queries.line_figures(engine)}
        finally:
            await engine.dispose()

    async def calls(self) -> list[CallRecord]:
        """The rows of `calls`, newest first, read from the database itself."""
        engine = create_engine(self.settings.database_url())
        try:
            return await queries.recent_calls(engine, 10_000)
        finally:
            await engine.dispose()

    async def until(self, true: Callable[[], object], limit_s: float = 30.0, what: str = "") -> object:
        """Polls a condition (plain or async) until it is true and returns its value.

        Raises:
            StageError: it was not true within `limit_s`.
        """
        try:
            return await until(true, limit_s, what, POLL_S)
        except NeverTrue as error:
            raise StageError(f"{error}\n{self.words()}") from None
