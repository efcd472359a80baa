"""Bad input while calls go on: one request, one message or one reload gets its error, and callers notice nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Caller, Callers, Plan, Seats
from sandbox.root import Asterisk
from sandbox.scenario import Habit
from service.cli.stage import Stage
from tests.e2e import faults
from tests.e2e.evidence import ready
from tests.e2e.road import Road
from tests.e2e.staging import nothing_left_over, timing

SEATS = ["1001", "1002", "1003", "1004"]
CALLS = 6


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def relay(ports: Ports) -> AsyncIterator[Road]:
    async with Road(ports.ami) as road:
        yield road


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports, relay: Road) -> AsyncIterator[Stage]:
    stage = Stage(folder, asterisk, ports, seats=len(SEATS), edit=timing(wrap_up_s=0))
    try:
        await stage.start_asterisk()
        stage.config.write_text(stage.config.read_text().replace(f":{ports.ami}", f":{relay.port}"))
        await stage.start_service()
        yield stage
    finally:
        await stage.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def phones(stage: Stage) -> AsyncIterator[Seats]:
    async with Seats(stage.pbx, SEATS, stage.folder / "seats", habit=Habit(ring_s=0.1)) as phones:
        await ready(stage, *SEATS)
        yield phones


@contextlib.asynccontextmanager
async def calls_go_on(stage: Stage, name: str, number: str = "12345") -> AsyncIterator[Callers]:
    """Calls are placed while the block runs; all of them are answered, and each has one record."""
    plans = [Plan(number, f"1380000{n:04d}", talk_s=0.3) for n in range(CALLS)]
    async with Callers(stage.pbx, plans, stage.folder / name, per_s=4) as callers:
        yield callers
        legs = await callers.until_all_ended(60)
    assert [leg.code for leg in legs] == [200] * CALLS
    told = await faults.stories(stage, callers)
    faults.told_once(told)
    assert {story.record.answered_by for story in told} == {"engine"}
    await nothing_left_over(stage)


def said(stage: Stage, *words: str) -> list[dict[str, object]]:
    """Lines of the service's log with all these words."""
    lines = (stage.folder / "service.log").read_text(errors="replace").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and all(word in line for word in words)]


async def until_said(stage: Stage, *words: str, more_than: int = 0, limit_s: float = 15) -> dict[str, object]:
    """The newest such line, once there are more of them than before."""

    def found() -> list[dict[str, object]] | None:
        lines = said(stage, *words)
        return lines if len(lines) > more_than else None

    lines = await stage.until(found, limit_s, f"the log says {words}")
    assert isinstance(lines, list)
    return dict(lines[-1])


async def until_total(stage: Stage, name: str, at_least: float, **labels: str) -> None:
    async def reached() -> bool:
        return await stage.total(name, **labels) >= at_least

    await stage.until(reached, 15, f"{name} {labels} at least {at_least:g}")


async def degraded(stage: Stage, *parts: str, limit_s: float = 15) -> None:
    """Waits until callers are served, with exactly these parts out of order."""

    async def so() -> bool:
        answer = await stage.http.get("/readyz")
        return answer.status_code == 200 and answer.json()["degraded"] == list(parts)

    await stage.until(so, limit_s, f"degraded {parts}")


# -- configuration ----------------------------------------------------------------------------------------------------


@pytest.fixture
def broken(stage: Stage) -> Iterator[str]:
    """The file as a tired operator left it, with three mistakes; mended afterwards."""
    good = stage.config.read_text()
    text = good.replace('name = "政务服务便民热线"', 'name = "别的名字"')
    text = text.replace("wrap_up_s = 0", "wrap_up = 0").replace('mode = "parallel"', 'mode = "paralel"', 1)
    text = text.replace('id = "1001"\nname', 'id = "1009"\nname')
    stage.config.write_text(text)
    yield text
    stage.config.write_text(good)


async def names(stage: Stage) -> dict[str, str]:
    return {line["number"]: line["name"] for line in await stage.api("/api/v1/lines")}


def line_of(text: str, words: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)


async def reload(stage: Stage) -> tuple[int, str]:
    answer = await stage.http.post("/api/v1/reload", headers={"Authorization": f"Bearer {stage.settings.cli_token()}"})
    return answer.status_code, str(answer.json().get("detail", ""))


async def test_reload_of_a_broken_file_tells_all_mistakes_and_keeps_the_rules(
    stage: Stage, phones: Seats, broken: str
) -> None:
    before = await names(stage)
    async with calls_go_on(stage, "reload"):
        code, told = await reload(stage)
    assert code == 409
    assert f"line {line_of(broken, 'wrap_up = 0')}: timing.wrap_up is an unknown key" in told
    assert "is none of the known words" in told
    assert "1009" not in told or "no seat of the same id" in told
    assert await names(stage) == before
    assert "别的名字" not in before.values()


