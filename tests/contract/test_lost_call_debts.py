"""Lost calls become debts, debts end, and call-backs are offered: real tables of both databases and a real engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from console.deps import Refused
from routing import events as e
from routing.commands import WriteOutbound
from routing.model import PacingRules
from routing.outbound import Outbound, OutEvent, OutKind, OutOutcome, OutState
from routing.workdays import Workdays
from service import clock
from service.call_outs import first_line
from service.callbacks import Callbacks
from service.debts import Debts
from service.hidden import Hidden
from service.lost_today import LostToday
from service.offers import Offers
from service.reports import lost
from service.reports.periods import Period
from service.settings import Settings, load
from service.starter import write_starter
from service.today import midnight_ms
from storage import debts
from storage.callbacks import CallbackRow
from storage.engine import create_engine
from storage.keys import Keyring
from storage.numbers import NumberVault
from storage.records import Records
from storage.schema import callbacks as callbacks_table
from tests.contract.storage_databases import Database, opened
from tests.contract.test_storage_figures import lost_and_found
from tests.e2e.evidence import with_key
from tests.unit.routing.floor_plan import EPOCH, Drive

NOW_S = EPOCH + 100_000
NOW = round(NOW_S * 1000)
MOBILE = "+8613800000077"
CONFIG = """
[callbacks]
hours = "daily 00:00-24:00"
keep_free = 0
keep_free_ratio = 0.0
lost_calls_decision = "the city of the test"
"""


class City:
    """One hotline: records, settings, an engine with agents who are free, and the parts that work on debts."""

    def __init__(self, records: Records, database: Database, folder: Path) -> None:
        self.records, self.database = records, database
        self.settings = settings_of(folder)
        self.drive = Drive("1001", "1002")
        self.drive.now = NOW_S - EPOCH
        pacing = PacingRules(keep_free=0, keep_free_ratio=0.0)
        self.drive.send(e.RulesChanged(replace(self.drive.engine.rules, pacing=pacing)))
        ring = Keyring(self.settings.number_keys())
        self.vault, self.hidden = NumberVault(ring), Hidden(records, self.settings, ring)
        self.entries = Callbacks(
            records, lambda: self.settings, lambda: self.drive.engine.rules, Workdays, first_line, ring, self.hidden
        )
        self.debts = Debts(records, lambda: self.settings, self.entries, ring)
        self.unready: str | None = None
        self.offers = self.made_offers()

    def made_offers(self) -> Offers:
        return Offers(
            self.drive.engine, self.submit, lambda: self.settings, self.records, self.entries, lambda: self.unready
        )

    def submit(self, event: e.Event) -> None:
        for command in self.drive.send(event):
            if isinstance(command, WriteOutbound):
                self.records.write(command)

    async def calls(self, *rows: dict[str, Any]) -> None:
        """Calls to 12345, some minutes ago, of callers who can be called; `at`: seconds from now, `who`: a number."""
        await lost_and_found(self.database, *(self._row(place, **row) for place, row in enumerate(rows)))

    def _row(self, place: int, at: float, who: str | None = MOBILE, **row: Any) -> dict[str, Any]:
        known = {} if who is None else {"caller_ref": self.vault.caller_ref(who), "caller_sealed": self.vault.seal(who)}
        judged = {"judged": "abandoned", "wait_ms": 20_000} if "answered_ms" not in row else {"judged": "in_time"}
        name = {"call_id": f"c{at}-{place}", "arrived_ms": NOW + round(at * 1000)}
        return {**name, **known, **judged, **row}

    async def listed(self) -> list[CallbackRow]:
        return await self.records.callbacks()

    async def states(self) -> list[str]:
        return [row.state for row in await self.listed()]

    def rung(self) -> list[int | None]:
        return [out.callback for out in self.drive.engine.outbound.values()]

    async def tried(self, entry: int, outcome: OutOutcome, at: float, number: int = 1) -> None:
        out = Outbound(f"out-{number}", OutKind.CALLBACK, "a", "1001", "12345", at, callback=entry, dialled_at=at)
        answered = at + 5 if outcome is OutOutcome.ANSWERED else None
        ended = out._replace(state=OutState.ENDED, ended_at=at + 9, outcome=outcome, answered_at=answered)
        self.records.write(WriteOutbound(ended))
        assert await self.records.flush(20)


def settings_of(folder: Path) -> Settings:
    file = folder / "hotline.toml"
    if not file.exists():
        write_starter(folder, seats=2)
        file.write_text(with_key("line", "12345", "lost_calls = true")(file.read_text()) + CONFIG)
    return load(file)


@pytest.fixture(autouse=True)
def moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "wall", lambda: NOW_S)


@asynccontextmanager
async def city(database: Database, tmp_path: Path) -> AsyncIterator[City]:
    async with opened(database) as records:
        made = City(records, database, tmp_path / "city")
        await made.hidden.again()
        yield made


# -- who is owed a call ------------------------------------------------------------------------------------------------


async def test_caller_who_abandoned_is_owed_one_call_however_often_he_did(database: Database, tmp_path: Path) -> None:
    async with city(database, tmp_path) as it:
        await it.calls({"at": -600}, {"at": -500}, {"at": -400, "judged": "failed"})
        await it.debts.look()
        await it.debts.look()
        (row,) = await it.listed()
        assert (row.owed_ms, row.call_id, row.consent, row.added_by) == (NOW - 600_000, "c-600-0", False, "service")
        assert (row.line, row.state, row.reason) == ("12345", "open", "")
        assert row.due_ms == it.entries.due_ms(NOW_S - 600, None)
        told = await it.entries.shown(row.id)
        assert (told["number"], told["lost"], told["owed_at"]) == ("138****0077", True, NOW_S - 600)


@pytest.mark.parametrize(
    "why",
    [
        {"who": None}, {"restriction": 4}, {"judged": "test"}, {"judged": "restricted"}, {"judged": "flowed_out"},
        {"wait_ms": 4999}, {"number": "12333"}, {"who": "+85220000000"}, {"who": "+8616812345678"}, {"at": -90_000},
        {"who": "110"}, {"judged": "in_time"},
    ],
)  # fmt: skip
async def test_not_every_call_without_an_answer_is_a_debt(
    database: Database, tmp_path: Path, why: dict[str, Any]
) -> None:
    async with city(database, tmp_path) as it:
        await it.calls({"at": -600} | why)
        await it.debts.look()
        assert await it.listed() == []
        await it.calls({"at": -500})
        await it.debts.look()
        assert await it.states() == ["open"]


async def test_without_the_citys_decision_for_a_line_nobody_is_called_unasked(
    database: Database, tmp_path: Path
) -> None:
    async with city(database, tmp_path) as it:
        lines = tuple(line.model_copy(update={"lost_calls": False}) for line in it.settings.lines)
        it.settings = it.settings.model_copy(update={"lines": lines})
        await it.calls({"at": -600})
        await it.debts.look()
        assert await it.listed() == []


async def test_citizen_on_the_list_already_is_on_it_once(database: Database, tmp_path: Path) -> None:
    async with city(database, tmp_path) as it:
        await it.calls({"at": -600})
        ref, sealed = it.vault.caller_ref(MOBILE), it.vault.seal(MOBILE)
        await it.records.add_callback(CallbackRow(ref, sealed, "12345", NOW, "desk", NOW))
        await it.debts.look()
        assert [row.owed_ms for row in await it.listed()] == [None]
        debt = CallbackRow(ref, sealed, "12345", NOW, "service", NOW, owed_ms=NOW - 600_000)
        assert await it.records.add_debt(debt) is None  # nor when two look at once


@pytest.mark.parametrize("state", ["given_up", "done", "served"])
async def test_debt_that_was_closed_is_not_made_again_but_a_later_lost_call_makes_one(
    database: Database, tmp_path: Path, state: str
) -> None:
    async with city(database, tmp_path) as it:
        await it.calls({"at": -600})
        await it.debts.look()
        await closed(database, state, NOW - 300_000)
        await it.calls({"at": -400})
        await it.debts.look()
        assert await it.states() == [state]
        await it.calls({"at": -200})
        await it.debts.look()
        assert sorted(await it.states()) == sorted([state, "open"])


async def closed(database: Database, state: str, at_ms: int) -> None:
    engine = create_engine(database.url, password_file=database.password_file)
    async with engine.begin() as connection:
        await connection.execute(update(callbacks_table).values(state=state, closed_ms=at_ms))
    await engine.dispose()


# -- how a debt ends ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["open", "placed", "not_reached"])
async def test_debt_is_closed_when_the_same_number_speaks_to_a_person_on_any_line(
    database: Database, tmp_path: Path, state: str
) -> None:
    """Also while it is being called, and when the call is told late, as after a time without the service."""
    async with city(database, tmp_path) as it:
        await it.calls({"at": -600}, {"at": -590, "who": "+8613800000078"})
        await it.debts.look()
        await closed(database, state, 0)
        await it.calls({"at": -700, "answered_ms": NOW - 650_000})  # before: pays nothing
        await it.debts.look()
        assert await it.states() == [state, state]
        await it.calls({"at": -500, "answered_ms": NOW - 490_000, "number": "12333", "line": "12333"})
        await it.debts.look()
        first, second = await it.listed()
        assert (first.state, first.closed_by, first.closed_ms) == ("served", "service", NOW - 490_000)
        assert (first.reason, second.state) == (debts.CALLED_AGAIN, state)
        with pytest.raises(Refused) as refused:
            await it.entries.change(first.id, {"state": "open"}, "desk")
        assert refused.value.status == 409


async def test_debt_is_closed_when_another_call_back_reaches_the_number(database: Database, tmp_path: Path) -> None:
    async with city(database, tmp_path) as it:
        await it.calls({"at": -600})
        await it.debts.look()
        ref, sealed = it.vault.caller_ref(MOBILE), it.vault.seal(MOBILE)
        promised = await it.records.add_callback(CallbackRow(ref, sealed, "12345", NOW * 2, "desk", NOW))
        await it.debts.look()
        assert await it.states() == ["open", "open"]
        await it.tried(promised.id, OutOutcome.ANSWERED, NOW_S - 60)
        await it.debts.look()
        (debt, other) = await it.listed()
        assert (debt.state, debt.reason, debt.closed_ms) == ("served", debts.CALLED_BACK, NOW - 55_000)
        assert other.state == "reached"


async def test_call_that_was_promised_is_owed_though_the_citizen_calls_for_something_else(
    database: Database, tmp_path: Path
) -> None:
    async with city(database, tmp_path) as it:
        ref, sealed = it.vault.caller_ref(MOBILE), it.vault.seal(MOBILE)
        await it.records.add_callback(CallbackRow(ref, sealed, "12345", NOW, "desk", NOW - 900_000))
        await it.calls({"at": -500, "answered_ms": NOW - 490_000})
        await it.debts.look()
        assert await it.states() == ["open"]


async def test_nothing_that_was_placed_opens_a_debt_that_was_served(database: Database, tmp_path: Path) -> None:
    async with city(database, tmp_path) as it:
        await it.calls({"at": -600})
        await it.debts.look()
        (row,) = await it.listed()
        await closed(database, "served", NOW)
        await it.tried(row.id, OutOutcome.BUSY, NOW_S)
        assert await it.states() == ["served"]


async def test_who_was_not_reached_in_three_tries_is_given_up_with_every_outcome(
    database: Database, tmp_path: Path
) -> None:
    async with city(database, tmp_path) as it:
        await it.calls({"at": -600})
        await it.debts.look()
        (row,) = await it.listed()
        for number, outcome in enumerate((OutOutcome.BUSY, OutOutcome.NO_ANSWER, OutOutcome.REFUSED)):
            await it.debts.look()
            assert await it.states() == ["not_reached" if number else "open"]
            await it.tried(row.id, outcome, NOW_S - 300 + number * 100, number)
        await it.debts.look()
        (row,) = await it.listed()
        assert (row.state, row.attempts, row.closed_by) == ("given_up", 3, "service")
        assert row.reason == "not reached in 3 tries: busy, no answer, refused"
        assert row.tried_ms == NOW - 100_000


async def test_person_may_take_back_what_the_service_gave_up_and_the_service_leaves_it_alone(
    database: Database, tmp_path: Path
) -> None:
    async with city(database, tmp_path) as it:
        await it.calls({"at": -600})
        await it.debts.look()
        (row,) = await it.listed()
        for number in range(3):
            await it.tried(row.id, OutOutcome.BUSY, NOW_S - 9000 + number * 100, number)
        await it.debts.look()
        assert (await it.entries.change(row.id, {"state": "open"}, "desk"))["reason"] == ""
        await it.debts.look()
        await it.offers.look()
        assert (await it.states(), it.rung()) == (["open"], [])


async def test_citizen_whose_phone_rang_was_tried_though_the_agent_gave_up_first(
    database: Database, tmp_path: Path
) -> None:
    async with city(database, tmp_path) as it:
        await it.calls({"at": -600})
        await it.debts.look()
        (row,) = await it.listed()
        await it.tried(row.id, OutOutcome.CANCELLED, NOW_S - 60)
        (row,) = await it.listed()
        assert (row.state, row.attempts) == ("not_reached", 1)


# -- offers ------------------------------------------------------------------------------------------------------------


async def test_who_is_due_first_is_offered_first_and_to_as_many_as_can_be_spared(
    database: Database, tmp_path: Path
) -> None:
    async with city(database, tmp_path) as it:
        made = []
        for number, due in enumerate((300, 100, 200)):
            who = f"+861380000010{number}"
            ref, sealed = it.vault.caller_ref(who), it.vault.seal(who)
            made.append(await it.records.add_callback(CallbackRow(ref, sealed, "12345", NOW + due, "desk", NOW)))
        await it.offers.look()
        assert it.rung() == [made[1].id, made[2].id]
        (first, _) = it.drive.engine.outbound.values()
        assert (first.by, first.paced, first.caller_ref) == ("service", True, made[1].ref)
        await it.offers.look()
        assert len(it.rung()) == 2


@pytest.mark.parametrize(
    "row",
    [
        {"state": "reached"}, {"state": "given_up"}, {"state": "done"}, {"state": "served"}, {"state": "placed"},
        {"wanted_ms": NOW + 1}, {"attempts": 3}, {"attempts": 1, "tried_ms": NOW - 1_799_000, "state": "not_reached"},
        {"attempts": 2, "tried_ms": NOW - 3_599_000, "state": "not_reached"},
    ],
)  # fmt: skip
async def test_entry_whose_time_has_not_come_is_not_offered(
    database: Database, tmp_path: Path, row: dict[str, Any]
) -> None:
    async with city(database, tmp_path) as it:
        entry = CallbackRow(it.vault.caller_ref(MOBILE), it.vault.seal(MOBILE), "12345", NOW, "desk", NOW)
        await it.records.add_callback(replace(entry, **row))
        await it.offers.look()
        assert it.rung() == []


@pytest.mark.parametrize(
    "earlier",
    [{"attempts": 1, "tried_ms": NOW - 1_799_000, "state": "not_reached"}, {"line": "12320"}, {"attempts": 3}],
    ids=["in its pause", "of a line that is no more", "of one who was tried often enough"],
)
async def test_entries_that_cannot_be_offered_keep_nobody_waiting_however_many_they_are(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: dict[str, Any]
) -> None:
    monkeypatch.setattr("service.offers.LOOKED_AT", 2)
    async with city(database, tmp_path) as it:
        for number in range(4):
            who = f"+861380000010{number}"
            row = CallbackRow(it.vault.caller_ref(who), it.vault.seal(who), "12345", NOW + number, "desk", NOW)
            last = await it.records.add_callback(replace(row, **(earlier if number < 3 else {})))
        await it.offers.look()
        assert it.rung() == [last.id]


@pytest.mark.parametrize(("attempts", "pause_s"), [(1, 1800), (2, 3600)])
async def test_next_try_comes_after_its_pause(database: Database, tmp_path: Path, attempts: int, pause_s: int) -> None:
    async with city(database, tmp_path) as it:
        tried = {"attempts": attempts, "tried_ms": NOW - pause_s * 1000, "state": "not_reached"}
        entry = CallbackRow(it.vault.caller_ref(MOBILE), it.vault.seal(MOBILE), "12345", NOW, "desk", NOW, **tried)
        made = await it.records.add_callback(entry)
        assert (await it.entries.shown(made.id))["next_try_at"] == NOW_S
        await it.offers.look()
        assert it.rung() == [made.id]


async def test_citizen_who_got_through_a_moment_ago_is_not_called(database: Database, tmp_path: Path) -> None:
    """Nobody has looked at the debts since; the records know it already."""
    async with city(database, tmp_path) as it:
        await it.calls({"at": -600})
        await it.debts.look()
        await it.calls({"at": -5, "answered_ms": NOW - 1000})
        await it.offers.look()
        assert (it.rung(), await it.states()) == ([], ["served"])


async def test_number_that_is_not_dialled_any_more_is_told_once_and_the_next_has_his_turn(
    database: Database, tmp_path: Path
) -> None:
    async with city(database, tmp_path) as it:
        for who, due in (("+85220000000", 100), (MOBILE, 200)):
            entry = CallbackRow(it.vault.caller_ref(who), it.vault.seal(who), "12345", NOW + due, "desk", NOW)
            last = await it.records.add_callback(entry)
        strange = CallbackRow("other", "v1:sealed-by-another-key", "12345", NOW + 50, "desk", NOW)
        await it.records.add_callback(strange)
        with capture_logs() as logs:
            await it.offers.look()
            await it.offers.look()
        assert it.rung() == [last.id]
        told = [line for line in logs if line["event"] == "call-back cannot be offered"]
        assert len(told) == 2
        assert "2000" not in str(told)


@pytest.mark.parametrize("why", ["away", "off", "night"])
async def test_nothing_is_offered_while_nobody_can_or_shall_be_called(
    database: Database, tmp_path: Path, why: str
) -> None:
    async with city(database, tmp_path) as it:
        await it.calls({"at": -600})
        await it.debts.look()
        table = it.settings.callbacks.model_copy(
            update={"offer": why != "off", "hours": "2020-01-01 08:00-09:00" if why == "night" else ""}
        )
        pacing = replace(table.model(it.settings.zone_info), keep_free=0, keep_free_ratio=0.0)
        it.drive.send(e.RulesChanged(replace(it.drive.engine.rules, pacing=pacing)))
        it.unready = "Asterisk is away" if why == "away" else None
        await it.offers.look()
        assert it.rung() == []


async def test_after_a_restart_an_entry_under_way_is_not_offered_again(database: Database, tmp_path: Path) -> None:
    """The service died when the agent's phone rang; its records are read by the next one."""
    async with city(database, tmp_path) as it:
        await it.calls({"at": -600})
        await it.debts.look()
        await it.offers.look()
        (out,) = it.drive.engine.outbound.values()
    async with city(database, tmp_path) as it:
        remembered = await it.records.remembered()
        assert [(known.id, known.paced, known.caller_ref) for known in remembered.outbound] == [
            (out.id, True, out.caller_ref)
        ]
        await it.offers.look()
        assert it.rung() == []
        it.submit(replace(remembered, calls=()))
        it.submit(e.OutboundMoved(out.id, OutEvent.GONE, NOW_S, 19))  # he did not pick up
        assert await it.records.flush(20)
        await it.offers.look()
        assert len(it.rung()) == 1


