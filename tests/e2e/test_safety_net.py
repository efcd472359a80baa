"""Asterisk and its dialplan alone, without a service or with a broken one: a person answers all the same."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Plan
from sandbox.root import Asterisk
from sandbox.scenario import BUSY, RINGS_FOR_EVER, SILENT, Habit
from sandbox.trace import Leg
from telephony import names
from telephony.names import Verb
from tests.e2e.agi_peer import Peer, Session, order, present
from tests.e2e.machine import tolerance_s
from tests.e2e.net import BEST, DUTY, LEASE_S, LINES, SECOND, WINDOW_S, Net

SCRIPT_S = 6.0  # gross: the script is a program that has to start, and the next safety comes later than this
AT_ONCE = Habit(audio=False)
CLAIM_GOES = f"""
; The claim of the channel that runs this goes 0.1 s after the seat of the decision was taken up by the channel ASKER.
[claim-goes]
exten => s,1,Wait(0.01)
 same => n,GotoIf($["${{IMPORT(${{ASKER}},HOTLINE_SEAT)}}${{IMPORT(${{ASKER}},HOTLINE_LEGS)}}" = ""]?1)
 same => n,Wait(0.1)
 same => n,Set(GROUP({names.SEAT_GROUP})=none)
 same => n,Return()
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asterisk_up(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Net]:
    net = Net(folder, asterisk, ports)
    try:
        await net.start(CLAIM_GOES)
        yield net
    finally:
        await net.sandbox.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def net(asterisk_up: Net) -> AsyncIterator[Net]:
    """The same Asterisk for all, with nothing known and nothing left over."""
    asterisk_up.snapshot.unlink(missing_ok=True)
    for kept in (names.FROZEN_UNTIL, *(names.KNOWN_UNTIL + line for line in LINES)):
        await asterisk_up.sandbox.cli(f"dialplan set global {kept} 0")
    yield asterisk_up
    await asterisk_up.until_clear()


async def silent(session: Session) -> None:
    await session.closed()


def says(*decisions: str | Callable[[], str]) -> Callable[[Session], object]:
    """A script that gives one decision a session, and none when they are used up."""
    left = iter(decisions)

    async def script(session: Session) -> None:
        decision = next(left, None)
        if decision is not None:
            await session.decide(decision if isinstance(decision, str) else decision())

    return script


# -- no service -------------------------------------------------------------------------------------------------------


async def test_without_a_service_the_best_seat_of_the_snapshot_answers_after_the_restart_window(net: Net) -> None:
    net.know(SECOND, BEST)
    before = await net.count("HOTLINE_FALLBACK_COUNT_seats")
    async with net.seat(BEST) as best, net.seat(SECOND) as second, net.caller(talk_s=0.1) as caller:
        leg = await caller.until_ended()
        assert (leg.code, len(second.legs), len(best.legs)) == (200, 1, 0)
    assert leg.answer_s is not None
    assert WINDOW_S <= leg.answer_s < WINDOW_S + SCRIPT_S
    assert await net.count("HOTLINE_FALLBACK_COUNT_seats") == before + 1


@pytest.mark.parametrize(
    "snapshot",
    [None, "{", "[]", '{"version": 1}', json.dumps({"version": 1, "made_at": 0, "lines": {"12345": ["1001"]}})],
    ids=["missing", "half", "other", "empty", "old"],
)
async def test_without_a_usable_snapshot_the_duty_seat_answers(net: Net, snapshot: str | None) -> None:
    if snapshot is not None:
        net.snapshot.write_text(snapshot)
    async with net.seat(BEST) as best, net.seat(DUTY) as duty, net.caller(talk_s=0.1) as caller:
        assert (await caller.until_ended()).code == 200
        assert (len(best.legs), len(duty.legs)) == (0, 1)


async def test_with_no_seat_at_all_the_duty_telephone_rings(net: Net) -> None:
    async with net.telephone() as telephone, net.caller(talk_s=0.1) as caller:
        assert (await caller.until_ended()).code == 200
        assert telephone.leg.number == "13800000000"


