"""The rig itself: voices hear whom they are connected with and nobody else, and Asterisk sees the keys they press."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox import bare
from sandbox.instance import Ports, Sandbox
from sandbox.people import CENTRE, Caller, Callers, Listener, Plan, Seat, Seats
from sandbox.root import Asterisk
from sandbox.scenario import BUSY, RINGS_FOR_EVER, SILENT, Habit
from sandbox.waiting import NeverTrue, until
from tests.e2e.parties import HeardOtherwise, Joined, channels, everybody, joined, left, until_heard, until_joined

USERS = [str(user) for user in range(1001, 1021)]
KEYPAD = """
[globals]
PRESSED=
[bare](+)
exten => 8,1,Answer()
 same => n,ConfBridge(1-${UNIQUEID},hotline,caller)
 same => n,Wait(60)
exten => 7,1,Answer()
 same => n,ConfBridge(${ROOM},hotline,helper)
exten => 6,1,Answer()
 same => n,Wait(60)
exten => 9,1,Answer()
 same => n(again),Read(KEY,,1,,1,10)
 same => n,Set(GLOBAL(PRESSED)=${PRESSED}${KEY})
 same => n,Goto(again)
"""
PROFILES = """
[hotline]
type=bridge
[caller]
type=user
quiet=yes
end_marked=yes
[helper]
type=user
quiet=yes
marked=yes
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pbx(asterisk: Asterisk, ports: Ports, folder: Path) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(folder / "pbx", asterisk, ports)
    files = bare.configuration(sandbox.folders, ports, USERS, rtp_timeout_s=2)
    files["extensions.conf"] += KEYPAD
    more = ("app_read", "func_global", "app_confbridge", "bridge_softmix")
    files["modules.conf"] += "".join(f"load={name}.so\n" for name in more)
    files["confbridge.conf"] = PROFILES
    await sandbox.start(files)
    yield sandbox
    await sandbox.stop()


@pytest.fixture
def address(pbx: Sandbox) -> tuple[str, int]:
    return "127.0.0.1", pbx.ports.sip


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def nothing_left_over(pbx: Sandbox) -> AsyncIterator[None]:
    yield

    async def empty() -> bool:
        return not await left(pbx)

    await until(empty, 40, "no channel, bridge or conference is left")


async def test_two_who_talk_hear_each_other_and_a_third_call_hears_its_own(
    address: tuple[str, int], folder: Path
) -> None:
    async with (
        Seat(address, "1001", folder, voice=True) as seat,
        Caller(address, "1001", folder, voice=True) as caller,
        Seat(address, "1002", folder, voice=True) as other_seat,
        Caller(address, "1002", folder, voice=True) as other,
    ):
        await caller.voice.until_hears({seat.voice.pitch})
        await seat.voice.until_hears({caller.voice.pitch})
        await other.voice.until_hears({other_seat.voice.pitch})
        await other_seat.voice.until_hears({other.voice.pitch})
        with pytest.raises(NeverTrue, match="Hz hears"):
            await caller.voice.until_hears({other.voice.pitch}, 0.1)


async def test_who_pauses_is_not_heard_and_hears_on(address: tuple[str, int], folder: Path) -> None:
    async with (
        Listener(address, CENTRE, address[1] - 100, folder, voice=True) as centre,
        Caller(address, "110", folder, voice=True) as caller,
    ):
        await caller.until_talking()
        await caller.voice.until_hears({centre.voice.pitch})
        caller.voice.pause()
        await centre.voice.until_hears(set())
        assert caller.voice.hears() == {centre.voice.pitch}
        await until(lambda: centre.voice.silent_for() > 0.5, 10)
        assert caller.voice.silent_for() < 0.5
        caller.voice.resume()
        await centre.voice.until_hears({caller.voice.pitch})