# -- citizens not served today -----------------------------------------------------------------------------------------


async def test_citizens_not_served_today_are_those_of_the_report(database: Database, tmp_path: Path) -> None:
    async with city(database, tmp_path) as it:
        counted: list[tuple[int, int]] = []
        today = LostToday(it.records, lambda: it.settings.zone_info)
        today.count = lambda *counts: counted.append(counts)
        midnight = midnight_ms(it.settings.zone_info, NOW_S)
        yesterday = (midnight - 1000 - NOW) / 1000
        await it.calls(
            {"at": -600}, {"at": -500}, {"at": -400, "who": "+8613800000078"}, {"at": -300, "who": None},
            {"at": -200, "who": None}, {"at": -100, "who": "+8613800000078", "answered_ms": NOW - 90_000},
            {"at": yesterday, "who": "+8613800000079"},
        )  # fmt: skip
        await today.look()
        assert today.shown() == {"calls": 5, "lost": 4, "served": 1, "not_served": 3}
        assert counted == [(4, 3)]
        calls = await it.records.lost_calls(midnight, NOW + 1)
        found = lost.report(calls, Period("today", midnight, NOW + 1, 900_000, (), it.settings.zone_info))
        assert found["not_served"] == 3


async def test_while_the_records_do_not_answer_nobody_says_how_many(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with city(database, tmp_path) as it:
        today = LostToday(it.records, lambda: it.settings.zone_info)
        await today.look()
        assert today.shown() == {"calls": 0, "lost": 0, "served": 0, "not_served": 0}
        monkeypatch.setattr(Records, "reachable", False)
        await today.look()
        assert today.shown() is None
