"""An emergency centre without the service: the agent presses its code, nobody answers, and the dialplan does the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from config.plan import Centre, PbxPlan, Trunk
from sandbox.instance import Ports
from sandbox.people import CENTRES, Caller, Listener, Seat
from sandbox.root import Asterisk
from sandbox.scenario import ANSWERS, BUSY, RINGS_FOR_EVER, SILENT, Habit
from sandbox.voice import Voice
from sandbox.waiting import until
from tests.e2e.evidence import caller_at
from tests.e2e.net import BEST, Net
from tests.e2e.parties import channels, everybody, until_heard

TRUNKS = ("police", "police-2")
FIRST_SOUND_S = 1.0
ALARM_HZ = {1000, 600}
_numbers = count(13800000001)


class Alone(Net):
    """`number`: the caller's, another in each test."""

    number = ""

    def plan(self) -> PbxPlan:
        trunks = [
            Trunk(name, (ip,), emergency=True, host=ip, port=self.ports.far, cases=True)
            for name, ip in zip(TRUNKS, CENTRES, strict=False)
        ]
        dials = tuple(f"PJSIP/110@{name}" for name in TRUNKS)
        plan = super().plan()
        centre = Centre("110", dials, FIRST_SOUND_S, 3.0)
        return replace(plan, trunks=(*plan.trunks, *trunks), centres=(centre,))

    def centre(self, route: int, habit: Habit = Habit()) -> Listener:  # noqa: B008 frozen
        folder = self._folder(f"centre-{route}")
        return Listener(
            self.pbx, CENTRES[route], self.ports.far, folder, habit=habit, name=f"centre-{route}", voice=True,
            callers={self.number},
        )  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def net(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Alone]:
    net = Alone(folder, asterisk, ports)
    try:
        await net.start()
        yield net
    finally:
        await net.sandbox.stop()


@dataclass
class Scene:
    """A caller who talks with an agent, with ears; the agent presses, and the people of the routes do as they do."""

    net: Alone
    seat: Seat
    caller: Caller

    @property
    def two(self) -> dict[str, Voice]:
        return {"caller": self.caller.voice, "agent": self.seat.voice}

    async def talking(self) -> None:
        await self.caller.until_talking()
        await until_heard(self.two, everybody(list(self.two)))

    async def all_three(self, centre: Listener) -> None:
        voices = {**self.two, "centre": centre.voice}
        await until_heard(voices, everybody(list(voices)))


@pytest_asyncio.fixture(loop_scope="session")
async def scene(net: Alone) -> AsyncIterator[Scene]:
    net.know(BEST)
    net.number = str(next(_numbers))
    async with net.seat(BEST, ANSWERS, voice=True) as seat, net.caller(caller=net.number, voice=True) as caller:
        scene = Scene(net, seat, caller)
        await scene.talking()
        yield scene
    await net.until_clear()


DEAD = {"silent": SILENT, "busy": BUSY, "refuses": Habit(code=503), "rings": RINGS_FOR_EVER, "unreachable": None}


@pytest.mark.parametrize("way", DEAD)
async def test_second_route_joins_when_the_first_does_not_answer(net: Alone, scene: Scene, way: str) -> None:
    async with AsyncExitStack() as people:
        if (habit := DEAD[way]) is not None:
            await people.enter_async_context(net.centre(0, habit))
        second = await people.enter_async_context(net.centre(1))
        await scene.seat.voice.press("*110")
        await second.until_talking()
        await scene.all_three(second)
        assert caller_at(second) == net.number
        assert "X-Hotline-Case" not in second.invite()

        async def given_up() -> bool:
            return {channel.who for channel in await channels(net.sandbox)} == {"carrier", BEST, "police-2"}

        await net.until(given_up)
        await scene.seat.hang_up()
        await until_heard({"caller": scene.caller.voice, "centre": second.voice}, everybody(["caller", "centre"]))


async def test_case_that_came_with_the_call_goes_on_to_the_centre(net: Alone) -> None:
    net.know(BEST)
    net.number = str(next(_numbers))
    told = f"<sip:{net.number}@{CENTRES[1]}>;tag=x\r\nX-Hotline-Case: A-2026.17\r\nSubject: x"
    call = net.caller(from_header=told, ip=CENTRES[1], voice=True)
    async with net.seat(BEST, ANSWERS, voice=True) as seat, call as caller, net.centre(0) as centre:
        scene = Scene(net, seat, caller)
        await scene.talking()
        await seat.voice.press("*110")
        await centre.until_talking()
        await scene.all_three(centre)
        assert "X-Hotline-Case: A-2026.17\n" in centre.invite().replace("\r", "")
        assert caller_at(centre) == net.number
    await net.until_clear()


async def test_agent_who_leaves_before_the_answer_leaves_the_caller_with_the_centre(net: Alone, scene: Scene) -> None:
    async with net.centre(0, RINGS_FOR_EVER) as centre:
        await scene.seat.voice.press("*110")
        await centre.until(lambda legs: bool(legs) and legs[0].ringing_at is not None, 10, "it rings")
        await scene.seat.hang_up()
        await centre.pick_up()
        await until_heard({"caller": scene.caller.voice, "centre": centre.voice}, everybody(["caller", "centre"]))


async def test_caller_who_leaves_before_the_answer_ends_the_ringing(net: Alone, scene: Scene) -> None:
    async with net.centre(0, RINGS_FOR_EVER) as centre:
        await scene.seat.voice.press("*110")
        await centre.until(lambda legs: bool(legs) and legs[0].ringing_at is not None, 10, "it rings")
        await scene.caller.hang_up()
        await centre.until(lambda legs: legs[0].state == "ended", 10, "the ringing is over")


async def test_talk_goes_on_when_no_route_is_reached_and_the_agent_alone_hears_it(net: Alone, scene: Scene) -> None:
    async with net.centre(0, BUSY) as first, net.centre(1, BUSY) as second:
        heard = {who: voice.packets for who, voice in scene.two.items()}

        def alarmed(who: str) -> bool:
            return scene.two[who].heard_since(heard[who], ALARM_HZ) == ALARM_HZ

        await scene.seat.voice.press("*110")
        await until(lambda: alarmed("agent"), 60, "the agent hears the alarm")
        assert [len(centre.legs) for centre in (first, second)] == [1, 1]
        await until_heard(scene.two, everybody(list(scene.two)))
        assert not alarmed("caller")
        await scene.seat.hang_up()
        await scene.caller.until_ended()
