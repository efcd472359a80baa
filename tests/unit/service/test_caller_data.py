"""Numbers in clear: the row of the audit first, then the number; of hidden callers with a right and a reason alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.intakes import Intakes
from service.settings import Settings, load
from storage.intake import IntakeRow
from storage.sealing import intake_seal
from tests.unit.service.privacy_world import NUMBER, WHOLE, World, away, reading, refused, running

SHOWN = "138****1000"
RESTRICTION: dict[str, Any] = {"number": NUMBER, "kind": "reject", "reason": "abuse", "evidence": "case 7"}


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load(folder / "hotline.toml")


async def hide(world: World) -> None:
    wanted = {"call": "", "number": NUMBER, "reason": "he asked for it"}
    await world.hidden.add(wanted, "chief", "supervisor")


async def test_a_reading_is_told_with_who_when_what_and_what_for(settings: Settings) -> None:
    async with running(settings) as world:
        call = await world.call(1)
        assert (await world.data.shown(call, "chief", "supervisor"))["number"] == SHOWN
        assert await world.audit() == []
        found = await world.data.read(call, reading())
        assert (found["number"], found["hidden"], found["withheld"]) == (WHOLE, False, False)
        (row,) = await world.audit()
        assert (row.actor, row.role, row.act) == ("chief", "supervisor", "read")
        assert (row.subject_kind, row.subject_id, row.reason) == ("call", call, "the police asks")
        assert row.details == {"hidden": False, "what": ["number"]}
        assert row.at_ms > 0
        (told,) = await world.data.audit({"limit": 5})
        assert (told["id"], told["subject_id"]) == (row.id, call)


async def test_a_hidden_number_is_shown_to_nobody_and_read_by_who_may_with_a_reason(settings: Settings) -> None:
    async with running(settings) as world:
        call = await world.call(1)
        await hide(world)
        shown = await world.data.shown(call, "chief", "supervisor")
        assert (shown["number"], shown["hidden"]) == ("", True)
        before = len(await world.audit())
        assert (await refused(world.data.read(call, reading("engineer", hidden=False)))).status == 403
        assert (await refused(world.data.read(call, reading(reason="  ")))).status == 422
        assert (await refused(world.data.read(call, reading(reason=f"it is {NUMBER}")))).status == 422
        assert len(await world.audit()) == before
        assert (await world.data.read(call, reading()))["number"] == WHOLE
        assert (await world.audit())[-1].details == {"hidden": True, "what": ["number"]}


async def test_no_row_no_number(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(settings) as world:
        call = await world.call(1)
        made = await world.restrictions.add(RESTRICTION | {"until": _tomorrow()}, "chief")
        away(monkeypatch, world.records, "append_audit")
        for act in (
            world.data.read(call, reading()),
            world.restrictions.shown(made["id"], reading()),
            world.restrictions.csv(reading(), masked=True),
        ):
            found = await refused(act)
            assert found.status == 503
            assert NUMBER not in found.detail
        assert NUMBER not in str(await world.restrictions.shown(made["id"], None))


async def test_the_row_is_there_before_the_number_is_given(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(settings) as world:
        call = await world.call(1)
        keep, given = world.records.append_audit, []

        async def kept(row: Any) -> Any:
            given.append("row")
            return await keep(row)

        monkeypatch.setattr(world.records, "append_audit", kept)
        given.append((await world.data.read(call, reading()))["number"])
        assert given == ["row", WHOLE]


async def test_a_withheld_number_is_none_and_another_agents_call_is_not_told(settings: Settings) -> None:
    async with running(settings) as world:
        call = await world.call(1, "")
        assert await world.data.shown(call, "chief", "supervisor") == {
            "call": call, "number": "", "withheld": True, "hidden": False, "names": [],
        }  # fmt: skip
        assert (await refused(world.data.shown(call, "1002", "agent"))).status == 403
        assert (await refused(world.data.read(call, reading("agent")))).status == 403


async def test_restrictions_of_a_hidden_caller_show_no_number_anywhere(settings: Settings) -> None:
    async with running(settings) as world:
        made = await world.restrictions.add(RESTRICTION | {"until": _tomorrow()}, "chief")
        block = {**RESTRICTION, "number": "1380000", "block": True, "until": _tomorrow()}
        await world.restrictions.add(block, "chief")
        assert (made["number"], made["hidden"]) == (SHOWN, False)
        await hide(world)
        listed = {entry["id"]: entry for entry in await world.restrictions.listed(every=True)}
        assert (listed[1]["number"], listed[1]["hidden"]) == ("", True)
        assert (listed[2]["number"], listed[2]["hidden"]) == ("+861380000*", False), "a block is nobody's number"
        for how in (None, reading(), reading("engineer", hidden=False)):
            csv = (await world.restrictions.csv(how, masked=True)).decode()
            assert "1000," not in csv
            assert NUMBER not in csv
        assert (await refused(world.restrictions.shown(1, reading("engineer", hidden=False)))).status == 403
        assert (await refused(world.restrictions.shown(1, reading(reason="")))).status == 422
        assert (await world.restrictions.shown(1, reading()))["number"] == WHOLE
        last = (await world.audit())[-1]
        assert (last.subject_kind, last.subject_id, last.details["hidden"]) == ("restriction", "1", True)
        whole = (await world.restrictions.csv(reading(), masked=False)).decode()
        assert NUMBER not in whole


async def test_the_name_of_a_hidden_caller_and_numbers_in_the_text_are_read_only(settings: Settings) -> None:
    async with running(settings) as world:
        call = await world.call(1)
        seal = intake_seal(world.ring)
        text = seal.seal("请回电 138 0000 1000，三楼", call)
        await world.records.add_intake(
            IntakeRow(call, "投诉", "路灯", seal.seal("张三", call), False, text, "", "1001", 1)
        )
        intakes = Intakes(_NoCalls(), world.records, seal, world.hidden, lambda: None)  # type: ignore[arg-type]
        (shown,) = await intakes.listed(call, "chief", "supervisor")
        assert (shown["name"], shown["text"]) == ("张三", "请回电 138 0000 1000，三楼")
        await hide(world)
        (shown,) = await intakes.listed(call, "chief", "supervisor")
        assert (shown["name"], shown["text"]) == ("", "请回电 ****，三楼")
        found = await world.data.read(call, reading())
        assert (found["number"], found["names"]) == (WHOLE, ["张三"])
        assert (await world.audit())[-1].details["what"] == ["number", "name"]


class _NoCalls:
    """An engine in which nobody talks."""

    calls: dict[str, Any] = {}  # noqa: RUF012
    joined: dict[str, Any] = {}  # noqa: RUF012


def _tomorrow() -> float:
    import time

    return time.time() + 86_400
