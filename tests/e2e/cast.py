"""Whoever takes part in a test: brought in by name, told apart by number, gone at its end."""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Self

from sandbox.people import CARRIER, Caller, Listener, Seat
from sandbox.scenario import ANSWERS, Habit
from service.cli.stage import Stage
from tests.e2e.evidence import ready

_numbers = count(13800001000)  # a number of its own for each caller: nobody has a place from an earlier test


class Cast:
    """Seats and callers of one test."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def folder(self) -> Path:
        return self._stage.folder / "people"

    async def seat(self, user: str, habit: Habit = ANSWERS, *, signed_in: bool = True) -> Seat:
        """A registered phone; its seat may be rung when `signed_in`."""
        seat = await self._stack.enter_async_context(Seat(self._stage.pbx, user, self.folder, habit=habit))
        if signed_in:
            await ready(self._stage, user)
        return seat

    async def telephone(self, habit: Habit = ANSWERS, ip: str = CARRIER) -> Listener:
        """A telephone behind a trunk: the carrier's, or a department's."""
        return await self._stack.enter_async_context(
            Listener(self._stage.pbx, ip, self._stage.ports.far, self.folder, habit=habit, name="telephone")
        )

    async def caller(
        self,
        number: str = "12345",
        *,
        caller: str | None = None,
        patience_s: float | None = None,
        talk_s: float | None = None,
    ) -> Caller:
        """Somebody who has dialled and hears ringing, or is answered already."""
        caller = caller or str(next(_numbers))
        folder = self.folder
        dialled = Caller(self._stage.pbx, number, folder, caller=caller, patience_s=patience_s, talk_s=talk_s)
        await self._stack.enter_async_context(dialled)
        await dialled.until(lambda legs: legs and (legs[0].ringing_at or legs[0].code), what="ringing")
        return dialled

    async def busy_seat(self, user: str, number: str = "12345") -> tuple[Seat, Caller]:
        """A seat, and the caller it talks with until one of them is told to hang up."""
        seat = await self.seat(user)
        caller = await self.caller(number)
        await caller.until_talking()
        return seat, caller


def number_of(caller: Caller) -> str:
    """The number somebody calls from."""
    return caller.plans[0].caller
