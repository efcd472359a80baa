"""What the link does when Asterisk, the network or the configuration is not as it should be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from routing import events as routing
from routing.model import DeviceState
from telephony.ami.actions import AmiAction, getvar
from telephony.ami.codec import MAX_MESSAGE, AmiUnsafeValue
from telephony.ami.intake import FULL
from telephony.ami.link import AmiDisconnected, LinkState
from tests.contract.ami_contract import Account, Story, linked
from tests.contract.fake_ami import FakeAmi
from tests.contract.test_ami_fake import SEATS

QUICK = {"retry_first_s": 0.01, "retry_most_s": 0.05, "retry_refused_s": 0.05}
HALF_OPEN = {**QUICK, "ping_interval_s": 0.05, "action_timeout_s": 0.2}


@pytest_asyncio.fixture
async def fake() -> AsyncIterator[FakeAmi]:
    fake = await FakeAmi().start()
    yield fake
    await fake.stop()


def account(fake: FakeAmi) -> Account:
    return Account("127.0.0.1", fake.port, fake.user, fake.secret, SEATS)


# -- coming up ---------------------------------------------------------------------------------------------------------


async def test_link_waits_for_an_asterisk_that_is_not_there_yet(fake: FakeAmi) -> None:
    await fake.stop()
    story = Story(account(fake), **QUICK)
    story.link.start()
    reason = await story.until_state(LinkState.DOWN)
    assert "cannot be reached: Connection refused" in reason
    await fake.start()
    await story.until_up()
    await story.link.stop()
    assert [state for state, _ in story.states] == ["down", "rebuilding", "up", "stopped"]  # the same fault, told once


async def test_nothing_is_asked_before_asterisk_has_booted(fake: FakeAmi) -> None:
    fake.boots, logged_in = False, asyncio.Event()
    fake.before_answer = lambda name: logged_in.set()
    story = Story(account(fake), **QUICK)
    story.link.start()
    await logged_in.wait()
    for _ in range(20):  # turns in which a hasty link would ask on
        await asyncio.sleep(0)
    assert [told["action"] for told in fake.told] == ["Login"]
    fake.booted()
    await story.until_up()
    await story.link.stop()


async def test_asterisk_that_goes_while_it_starts_is_tried_again_at_once(fake: FakeAmi) -> None:
    fake.boots, logged_in = False, asyncio.Event()
    fake.before_answer = lambda name: logged_in.set()
    story = Story(account(fake), **QUICK)
    story.link.start()
    await logged_in.wait()
    fake.boots = True
    fake.cut()
    await story.until_up()
    await story.link.stop()
    assert LinkState.REFUSED not in [state for state, _ in story.states]


@pytest.mark.parametrize(("version", "what"), [("16.27.0", "too old"), ("22.9.0", "deadlock"), ("20.19.1", "deadlock")])
async def test_unfit_asterisk_is_refused_in_one_line_that_says_what_to_install(
    fake: FakeAmi, version: str, what: str
) -> None:
    fake.version = version
    story = Story(account(fake), **QUICK)
    story.link.start()
    reason = await story.until_state(LinkState.REFUSED)
    await story.link.stop()
    assert version in reason
    assert what in reason
    assert "install" in reason
    assert not fake.asked("CoreShowChannels")  # listing channels under load is what the deadlock is about


async def test_version_with_the_deadlock_is_taken_when_that_is_wanted(fake: FakeAmi) -> None:
    fake.version = "22.9.0"
    async with linked(account(fake), allow_known_deadlock=True) as story:
        assert story.link.up


async def test_repaired_password_is_noticed_without_a_restart(fake: FakeAmi) -> None:
    good, fake.secret = fake.secret, "another"
    story = Story(Account("127.0.0.1", fake.port, fake.user, good, SEATS), **QUICK)
    story.link.start()
    await story.until_state(LinkState.REFUSED)
    fake.secret = good
    await story.until_up()
    await story.link.stop()


async def test_missing_module_is_named(fake: FakeAmi) -> None:
    fake.refuses = {"DeviceStateList"}
    story = Story(account(fake), **QUICK)
    story.link.start()
    reason = await story.until_state(LinkState.REFUSED)
    await story.link.stop()
    assert "res_manager_devicestate.so" in reason


async def test_peer_that_is_no_asterisk_is_dropped(fake: FakeAmi) -> None:
    fake.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    story = Story(account(fake), **QUICK)
    story.link.start()
    reason = await story.until_state(LinkState.DOWN)
    await story.link.stop()
    assert "no Asterisk Manager" in reason
    assert story.link.stats.framing_errors >= 1


# -- the loss ----------------------------------------------------------------------------------------------------------


async def test_loss_is_told_once_and_a_new_picture_follows(fake: FakeAmi) -> None:
    async with linked(account(fake), **QUICK) as story:
        fake.arrives()
        await story.until_told(routing.CallSeen)
        fake.cut()
        await story.until_told(routing.Picture, 2)
        assert [type(event).__name__ for event in story.told] == ["Picture", "CallSeen", "AmiLost", "Picture"]
        assert [call.number for call in story.of(routing.Picture)[1].calls] == ["12345"]
        assert story.link.stats.reconnects == 1


async def test_call_that_ended_while_the_link_was_down_is_not_in_the_new_picture(fake: FakeAmi) -> None:
    async with linked(account(fake), **QUICK) as story:
        fake.arrives()
        await story.until_told(routing.CallSeen)
        fake.cut()
        fake.channels.clear()
        assert (await story.until_told(routing.Picture, 2)).calls == ()


async def test_peer_that_says_nothing_more_is_found_by_the_pings(fake: FakeAmi) -> None:
    async with linked(account(fake), **HALF_OPEN) as story:
        fake.silent = True
        await story.until_told(routing.AmiLost)
        reason = story.states[-1][1]
        assert "no answer to a ping" in reason
        fake.silent = False
        await story.until_told(routing.Picture, 2)


async def test_link_cut_in_the_middle_of_a_list_starts_over(fake: FakeAmi) -> None:
    cuts = 0

    def cut_once(action: str) -> None:
        nonlocal cuts
        if action == "CoreShowChannels" and not cuts:
            cuts += 1
            fake.say(b"Response: Success\r\nActionID: x\r\nEventList: start\r\n\r\nEvent: CoreShow")
            fake.cut()

    fake.before_answer = cut_once
    async with linked(account(fake), **QUICK) as story:
        assert cuts == 1
        assert story.link.stats.connects == 2


async def test_asterisk_that_says_it_is_shutting_down_is_believed(fake: FakeAmi) -> None:
    async with linked(account(fake), **QUICK) as story:
        fake.say(b"Event: Shutdown\r\nShutdown: Cleanly\r\nRestart: False\r\n\r\n")
        await story.until_told(routing.AmiLost)
        await story.until(lambda: any("shutting down" in reason for _, reason in story.states))


async def test_action_that_waits_when_the_link_goes_is_told_and_never_sent_again(fake: FakeAmi) -> None:
    async with linked(account(fake), **QUICK) as story:
        fake.before_answer = lambda name: fake.cut() if name == "Getvar" else None
        with pytest.raises(AmiDisconnected, match="lost during Getvar"):
            await story.link.action(getvar("X"))
        await story.until_told(routing.Picture, 2)
        assert len(fake.asked("Getvar")) == 1


async def test_action_without_a_link_is_refused_at_once(fake: FakeAmi) -> None:
    story = Story(account(fake))
    with pytest.raises(AmiDisconnected, match="no AMI link"):
        await story.link.action(getvar("X"))


async def test_late_answer_belongs_to_nobody_and_disturbs_nobody(fake: FakeAmi) -> None:
    async with linked(account(fake), **QUICK) as story:
        fake.silent = True
        with pytest.raises(TimeoutError):
            await story.link.action(getvar("X"), timeout_s=0.02)
        fake.silent = False
        late = fake.asked("Getvar")[0]["actionid"]
        fake.say(f"Response: Success\r\nActionID: {late}\r\nVariable: X\r\nValue: 1\r\n\r\n".encode())
        assert await story.link.fallback_counts()
        assert story.link.up


async def test_value_with_a_line_break_is_never_sent(fake: FakeAmi) -> None:
    async with linked(account(fake)) as story:
        before = len(fake.told)
        with pytest.raises(AmiUnsafeValue):
            await story.link.action(AmiAction("Getvar", (("Variable", "X\r\n\r\nAction: Command"),)))
        assert len(fake.told) == before


async def test_stopped_link_stays_away(fake: FakeAmi) -> None:
    async with linked(account(fake), **QUICK) as story:
        pass
    told = len(story.told)
    fake.arrives()
    await fake.stop()
    await fake.start()
    assert (fake.logins, len(story.told), story.link.up) == (1, told, False)


# -- the stream --------------------------------------------------------------------------------------------------------


async def test_event_before_the_list_is_in_the_picture_and_not_told_again(fake: FakeAmi) -> None:
    call_ids: list[str] = []
    fake.before_answer = lambda name: call_ids.append(fake.arrives()) if name == "CoreShowChannels" else None
    async with linked(account(fake)) as story:
        assert [call.call_id for call in story.of(routing.Picture)[0].calls] == call_ids
        assert story.names() == []


async def test_device_that_changes_between_the_two_lists_is_shown_as_it_became(fake: FakeAmi) -> None:
    fake.before_answer = lambda name: fake.device("PJSIP/1001", "INUSE") if name == "CoreShowChannels" else None
    async with linked(account(fake)) as story:
        assert story.of(routing.Picture)[0].seats["1001"] is DeviceState.INUSE


async def test_event_without_a_header_is_dropped_and_counted_and_the_next_one_counts(fake: FakeAmi) -> None:
    async with linked(account(fake)) as story:
        fake.say(b"Event: DeviceStateChange\r\nDevice: PJSIP/1001\r\nState: INUSE\r\n\r\n")
        fake.device("PJSIP/1002", "INUSE")
        changed = await story.until_told(routing.SeatStateChanged)
        assert changed.seat_id == "1002"
        assert story.link.stats.field_errors == {"DeviceStateChange.Timestamp": 1}


async def test_fault_that_comes_with_every_event_is_logged_once(
    fake: FakeAmi, caplog: pytest.LogCaptureFixture
) -> None:
    async with linked(account(fake)) as story:
        for _ in range(3):
            fake.say(b"Event: Newchannel\r\nTimestamp: 1.0\r\nUniqueid: 1.1\r\n\r\n")
        fake.device("PJSIP/1002", "INUSE")
        await story.until_told(routing.SeatStateChanged)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "channelvars of manager.conf" in caplog.text


async def test_message_without_end_costs_the_link_and_nothing_else(fake: FakeAmi) -> None:
    async with linked(account(fake), **QUICK) as story:
        fake.say(b"Event: X\r\nA: " + b"x" * (MAX_MESSAGE + 10))
        await story.until_told(routing.AmiLost)
        await story.until_told(routing.Picture, 2)
        assert story.link.stats.framing_errors == 1


async def test_flood_is_read_to_its_end_in_order(fake: FakeAmi) -> None:
    async with linked(account(fake), ping_interval_s=60, action_timeout_s=60) as story:
        states = ("INUSE", "NOT_INUSE")
        count = FULL + 5_000
        for number in range(count):
            fake.event("DeviceStateChange", Device="PJSIP/1001", State=states[number % 2])
        await story.until(lambda: len(story.of(routing.SeatStateChanged)) == count)
        told = story.of(routing.SeatStateChanged)
        assert [event.at for event in told] == sorted(event.at for event in told)
        assert story.link.stats.queue_depth == 0


async def test_bug_in_the_listener_costs_one_event_and_not_the_link(fake: FakeAmi) -> None:
    async with linked(account(fake)) as story:
        story.fails_at = routing.CallSeen
        fake.arrives()
        fake.device("PJSIP/1002", "INUSE")
        await story.until_told(routing.SeatStateChanged)
        assert story.names() == []
        assert story.link.stats.consumer_failures == 1
        assert story.link.up


# -- reconcile ---------------------------------------------------------------------------------------------------------

LOOKS = {"reconcile_interval_s": 0.02, "second_look_s": 0.02}


async def test_call_of_which_no_event_came_is_found_by_the_reconcile_and_counted(fake: FakeAmi) -> None:
    async with linked(account(fake), **LOOKS) as story:
        writers, fake._writers = fake._writers, []  # it happens, and nobody is told
        fake.arrives()
        fake._writers = writers
        await story.until(lambda: story.of(routing.Picture)[-1].calls)
        assert story.link.stats.drift == {"call_missed": 1}


async def test_seat_whose_change_was_not_told_is_put_right_and_counted(fake: FakeAmi) -> None:
    async with linked(account(fake), **LOOKS) as story:
        fake.devices["PJSIP/1001"] = "UNAVAILABLE"
        await story.until(lambda: story.of(routing.Picture)[-1].seats["1001"] is DeviceState.UNAVAILABLE)
        assert story.link.stats.drift == {"seat": 1}


async def test_new_seats_of_a_reload_get_their_states(fake: FakeAmi) -> None:
    async with linked(account(fake)) as story:
        fake.devices["PJSIP/1003"] = "NOT_INUSE"
        story.link.set_seats({**SEATS, "1003": "PJSIP/1003"})
        await story.until(lambda: "1003" in story.of(routing.Picture)[-1].seats)
        assert not story.link.stats.drift