async def test_hangup_signal_with_a_broken_file_keeps_the_rules_and_the_log_says_why(
    stage: Stage, phones: Seats, broken: str
) -> None:
    before, told = await names(stage), len(said(stage, "configuration not reloaded"))
    async with calls_go_on(stage, "hangup"):
        stage.send(signal.SIGHUP)
        await until_said(stage, "configuration not reloaded", "timing.wrap_up", more_than=0)
    lines = said(stage, "configuration not reloaded")[told:]
    assert [line["level"] for line in lines] == ["error"] * len(lines)
    assert len(lines) >= 2, "each mistake is a line"
    assert await names(stage) == before


async def test_file_that_is_gone_at_a_reload_keeps_the_rules(stage: Stage, phones: Seats) -> None:
    away = stage.config.rename(stage.config.with_suffix(".away"))
    try:
        code, told = await reload(stage)
        assert code == 409
        assert "cannot be read" in told
    finally:
        away.rename(stage.config)
    async with calls_go_on(stage, "gone"):
        pass


async def test_mended_file_is_in_force_at_once(stage: Stage, phones: Seats) -> None:
    good = stage.config.read_text()
    stage.config.write_text(good.replace("政务服务便民热线", "市民热线"))
    assert (await reload(stage))[0] == 200

    async def renamed() -> bool:
        return (await names(stage))["12345"] == "市民热线"

    await stage.until(renamed, 10, "the new name in force")
    stage.config.write_text(good)
    assert (await reload(stage))[0] == 200


# -- nonsense on the three doors --------------------------------------------------------------------------------------

HEAD = b"agi_network: yes\n"
NONSENSE = (
    b"\x00\xff\xfe" * 2000,
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"INVITE sip:12345@127.0.0.1 SIP/2.0\r\n\r\n",
    HEAD + b"x" * 20_000 + b"\n\n",
    HEAD + b"".join(b"agi_arg_%d: x\n" % n for n in range(200)) + b"\n",
    HEAD + b"agi_network_script: route\n\n",
    HEAD + b"agi_network_script: nonsense\nagi_arg_1: x\n\n",
    HEAD + b"agi_network_script: route\nagi_network_script: after\n\n",
)


