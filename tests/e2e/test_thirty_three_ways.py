"""Thirty calls become three-way calls in the same moment: each of ninety people hears the two of his call, nobody else."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import DEPARTMENT, Callers, Listener, Plan, Seats
from sandbox.phone import Phone
from sandbox.root import Asterisk
from sandbox.voice import Voice
from sandbox.waiting import NeverTrue, until
from service.cli.stage import Stage
from tests.e2e import evidence
from tests.e2e.evidence import several
from tests.e2e.parties import nothing_left
from tests.e2e.staging import timing

CALLS = 30
SEATS = [str(1001 + index) for index in range(CALLS)]
WATER = '\n[[department]]\nid = "water"\nname = "水务"\nlevel = 1\nnumbers = ["02088880001@department"]\n'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    rings = '\n[[line]]\nnumber = "99001"\nname = "all"\nmode = "own"\nrings = [ {need = "any"} ]\n'
    edit = several(timing(wrap_up_s=0, ring_s=20, ring_several_after_s=0), lambda text: text + rings + WATER)
    async with Stage(folder, asterisk, ports, seats=CALLS, edit=edit).serving() as stage:
        yield stage


async def live(stage: Stage) -> list[dict[str, Any]]:
    found = await stage.api("/api/v1/calls/live")
    assert isinstance(found, list)
    return found


async def states(stage: Stage) -> Counter[str]:
    return Counter(call["state"] for call in await live(stage))


async def in_state(stage: Stage, state: str) -> None:
    async def so() -> bool:
        return await states(stage) == {state: CALLS}

    await stage.until(so, 60, f"{CALLS} calls {state}")


def voices(phone: Phone) -> list[Voice]:
    return [phone.voice_of(leg) for leg in phone.talking()]


class Threes:
    """Which of the callers are in a three-way call as it should be: seen so once, for the mixer of a busy machine skips."""

    def __init__(self, *groups: list[Voice]) -> None:
        self._group = {voice.pitch: index for index, group in enumerate(groups) for voice in group}
        self._voice = {voice.pitch: voice for group in groups for voice in group}
        self._left = {voice.pitch for voice in groups[0]}
        self._taken: set[int] = set()

    def all_right(self) -> bool:
        self._left = {pitch for pitch in self._left if not self._is_right(pitch)}
        return not self._left

    def _is_right(self, pitch: int) -> bool:
        three = self._hears(pitch)
        right = sorted(self._group.get(one, -1) for one in three) == [0, 1, 2]
        if right and all(self._hears(one) == three for one in three) and not three & self._taken:
            self._taken |= three
            return True
        return False

    def _hears(self, pitch: int) -> frozenset[int]:
        return self._voice[pitch].hears() | {pitch}

    def __str__(self) -> str:
        return "; ".join(f"{pitch} Hz hears {sorted(self._voice[pitch].hears())}" for pitch in sorted(self._left))


@pytest.mark.asyncio(loop_scope="session")
async def test_thirty_three_way_calls_at_once(stage: Stage) -> None:
    people = stage.folder / "people"
    plans = [Plan("99001", caller=f"1390000{index:04d}") for index in range(CALLS)]
    department = Listener(stage.pbx, DEPARTMENT, stage.ports.far, people, name="department", voice=True)
    seats = Seats(stage.pbx, SEATS, people, voice=True)
    async with department, seats:
        await evidence.ready(stage, *SEATS)
        async with Callers(stage.pbx, plans, people, per_s=10, voice=True) as callers:
            await in_state(stage, "talking")
            headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
            ids = [call["id"] for call in await live(stage)]
            answers = await asyncio.gather(
                *(
                    stage.http.post(f"/api/v1/calls/{id_}/three-way", headers=headers, json={"department": "water"})
                    for id_ in ids
                )
            )
            assert [answer.status_code for answer in answers] == [202] * CALLS
            await in_state(stage, "three_way")
            threes = Threes(*(voices(phone) for phone in (callers, seats, department)))
            try:
                await until(threes.all_right, 60, poll_s=0.2)
            except NeverTrue:
                pytest.fail(f"not in threes: {threes}")
            for leg in callers.talking():
                await callers.hang_up(leg)
            await callers.until_all_ended(30)
            await until(lambda: not department.talking() and not seats.talking(), 30, "everybody released")
    await nothing_left(stage)
    outcomes = await stage.until(lambda: ended(stage), 30, "thirty records")
    assert outcomes == ["answered"] * CALLS


async def ended(stage: Stage) -> list[str | None]:
    found = [call.outcome for call in await stage.calls()]
    return found if len(found) == CALLS and all(found) else []
