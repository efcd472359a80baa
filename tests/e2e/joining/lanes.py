"""Lanes: cells of the matrix run side by side on one hotline, each with a line, seats and numbers of its own."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, Self

import httpx

from sandbox.people import Caller, Listener, Seat
from sandbox.scenario import RINGS_FOR_EVER
from sandbox.trace import Leg
from service.cli.stage import Stage
from tests.e2e.evidence import ready, several, with_key
from tests.e2e.staging import seats, timing

FIRST_SEAT: Final = 1001
MOST: Final = 5  # lanes: more of them make a small machine late
SOON_S: Final = 5  # a centre with two routes: the second is dialled beside a first that rings for so long


@dataclass(frozen=True, slots=True)
class Lane:
    """What one cell at a time has for itself."""

    index: int

    @property
    def id(self) -> str:
        """Of its seats' group and of its department in the directory; can be typed."""
        return f"80{self.index}"

    @property
    def line(self) -> str:
        return f"9900{self.index}"

    @property
    def agent(self) -> str:
        """Whom the caller reaches."""
        return str(FIRST_SEAT + 2 * self.index)

    @property
    def expert(self) -> str:
        """The other seat: a third party, and whoever takes a caller who is back in the queue."""
        return str(FIRST_SEAT + 2 * self.index + 1)

    @property
    def department(self) -> str:
        """The department's number."""
        return f"0208888000{self.index}"

    def centre(self, routes: int = 1) -> str:
        """The number of an emergency service with so many routes."""
        return f"991{routes}{self.index}"

    @property
    def thirds(self) -> dict[str, str]:
        """Trunk -> address of whoever is called in this lane: nobody else goes when his phone dies."""
        kinds = (self.department_trunk, *self.centre_trunks)
        return {trunk: f"127.0.{place}.{self.index + 1}" for place, trunk in enumerate(kinds, 3)}

    @property
    def department_trunk(self) -> str:
        return f"department-{self.index}"

    @property
    def centre_trunks(self) -> tuple[str, str]:
        """Of the first route and of the second."""
        return f"centre-{self.index}", f"centre-{self.index}-second"


def configuration(count: int) -> Callable[[str], str]:
    """An edit of the first configuration: the lines, departments and emergency centres of so many lanes."""
    lanes = [Lane(index) for index in range(count)]
    groups = [with_key("seat", id_, f'groups = ["{lane.id}"]') for lane in lanes for id_ in (lane.agent, lane.expert)]
    return several(
        timing(wrap_up_s=0, ring_s=20, ring_several_after_s=0, answer_notice_after_s=0, no_answer_pause_s=0),
        *groups,
        lambda text: text + "".join(_line(lane) + _thirds(lane) for lane in lanes),
    )


def _line(lane: Lane) -> str:
    rings = f'{{need = "agent:{lane.agent}"}}, {{after_s = 1, group = "{lane.id}"}}'
    return f'\n[[line]]\nnumber = "{lane.line}"\nname = "lane"\nmode = "own"\nrings = [ {rings} ]\n'


def _thirds(lane: Lane) -> str:
    number = f'["{lane.department}@{lane.department_trunk}"]'
    text = f'\n[[department]]\nid = "{lane.id}"\nlevel = 1\nnumbers = {number}\n'
    for trunk, ip in lane.thirds.items():
        emergency = str(trunk in lane.centre_trunks).lower()
        dial = f'dial = "PJSIP/{{number}}@{trunk}"\nemergency = {emergency}'
        text += f'\n[[trunk]]\nname = "{trunk}"\nmatch = ["{ip}"]\n{dial}\n'
    for count in (1, 2):
        routes = ", ".join(f'{{trunk = "{t}", number = "{lane.centre(count)}"}}' for t in lane.centre_trunks[:count])
        soon = f"answer_s = {SOON_S}\n" if count > 1 else ""
        text += f'\n[[emergency]]\nnumber = "{lane.centre(count)}"\nroutes = [ {routes} ]\n{soon}'
    return text


def lost_after(files: dict[str, str], seconds: int) -> None:
    """An edit of what is rendered: after how much silence a leg is ended, so that a phone that dies is known to be dead."""
    files["pjsip.conf"], count = re.subn(r"(?m)^rtp_timeout=\d+$", f"rtp_timeout={seconds}", files["pjsip.conf"])
    assert count > 1


class Lanes:
    """Phones of all lanes and the third parties; a context manager."""

    def __init__(self, stage: Stage, count: int) -> None:
        self.stage = stage
        self.all = [Lane(index) for index in range(count)]
        self.folder = stage.folder / "people"
        self.seats: dict[str, Seat] = {}
        self.thirds = {
            trunk: Listener(stage.pbx, ip, stage.ports.far, self.folder, habit=RINGS_FOR_EVER, name=trunk, voice=True)
            for lane in self.all
            for trunk, ip in lane.thirds.items()
        }
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await asyncio.gather(*(self._stack.enter_async_context(phone) for phone in self.thirds.values()))
        for lane in self.all:
            for user in (lane.agent, lane.expert):
                seat = Seat(self.stage.pbx, user, self.folder, habit=RINGS_FOR_EVER, voice=True)
                self.seats[user] = await self._stack.enter_async_context(seat)
        await ready(self.stage, *self.seats)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def renew(self, lane: Lane) -> None:
        """The phones of a lane die without a word and begin anew; what of it is left at the third parties hangs up."""
        for phone in (self.thirds[trunk] for trunk in lane.thirds):
            for leg in phone.legs:
                if leg.state != "ended":
                    await phone.sipp.send("INFO", leg.call_id)
        for user in (lane.agent, lane.expert):
            await self.seats[user].become(RINGS_FOR_EVER)
        await self.stage.until(lambda: self._free(lane), 60, f"seats of {lane.id} free again")

    async def _free(self, lane: Lane) -> bool:
        states = await seats(self.stage)
        return states[lane.agent] == states[lane.expert] == "ready"

    def newest(self, *trunks: str) -> tuple[str, Leg | None]:
        """The last call to one of these, and to which; without one the first of them."""
        calls = [(leg.invited_at, trunk, leg) for trunk in trunks for leg in self.thirds[trunk].legs[-1:]]
        return max(calls)[1:] if calls else (trunks[0], None)

    def caller(self, lane: Lane, number: str) -> Caller:
        return Caller(self.stage.pbx, lane.line, self.folder, caller=number, voice=True)

    async def ask(self, call_id: str, act: str, **target: str) -> httpx.Response:
        """An act on a call, over the API. Sent again, with the same key, when the connection had been closed as idle."""
        headers = {
            "Authorization": f"Bearer {self.stage.settings.cli_token()}",
            "Idempotency-Key": secrets.token_hex(8),
        }
        path = f"/api/v1/calls/{call_id}/{act}"
        try:
            return await self.stage.http.post(path, headers=headers, json=target or None)
        except httpx.RemoteProtocolError:
            return await self.stage.http.post(path, headers=headers, json=target or None)

    async def live(self) -> list[dict[str, Any]]:
        """The calls in progress, as the API tells them."""
        try:
            found = await self.stage.api("/api/v1/calls/live")
        except httpx.RemoteProtocolError:
            found = await self.stage.api("/api/v1/calls/live")
        assert isinstance(found, list)
        return found
