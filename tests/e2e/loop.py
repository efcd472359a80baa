"""The carrier between the trunk for test calls and that of the citizens: what comes in by the one goes out by the other.

Two telephones of SIPp, and a task that does with the one what happens at the other, some hundredths of a second later.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, Self

from sandbox.people import Caller, Listener
from sandbox.scenario import RINGS_FOR_EVER, Habit
from sandbox.trace import Leg
from service.cli.stage import Stage

OUTSIDE: Final = "127.0.0.6"
SHOWN: Final = "051980000001"  # the number of the trunk, as it is configured
LOOK_S: Final = 0.02


def probe_trunk(text: str, more: str = "") -> str:
    """An edit of the first configuration: a trunk for test calls. `more`: further keys of `[probe]`."""
    trunk = f'\n[[trunk]]\nname = "outside"\nmatch = ["{OUTSIDE}"]\ndial = "PJSIP/{{number}}@outside"\n'
    return f'{text}{trunk}\n[probe]\ntrunk = "outside"\ncaller = "{SHOWN}"\n{more}'


class Loop:
    """`shows`: the number that the call which comes back shows, as this carrier writes it."""

    def __init__(self, stage: Stage, *, shows: str = SHOWN, habit: Habit = RINGS_FOR_EVER, back: bool = True) -> None:
        self._stage, self._shows, self._back = stage, shows, back
        folder = stage.folder / "people"
        self.outside = Listener(stage.pbx, OUTSIDE, stage.ports.far, folder, habit=habit, name="outside")
        self.inside: list[Caller] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self.outside.__aenter__()
        if self._back:
            self._tasks.append(asyncio.create_task(self._relay()))
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for caller in self.inside:
            await caller.__aexit__(None, None, None)
        await self.outside.__aexit__(None, None, None)

    async def _relay(self) -> None:
        """One after the other: a test call is never placed beside another."""
        seen = 0
        while True:
            if len(self.outside.legs) > seen:
                seen += 1
                await self._bring_back(self.outside.legs[-1])
            await asyncio.sleep(LOOK_S)

    async def _bring_back(self, out: Leg) -> None:
        folder = self._stage.folder / "people"
        caller = Caller(self._stage.pbx, out.number, folder, caller=self._shows)
        self.inside.append(caller)
        await caller.__aenter__()
        answered = False
        while True:
            leg = next(iter(caller.legs), None)
            out = next(one for one in self.outside.legs if one.call_id == out.call_id)
            if leg is not None and leg.answered_at is not None and not answered and out.ended_at is None:
                answered = True
                await self.outside.pick_up(out)
            if leg is not None and leg.state == "ended":
                with contextlib.suppress(Exception):
                    await (self.outside.hang_up(out) if answered else self.outside.refuse(out))
                return
            if out.state == "ended":
                await caller.hang_up()
                return
            await asyncio.sleep(LOOK_S)