async def test_with_nobody_there_the_caller_rings_on_until_a_seat_comes(net: Net) -> None:
    net.know(BEST)
    async with net.caller(talk_s=0.1) as caller:
        await net.until_counted("HOTLINE_FALLBACK_COUNT_telephone")
        async with net.seat(BEST):
            leg = await caller.until_ended(40)
    assert leg.code == 200


async def test_seat_that_does_not_answer_is_followed_by_the_next(net: Net) -> None:
    net.know(BEST, SECOND)
    async with net.seat(BEST, BUSY) as best, net.seat(SECOND) as second, net.caller(talk_s=0.1) as caller:
        assert (await caller.until_ended()).code == 200
        assert (len(best.legs), len(second.legs)) == (1, 1)


async def test_fallback_script_that_hangs_is_left_behind(net: Net) -> None:
    os.mkfifo(net.snapshot)  # reading it never ends
    async with net.seat(DUTY) as duty, net.caller(talk_s=0.1) as caller:
        assert (await caller.until_ended()).code == 200
        assert len(duty.legs) == 1


async def test_many_callers_at_once_share_what_one_script_said_and_all_get_through(net: Net) -> None:
    net.know(BEST, SECOND)
    plans = [Plan("12345", talk_s=0.05)] * 40
    async with net.seat(BEST, AT_ONCE), net.seat(SECOND, AT_ONCE), net.callers(plans) as callers:
        legs = await callers.until_all_ended(60)
    assert [leg.code for leg in legs] == [200] * 40


# -- a service that does not do its work ------------------------------------------------------------------------------


async def test_frozen_service_loses_its_caller_to_the_fallback_when_the_lease_ends(net: Net) -> None:
    net.know(BEST)
    async with net.seat(BEST), net.peer(silent) as peer:
        async with net.caller(talk_s=0.1) as caller:
            leg = await caller.until_ended()
        assert leg.answer_s is not None
        assert LEASE_S <= leg.answer_s < LEASE_S + SCRIPT_S
        async with net.caller(talk_s=0.1) as next_caller:
            next_leg = await next_caller.until_ended()
        assert next_leg.answer_s is not None
        assert next_leg.answer_s < LEASE_S + tolerance_s(next_leg.invited_at)
        assert len(peer.sessions) == 1


async def test_service_that_closes_at_once_is_asked_again_until_the_window_ends(net: Net) -> None:
    net.know(BEST)
    async with net.seat(BEST), net.peer(says()) as peer, net.caller(talk_s=0.1) as caller:
        leg = await caller.until_ended()
        assert len(peer.asked) >= 2
    assert leg.answer_s is not None
    assert leg.answer_s >= WINDOW_S


async def test_service_that_comes_back_within_the_window_serves_its_caller(net: Net) -> None:
    net.know(SECOND)
    async with net.seat(BEST) as best, net.caller(talk_s=0.1) as caller:
        await caller.until_ringing()
        async with net.peer(says(lambda: present(BEST))):
            await caller.until_ended()
        assert len(best.legs) == 1


async def test_service_that_comes_back_during_the_fallback_is_seen_within_a_turn(net: Net) -> None:
    async with net.seat(BEST) as best, net.caller(talk_s=0.1) as caller:
        await net.until_counted("HOTLINE_FALLBACK_COUNT_queue")
        async with net.peer(says(lambda: present(BEST))):
            await caller.until_ended(40)
        assert len(best.legs) == 1


BAD_DECISIONS = {
    "nonsense": "x",
    "no_fields": "present",
    "deadline_of_letters": f"present:p1:x:3:{BEST}",
    "no_deadline": f"present:p1::3:{BEST}",
    "unknown_seat": "present:p1:99999999999999:3:4711",
    "no_seat": "present:p1:99999999999999:3:",
    "seat_of_the_dialplan": "present:p1:99999999999999:3:h",
    "more_fields": f"present:p1:99999999999999:3:{BEST}:x",
    "other_seat_separator": f"present:p1:99999999999999:3:{BEST},{SECOND}",
    "dialplan_inside": "present:p1:99999999999999:3:${HOTLINE_DIAL_1001}",
    "brackets": "present:p1:99999999999999:3:a)b(c",
    "past": f"present:p1:1:3:{BEST}",
    "unknown_verb": f"dance:p1:99999999999999:3:{BEST}",
}


