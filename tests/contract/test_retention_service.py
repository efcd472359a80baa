"""The nightly run, a citizen's request and holds, as the service does them, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from console.deps import Refused
from service import clock
from service.hidden import Hidden
from service.holds import Holds
from service.retention import Heard, Retention
from service.settings_tables import RetentionTable
from storage.callbacks import CallbackRow
from storage.keys import Keyring
from storage.numbers import NumberVault
from storage.records import Records
from tests.contract.storage_databases import Database, opened
from tests.contract.storage_stories import FIRST_MS, answered_call, call_id
from tests.contract.test_retention import DAY_MS, by_caller

RING = Keyring.of(bytes(32))
NUMBER = "13800000000"
REF = NumberVault(RING).caller_ref("+8613800000000")


class Settings:
    """What of the settings is asked for."""

    def __init__(self, **ages: int) -> None:
        self.retention, self.zone_info = RetentionTable(**ages), ZoneInfo("Asia/Shanghai")
        self.service = type("Service", (), {"area_code": "0519"})

    data_dir = Path("/nowhere")  # no copy of who is hidden


class House:
    """Retention and holds with records of a database; recordings and restrictions remember what they were asked."""

    def __init__(self, records: Records, **ages: int) -> None:
        self.settings, self.deleted = Settings(**ages), list[str]()
        self.heard: list[tuple[Any, ...]] = []
        known: Any = lambda: self.settings  # noqa: E731
        self.hidden = Hidden(records, known(), RING)
        self.retention = Retention(records, known, RING, self.recordings, self.restrictions)
        self.retention.heard = Heard(
            lambda kind, rows: self.heard.append((kind, rows)),
            lambda kind, rows: self.heard.append(("held", kind, rows)),
            lambda result: self.heard.append((result,)),
            lambda last, late_s: self.heard.append(("state", last, late_s)),
            lambda part: self.heard.append(("bug", part)),
        )
        self.retention.work.rest = self.rest
        self.holds = Holds(records, known, RING, self.hidden)

    async def rest(self, seconds: float) -> None:
        pass

    async def recordings(self, call_ids: Sequence[str], reason: str) -> int:
        self.deleted += call_ids
        return len(call_ids)

    async def restrictions(self, ref: str) -> tuple[int, int]:
        return (1, 2) if ref == REF else (0, 0)


async def with_calls(records: Records) -> None:
    for number, ref in ((1, REF), (2, "other"), (DAY_MS, REF)):
        records.write(*by_caller(answered_call(number), ref))
    assert await records.flush(20)
    await records.add_callback(CallbackRow(REF, "v1:x", "12345", 1, "s1", 1, state="done"))


NAMED = "SELECT call_id FROM calls WHERE caller_sealed IS NOT NULL ORDER BY call_id"


async def test_the_run_is_done_once_a_night_and_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = FIRST_MS / 1000 + 30 * 86400
    monkeypatch.setattr(clock, "wall", lambda: now)
    async with opened(database) as records:
        await with_calls(records)
        house = House(records, numbers_days=20)
        await house.retention.look()
        assert house.heard == [], "it is waited for from the first look on"
        now += 86400
        await House(records, numbers_days=20).retention.look()  # that it is due survives the process
        assert await database.rows(NAMED) == []
        house = House(records, numbers_days=20)
        await house.retention.look()
        assert house.heard == [], "once"
        house.retention._tell()
        assert house.heard == [("state", now, 0.0)]
        acts = [row.act for row in await records.audit_rows(subject_kind="retention")]
        assert acts == ["forgotten", "forget"]


async def test_a_run_that_is_not_done_is_late_and_nothing_is_while_no_age_is_named(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = FIRST_MS / 1000 + 30 * 86400
    monkeypatch.setattr(clock, "wall", lambda: now)
    async with opened(database) as records:
        house = House(records, numbers_days=20)
        await house.retention.look()

        async def fails(befores: Any) -> None:
            raise RuntimeError("a bug")

        house.retention.work.run = fails  # type: ignore[method-assign]
        now += 3 * 86400
        with pytest.raises(RuntimeError):
            await house.retention.look()
        house.retention._tell()
        assert house.heard[0] == ("failed",)
        assert house.heard[1][2] > 7200
        assert "a bug" in str((await house.retention.shown())["failure"])
        house.settings = Settings()
        await house.retention.look()
        house.retention._tell()
        assert house.heard[2:] == [("state", 0.0, 0.0)]
        with pytest.raises(Refused, match="names no days"):
            await house.retention.start("s1", "supervisor")


async def test_a_bug_in_a_run_that_somebody_asked_for_is_counted_and_shown(database: Database) -> None:
    async with opened(database) as records:
        house = House(records, numbers_days=20)
        asked_of = house.retention._settings
        house.retention._settings = lambda: Broken() if house.retention._lock.locked() else asked_of()  # type: ignore[assignment]
        await house.retention.start("s1", "supervisor")
        assert house.retention._asked is not None
        await house.retention._asked
        assert house.heard == [("failed",), ("bug", "retention")]
        assert "RuntimeError: a bug" in str((await house.retention.shown())["failure"])


class Broken:
    """Settings that nobody can read."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


