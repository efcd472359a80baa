"""One Asterisk with the rendered dialplan and no service, for the tests of the safety net."""

from __future__ import annotations

import contextlib
import itertools
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from config.plan import Directories, PbxPlan, Trunk
from config.render import write
from routing.model import Line, Mode, Rules, SeatProfile, Timing
from sandbox.instance import Ports, Sandbox
from sandbox.people import CARRIER, Caller, Callers, Listener, Plan, Seat
from sandbox.root import Asterisk, version_tuple
from sandbox.scenario import Habit
from sandbox.waiting import until
from telephony import names
from telephony.agi.snapshot import Snapshot, write_snapshot
from telephony.names import Verb
from tests.e2e.agi_peer import Peer, Session
from tests.e2e.staging import reachable

LEASE_S = 1.0
WINDOW_S = 1.0
BEST, SECOND, DUTY = "1001", "1002", "1009"
SEATS = (BEST, SECOND, DUTY)
LINES = {
    "12345": Line("12345", "政务服务便民热线"),
    "12333": Line("12333", '人社 "服务" ${EPOCH}; x'),
    "12366": Line("12366", "税务"),
    "12336": Line("12336", "", Mode.MERGED, into="12345", subject="自然资源违法举报"),
}


class Net:
    """One Asterisk with the rendered dialplan, its snapshot file, and folders for the people of a test."""

    def __init__(self, folder: Path, asterisk: Asterisk, ports: Ports) -> None:
        self.folder, self.ports = folder, ports
        self.sandbox = Sandbox(folder / "asterisk", asterisk, ports)
        self.snapshot = folder / "snapshot.json"
        self._numbers = itertools.count()

    @property
    def pbx(self) -> tuple[str, int]:
        return "127.0.0.1", self.ports.sip

    def plan(self) -> PbxPlan:
        rules = Rules(
            Timing(lease_s=LEASE_S, restart_window_s=WINDOW_S, ring_s=3),
            LINES,
            {},
            {seat: SeatProfile(seat, f"PJSIP/{seat}") for seat in SEATS},
        )
        return PbxPlan(
            rules=rules,
            trunks=(Trunk("carrier", (CARRIER,), host=CARRIER, port=self.ports.far),),
            duty_seats=(DUTY,),
            duty_telephone="PJSIP/13800000000@carrier",
            fastagi_host="127.0.0.1",
            fastagi_port=self.ports.fastagi,
            ami_bind="127.0.0.1",
            ami_port=self.ports.ami,
            ami_user="hotline",
            ami_secret="safety-net",
            sip_bind="127.0.0.1",
            sip_port=self.ports.sip,
            rtp=(self.ports.rtp_first, self.ports.rtp_last),
            seat_passwords={seat: f"seat-{seat}" for seat in SEATS},
            directories=Directories(**self.sandbox.folders.texts()),
            fallback_script=str(Path(sys.executable).with_name("hotline-fallback-agi")),
            snapshot=str(self.snapshot),
            asterisk_version=version_tuple(self.sandbox.asterisk.version),
        )

    async def start(self, dialplan: str = "") -> None:
        """`dialplan`: more of it, for one test."""
        self.sandbox.write({})
        files = write(self.plan())
        await self.sandbox.start(files | {"extensions.conf": files["extensions.conf"] + dialplan})

    def know(self, *seats: str, lines: tuple[str, ...] = tuple(LINES)) -> None:
        """Writes a fresh snapshot with these seats in order for these lines."""
        write_snapshot(str(self.snapshot), Snapshot(time.time(), dict.fromkeys(lines, seats)))

    @contextlib.asynccontextmanager
    async def seat(
        self,
        seat: str,
        habit: Habit = Habit(ring_s=0.1),  # noqa: B008 frozen
        *,
        voice: bool = False,
    ) -> AsyncIterator[Seat]:
        """A phone that may be rung."""
        async with Seat(self.pbx, seat, self._folder(f"seat-{seat}"), habit=habit, voice=voice) as phone:
            await reachable(self.sandbox, seat)
            yield phone

    def caller(self, number: str = "12345", **how: object) -> Caller:
        return Caller(self.pbx, number, self._folder(f"caller-{number}"), **how)  # type: ignore[arg-type]

    def callers(self, plans: list[Plan]) -> Callers:
        return Callers(self.pbx, plans, self._folder("callers"), per_s=200)

    def telephone(self) -> Listener:
        return Listener(self.pbx, CARRIER, self.ports.far, self._folder("telephone"), name="telephone")

    def peer(self, script: Callable[[Session], object]) -> Peer:
        async def run(session: Session) -> None:
            if session.script == names.SCRIPT_AFTER:
                await session.decide(names.decision(Verb.GOODBYE))
            else:
                await script(session)  # type: ignore[misc]

        return Peer(self.ports.fastagi, run)

    def _folder(self, name: str) -> Path:
        made = self.folder / f"{next(self._numbers):03d}-{name}"
        made.mkdir()
        return made

    async def count(self, name: str) -> int:
        """A global counter of the dialplan."""
        found = re.search(rf"\b{name}=(\d+)", await self.sandbox.cli("dialplan show globals"))
        return int(found[1]) if found else 0

    async def until_clear(self) -> None:
        """No channel and no locked seat is left."""
        await self.until(self._clear, 15)

    async def until(self, true: Callable[[], Awaitable[bool]], limit_s: float = 20) -> None:
        """Returns as soon as the condition is true; NeverTrue after `limit_s`."""
        await until(true, limit_s)

    async def until_counted(self, name: str) -> None:
        """Returns when the dialplan counts one more of `name`."""
        before = await self.count(name)

        async def more() -> bool:
            return await self.count(name) > before

        await self.until(more)

    async def _clear(self) -> bool:
        channels = await self.sandbox.cli("core show channels count")
        return channels.startswith("0 active channels") and not await self.locked() and not await self.claimed()

    async def claimed(self) -> set[str]:
        """Seats that a channel of ours has claimed, rings or talks to."""
        rows = (row.split() for row in (await self.sandbox.cli("group show channels")).splitlines())
        return {row[1] for row in rows if len(row) == 3 and row[2] == names.SEAT_GROUP}

    async def locked(self) -> list[str]:
        """Seats whose lock a channel holds."""
        rows = (await self.sandbox.cli("dialplan locks show")).splitlines()
        return [row.split()[0] for row in rows if row.startswith("seat-") and "(unlocked)" not in row]
