"""What our server and Asterisk expect of each other: `AgiPeerContract` holds for the fake here, and in
`tests/e2e/test_agi_contract.py` for a real one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.contract.agi_contract import AgiPeerContract, Peer
from tests.contract.agi_peer import FakeAsterisk


class TestFakeAsterisk(AgiPeerContract):
    """The hand-written one that the unit tests and benches use."""

    @pytest_asyncio.fixture(loop_scope="session")
    async def peer(self) -> AsyncIterator[Peer]:
        peer = _Fake()
        yield peer
        await peer.ends()


class _Fake:
    def __init__(self) -> None:
        self._asterisk: FakeAsterisk | None = None

    @property
    def asterisk(self) -> FakeAsterisk:
        assert self._asterisk is not None, "nobody called"
        return self._asterisk

    async def calls(self, address: tuple[str, int], lease_s: float) -> None:
        self._asterisk = await FakeAsterisk.calls(address, lease_s=lease_s)

    async def hangs_up(self) -> None:
        await self.asterisk.hangs_up()

    async def went_to(self) -> tuple[str, str]:
        return await self.asterisk.ended(), self.asterisk.variables.get("HOTLINE_DECISION", "")

    async def ends(self) -> None:
        if self._asterisk is not None:
            await self._asterisk.goes()