@pytest.mark.parametrize("bad", BAD_DECISIONS.values(), ids=BAD_DECISIONS.keys())
async def test_decision_that_cannot_be_carried_out_is_asked_for_once_more_then_the_fallback_serves(
    net: Net, bad: str
) -> None:
    net.know(SECOND)
    async with net.seat(BEST) as best, net.seat(SECOND) as second, net.peer(says(bad, bad, bad)) as peer:
        async with net.caller(talk_s=0.1) as caller:
            assert (await caller.until_ended()).code == 200
        assert (len(best.legs), len(second.legs), len(peer.asked)) == (0, 1, 2)


async def test_good_decision_after_a_bad_one_is_carried_out(net: Net) -> None:
    async with net.seat(BEST) as best, net.peer(says("x", lambda: present(BEST))), net.caller(talk_s=0.1) as caller:
        assert (await caller.until_ended()).code == 200
        assert len(best.legs) == 1


async def test_decision_within_milliseconds_of_the_leases_end_is_carried_out_once(net: Net) -> None:
    async def late(session: Session) -> None:
        asked_at = time.time()
        await asyncio.sleep(max(0.0, asked_at + LEASE_S - 0.003 - time.time()))
        with contextlib.suppress(ConnectionError):
            await session.decide(present(BEST))

    net.know(BEST)
    async with net.seat(BEST, AT_ONCE) as best, net.peer(late):
        for number in range(1, 11):
            await net.sandbox.cli(f"dialplan set global {names.FROZEN_UNTIL} 0")
            async with net.caller(sound=False, talk_s=0.05) as caller:
                assert (await caller.until_ended()).code == 200
            await net.until_clear()
            assert len(best.legs) == number


# -- presentations ----------------------------------------------------------------------------------------------------


async def test_one_decision_rings_several_seats_and_the_first_answer_wins(net: Net) -> None:
    async with net.seat(BEST, RINGS_FOR_EVER) as best, net.seat(SECOND, Habit(ring_s=0.5)) as second:
        async with net.peer(says(lambda: present(f"{BEST}&{SECOND}"))), net.caller(talk_s=0.1) as caller:
            assert (await caller.until_ended()).code == 200
        await best.until_ended()
        assert (best.leg.code, second.leg.code) == (487, 200)


async def test_talk_with_a_limit_ends_by_itself_also_at_one_of_several_seats(net: Net) -> None:
    async with net.seat(BEST) as first, net.seat(SECOND, habit=RINGS_FOR_EVER):
        async with net.peer(says(lambda: f"{present(f'{BEST}&{SECOND}')}:1500:500")), net.caller() as caller:
            ended = await caller.until_ended()
        leg = await first.until_ended()
    assert (ended.code, ended.ended_by) == (200, "them")
    assert leg.talk_s is not None
    assert 1.0 < leg.talk_s < 8.0, leg.talk_s


@pytest.mark.parametrize(
    ("habit", "status"), [(BUSY, "BUSY"), (RINGS_FOR_EVER, "NOANSWER"), (SILENT, "NOANSWER"), (None, "GUARD")]
)
async def test_service_hears_how_a_presentation_ended(net: Net, habit: Habit | None, status: str) -> None:
    async with contextlib.AsyncExitStack() as people:
        if habit is not None:
            await people.enter_async_context(net.seat(BEST, habit))
        await people.enter_async_context(net.seat(SECOND))
        decisions = (lambda: present(BEST, ring_s=1, presentation="first"), lambda: present(SECOND))
        peer = await people.enter_async_context(net.peer(says(*decisions)))
        caller = await people.enter_async_context(net.caller(talk_s=0.1))
        assert (await caller.until_ended()).code == 200
        asked = [(ask.fields["last_presentation"], ask.fields["last_status"]) for ask in peer.asked]
        assert asked == [("", ""), ("first", status)]


async def test_caller_who_gives_up_while_a_seat_rings_leaves_no_claim(net: Net) -> None:
    async with net.seat(BEST, RINGS_FOR_EVER) as best, net.peer(says(lambda: present(BEST))), net.caller() as caller:
        await best.until_ringing()
        assert await net.claimed() == {BEST}
        await caller.hang_up()
        await best.until_ended()
        await net.until_clear()