async def spoken(port: int, data: bytes) -> bytes:
    """What comes back for these bytes, until the other end closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(reader.read(65536), 20)
        return b""
    finally:
        writer.transport.abort()


async def test_nonsense_on_fastagi_is_refused_session_by_session(stage: Stage, phones: Seats, ports: Ports) -> None:
    before = await stage.total("hotline_agi_refused_total")
    async with calls_go_on(stage, "agi"):
        answers = await asyncio.gather(*(spoken(ports.fastagi, data) for data in NONSENSE * 3))
    assert answers == [b""] * len(answers)
    await until_total(stage, "hotline_agi_refused_total", before + len(answers))
    assert await stage.total("hotline_bugs_total") == 0


async def test_session_that_never_becomes_whole_is_cut(stage: Stage, phones: Seats, ports: Ports) -> None:
    before = await stage.total("hotline_agi_refused_total", reason="timeout")
    async with calls_go_on(stage, "half"):
        assert await spoken(ports.fastagi, HEAD + b"agi_network_script: rou") == b""
    await until_total(stage, "hotline_agi_refused_total", before + 1, reason="timeout")


async def test_session_that_answers_nonsense_to_a_decision_costs_only_its_own_call(
    stage: Stage, phones: Seats, ports: Ports
) -> None:
    """A call that exists for nobody but this peer: it takes the decision, answers nonsense, and is cut."""
    arrived = b"1795302613422"
    request = (
        HEAD + b"agi_network_script: route\nagi_channel: PJSIP/carrier-1\nagi_uniqueid: 1795302613.1\n"
        b"agi_arg_1: "
        + arrived
        + b"-1795302613.1\nagi_arg_2: 12345\nagi_arg_3: "
        + arrived
        + b"\nagi_arg_4: carrier\n\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", ports.fastagi)
    writer.write(request)
    assert b"HOTLINE_DECISION" in await asyncio.wait_for(reader.readline(), 10)
    writer.write(b"\x00\x01 this is no reply\n")
    with contextlib.suppress(ConnectionError):
        await asyncio.wait_for(reader.read(), 10)
    writer.transport.abort()
    async with calls_go_on(stage, "reply"):
        pass


MESSAGES = (
    b"Event: Newchannel\r\nChannel: PJSIP/carrier-1\r\n\r\n",  # half of its headers
    b"Event: DeviceStateChange\r\nTimestamp: never\r\nDevice: PJSIP/1001\r\nState: FLYING\r\n\r\n",
    b"Event: \xff\xfe\xe4\xb8\r\nTimestamp: 1\r\n\r\n",
    b"Event: UserEvent\r\nUserEvent: HotlineArrival\r\nTimestamp: 1795302613.1\r\nCall: ${SHELL(id)}\r\n\r\n",
    b"Response: Success\r\nActionID: nobody\r\n\r\n",
)


async def test_messages_that_make_no_sense_on_ami_are_dropped_and_counted(
    stage: Stage, phones: Seats, relay: Road
) -> None:
    before = await stage.total("hotline_ami_dropped_total")
    connections = relay.connections
    async with calls_go_on(stage, "ami"):
        for message in MESSAGES * 5:
            relay.say(message)
    await until_total(stage, "hotline_ami_dropped_total", before + 5)
    assert relay.connections == connections, "the link stays"
    await degraded(stage)
    assert await stage.total("hotline_bugs_total") == 0


async def test_block_that_is_no_message_is_dropped_on_ami(stage: Stage, phones: Seats, relay: Road) -> None:
    connections = relay.connections
    async with calls_go_on(stage, "block"):
        relay.say(b"no message\r\n" * 10 + b"\r\n")
    assert relay.connections == connections, "the link stays"
    await degraded(stage)


async def test_noise_without_an_end_costs_the_link_which_is_there_again_at_once(
    stage: Stage, phones: Seats, relay: Road
) -> None:
    connections = relay.connections
    async with calls_go_on(stage, "noise"):
        relay.say(b"\x00\xff" * 600_000)
        await stage.until(lambda: relay.connections > connections, 5, "a new link")
        await degraded(stage)
    line = await until_said(stage, '"ami"', '"down"')
    assert "longer than" in str(line["reason"])
    assert await stage.total("hotline_bugs_total") == 0


REQUESTS = (
    (b"nonsense\r\n\r\n", b"400"),
    (b"GET /healthz HTTP/1.1\r\nHost: " + b"x" * 300_000, b"400"),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nbroken header\r\n\r\n", b"400"),
    (b"POST /api/v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n", b"413"),
    (b"GET /api/v1/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
    (b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\nConnection: close\r\n\r\n", b"401"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n", b"400"),
)


async def test_nonsense_over_http_is_answered_request_by_request(stage: Stage, phones: Seats, ports: Ports) -> None:
    async with calls_go_on(stage, "http"):
        answers = await asyncio.gather(*(spoken(ports.http, data) for data, _ in REQUESTS))
    codes = [answer.split(b" ", 2)[1] if answer else b"" for answer in answers]
    assert codes == [code for _, code in REQUESTS]
    await degraded(stage)


# -- the database -----------------------------------------------------------------------------------------------------


async def test_locked_database_is_noticed_by_no_caller_and_complete_afterwards(stage: Stage, phones: Seats) -> None:
    plans = [Plan("12345", f"1380001{n:04d}", talk_s=0.3) for n in range(CALLS)]
    lock = sqlite3.connect(stage.folder / "var" / "hotline.db", isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
        async with Callers(stage.pbx, plans, stage.folder / "locked", per_s=4) as callers:
            legs = await callers.until_all_ended(60)
            await degraded(stage, "database")
            assert await stage.total("hotline_records_spooled") >= CALLS * 5
            assert await stage.total("hotline_degraded", part="database") == 1
            line = await until_said(stage, '"degraded"', "database is locked")
            assert line["level"] == "error"
    finally:
        lock.rollback()
        lock.close()
    assert [leg.code for leg in legs] == [200] * CALLS
    assert all(leg.answer_s is not None and leg.answer_s < 3 for leg in legs)
    told = await faults.stories(stage, callers)
    faults.told_once(told)
    faults.answer_times_agree(told)

    async def caught_up() -> bool:
        return await stage.total("hotline_records_spooled") == 0

    await stage.until(caught_up, 20, "all records in the database")
    await degraded(stage)
    assert await stage.total("hotline_records_lost_total") == 0
    await nothing_left_over(stage)


# -- AMI's password: last, for the service starts anew without anything to remember -----------------------------------


async def test_wrong_ami_password_is_told_once_callers_are_served_and_the_right_one_is_noticed(
    stage: Stage, phones: Seats, relay: Road
) -> None:
    await stage.end_service()
    text = stage.config.read_text().replace(f":{relay.port}", f":{stage.ports.ami}")
    text = text.replace('data_dir = "var"', 'data_dir = "fresh"').replace("///var/hotline.db", "///fresh/hotline.db")
    stage.config.write_text(text)
    (stage.folder / "fresh").mkdir()
    secret = stage.folder / "secrets" / "ami"
    right = secret.read_text().strip()
    secret.write_text("another-secret\n")
    before = len(said(stage, '"refused"'))
    await stage.start_service(ready=False)
    line = await until_said(stage, '"refused"', more_than=before)
    assert line["level"] == "error"
    assert "check user and secret_file of [[pbx]] against manager.conf" in str(line["reason"])
    await degraded(stage, "ami")
    async with Caller(stage.pbx, "12345", stage.folder / "without-ami", talk_s=0.3) as caller:
        leg = await caller.until_ended(40)
    assert leg.code == 200
    assert leg.answer_s is not None
    assert leg.answer_s < 5, "the duty seats ring, without waiting for anybody to appear"
    assert len(said(stage, '"refused"')) == before + 1, "told once"
    log = (stage.folder / "service.log").read_text()
    assert "another-secret" not in log
    assert right not in log

    manager = stage.sandbox.folders.etc / "manager.conf"
    manager.write_text(manager.read_text().replace(right, "another-secret"))
    await stage.sandbox.cli("manager reload")
    await degraded(stage, limit_s=45)
    async with Caller(stage.pbx, "12345", stage.folder / "with-ami", talk_s=0.3) as caller:
        assert (await caller.until_ended()).code == 200
    await nothing_left_over(stage)
