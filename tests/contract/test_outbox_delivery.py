"""Deliveries to a real receiver that is down, refuses, hangs, loses its answer: nothing is lost, nothing out of order."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from service import clock
from service.hidden import Hidden
from service.outbox import REST_S, Outbox
from service.outbox_plan import Result
from service.settings import Settings, load
from storage.errors import StorageUnavailable
from storage.intake import IntakeRow
from storage.keys import Keyring
from storage.numbers import NumberVault
from storage.outbox import Counts, State
from storage.records import Records
from storage.sealing import intake_seal
from tests.contract.storage_databases import Database, opened
from tests.contract.storage_stories import FIRST_MS, answered_call, call_id, recorded
from tests.contract.webhook_receiver import GONE, HANGS, LONG, SLOW, Got, WorkOrders, certified, free_port
from tests.unit.service.conftest import SAMPLE

START = FIRST_MS / 1000 + 3600
SECRET, OLD_SECRET = bytes(range(32)), bytes(range(1, 33))
KEY = bytes(range(32))
NUMBER = "+8613800000000"


class Time:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """What the service takes for the time; nothing here waits for a pause to be over."""
    made = Time()
    monkeypatch.setattr(clock, "wall", made)
    return made


@pytest.fixture
def receiver() -> Iterator[WorkOrders]:
    made = WorkOrders()
    yield made
    made.close()


def whsec(secret: bytes) -> str:
    return "whsec_" + base64.b64encode(secret).decode()


def settings_for(folder: Path, url: str | None, **more: Any) -> Settings:
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    for name, content in (("number.key", KEY.hex()), ("ami", "x"), ("outbox.key", whsec(SECRET))):
        (secrets / name).write_text(content + "\n")
        (secrets / name).chmod(0o600)
    values: dict[str, Any] = {"timeout_s": 30.0, "at_once": 8, **({"url": url} if url else {}), **more}
    words = {True: "true", False: "false"}
    lines = [f"{key} = {words[v] if isinstance(v, bool) else repr(v)}" for key, v in values.items()]
    file = folder / "hotline.toml"
    file.write_text(SAMPLE.read_text() + "\n[outbox]\n" + "\n".join(lines) + "\n")
    return load(file, known_agents={})


async def outbox_of(records: Records, settings: Settings) -> Outbox:
    keyring = Keyring(settings.number_keys())
    made = Outbox(records, lambda: settings, keyring, await Hidden.open(records, settings, keyring))
    made.chance = random.Random(7).random
    return made


@asynccontextmanager
async def delivering(database: Database, folder: Path, url: str, **more: Any) -> AsyncIterator[tuple[Records, Outbox]]:
    async with opened(database, hand_over=True) as records:
        outbox = await outbox_of(records, settings_for(folder, url, **more))
        yield records, outbox
        await outbox._leave_receiver()


async def told_of_calls(records: Records, calls: int) -> int:
    """Three events of each call; how many."""
    seal = intake_seal(Keyring.of(KEY))
    for number in range(calls):
        call = call_id(number)
        row = IntakeRow(call, "投诉", "路灯", None, False, seal.seal("坏了", call), "天宁区", "a1", FIRST_MS + number)
        await records.add_intake(row)
        story = answered_call(number)
        records.write(*story, recorded(story))
        assert await records.flush(20)
    return 3 * calls


async def until_empty(outbox: Outbox, records: Records, time: Time, step_s: float = 10.0, most_s: float = 3600) -> None:
    end = time.now + most_s
    while (await records.count_outbox()).pending:
        await outbox.deliver()
        time.now += step_s
        assert time.now < end, "something is never delivered"


def assert_all_in_order(receiver: WorkOrders, expected: int) -> None:
    found = receiver.first_of_each
    assert len(found) == expected
    for call in {event["subject"] for event in found}:
        kinds = [event["type"].rpartition("hotline.")[2] for event in found if event["subject"] == call]
        assert kinds == ["intake.recorded", "call.ended", "call.recording"]
    assert {got.headers["webhook-id"] for got in receiver.got} == {event["id"] for event in found}
    assert all(got.is_signed_by(SECRET) for got in receiver.got)


async def test_receiver_that_is_down_for_an_hour_gets_everything_in_order_after_it(
    database: Database, tmp_path: Path, time: Time
) -> None:
    port = free_port()
    async with delivering(database, tmp_path, f"http://127.0.0.1:{port}/events") as (records, outbox):
        expected = await told_of_calls(records, 6)
        with capture_logs() as said:
            while time.now < START + 3600:
                assert await outbox.deliver() == 0
                time.now += 10
        assert [line["state"] for line in said] == ["not delivered"]  # an hour is not one line for each attempt
        waiting = await records.outbox_rows(State.PENDING, 100)
        assert len(waiting) == expected
        heads = [row.attempts for row in waiting if row.attempts]
        assert len(heads) == 6  # the others of a call were not even tried
        assert all(12 <= tries <= 40 for tries in heads)  # pauses of up to five minutes
        receiver = WorkOrders(port)
        try:
            await until_empty(outbox, records, time)
            assert_all_in_order(receiver, expected)
            assert len(receiver.got) == expected
        finally:
            receiver.close()
        assert (await records.count_outbox()).dead == 0


async def test_receiver_that_answers_500_now_and_then_gets_everything_in_order(
    database: Database, tmp_path: Path, time: Time, receiver: WorkOrders
) -> None:
    chance = random.Random(3)
    receiver.answer = lambda got: chance.choice([200, 500, 503, 404, 302, GONE])
    async with delivering(database, tmp_path, f"http://127.0.0.1:{receiver.port}/") as (records, outbox):
        expected = await told_of_calls(records, 6)
        await until_empty(outbox, records, time, most_s=86400)
    assert_all_in_order(receiver, expected)
    assert len(receiver.got) > expected


async def test_answer_that_is_lost_brings_the_same_event_again_and_nothing_overtakes_it(
    database: Database, tmp_path: Path, time: Time, receiver: WorkOrders
) -> None:
    receiver.answer = lambda got: GONE if len(receiver.got) == 1 else 200
    async with delivering(database, tmp_path, f"http://127.0.0.1:{receiver.port}/") as (records, outbox):
        expected = await told_of_calls(records, 1)
        await until_empty(outbox, records, time)
    first, again = receiver.got[:2]
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    assert len(receiver.got) == expected + 1
    assert_all_in_order(receiver, expected)


async def test_death_between_delivery_and_its_record_brings_the_same_event_again(
    database: Database, tmp_path: Path, time: Time, receiver: WorkOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object) -> None:
        raise StorageUnavailable("gone")

    async with delivering(database, tmp_path, f"http://127.0.0.1:{receiver.port}/") as (records, outbox):
        expected = await told_of_calls(records, 2)
        with monkeypatch.context() as patched:
            patched.setattr(records, "settle_deliveries", dies)
            with pytest.raises(StorageUnavailable):
                await outbox.deliver()
        born_again = await outbox_of(records, settings_for(tmp_path, f"http://127.0.0.1:{receiver.port}/"))
        await until_empty(born_again, records, time)
        await born_again._leave_receiver()
    assert_all_in_order(receiver, expected)
    assert len(receiver.got) == expected + 2


async def test_receiver_that_hangs_costs_one_timeout_and_holds_nothing_else_up(
    database: Database, tmp_path: Path, time: Time, receiver: WorkOrders
) -> None:
    stuck = call_id(0)
    receiver.answer = lambda got: HANGS if got.event["subject"] == stuck else 200
    url = f"http://127.0.0.1:{receiver.port}/"
    async with delivering(database, tmp_path, url, timeout_s=10.0) as (records, outbox):
        expected = await told_of_calls(records, 4)
        turn = asyncio.create_task(outbox.deliver())
        records.write(*answered_call(9))
        assert await records.flush(20)  # the loop and the records go on
        assert await turn == 3
        receiver.answer = lambda got: 200
        await until_empty(outbox, records, time)
        assert (await records.outbox_row(1)).attempts == 2  # type: ignore[union-attr]
    others = [event["subject"] for event in receiver.first_of_each if event["subject"] == call_id(9)]
    assert others == [call_id(9)]
    receiver.got = [got for got in receiver.got if got.event["subject"] != call_id(9)]
    receiver.kept = [got for got in receiver.kept if got.event["subject"] != call_id(9)]
    assert_all_in_order(receiver, expected)


@pytest.mark.parametrize(("how", "result"), [(LONG, Result.DELIVERED), (SLOW, Result.DELIVERED), (307, Result.REFUSED)])
async def test_of_an_answer_only_its_status_counts(
    tmp_path: Path, time: Time, receiver: WorkOrders, how: int, result: Result
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    receiver.answer = lambda got: how
    results: list[Result] = []
    async with delivering(database, tmp_path, f"http://127.0.0.1:{receiver.port}/") as (records, outbox):
        outbox.delivered = results.append
        records.write(*answered_call(1))
        await records.flush(20)
        await outbox.deliver()
        row = await records.outbox_row(1)
    assert results == [result]
    assert len(receiver.got) == 1  # a redirect is not followed
    assert row is not None
    assert row.last_error == (None if result is Result.DELIVERED else "answered 307")


async def test_what_is_dead_holds_up_its_own_call_alone_until_a_person_retries_it(
    database: Database, tmp_path: Path, time: Time, receiver: WorkOrders
) -> None:
    receiver.answer = lambda got: 400 if got.event["subject"] == call_id(0) else 200
    url = f"http://127.0.0.1:{receiver.port}/"
    async with delivering(database, tmp_path, url, most_tries=3) as (records, outbox):
        expected = await told_of_calls(records, 3)
        for _ in range(20):
            await outbox.deliver()
            time.now += 60
        (dead,) = await outbox.listed("dead")
        assert (dead["call"], dead["attempts"], dead["error"]) == (call_id(0), 3, "answered 400")
        assert [row["call"] for row in await outbox.listed("pending")] == [call_id(0)] * 2
        receiver.answer = lambda got: 200
        assert await outbox.retry_all("cli") == 1
        await until_empty(outbox, records, time)
    assert_all_in_order(receiver, expected)


async def test_what_is_tried_for_too_long_is_dead_and_what_waits_behind_it_goes_when_it_is_dropped(
    database: Database, tmp_path: Path, time: Time, receiver: WorkOrders
) -> None:
    receiver.answer = lambda got: 400
    url = f"http://127.0.0.1:{receiver.port}/"
    async with delivering(database, tmp_path, url, give_up_after_s=600.0) as (records, outbox):
        await told_of_calls(records, 1)
        while not (await records.count_outbox()).dead:
            await outbox.deliver()
            time.now += 60
            assert time.now < START + 1200
        assert time.now > START + 600
        receiver.answer = lambda got: 200
        dropped = await outbox.drop(1, "the platform has it", "cli")
        assert (dropped["state"], dropped["by"], dropped["reason"]) == ("dropped", "cli", "the platform has it")
        await until_empty(outbox, records, time)
    assert [event["type"] for event in receiver.first_of_each] == ["hotline.call.ended", "hotline.call.recording"]


async def test_number_and_name_leave_only_where_they_may(tmp_path: Path, time: Time, receiver: WorkOrders) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    vault, seal = NumberVault(Keyring.of(KEY)), intake_seal(Keyring.of(KEY))
    url = f"http://127.0.0.1:{receiver.port}/"

    def written(number: int, *, hidden: bool, **more: Any) -> IntakeRow:
        call = call_id(number)
        name = None if hidden else seal.seal("张三", call)
        row = IntakeRow(call, "举报", "噪声", name, hidden, seal.seal("详情", call), "", "a1", FIRST_MS)
        return replace(row, **more)

    async with delivering(database, tmp_path, url, with_numbers=True) as (records, outbox):
        for number in (1, 2, 3):
            story = answered_call(number)
            first = replace(story[0], data={**story[0].data, "caller_sealed": vault.seal(NUMBER)})
            if number == 2:
                await records.add_intake(written(2, hidden=True))
            else:
                await records.add_intake(written(number, hidden=False))
            if number == 3:  # he asks for it later, before the first was delivered
                await records.add_intake(written(3, hidden=True, root=3, revision=2))
            records.write(first, *story[1:])
            assert await records.flush(20)
        await until_empty(outbox, records, time)
        without = await outbox_of(records, settings_for(tmp_path, url))
        records.write(*answered_call(4))
        assert await records.flush(20)
        await until_empty(without, records, time)
        await without._leave_receiver()
    told = {(event["subject"], event["type"]): event["data"] for event in receiver.first_of_each}
    callers = [told[call_id(number), "hotline.call.ended"]["caller"] for number in (1, 2, 3, 4)]
    assert callers == [
        {"hidden": False, "ref": f"{1:032x}", "number": NUMBER},
        {"hidden": True, "ref": None, "number": None},
        {"hidden": True, "ref": None, "number": None},
        {"hidden": False, "ref": f"{4:032x}", "number": None},
    ]
    intakes = [event["data"] for event in receiver.first_of_each if event["type"] == "hotline.intake.recorded"]
    names = {(row["intake"], row["revision"]): row["name"] for row in intakes}
    assert names == {(1, 1): "张三", (2, 1): None, (3, 1): None, (4, 2): None}
    assert told[call_id(1), "hotline.intake.recorded"]["text"] == "详情"
    assert not [personal for personal in (NUMBER, "张三", "详情") if personal.encode() in everything_kept(tmp_path)]


def everything_kept(folder: Path) -> bytes:
    """Database and journal as they lie on the disk."""
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def test_certificate_is_checked_and_an_authority_of_ones_own_can_vouch(tmp_path: Path, time: Time) -> None:
    authority, context = certified(tmp_path)
    receiver = WorkOrders(tls=context)
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    url = f"https://127.0.0.1:{receiver.port}/"
    try:
        async with delivering(database, tmp_path, url) as (records, outbox):
            records.write(*answered_call(1))
            await records.flush(20)
            assert await outbox.deliver() == 0
            row = await records.outbox_row(1)
            assert row is not None
            assert "CERTIFICATE_VERIFY_FAILED" in (row.last_error or "")
            assert receiver.got == []
            knows = await outbox_of(records, settings_for(tmp_path, url, ca_file=str(authority)))
            time.now += 60
            assert await knows.deliver() == 1
            await knows._leave_receiver()
            elsewhere = await outbox_of(
                records, settings_for(tmp_path, url.replace("127.0.0.1", "localhost"), ca_file=str(authority))
            )
            records.write(*answered_call(2))
            await records.flush(20)
            assert await elsewhere.deliver() == 0  # the certificate is another host's
            await elsewhere._leave_receiver()
    finally:
        receiver.close()


async def test_while_a_secret_is_changed_deliveries_are_signed_by_both(
    tmp_path: Path, time: Time, receiver: WorkOrders
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    async with delivering(database, tmp_path, f"http://127.0.0.1:{receiver.port}/") as (records, outbox):
        (tmp_path / "secrets/outbox.key").write_text(f"{whsec(SECRET)}\n{whsec(OLD_SECRET)}\n")
        records.write(*answered_call(1))
        await records.flush(20)
        assert await outbox.deliver() == 1
    (got,) = receiver.got
    assert got.is_signed_by(SECRET)
    assert got.is_signed_by(OLD_SECRET)
    assert int(got.headers["webhook-timestamp"]) == int(START)
    assert got.event["specversion"] == "1.0"
    assert (got.event["source"], got.event["subject"]) == ("/hotline", call_id(1))
    assert got.event["id"] == got.headers["webhook-id"]


async def test_row_that_nobody_can_make_sense_of_holds_up_its_own_call_alone(
    tmp_path: Path, time: Time, receiver: WorkOrders
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    bugs: list[str] = []
    async with delivering(database, tmp_path, f"http://127.0.0.1:{receiver.port}/") as (records, outbox):
        outbox.bug = bugs.append
        expected = await told_of_calls(records, 2)
        async with records.engine.begin() as connection:
            await connection.exec_driver_sql("DELETE FROM intake WHERE id = 1")  # somebody's hand
        for _ in range(9):
            await outbox.deliver()
        waiting = await records.outbox_rows(State.PENDING, 9)
    assert bugs == ["outbox"]
    assert {row.call_id for row in waiting} == {call_id(0)}
    assert len(receiver.kept) == expected - len(waiting) == 3


@pytest.mark.parametrize("content", [None, "whsec_short", "no secret at all", "a b c"])
async def test_without_a_usable_secret_everything_waits_and_it_is_said_why(
    tmp_path: Path, time: Time, receiver: WorkOrders, content: str | None
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    async with delivering(database, tmp_path, f"http://127.0.0.1:{receiver.port}/") as (records, outbox):
        file = tmp_path / "secrets/outbox.key"
        file.unlink()
        if content is not None:
            file.write_text(content)
            file.chmod(0o600)
        records.write(*answered_call(1))
        await records.flush(20)
        assert await outbox.deliver() == 0
        assert outbox.trouble is not None
        assert "openssl rand" in outbox.trouble
        assert (await records.count_outbox()).pending == 1
    assert receiver.got == []


async def test_the_task_delivers_what_is_added_while_it_waits_and_rests_after_it(
    tmp_path: Path, receiver: WorkOrders
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    async with opened(database, hand_over=True) as records:
        outbox = await outbox_of(records, settings_for(tmp_path, f"http://127.0.0.1:{receiver.port}/"))
        rests, arrived = [], asyncio.Event()

        async def rest(seconds: float) -> None:
            rests.append(seconds)
            arrived.set()

        outbox.rest = rest
        task = asyncio.create_task(outbox.keep())
        records.write(*answered_call(1))
        async with asyncio.timeout(30):
            await arrived.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [got.event["type"] for got in receiver.got] == ["hotline.call.ended"]
    assert rests == [REST_S]  # so that a full outbox leaves most of the loop to the calls


def test_what_the_receiver_got_is_what_it_is_asked_about() -> None:
    """The test's own receiver knows a forgery."""
    got = Got({"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}, b"{}")
    assert not got.is_signed_by(SECRET)


async def test_neither_number_nor_name_of_a_citizen_who_is_hidden_leaves(
    tmp_path: Path, time: Time, receiver: WorkOrders
) -> None:
    """By an entry on his number: in calls of before and after it, whatever their intakes say."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    ring = Keyring.of(KEY)
    vault, seal = NumberVault(ring), intake_seal(ring)
    known = {"caller_ref": vault.caller_ref(NUMBER), "caller_sealed": vault.seal(NUMBER)}
    url = f"http://127.0.0.1:{receiver.port}/"
    async with delivering(database, tmp_path, url, with_numbers=True) as (records, outbox):
        hidden = outbox._hidden
        for number in (1, 2):
            call, story = call_id(number), answered_call(number)
            name, text = seal.seal("张三", call), seal.seal(f"请回{NUMBER}", call)
            await records.add_intake(IntakeRow(call, "举报", "噪声", name, False, text, "", "a1", FIRST_MS))
            records.write(replace(story[0], data={**story[0].data, **known}), *story[1:])
            assert await records.flush(20)
            if number == 1:
                await hidden.add({"number": NUMBER, "reason": "he asked"}, "chief", "supervisor")
        await until_empty(outbox, records, time)
        assert await records.count_outbox() == Counts(pending=0, dead=0)
    assert len(receiver.first_of_each) == 4
    assert not any(personal in str(receiver.first_of_each) for personal in (NUMBER, "张三", known["caller_ref"]))
    ended = [event["data"]["caller"] for event in receiver.first_of_each if event["type"] == "hotline.call.ended"]
    assert ended == [{"hidden": True, "ref": None, "number": None}] * 2
    intakes = [event["data"] for event in receiver.first_of_each if event["type"] == "hotline.intake.recorded"]
    assert [(row["hidden"], row["name"], row["text"]) for row in intakes] == [(True, None, "请回****")] * 2


async def test_while_nobody_knows_who_is_hidden_nothing_leaves(
    tmp_path: Path, time: Time, receiver: WorkOrders
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    async with delivering(database, tmp_path, f"http://127.0.0.1:{receiver.port}/") as (records, outbox):
        records.write(*answered_call(1))
        assert await records.flush(20)
        outbox._hidden.current = False
        assert await outbox._turn() == 0
        assert receiver.got == []
        await outbox._hidden.again()
        assert await outbox._turn() == 1
