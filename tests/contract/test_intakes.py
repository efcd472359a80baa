"""Who may write down what of a call, and what is kept and shown of it: with a real engine and real tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from console.deps import Refused
from routing.steps import Step
from service.hidden import Hidden
from service.intakes import Intakes
from service.settings import load
from storage.errors import StorageError
from storage.keys import Keyring
from storage.records import Records
from storage.sealing import Seal, intake_seal
from tests.contract.storage_databases import Database, opened
from tests.contract.storage_stories import answered_call, call_id
from tests.property.joined_world import AGENT, CALL, EXPERT
from tests.unit.service.conftest import SAMPLE
from tests.unit.service.test_join_codes import Keys

KEY = bytes(range(32))
FORM: dict[str, Any] = {"kind": "投诉", "subject": " 路灯不亮 ", "text": "电话13800000000", "district": "天宁区"}
NEXT = "1795000099000-9.9"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")


class Desk:
    """Agents who talk, and what they write down."""

    def __init__(self, records: Records, hidden: Hidden) -> None:
        self.keys = Keys(load(SAMPLE, check_secrets=False))
        self.world = self.keys.world
        self.records, self.hidden = records, hidden
        self.told = 0
        self.added = 0
        self.intakes = self.made()
        self.follow()

    def made(self) -> Intakes:
        return Intakes(self.world.drive.engine, self.records, intake_seal(Keyring.of(KEY)), self.hidden, self._count)

    def _count(self) -> None:
        self.added += 1

    def follow(self) -> None:
        """What has happened since is followed and kept."""
        for step in self.world.drive.steps[self.told :]:
            self.intakes.follow(step)
            self.records.write(step)
        self.told = len(self.world.drive.steps)

    async def writes(self, by: str = AGENT, role: str = "agent", call: str = CALL, **more: Any) -> int:
        try:
            await self.intakes.add(call, FORM | more, by, role)
        except Refused as refused:
            return refused.status
        return 201


@asynccontextmanager
async def desk_of(database: Database) -> AsyncIterator[Desk]:
    async with opened(database, hand_over=True) as records:
        settings = load(SAMPLE, check_secrets=False).model_copy()
        (database.data_dir / "var").mkdir()
        settings._file = database.data_dir / "hotline.toml"
        yield Desk(records, await Hidden.open(records, settings, Keyring.of(KEY)))


async def test_the_agent_of_a_call_and_supervisors_write_and_nobody_else(database: Database) -> None:
    async with desk_of(database) as desk:
        assert await desk.writes() == 201
        assert await desk.writes(EXPERT) == 403
        assert await desk.writes("chief", "supervisor") == 201
        assert await desk.writes(call=call_id(7)) == 404
        assert await desk.writes("chief", "supervisor", call=call_id(7)) == 404
        with pytest.raises(Refused) as caught:
            await desk.intakes.listed(CALL, EXPERT, "agent")
        assert caught.value.status == 403
        assert len(await desk.intakes.listed(CALL, AGENT, "agent")) == 2
        assert desk.added == 2


async def test_colleague_who_has_joined_the_call_writes_too(database: Database) -> None:
    async with desk_of(database) as desk:
        assert desk.keys.press("consult", EXPERT) is not None
        desk.follow()
        assert await desk.writes(EXPERT) == 403  # his phone rings
        key = next(iter(desk.world.drive.engine.joined[CALL].thirds)).key
        desk.world.third_rings(key)
        desk.world.third_answers(key)
        desk.follow()
        assert await desk.writes(EXPERT) == 201
        desk.world.caller_ends()
        desk.follow()
        assert await desk.writes(EXPERT) == 201
        assert await desk.writes() == 201


async def test_agent_goes_on_writing_after_the_call_until_he_has_answered_another(database: Database) -> None:
    async with desk_of(database) as desk:
        desk.world.caller_ends()
        desk.follow()
        assert CALL not in desk.world.drive.engine.calls
        assert await desk.writes() == 201
        for step in answered_call(1):
            if step.data.get("agent") == "a1":
                desk.intakes.follow(Step(NEXT, step.seq, step.at, step.kind, {**step.data, "agent": AGENT}))
        assert await desk.writes() == 403


async def test_after_a_restart_the_records_know_whose_call_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk_of(database) as desk:
        desk.world.caller_ends()
        desk.follow()
        ended = (await desk.records.call(CALL)) if await desk.records.flush(20) else None
        assert ended is not None
        monkeypatch.setattr("service.clock.wall", lambda: ended.arrived_ms / 1000 + 600)
        desk.intakes = desk.made()
        assert await desk.writes() == 201
        assert await desk.writes(EXPERT) == 403
        monkeypatch.setattr("service.clock.wall", lambda: ended.arrived_ms / 1000 + 2 * 86400)
        assert await desk.writes() == 403  # yesterday's is not today's


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"hidden": True, "name": "张三"}, "name"), ({"subject": "请回13800000000"}, "subject"),
        ({"district": "天宁区 85680000"}, "district"),
    ],
)  # fmt: skip
async def test_what_may_not_stand_there_is_refused_with_its_place_and_nothing_is_kept(
    database: Database, more: dict[str, Any], where: str
) -> None:
    async with desk_of(database) as desk:
        with pytest.raises(Refused) as caught:
            await desk.intakes.add(CALL, FORM | more, AGENT, "agent")
        assert caught.value.status == 422
        assert [error["where"] for error in caught.value.errors] == [where]
        assert "13800000000" not in str(caught.value.errors)
        assert await desk.intakes.listed(CALL, AGENT, "agent") == []


async def test_correction_is_a_revision_of_its_own_and_only_the_newest_is_corrected(database: Database) -> None:
    async with desk_of(database) as desk:
        first = await desk.intakes.add(CALL, FORM | {"name": "张三"}, AGENT, "agent")
        other = await desk.intakes.add(CALL, FORM, AGENT, "agent")
        assert (first["name"], first["subject"], first["revision"], other["root"]) == (
            "张三",
            "路灯不亮",
            1,
            other["id"],
        )
        second = await desk.intakes.add(CALL, FORM | {"hidden": True, "corrects": first["id"]}, AGENT, "agent")
        assert (second["root"], second["revision"], second["name"]) == (first["id"], 2, "")
        assert await desk.writes(corrects=first["id"]) == 409
        assert await desk.writes(corrects=99) == 404
        shown = await desk.intakes.listed(CALL, "chief", "supervisor")
    # the caller asked for it later: the first revision does not tell his name any more
    assert [(row["revision"], row["name"], row["hidden"]) for row in shown] == [
        (1, "", False),
        (1, "", False),
        (2, "", True),
    ]


async def test_two_who_correct_the_same_at_once_are_not_both_right(database: Database) -> None:
    async with desk_of(database) as desk:
        first = await desk.intakes.add(CALL, FORM, AGENT, "agent")
        both = await asyncio.gather(*(desk.writes(corrects=first["id"]) for _ in range(2)))
        assert sorted(both) == [201, 409]


async def test_nothing_personal_is_in_the_log(database: Database) -> None:
    async with desk_of(database) as desk:
        with capture_logs() as said:
            await desk.intakes.add(CALL, FORM | {"name": "张三"}, AGENT, "agent")
            await desk.intakes.listed(CALL, "chief", "supervisor")
    assert [line["what"] for line in said] == ["intake", "intake read"]
    assert not any(word in str(said) for word in ("张三", "13800000000", "路灯"))


async def test_without_a_database_nothing_is_kept_and_that_is_said(database: Database) -> None:
    async with desk_of(database) as desk, database.locked():
        assert await desk.writes() == 503


def test_what_is_sealed_for_one_call_is_not_opened_for_another_nor_by_another_key() -> None:
    seal = intake_seal(Keyring.of(KEY))
    sealed = seal.seal("张三", call_id(1))
    assert seal.open_sealed(sealed, call_id(1)) == "张三"
    for other, owner in (
        (seal, call_id(2)),
        (intake_seal(Keyring.of(bytes(32))), call_id(1)),
        (Seal(Keyring.of(KEY), b"x", "x"), call_id(1)),
    ):
        with pytest.raises(StorageError):
            other.open_sealed(sealed, owner)
