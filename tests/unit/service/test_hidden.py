"""Who is hidden: one rule for calls, numbers and intakes, kept over restarts and without a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from routing.workdays import Workdays
from service.call_outs import first_line
from service.callbacks import Callbacks
from service.settings import Settings, load
from storage.callbacks import CallbackRow
from storage.intake import IntakeRow
from storage.sealing import intake_seal
from tests.contract.storage_stories import call_id
from tests.unit.service.privacy_world import NUMBER, WHOLE, World, away, made, refused, running

ASKED = "he asked for it"


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load(folder / "hotline.toml")


def by_call(call: str, **more: Any) -> dict[str, Any]:
    return {"call": call, "every_call": False, "number": "", "reason": ASKED} | more


def by_number(number: str = NUMBER) -> dict[str, Any]:
    return by_call("", number=number)


async def intake(world: World, call: str, *, hidden: bool, root: int = 0, revision: int = 1) -> int:
    seal = intake_seal(world.ring)
    row = IntakeRow(call, "投诉", "路灯", None, hidden, seal.seal("x", call), "", "1001", 1, root, revision)
    row = await world.records.add_intake(row)
    await world.hidden.intake_written(call, hidden=hidden)
    return row.id


async def test_one_call_is_hidden_and_shown_again_and_both_stand_in_the_audit(settings: Settings) -> None:
    async with running(settings) as world:
        first, second = await world.call(1), await world.call(2)
        made_of = await world.hidden.add(by_call(first), "1001", "agent")
        assert (made_of["call"], made_of["reason"], made_of["by"]) == (first, ASKED, "1001")
        assert await world.hidden.covers_call(first)
        assert not await world.hidden.covers_call(second)
        assert (await refused(world.hidden.add(by_call(first), "1001", "agent"))).status == 409
        await world.hidden.end(made_of["id"], "he changed his mind", "chief", "supervisor")
        assert not await world.hidden.covers_call(first)
        assert (await refused(world.hidden.end(made_of["id"], "again", "chief", "supervisor"))).status == 409
        assert (await refused(world.hidden.end(99, "again", "chief", "supervisor"))).status == 404
        rows = await world.audit()
        assert [(row.act, row.actor, row.role, row.subject_id, row.reason) for row in rows] == [
            ("hide", "1001", "agent", first, ASKED),
            ("show", "chief", "supervisor", first, "he changed his mind"),
        ]
        assert world.hidden.listed(every=False) == []
        assert len(world.hidden.listed(every=True)) == 1


@pytest.mark.parametrize("way", ["number", "call"])
async def test_every_call_of_a_citizen_is_hidden_past_and_coming_and_after_a_restart(
    settings: Settings, way: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with running(settings) as world:
            past = await world.call(1)
            wanted = by_number("138-0000-1000") if way == "number" else by_call(past, every_call=True)
            await world.hidden.add(wanted, "chief", "supervisor")
            assert await world.hidden.covers_call(past)
        async with running(settings) as world:
            coming, other = await world.call(2), await world.call(3, "+8613800001001")
            assert await world.hidden.covers_call(past)
            assert await world.hidden.covers_call(coming)
            assert not await world.hidden.covers_call(other)
            world.hidden.ref_of = lambda call: world.vault.caller_ref(WHOLE)
            assert world.hidden.covers_live("a call in progress that no table knows yet")
            assert (await world.audit())[0].subject_kind == "caller"
    assert NUMBER not in str(logs)
    for file in settings.data_dir.rglob("*"):
        assert file.is_dir() or NUMBER.encode() not in file.read_bytes(), file


async def test_what_an_intake_says_counts_as_it_was_corrected_last_and_after_a_restart(settings: Settings) -> None:
    async with running(settings) as world:
        call, other = await world.call(1), await world.call(2)
        root = await intake(world, call, hidden=False)
        assert not await world.hidden.covers_call(call)
        await intake(world, call, hidden=True, root=root, revision=2)
        assert await world.hidden.covers_call(call)
        assert not await world.hidden.covers_call(other)
    async with running(settings) as world:
        assert await world.hidden.covers_call(call)
        await intake(world, call, hidden=False, root=root, revision=3)
        assert not await world.hidden.covers_call(call)
    async with running(settings) as world:
        assert not await world.hidden.covers_call(call)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"call": "", "number": ""}, 422),
        ({"number": NUMBER}, 422),  # both
        ({"call": "", "number": "anonymous"}, 422),
        ({"call": "1-1"}, 404),
        ({"reason": "  "}, 422),
        ({"reason": f"he calls from {NUMBER}"}, 422),
        ({"every_call": True, "call": call_id(9)}, 422),  # withheld
    ],
)
async def test_what_makes_no_sense_is_refused_without_the_number(
    settings: Settings, wrong: dict[str, Any], status: int
) -> None:
    async with running(settings) as world:
        call = await world.call(1)
        await world.call(9, "")
        found = await refused(world.hidden.add(by_call(call) | wrong, "chief", "supervisor"))
        assert found.status == status
        assert NUMBER not in found.detail
        assert world.hidden.listed(every=True) == []
        assert await world.audit() == []


async def test_agents_hide_the_callers_of_their_own_calls_and_no_number(settings: Settings) -> None:
    async with running(settings) as world:
        call = await world.call(1)
        assert (await refused(world.hidden.add(by_call(call), "1002", "agent"))).status == 403
        assert (await refused(world.hidden.add(by_number(), "1001", "agent"))).status == 403
        assert (await world.hidden.add(by_call(call, every_call=True), "1001", "agent"))["call"] is None


async def test_while_the_database_is_away_nothing_changes_and_a_start_takes_the_copy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(settings) as world:
        call, own = await world.call(1), await world.call(2, "+8613800001001")
        entry = await world.hidden.add(by_number(), "chief", "supervisor")
        await intake(world, own, hidden=True)
        away(monkeypatch, world.records, "hidden", "add_hidden", "end_hidden")
        assert (await refused(world.hidden.end(entry["id"], "x", "chief", "supervisor"))).status == 503
        assert (await refused(world.hidden.add(by_number("13800001009"), "chief", "supervisor"))).status == 503
        again = (await made(world.records, settings)).hidden
        assert not again.current
        assert again.covers(call, world.vault.caller_ref(WHOLE))
        assert again.covers(own, None)
        assert not again.covers("other", "other")
        assert (await refused(again.add(by_number(), "chief", "supervisor"))).status == 503
    assert (settings.data_dir / "hidden.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("copy", [None, b"{", b'{"entries": [{"x": 1}], "intakes": []}'])
async def test_when_nobody_knows_who_is_hidden_everybody_is(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, copy: bytes | None
) -> None:
    async with running(settings) as world:
        file = settings.data_dir / "hidden.json"
        file.unlink() if copy is None else file.write_bytes(copy)
        away(monkeypatch, world.records, "hidden")
        unknown = (await made(world.records, settings)).hidden
        assert unknown.covers("any", None)
        monkeypatch.undo()
        await unknown.again()
        assert not unknown.covers("any", None)


async def test_a_call_back_of_a_hidden_citizen_shows_no_number_and_can_still_be_called(settings: Settings) -> None:
    async with running(settings) as world:
        rules = settings.rules()
        callbacks = Callbacks(
            world.records, lambda: settings, lambda: rules, lambda: Workdays({}), first_line, world.ring, world.hidden
        )
        sealed = world.vault.seal(WHOLE)
        row = await world.records.add_callback(CallbackRow(world.vault.caller_ref(WHOLE), sealed, "12345", 1, "cli", 1))
        other = world.vault.seal("+8613800001001")
        await world.records.add_callback(
            CallbackRow(world.vault.caller_ref("+8613800001001"), other, "12345", 2, "x", 1)
        )
        assert (await callbacks.shown(row.id))["number"] == "138****1000"
        await world.hidden.add(by_number(), "chief", "supervisor")
        shown = [(entry["number"], entry["hidden"]) for entry in await callbacks.listed()]
        assert shown == [("", True), ("138****1001", False)]
        assert callbacks.number(row) == WHOLE