async def test_seat_is_claimed_while_it_talks_and_its_lock_is_free(net: Net) -> None:
    for seats in (BEST, f"{BEST}&{SECOND}"):
        script = says(lambda seats=seats: present(seats))
        async with net.seat(BEST) as best, net.peer(script), net.caller() as caller:
            await best.until_talking()
            await caller.until_talking()
            assert await net.claimed() == {BEST}
            assert await net.locked() == []
            await best.hang_up()
            await caller.until_ended()
        await net.until_clear()


async def test_caller_answered_into_the_notice_waits_on_and_reaches_a_seat(net: Net) -> None:
    script = says(lambda: order(Verb.NOTICE), lambda: present(BEST))
    async with net.seat(BEST, Habit(ring_s=0.5)) as best, net.peer(script) as peer, net.caller() as caller:
        leg = await caller.until_talking()
        await best.until_talking()
        assert leg.answered_at is not None
        assert best.leg.answered_at is not None
        assert leg.answered_at < best.leg.answered_at
        assert [ask.fields["noticed"] for ask in peer.asked] == ["", "1"]


# -- after the talk ---------------------------------------------------------------------------------------------------


async def test_lost_leg_brings_the_caller_back_and_a_goodbye_ends_the_call(net: Net) -> None:
    answers = iter([Verb.BACK, Verb.GOODBYE])
    seats = iter([BEST, SECOND])

    async def script(session: Session) -> None:
        if session.script == names.SCRIPT_AFTER:
            await session.decide(names.decision(next(answers)))
        else:
            await session.decide(present(next(seats)))

    brief = Habit(talk_s=0.2, audio=False)
    peer, caller = Peer(net.ports.fastagi, script), net.caller()
    async with net.seat(BEST, brief) as best, net.seat(SECOND, brief) as second, peer, caller:
        leg = await caller.until_ended()
        assert (leg.ended_by, len(best.legs), len(second.legs)) == ("them", 1, 1)
        assert [session.script for session in peer.sessions] == ["route", "after", "route", "after"]
        assert [session.fields["trunk"] for session in peer.sessions if session.script == "after"] == [BEST, SECOND]


async def test_caller_for_whom_somebody_is_being_dialled_waits_and_the_service_is_asked_again_when_nobody_comes(
    net: Net,
) -> None:
    answers = iter([Verb.WAIT, Verb.GOODBYE])

    async def script(session: Session) -> None:
        if session.script == names.SCRIPT_AFTER:
            await session.decide(names.decision(next(answers)))
        else:
            await session.decide(present(BEST))

    peer, caller = Peer(net.ports.fastagi, script), net.caller()
    async with net.seat(BEST, Habit(talk_s=0.2, audio=False)), peer, caller:
        leg = await caller.until_ended()
        assert leg.ended_by == "them"
        assert [session.script for session in peer.sessions] == ["route", "after", "after"]


async def test_without_a_service_the_call_ends_when_the_agent_says_goodbye(net: Net) -> None:
    net.know(BEST)
    async with net.seat(BEST, Habit(talk_s=0.2, audio=False)), net.caller() as caller:
        leg = await caller.until_ended()
    assert (leg.code, leg.ended_by) == (200, "them")


# -- one seat, many who want it ---------------------------------------------------------------------------------------


async def test_engine_fallback_and_queue_want_one_seat_at_once_and_one_of_them_gets_it(net: Net) -> None:
    net.know(DUTY, lines=("12333",))
    by_line = {
        "12345": lambda: present(DUTY),
        "12333": lambda: order(Verb.FALLBACK),
        "12366": lambda: order(Verb.FALLBACK),
    }

    async def script(session: Session) -> None:
        if session.fields["last_status"]:
            await asyncio.sleep(0.05)
        await session.decide(by_line[session.fields["line"]]())

    async with net.seat(DUTY, Habit(ring_s=1.5)) as duty, net.peer(script):
        plans = [Plan(number, patience_s=4.0) for number in by_line]
        async with net.callers(plans) as callers:
            await callers.until(lambda legs: any(leg.state == "talking" for leg in legs))
            await callers.until(lambda legs: sum(leg.state == "ended" for leg in legs) == 2)
            assert len(duty.legs) == 1
            await duty.hang_up()
            legs = await callers.until_all_ended()
    assert sorted(leg.code or 0 for leg in legs) == [200, 487, 487]


