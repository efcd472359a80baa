"""The contract held against a real Asterisk with the delivered configuration (`ASTERISK=16` for the old one)."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from config.render import write
from sandbox import root
from sandbox.instance import Ports
from sandbox.people import Caller, Seats
from sandbox.scenario import RINGS_FOR_EVER
from sandbox.waiting import until
from service.cli.stage import Stage
from telephony import names
from tests.contract.ami_contract import Account, AmiContract
from tests.slots import own_slot


class AsteriskPeer:
    """The routing service is played by a few lines that always choose seat 1001 once, then hold the caller."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage, self.folder = stage, folder
        pbx = stage.settings.pbxs[0]
        seats = stage.settings.dial_strings()
        self.account = Account("127.0.0.1", stage.ports.ami, pbx.user, stage.settings.ami_secret(pbx), seats)
        self.seat = Seats(stage.pbx, ["1001"], folder, habit=RINGS_FOR_EVER)
        self.caller = Caller(stage.pbx, "12345", folder, name="市民")
        self.asked = 0

    async def decide(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\n\n")
        self.asked += 1
        if self.asked == 1:
            deadline_ms = int((time.time() + 2) * 1000)
            decision = names.decision(names.Verb.PRESENT, "p1", deadline_ms, 20, ("1001",))
            writer.write(f'SET VARIABLE {names.DECISION} "{decision}"\n'.encode())
            await reader.readline()
        elif self.caller.legs and self.caller.leg.state == "ringing":
            await reader.read()
        writer.close()

    async def rings(self) -> None:
        await self.caller.start()
        await self.seat.until_ringing()

    async def answers(self) -> None:
        await self.seat.pick_up()
        await self.caller.until_talking()

    async def agent_hangs_up(self) -> None:
        await self.seat.hang_up()

    async def caller_hangs_up(self) -> None:
        await self.caller.hang_up()

    async def counts_fallback(self) -> None:
        await self.stage.sandbox.cli(f"dialplan set global {names.FALLBACK_COUNT}queue 7")

    async def seat_is_free(self) -> bool:
        return "Not in use" in await self.stage.sandbox.cli("pjsip show endpoint 1001")

    async def nothing_left(self) -> bool:
        return "0 active channels" in await self.stage.sandbox.cli("core show channels count")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    with tempfile.TemporaryDirectory() as folder, own_slot() as slot:
        stage = Stage(Path(folder), root.find(), Ports.of_slot(slot), seats=2)
        stage.sandbox.write({})
        await stage.sandbox.start(write(stage.plan()))
        yield stage
        await stage.stop()


class TestAsterisk(AmiContract):
    @pytest_asyncio.fixture
    async def peer(self, stage: Stage) -> AsyncIterator[AsteriskPeer]:
        with tempfile.TemporaryDirectory() as folder:
            peer = AsteriskPeer(stage, Path(folder))
            agi = await asyncio.start_server(peer.decide, "127.0.0.1", stage.ports.fastagi)
            await peer.seat.start()
            await until(peer.seat_is_free, what="seat 1001 is free")
            yield peer
            peer.caller.kill()
            await peer.seat.stop()
            await until(peer.nothing_left, what="no channel is left")
            agi.close()
            await stage.sandbox.cli(f"dialplan set global {names.FROZEN_UNTIL} 0")
            await stage.sandbox.cli(f"dialplan set global {names.FALLBACK_COUNT}queue 0")
