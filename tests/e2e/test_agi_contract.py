"""The contract of `tests/contract/agi_contract.py`, held by a real Asterisk: the fake there may be believed."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox import bare
from sandbox.instance import Ports, Sandbox
from sandbox.root import Asterisk
from sandbox.waiting import until
from tests.contract.agi_contract import AgiPeerContract, Peer

# res_agi needs res_speech before it when nothing is loaded by itself
MODULES = """\
res_speech res_agi pbx_config func_timeout func_strings func_global res_clioriginate app_originate res_timing_timerfd
"""

DIALPLAN = """\
[contract]
exten => _X!,1,Set(NUMBER=${EXTEN})
 same => n,Set(HOTLINE_DECISION=)
 same => n,Set(AGIEXITONHANGUP=yes)
 same => n,Set(TIMEOUT(absolute)=${LEASE})
 same => n,Set(ARRIVED=${STRFTIME(,,%s%3q)})
 same => n,AGI(agi://127.0.0.1:${SERVER}/route,${ARRIVED}-${UNIQUEID},12345,${ARRIVED},carrier,,,0)
 same => n,Set(TIMEOUT(absolute)=0)
 same => n,Set(GLOBAL(WENT_${NUMBER})=next ${HOTLINE_DECISION})
exten => T,1,Set(TIMEOUT(absolute)=0)
 same => n,Set(GLOBAL(WENT_${NUMBER})=T ${HOTLINE_DECISION})
"""


@pytest.fixture(scope="module")
async def pbx(asterisk: Asterisk, ports: Ports, folder: Path) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(folder / "pbx", asterisk, ports)
    files = bare.configuration(sandbox.folders, ports, [])
    modules = ["[modules]", "autoload=no", *(f"load={name}.so" for name in MODULES.split())]
    await sandbox.start({**files, "modules.conf": "\n".join(modules) + "\n", "extensions.conf": DIALPLAN})
    yield sandbox
    await sandbox.stop()


class RealCaller:
    """A Local channel in the dialplan above; what became of it is read from a global variable."""

    numbers = itertools.count(1)

    def __init__(self, pbx: Sandbox) -> None:
        self._pbx, self._number = pbx, next(self.numbers)
        self._went = ""

    async def calls(self, address: tuple[str, int], lease_s: float) -> None:
        await self._pbx.cli(f"dialplan set global SERVER {address[1]}")
        await self._pbx.cli(f"dialplan set global LEASE {lease_s:g}")
        await self._pbx.cli(f"channel originate Local/{self._number}@contract/n application Wait 30")

    async def hangs_up(self) -> None:
        await self._pbx.cli("channel request hangup all")

    async def went_to(self) -> tuple[str, str]:
        await until(self._has_gone, 10, "the dialplan has gone on")
        where, _, decision = self._went.partition(" ")
        return where, decision

    async def _has_gone(self) -> bool:
        found = re.search(rf"WENT_{self._number}=(.*)", await self._pbx.cli("dialplan show globals"))
        self._went = found[1].rstrip() if found else ""
        return bool(self._went)


class TestRealAsterisk(AgiPeerContract):
    """Every test of the contract, against the real one."""

    @pytest.fixture
    async def peer(self, pbx: Sandbox) -> AsyncIterator[Peer]:
        caller = RealCaller(pbx)
        yield caller
        await caller.hangs_up()