@pytest.mark.parametrize("way", ["pause", "freeze", "kill"])
async def test_seat_whose_voice_is_gone_loses_its_call(address: tuple[str, int], folder: Path, way: str) -> None:
    async with (
        Seat(address, "1003", folder, voice=True) as seat,
        Caller(address, "1003", folder, voice=True) as caller,
    ):
        await caller.voice.until_hears({seat.voice.pitch})
        seat.voice.pause() if way == "pause" else getattr(seat, way)()
        assert (await caller.until_ended()).ended_by == "them"
        seat.thaw()


async def test_asterisk_sees_each_key_once(pbx: Sandbox, address: tuple[str, int], folder: Path) -> None:
    async with Caller(address, "9", folder, voice=True) as caller:
        await caller.until_talking()
        await caller.voice.press("*1102233")

        async def seen() -> bool:
            return "PRESSED=*1102233" in await pbx.cli("dialplan show globals")

        await until(seen, 10, "keys seen by the dialplan")


async def test_seat_keeps_its_voice_in_its_next_call_and_forgets_the_one_before(
    address: tuple[str, int], folder: Path
) -> None:
    async with Seat(address, "1004", folder, voice=True) as seat:
        mine = seat.voice.pitch
        async with Caller(address, "1004", folder, voice=True) as caller:
            await caller.voice.until_hears({mine})
            await seat.voice.until_hears({caller.voice.pitch})
        await seat.until_ended()
        await seat.become(Habit(ring_s=0.1))
        async with Caller(address, "1004", folder, voice=True) as caller:
            await caller.until_talking()
            assert seat.voice.hears() <= {caller.voice.pitch}
            await caller.voice.until_hears({mine})
            await seat.voice.until_hears({caller.voice.pitch})


async def test_third_party_has_a_voice_for_each_of_its_calls(address: tuple[str, int], folder: Path) -> None:
    async with (
        Listener(address, CENTRE, address[1] - 100, folder, voice=True) as centre,
        Caller(address, "110", folder, voice=True) as one,
        Caller(address, "119", folder, voice=True) as other,
    ):
        await one.until_talking()
        await other.until_talking()
        voices = {leg.number: centre.voice_of(leg) for leg in centre.legs}
        for caller, number in ((one, "110"), (other, "119")):
            await caller.voice.until_hears({voices[number].pitch})
            await voices[number].until_hears({caller.voice.pitch})


async def test_many_talks_at_once_each_with_the_right_two(address: tuple[str, int], folder: Path) -> None:
    plans = [Plan(user) for user in USERS]
    async with (
        Seats(address, USERS, folder, habit=Habit(), voice=True) as seats,
        Callers(address, plans, folder, per_s=20, voice=True) as callers,
    ):
        await callers.until(lambda legs: sum(leg.state == "talking" for leg in legs) == len(plans))
        await seats.until(lambda legs: sum(leg.state == "talking" for leg in legs) == len(plans))
        said = {leg.number: seats.voice_of(leg) for leg in seats.legs}
        for leg in callers.legs:
            here, there = callers.voice_of(leg), said[leg.number]
            await here.until_hears({there.pitch})
            await there.until_hears({here.pitch})


async def test_who_rings_refuses_when_told(address: tuple[str, int], folder: Path) -> None:
    async with (
        Seat(address, "1005", folder, habit=RINGS_FOR_EVER) as seat,
        Caller(address, "1005", folder) as caller,
    ):
        await seat.until_ringing()
        await seat.refuse()
        assert (await caller.until_ended()).code == BUSY.code