async def test_a_citizen_is_forgotten_at_his_request_and_the_row_says_who_and_why(database: Database) -> None:
    async with opened(database) as records:
        await with_calls(records)
        house = House(records)
        asked = "his request", "s1", "supervisor"
        counts = await house.retention.citizen(NUMBER, *asked, dry_run=True)
        assert (counts["calls"], counts["callbacks"]) == (2, 1)
        assert len(await database.rows(NAMED)) == 3
        done = await house.retention.citizen(NUMBER, *asked, dry_run=False)
        assert done == {
            "calls": 2, "held": 0, "open": 0, "callbacks": 1, "recordings": 2, "restrictions": 1,
            "restrictions_in_force": 2,
        }  # fmt: skip
        assert house.deleted == [call_id(1), call_id(DAY_MS)]
        after, before = await records.audit_rows(subject_kind="caller")
        assert (before.act, after.act, after.actor, after.reason) == ("forget", "forgotten", "s1", "his request")
        assert REF not in str(after) + str(before)
        with pytest.raises(Refused, match="no telephone number"):
            await house.retention.citizen("12", *asked, dry_run=False)
    assert await database.rows(NAMED) == [(call_id(2),)]


async def test_whom_a_hold_is_on_is_not_forgotten_until_it_is_lifted(database: Database) -> None:
    async with opened(database) as records:
        await with_calls(records)
        house = House(records)
        assert (await house.holds.add({"number": "13800000009", "reason": "x"}, "s1", "agent"))["number"] == ""
        await house.hidden.again()  # until now nobody knew whether he had asked to be hidden
        await house.holds.lift(1, "x", "s1", "agent")
        made = await house.holds.add({"number": NUMBER, "reason": "court, file 7"}, "s1", "supervisor")
        assert (made["kind"], made["number"], made["calls"]) == ("caller", "138****0000", 2)
        with pytest.raises(Refused, match="Hold 2 is on this citizen"):
            await house.retention.citizen(NUMBER, "his request", "s1", "supervisor", dry_run=False)
        with pytest.raises(Refused, match="A hold is on this call"):
            await house.retention.call(call_id(1), "why", "s1", "supervisor", dry_run=False)
        assert len(await database.rows(NAMED)) == 3
        assert (await house.holds.lift(2, "judged", "s2", "supervisor"))["lifted_by"] == "s2"
        with pytest.raises(Refused, match="lifted already"):
            await house.holds.lift(2, "judged", "s2", "supervisor")
        with pytest.raises(Refused, match="no hold 9"):
            await house.holds.lift(9, "judged", "s2", "supervisor")
        assert await house.holds.listed(every=False) == []
        assert len(await house.holds.listed(every=True)) == 2
        await house.retention.call(call_id(1), "why", "s1", "supervisor", dry_run=False)
        assert [row.act for row in await records.audit_rows(subject_kind="hold")] == ["lift", "hold", "lift", "hold"]
    assert await database.rows(NAMED) == [(call_id(2),), (call_id(DAY_MS),)]


async def test_who_was_on_a_hold_is_forgotten_with_the_numbers_once_it_is_lifted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a hold stays that it was, by whom and why; one lifted of late and one in force keep whom they are on."""
    now = FIRST_MS / 1000
    monkeypatch.setattr(clock, "wall", lambda: now)
    async with opened(database) as records:
        house = House(records, numbers_days=20)
        await house.hidden.again()
        for number in (NUMBER, "13800000001", "13800000002"):
            await house.holds.add({"number": number, "reason": "court, file 7"}, "s1", "supervisor")
        await house.holds.lift(1, "judged", "s1", "supervisor")
        now += 30 * 86400
        await house.holds.lift(2, "judged", "s1", "supervisor")
        await house.retention.start("s1", "supervisor")
        assert house.retention._asked is not None
        await house.retention._asked
        first, *others = await house.holds.listed(every=True)
        assert (first["number"], first["hidden"], first["reason"], first["lifted_reason"]) == (
            "",
            False,
            "court, file 7",
            "judged",
        )
        assert [one["number"] for one in others] == ["138****0001", "138****0002"]
        assert await database.rows("SELECT ref, sealed FROM holds WHERE id = 1") == [("", "")]


async def test_who_is_forgotten_at_his_request_is_taken_out_of_his_holds_that_are_lifted(database: Database) -> None:
    async with opened(database) as records:
        house = House(records)
        await house.hidden.again()
        for number in (NUMBER, "13800000001"):
            made = await house.holds.add({"number": number, "reason": "court, file 7"}, "s1", "supervisor")
            await house.holds.lift(made["id"], "judged", "s1", "supervisor")
        await house.retention.citizen(NUMBER, "his request", "s1", "supervisor", dry_run=False)
        assert [one["number"] for one in await house.holds.listed(every=True)] == ["", "138****0001"]


@pytest.mark.parametrize(
    ("on", "why"),
    [
        ({}, "one thing"),
        ({"call": "c", "case": "x"}, "one thing"),
        ({"number": "12"}, "no telephone number"),
        ({"call": "nobody"}, "no such call"),
        ({"case": "C-7", "reason": "he is 13800000000"}, "name the file"),
    ],
)
async def test_a_hold_on_nothing_is_refused_with_one_sentence(database: Database, on: dict[str, str], why: str) -> None:
    async with opened(database) as records:
        with pytest.raises(Refused, match=why) as refused:
            await House(records).holds.add({"reason": "court", **on}, "s1", "supervisor")
        assert NUMBER not in str(refused.value)
    assert await database.rows("SELECT count(*) FROM holds") == [(0,)]
