"""A service as far as numbers go: real records, real keys; what is away is taken away by the test."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from console.deps import Reading, Refused
from service.caller_data import CallerData, Readings
from service.hidden import Hidden
from service.number_keys import NumberKeys
from service.restrictions import Restrictions
from service.settings import Settings
from storage.audit import AuditRow
from storage.errors import StorageUnavailable
from storage.keys import Keyring
from storage.numbers import NumberVault
from storage.records import Records
from tests.contract.storage_stories import answered_call

NUMBER = "13800001000"
WHOLE = "+86" + NUMBER


def reading(role: str = "supervisor", reason: str = "the police asks", *, hidden: bool = True) -> Reading:
    return Reading("chief", role, reason, hidden=hidden)


@dataclass
class World:
    records: Records
    settings: Settings
    ring: Keyring
    hidden: Hidden
    restrictions: Restrictions
    data: CallerData
    keys: NumberKeys

    @property
    def vault(self) -> NumberVault:
        return NumberVault(self.ring)

    async def call(self, number: int, caller: str = WHOLE) -> str:
        """A call that is over; its id."""
        story = answered_call(number)
        known = {"caller_ref": self.vault.caller_ref(caller), "caller_sealed": self.vault.seal(caller)}
        if not caller:
            known = {"caller_ref": None, "caller_sealed": None}
        self.records.write(replace(story[0], data={**story[0].data, **known}), *story[1:])
        assert await self.records.flush(20)
        return story[0].call_id

    async def audit(self) -> list[AuditRow]:
        """The oldest first."""
        return (await self.records.audit_rows())[::-1]


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[World]:
    """From start to stop of a service."""
    records = await Records.open(settings.database_url(), settings.data_dir, catch_up_s=20.0)
    try:
        yield await made(records, settings)
    finally:
        await records.close()


async def made(records: Records, settings: Settings) -> World:
    ring = Keyring(settings.number_keys())
    hidden = await Hidden.open(records, settings, ring)

    async def anybody(call_id: str, by: str, role: str) -> None:
        if role in ("agent", "expert") and by != "1001":
            raise Refused(403, "not your call")

    hidden.check_own = anybody
    restrictions = await Restrictions.open(records, settings, ring, hidden)
    data = CallerData(records, hidden, Readings(records), ring)
    keys = NumberKeys(records, lambda: settings, ring)
    keys.resealed = restrictions.again
    return World(records, settings, ring, hidden, restrictions, data, keys)


async def refused(act: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await act
    return caught.value


def away(monkeypatch: pytest.MonkeyPatch, records: Records, *names: str) -> None:
    """These questions find no database."""

    async def gone(*_: object, **__: object) -> Any:
        raise StorageUnavailable("the database does not answer")

    for name in names:
        monkeypatch.setattr(records, name, gone)