@pytest.mark.parametrize("seats", [BEST, f"{BEST}&{SECOND}"], ids=["one", "two"])
async def test_claim_of_the_talk_before_that_is_about_to_go_costs_nobody_the_seat(net: Net, seats: str) -> None:
    claimed, looks = asyncio.Event(), asyncio.Event()
    asker = asyncio.get_running_loop().create_future()

    async def script(session: Session) -> None:
        if session.fields["line"] == "12366":  # the phone is free, the caller of its last talk is not gone yet
            await session.command('SET VARIABLE TIMEOUT(absolute) "60"')  # longer than another SIPp needs to start
            await session.command(f'SET VARIABLE "GROUP({names.SEAT_GROUP})" "{BEST}"')
            claimed.set()
            await session.command(f'SET VARIABLE ASKER "{await asker}"')
            goes = asyncio.ensure_future(session.command("GOSUB claim-goes s 1"))
            await asyncio.sleep(0)  # it is sent: from here on this test's own lateness is no part of the claim's time
            looks.set()
            await goes
            await session.closed()
        else:
            asker.set_result(session.environment["agi_channel"])
            await looks.wait()
            await session.decide(present(seats, presentation="only"))

    before, after = net.caller("12366"), net.caller(talk_s=0.1)
    async with net.seat(BEST, AT_ONCE) as best, net.peer(script) as peer, before:
        await asyncio.wait_for(claimed.wait(), 20)
        async with after:
            assert (await after.until_ended()).code == 200
        assert len(best.legs) == 1
        assert [ask.fields["last_status"] for ask in peer.asked] == ["", ""], "refused at first"
        await before.hang_up()
        await before.until_ended()


@pytest.mark.parametrize("seats", [BEST, f"{BEST}&{SECOND}"], ids=["one", "two"])
async def test_twenty_callers_for_a_phone_that_answers_at_once_make_one_talk_each(net: Net, seats: str) -> None:
    async def script(session: Session) -> None:
        if session.fields["last_status"]:
            await asyncio.sleep(0.05)
        await session.decide(present(seats))

    callers = net.callers([Plan("12345", patience_s=5.0)] * 20)
    async with net.seat(BEST, AT_ONCE) as best, net.seat(SECOND, AT_ONCE) as second, net.peer(script), callers:
        talks = len(seats.split("&"))
        await callers.until(lambda legs: sum(leg.state == "ended" for leg in legs) == 20 - talks)
        assert len(callers.talking()) == talks
        for leg in callers.talking():
            await callers.hang_up(leg)
        await callers.until_all_ended()
        await net.until_clear()
        assert_never_two_at_once(best.legs)
        assert_never_two_at_once(second.legs)


def assert_never_two_at_once(legs: list[Leg]) -> None:
    """The INVITE of each call came after the end of the one before.

    Asterisk says goodbye from another thread than it dials, so a new INVITE was seen 0.1 ms before the BYE it waited for.
    """
    for earlier, later in itertools.pairwise(legs):
        over_at = earlier.ended_at or earlier.cancelled_at
        assert over_at is not None
        assert over_at <= later.invited_at + 0.05


# -- who calls --------------------------------------------------------------------------------------------------------


async def test_unknown_number_is_not_found_and_counted(net: Net) -> None:
    before = await net.count(names.UNKNOWN_COUNT)
    async with net.caller("99999") as caller:
        assert (await caller.until_ended()).code == 404
    assert await net.count(names.UNKNOWN_COUNT) == before + 1


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("12345", "政务服务便民热线"),
        ("12333", "人社 ＂服务＂ ＄{EPOCH}； x"),
        ("12336", "政务服务便民热线 自然资源违法举报"),
    ],
)
async def test_phone_shows_line_and_subject_as_they_are_written(net: Net, number: str, shown: str) -> None:
    async with net.seat(BEST) as best, net.peer(says(lambda: present(BEST))), net.caller(number, talk_s=0.1) as caller:
        await caller.until_ended()
        assert f'From: "{shown}" <sip:13800000001@' in best.invite()


