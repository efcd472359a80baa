"""Whoever takes part in a test: brought in by name, told apart by number, gone at its end."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Self

from sandbox.people import CARRIER, CENTRES, DEPARTMENT, Caller, Listener, Seat
from sandbox.scenario import ANSWERS, Habit
from service.cli.stage import Stage
from tests.e2e.evidence import ready

_numbers = count(13800001000)  # a number of its own for each caller: nobody has a place from an earlier test


class Cast:
    """Seats and callers of one test."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._stack = AsyncExitStack()
        self._callers: set[str] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def folder(self) -> Path:
        return self._stage.folder / "people"

    async def seat(self, user: str, habit: Habit = ANSWERS, *, signed_in: bool = True, voice: bool = False) -> Seat:
        """A registered phone; its seat may be rung when `signed_in`."""
        phone = Seat(self._stage.pbx, user, self.folder, habit=habit, voice=voice)
        seat = await self._stack.enter_async_context(phone)
        if signed_in:
            await ready(self._stage, user)
        return seat

    async def telephone(self, habit: Habit = ANSWERS, ip: str = CARRIER) -> Listener:
        """A telephone behind a trunk: the carrier's, or a department's."""
        return await self._stack.enter_async_context(
            Listener(self._stage.pbx, ip, self._stage.ports.far, self.folder, habit=habit, name="telephone")
        )

    async def department(
        self, habit: Habit = ANSWERS, *, by_number: Mapping[str, Habit] = MappingProxyType({}), voice: bool = False
    ) -> Listener:
        """The departments: several calls at a time, each treated as its number says, or by `habit`."""
        return await self._third("department", DEPARTMENT, habit, by_number, voice)

    async def citizen(self, habit: Habit = ANSWERS, *, voice: bool = False) -> Listener:
        """Somebody behind the carrier's trunk whom an agent calls."""
        return await self._third("citizen", CARRIER, habit, MappingProxyType({}), voice)

    async def centre(
        self,
        habit: Habit = ANSWERS,
        *,
        route: int = 0,
        by_number: Mapping[str, Habit] = MappingProxyType({}),
        voice: bool = False,
    ) -> Listener:
        """The emergency centres at the end of one route, counted from 0; more than one only with `several_routes`. Calls
        of others than this test's callers are none of theirs: an earlier test may have called where nobody was then.
        """
        return await self._third(f"centre-{route}", CENTRES[route], habit, by_number, voice, self._callers)

    async def _third(
        self,
        name: str,
        ip: str,
        habit: Habit,
        by_number: Mapping[str, Habit],
        voice: bool,
        callers: Container[str] | None = None,
    ) -> Listener:
        third = Listener(
            self._stage.pbx, ip, self._stage.ports.far, self.folder, habit=habit, name=name, by_number=by_number,
            voice=voice, callers=callers,
        )  # fmt: skip
        return await self._stack.enter_async_context(third)

    async def caller(
        self,
        number: str = "12345",
        *,
        caller: str | None = None,
        patience_s: float | None = None,
        talk_s: float | None = None,
        voice: bool = False,
        ip: str = CARRIER,
        headers: Sequence[str] = (),
    ) -> Caller:
        """Somebody who has dialled and hears ringing, or is answered already. `headers`: more of them in his INVITE."""
        caller = caller or str(next(_numbers))
        self._callers.add(caller)
        dialled = Caller(
            self._stage.pbx, number, self.folder, caller=caller, patience_s=patience_s, talk_s=talk_s, voice=voice,
            ip=ip, from_header=with_headers(caller, ip, headers),
        )  # fmt: skip
        await self._stack.enter_async_context(dialled)
        await dialled.until(lambda legs: legs and (legs[0].ringing_at or legs[0].code), what="ringing")
        return dialled

    async def busy_seat(self, user: str, number: str = "12345", *, voice: bool = False) -> tuple[Seat, Caller]:
        """A seat, and the caller it talks with until one of them is told to hang up."""
        seat = await self.seat(user, voice=voice)
        caller = await self.caller(number, voice=voice)
        await caller.until_talking()
        return seat, caller


def with_headers(caller: str, ip: str, headers: Sequence[str]) -> str:
    """A From header with others behind it."""
    return "\r\n".join([f"<sip:{caller}@{ip}>;tag=x", *headers, "Subject: x"])


def several_routes(text: str) -> str:
    """An edit of the first configuration: each emergency centre has three routes, each over a trunk of its own, and all of
    them fail when nobody plays `Cast.centre(route=...)`.
    """
    routes = re.compile(r'routes = \[ \{trunk = "police", number = "(\d+)"\}.*\]')
    names = ["police", *(f"police-{n}" for n in range(2, len(CENTRES) + 1))]
    trunks = "".join(
        f'\n[[trunk]]\nname = "{name}"\nmatch = ["{ip}"]\ndial = "PJSIP/{{number}}@{name}"\nemergency = true\n'
        for name, ip in zip(names[1:], CENTRES[1:], strict=True)
    )

    def row(match: re.Match[str]) -> str:
        found = ", ".join(f'{{trunk = "{name}", number = "{match[1]}"}}' for name in names)
        return f"routes = [ {found} ]"

    edited, count = routes.subn(row, text)
    assert count, "no emergency routes"
    return edited + trunks


def number_of(caller: Caller) -> str:
    """The number somebody calls from."""
    return caller.plans[0].caller
