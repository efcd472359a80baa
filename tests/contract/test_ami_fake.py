"""The fake Asterisk Manager keeps the contract that the real one is held to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from telephony import names
from tests.contract.ami_contract import Account, AmiContract
from tests.contract.fake_ami import FakeAmi, FakeChannel

SEATS = {"1001": "PJSIP/1001", "1002": "PJSIP/1002"}


class FakePeer:
    def __init__(self, fake: FakeAmi) -> None:
        self.fake = fake
        self.account = Account("127.0.0.1", fake.port, fake.user, fake.secret, SEATS)
        self.phone: FakeChannel | None = None

    async def rings(self) -> None:
        self.fake.arrives()
        self.phone = self.fake.rings("1001")

    async def answers(self) -> None:
        assert self.phone is not None
        self.fake.answers(self.phone)

    async def agent_hangs_up(self) -> None:
        assert self.phone is not None
        self.fake.says_goodbye(self.phone)

    async def caller_hangs_up(self) -> None:
        self.fake.caller_says_goodbye()

    async def counts_fallback(self) -> None:
        self.fake.globals[names.FALLBACK_COUNT + "queue"] = "7"


class TestFakeAmi(AmiContract):
    @pytest_asyncio.fixture
    async def peer(self) -> AsyncIterator[FakePeer]:
        fake = await FakeAmi().start()
        yield FakePeer(fake)
        await fake.stop()