HOSTILE = {
    "escaped_line_ends": ("<sip:138%0d%0aEvent%3a%20Forged%0d%0a%0d%0a@127.0.0.2>", "138"),
    "escaped_plus": ("<sip:%2B8613800000001@127.0.0.2>", "+8613800000001"),
    "dialplan_in_name": ('"${EPOCH} $[1+1] ,)(;" <sip:13800000001@127.0.0.2>', "13800000001"),
    "quotes_and_brackets_in_name": ('"a\\"<sip:1@b>,;\'" <sip:13800000001@127.0.0.2>', "13800000001"),
    "sql": ("<sip:1';drop--@127.0.0.2>", "1"),
    "tel": ("<tel:+8613800000001>", "+8613800000001"),
    "long_number": (f"<sip:{'9' * 500}@127.0.0.2>", "9" * 32),
    "ten_kilobytes": (f'"{"N" * 10_000}" <sip:13800000001@127.0.0.2>', None),
    "anonymous": ('"Anonymous" <sip:anonymous@anonymous.invalid>', ""),
    "no_number": ("<sip:127.0.0.2>", ""),
}


REFUSED = {HOSTILE[name][0] for name in ("sql", "ten_kilobytes", "tel")}  # the last one by 16


@pytest.mark.parametrize(("header", "number"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_whatever_a_caller_writes_into_the_caller_id_is_text(net: Net, header: str, number: str | None) -> None:
    peer, caller = net.peer(says(lambda: present(BEST))), net.caller(from_header=header, talk_s=0.1)
    async with ami_events(net) as events, net.seat(BEST) as best, peer, caller:
        leg = await caller.until_ended()
        if leg.code != 200:  # the SIP stack itself refuses such a header
            assert header in REFUSED
            return
        environment = peer.asked[0].environment
        assert "政务服务便民热线" in best.invite()
    known = environment["agi_callerid"].replace("unknown", "")
    if number is not None:
        assert known == number
    assert set(known) <= set("0123456789+*#")
    assert environment["agi_calleridname"] == "政务服务便民热线"
    assert not [line for line in events if "Forged" in line]


@contextlib.asynccontextmanager
async def ami_events(net: Net) -> AsyncIterator[list[str]]:
    """Every line that an AMI client reads meanwhile, `Hangup` of the caller included."""
    reader, writer = await asyncio.open_connection("127.0.0.1", net.ports.ami)
    writer.write(b"Action: Login\r\nUsername: hotline\r\nSecret: safety-net\r\n\r\n")
    lines: list[str] = []

    async def read() -> None:
        while line := await reader.readline():
            lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))

    async def booted() -> bool:
        return "Event: FullyBooted" in lines

    reading = asyncio.ensure_future(read())
    try:
        await net.until(booted, 5)
        yield lines
        await net.until_clear()
    finally:
        writer.close()
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await reading


async def test_log_and_call_records_of_asterisk_hold_no_callers_number(net: Net) -> None:
    net.know(BEST)
    async with net.seat(BEST), net.caller(caller="13811112222", name="王某", talk_s=0.1) as caller:
        await caller.until_ended()
    await net.until_clear()
    files = [path for path in net.sandbox.folders.log.rglob("*") if path.is_file()]
    assert any(path.name == "hotline.csv" for path in files)
    for path in files:
        assert b"13811112222" not in path.read_bytes(), path


async def test_call_id_ties_all_legs_of_a_call_together_in_the_call_records(net: Net) -> None:
    async with net.seat(BEST), net.peer(says(lambda: present(BEST))) as peer, net.caller(talk_s=0.1) as caller:
        await caller.until_ended()
    await net.until_clear()
    call = peer.asked[0].fields["call"]
    rows = (net.sandbox.folders.log / "cel-custom" / "hotline.csv").read_text().splitlines()
    mine = [row for row in rows if f'"{call}"' in row]
    assert any("PJSIP/carrier" in row for row in mine)
    assert any(f"PJSIP/{BEST}" in row for row in mine)