async def test_third_party_does_with_each_number_what_that_number_stands_for(
    address: tuple[str, int], folder: Path
) -> None:
    """Several calls at a time: answers, answers late, rings on, is busy, refuses, has no line, drops, says nothing."""
    ways = {
        "111": Habit(ring_s=0.5),
        "112": RINGS_FOR_EVER,
        "113": BUSY,
        "114": Habit(code=603),
        "115": Habit(code=503),
        "116": Habit(talk_s=0.5),
        "117": SILENT,
        "118": Habit(ring_s=0.5, code=480),
    }
    plans = [Plan(number, patience_s=4 if number in ("112", "117") else None) for number in ("110", *ways)]
    async with (
        Listener(address, CENTRE, address[1] - 100, folder, by_number=ways, voice=True) as centre,
        Callers(address, plans, folder, per_s=50, voice=True) as callers,
    ):
        ended = {"112": 487, "113": 486, "114": 403, "115": 503, "116": 200, "117": 487, "118": 480}
        await callers.until(lambda legs: sum(leg.state == "ended" for leg in legs) == len(ended), 40)
        reports = {plan.number: leg for plan, leg in zip(plans, callers.reports(), strict=True) if leg}
        assert {number: leg.code for number, leg in reports.items() if leg.state == "ended"} == ended
        assert (reports["116"].ended_by, reports["112"].ended_by) == ("them", "us")
        assert {leg.number for leg in callers.talking()} == {"110", "111"}
        (there,) = centre.legs_to("111")
        assert (there.answered_at or 0) - there.invited_at >= 0.5
        assert centre.legs_to("117")[0].ringing_at is None
        here, there_voice = callers.voice_of(reports["111"]), centre.voice_of(there)
        await here.until_hears({there_voice.pitch})
        await there_voice.until_hears({here.pitch})
        await centre.hang_up(there)
        await callers.until(lambda legs: len([leg for leg in legs if leg.state == "talking"]) == 1)


async def _room_of(pbx: Sandbox) -> str:
    """The conference in which somebody is, as soon as he is there."""

    async def there() -> str:
        return next((f"1-{c.uniqueid}" for c in await channels(pbx) if c.application == "ConfBridge"), "")

    return await until(there, 10, "somebody in a conference")


async def test_ordinary_talk_is_a_bridge_of_two_who_hear_each_other(
    pbx: Sandbox, address: tuple[str, int], folder: Path
) -> None:
    async with (
        Seat(address, "1006", folder, voice=True) as seat,
        Caller(address, "1006", folder, voice=True) as caller,
        Caller(address, "6", folder, voice=True) as alone,
    ):
        who = {"caller": caller.voice, "agent": seat.voice, "alone": alone.voice}
        two = everybody(["caller", "agent"])
        await until_heard(who, two)
        ids = {channel.application: f"1-{channel.uniqueid}" for channel in await channels(pbx)}
        assert await joined(pbx, ids["Dial"]) == Joined("bridge", ("1006",))
        assert await joined(pbx, ids["Wait"]) == Joined("alone")
        assert await joined(pbx, "1-1.1") == Joined("gone")
        with pytest.raises(HeardOtherwise, match="caller hears agent, whom he must not; alone does not hear caller"):
            await until_heard(who, {"agent": {"caller"}, "alone": {"caller"}}, 0.5)
        caller.voice.pause()
        await until_heard(who, {"caller": {"agent"}})
        del who["agent"]
        with pytest.raises(HeardOtherwise, match=f"caller hears {seat.voice.pitch} Hz, whom he must not"):
            await until_heard(who, {}, 0.5)


async def test_conference_is_told_with_those_who_are_marked_and_with_whom_it_left_alone(
    pbx: Sandbox, address: tuple[str, int], folder: Path
) -> None:
    async with Caller(address, "8", folder, voice=True) as caller:
        await caller.until_talking()
        room = await _room_of(pbx)
        await pbx.cli(f"dialplan set global ROOM {room}")
        async with Caller(address, "7", folder, voice=True) as one, Caller(address, "7", folder, voice=True) as two:
            who = {"caller": caller.voice, "one": one.voice, "two": two.voice}
            await until_heard(who, everybody(who))
            trunk = "carrier"
            await until_joined(pbx, room, Joined("conference", (trunk,) * 2, (trunk,) * 3, (trunk,) * 2))
            with pytest.raises(AssertionError, match=r"place='conference'.*, not .*place='alone'"):
                await until_joined(pbx, room, Joined("alone"), 0.2)
            await one.hang_up()
            await until_heard(who, everybody(["caller", "two"]))
            await two.hang_up()
            await until_heard(who, {})
        await until_joined(pbx, room, Joined("alone"))
        assert len(await left(pbx)) == 1
