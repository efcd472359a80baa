"""Which restrictions are in force: checked, approved, kept over restarts, ended; and never a number where none belongs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from console.deps import Reading, Refused
from routing.restrictions import Afterwards, Kind
from routing.steps import Step, StepKind
from service.hidden import Hidden
from service.numbers import Numbers
from service.restrictions import Restrictions
from service.settings import Settings, load
from storage.errors import StorageUnavailable
from storage.keys import Keyring
from storage.records import Records

NUMBER, SHOWN = "13800001000", "138****1000"
READING = Reading("chief", "supervisor", "", hidden=False)
HEADER = "number,kind,reason,evidence,approver,until"


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load(folder / "hotline.toml")


async def open_of(records: Records, settings: Settings) -> Restrictions:
    keyring = Keyring(settings.number_keys())
    return await Restrictions.open(records, settings, keyring, await Hidden.open(records, settings, keyring))


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Restrictions]:
    """From start to stop of a service, as far as restrictions go."""
    records = await Records.open(settings.database_url(), settings.data_dir, catch_up_s=20.0)
    try:
        yield await open_of(records, settings)
    finally:
        await records.close()


def values(**other: Any) -> dict[str, Any]:
    basic = {"number": NUMBER, "kind": "reject", "reason": "abuse", "evidence": "case 7", "until": time.time() + 3600}
    return basic | other


def refs(settings: Settings, number: str) -> tuple[str | None, tuple[str, ...]]:
    numbers = Numbers(Keyring(settings.number_keys()), settings.service.area_code)
    return numbers.sealed(number)[0], numbers.blocks(number)


async def refused(act: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await act
    return caught.value


async def test_an_entry_is_in_force_at_once_and_after_a_restart_and_its_number_is_masked(settings: Settings) -> None:
    async with running(settings) as restrictions:
        told: list[object] = []
        restrictions.on_change = lambda: told.append(restrictions.in_force())
        made = await restrictions.add(values(), "chief")
        assert (made["id"], made["number"], made["status"], made["approver"]) == (1, SHOWN, "in_force", "chief")
        assert told == [restrictions.in_force()]
    async with running(settings) as restrictions:
        (entry,) = restrictions.in_force()
        assert (entry.id, entry.kind, entry.afterwards, entry.reason) == (1, Kind.REJECT, Afterwards.WAIT, "abuse")
        assert entry.ref == refs(settings, "+86 138-0000-1000")[0]
        assert [one["number"] for one in await restrictions.listed(every=False)] == [SHOWN]


async def test_no_log_line_and_no_file_holds_the_number(settings: Settings) -> None:
    with structlog.testing.capture_logs() as logs:
        async with running(settings) as restrictions:
            await restrictions.add(values(), "chief")
            clear = await restrictions.shown(1, READING)
            assert clear["number"] == "+86" + NUMBER
            assert NUMBER in (await restrictions.csv(READING, masked=True)).decode()
            assert NUMBER not in (await restrictions.csv(None, masked=True)).decode()
            await restrictions.end(1, "chief")
    assert NUMBER not in str(logs)
    audit = [line["what"] for line in logs if line["event"] == "audit"]
    assert audit == ["restriction added", "number read", "number read", "restriction ended"]
    for file in settings.data_dir.rglob("*"):
        assert file.is_dir() or NUMBER.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        ({"number": "110"}, "number"),
        ({"number": "12395"}, "number"),
        ({"number": "anonymous"}, "number"),
        ({"kind": "block"}, "kind"),
        ({"reason": "because"}, "reason"),
        ({"evidence": "  "}, "evidence"),
        ({"evidence": "he calls from 138 0000 1000"}, "evidence"),
        ({"approver": "13800001000"}, "approver"),
        ({"until": 5.0}, "until"),
        ({"until": time.time() + 367 * 86_400}, "until"),
        ({"until": None}, "until"),
        ({"talk_s": 60.0}, "talk_s"),
        ({"kind": "short_call", "talk_s": 1.0}, "talk_s"),
        ({"kind": "low_priority", "afterwards": "end"}, "afterwards"),
        ({"afterwards": "end"}, "afterwards"),  # no spoken notice
        ({"number": "86", "block": True}, "number"),
        ({"number": "+86", "block": True}, "number"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_field_and_without_the_number(
    settings: Settings, wrong: dict[str, Any], column: str
) -> None:
    async with running(settings) as restrictions:
        error = await refused(restrictions.add(values(**wrong), "chief"))
        assert (error.status, [mistake["column"] for mistake in error.errors]) == (422, [column])
        assert NUMBER not in str(error.errors) + error.detail
        assert restrictions.in_force() == ()


async def test_all_mistakes_are_told_at_once(settings: Settings) -> None:
    async with running(settings) as restrictions:
        error = await refused(restrictions.add({"number": "x"}, "chief"))
        assert {mistake["column"] for mistake in error.errors} == {"number", "kind", "reason", "evidence", "until"}


async def test_a_year_is_allowed(settings: Settings) -> None:
    async with running(settings) as restrictions:
        assert (await restrictions.add(values(until=time.time() + 365 * 86_400), "chief"))["id"] == 1


async def test_a_block_is_not_in_force_before_somebody_else_has_approved_it(settings: Settings) -> None:
    async with running(settings) as restrictions:
        made = await restrictions.add(values(number="0519-8610", block=True, approver="director"), "chief")
        assert (made["number"], made["status"]) == ("+865198610*", "pending")
        assert restrictions.in_force() == ()
        for same in ("chief", "director"):
            assert (await refused(restrictions.approve(1, same))).status == 409
        approved = await restrictions.approve(1, "deputy")
        assert (approved["status"], approved["second_approver"]) == ("in_force", "deputy")
        (entry,) = restrictions.in_force()
        assert entry.ref in refs(settings, "051986101234")[1]
        assert entry.ref not in refs(settings, "051986991234")[1]
        assert (await refused(restrictions.approve(1, "another"))).status == 409


async def test_a_number_has_one_entry_at_a_time(settings: Settings) -> None:
    async with running(settings) as restrictions:
        await restrictions.add(values(), "chief")
        error = await refused(restrictions.add(values(number="+8613800001000"), "chief"))
        assert (error.status, NUMBER in error.detail) == (409, False)
        assert (await restrictions.end(1, "chief"))["status"] == "ended"
        assert (await refused(restrictions.end(1, "chief"))).status == 409
        assert (await restrictions.add(values(kind="short_call", talk_s=60.0), "chief"))["id"] == 2
        assert [entry.talk_s for entry in restrictions.in_force()] == [60.0]
        assert [one["status"] for one in await restrictions.listed(every=True)] == ["ended", "in_force"]


async def test_the_caller_of_a_call_is_restricted_without_anybody_naming_the_number_and_uses_are_counted(
    settings: Settings,
) -> None:
    ref, sealed = Numbers(Keyring(settings.number_keys()), "").sealed(NUMBER)
    known: dict[str, Any] = {"number": "12345", "line": "12345", "caller_ref": ref, "caller_sealed": sealed}
    async with running(settings) as restrictions:
        records = restrictions._records
        records.write(
            Step("1795302613422-1", 1, 1795302613.422, StepKind.OFFERED, known),
            Step("1795302613500-2", 1, 1795302613.5, StepKind.OFFERED, {"number": "12345"}),
        )
        assert await records.flush(20)
        made = await restrictions.add(values(number="", call="1795302613422-1"), "chief")
        assert made["number"] == SHOWN
        withheld = await refused(restrictions.add(values(number="", call="1795302613500-2"), "chief"))
        assert "withheld" in withheld.errors[0]["why"]
        assert (await refused(restrictions.add(values(number="", call="99"), "chief"))).status == 422
        restricted = {"restriction": 1, "rule": "reject"}
        records.write(Step("1795302613422-1", 2, 1795302613.5, StepKind.RESTRICTED, restricted))
        records.write(Step("1795302613422-1", 3, 1795302613.6, StepKind.RESTRICTED, {"rule": "over"}))
        assert await records.flush(20)
        (told,) = await restrictions.listed(every=False)
        assert (told["times"], told["last_at"]) == (1, 1795302613.422)
        (call,) = [call for call in await records.recent_calls() if call.restriction == 1]
        assert call.flags == "restricted"


# -- CSV ---------------------------------------------------------------------------------------------------------------


async def test_a_file_is_taken_as_a_whole_or_not_at_all_with_every_mistake(settings: Settings) -> None:
    day = time.strftime("%Y-%m-%d", time.localtime(time.time() + 10 * 86_400))
    rows = (f"13800001000,reject,abuse,case 7,chief,{day}", f"13800001001,low_priority,occupation,case 8,chief,{day}")
    good = "\n".join([HEADER, *rows]) + "\n"
    bad = f"{HEADER}\n110,reject,abuse,case 7,chief,{day}\n13800001000,no,abuse,,chief,soon\n"
    twice = f"{HEADER}\n13800001000,reject,abuse,a,b,{day}\n+8613800001000,reject,abuse,a,b,{day}\n"
    async with running(settings) as restrictions:
        error = await refused(restrictions.take_csv(bad.encode(), "chief", dry_run=False))
        places = [(mistake["row"], mistake["column"]) for mistake in error.errors]
        assert sorted(places) == [(2, "number"), (3, "evidence"), (3, "kind"), (3, "until")]
        assert "twice" in str((await refused(restrictions.take_csv(twice.encode(), "chief", dry_run=False))).errors)
        assert (await refused(restrictions.take_csv(b"number\n", "chief", dry_run=False))).status == 422
        looked = await restrictions.take_csv(good.encode("gb18030"), "chief", dry_run=True)
        assert looked == {"added": 2, "unchanged": 0, "ids": [], "dry_run": True}
        assert restrictions.in_force() == ()
        assert (await restrictions.take_csv(good.encode(), "chief", dry_run=False))["ids"] == [1, 2]
        assert (await restrictions.take_csv(good.encode(), "chief", dry_run=False))["unchanged"] == 2
        assert [entry.kind for entry in restrictions.in_force()] == [Kind.REJECT, Kind.LOW_PRIORITY]


async def test_what_is_exported_with_numbers_can_be_imported_elsewhere(settings: Settings, tmp_path: Path) -> None:
    async with running(settings) as restrictions:
        await restrictions.add(values(kind="short_call", talk_s=90.0), "chief")
        await restrictions.add(values(number="0519", block=True), "chief")
        data, masked = await restrictions.csv(READING, masked=True), await restrictions.csv(None, masked=True)
        for one in (1, 2):
            await restrictions.end(one, "chief")
        assert (await restrictions.take_csv(data, "chief", dry_run=False))["added"] == 2
        assert [row.talk_ms for row in restrictions.rows.values()][2:] == [90_000, None]
        assert (await refused(restrictions.take_csv(masked, "chief", dry_run=False))).errors[0]["column"] == "number"


# -- without a database -------------------------------------------------------------------------------------------------


async def test_while_the_database_is_away_nothing_is_changed_and_a_start_takes_the_copy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(settings) as restrictions:
        await restrictions.add(values(), "chief")
    async with running(settings) as restrictions:
        records = restrictions._records

        async def away(*_: object) -> Any:
            raise StorageUnavailable("the database does not answer")

        for name in ("restrictions", "add_restrictions", "end_restriction"):
            monkeypatch.setattr(records, name, away)
        again = await open_of(records, settings)
        assert not again.current
        assert [entry.id for entry in again.in_force()] == [1]
        assert (await refused(again.add(values(number="13800001001"), "chief"))).status == 503
        assert (await refused(restrictions.end(1, "chief"))).status == 503
        assert not restrictions.current


async def test_an_emergency_number_that_comes_into_the_configuration_later_frees_its_entry(
    settings: Settings, folder: Path
) -> None:
    async with running(settings) as restrictions:
        await restrictions.add(values(number="96110"), "chief")
        assert len(restrictions.in_force()) == 1
        text = (folder / "hotline.toml").read_text()
        text += '\n[[emergency]]\nnumber = "96110"\nroutes = [ {trunk = "police", number = "96110"} ]\n'
        (folder / "hotline.toml").write_text(text)
        restrictions.follow(load(folder / "hotline.toml"))
        assert restrictions.in_force() == ()


async def test_an_entry_under_another_key_matches_nobody_and_is_told(settings: Settings, folder: Path) -> None:
    async with running(settings) as restrictions:
        await restrictions.add(values(), "chief")
    (folder / "secrets" / "number.key").write_text(bytes(range(1, 33)).hex())
    with structlog.testing.capture_logs() as logs:
        async with running(settings) as restrictions:
            assert [one["number"] for one in await restrictions.listed(every=False)] == [""]
    assert any(line["event"] == "restrictions match nobody" for line in logs)
