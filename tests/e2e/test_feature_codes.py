"""Feature codes on the phone of a seat: what an agent dials is done or refused, and he hears which."""

from __future__ import annotations

import asyncio
import hashlib
import re
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import pytest
import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Dialler
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.e2e.cast import Cast
from tests.e2e.evidence import in_state, several, with_key
from tests.e2e.staging import nothing_left_over, seats, timing

AGENT, OTHER, SEAT = "1008", "1007", "1008"  # both sign in by an act
BY_PHONE = "1011"  # signed in while the phone is registered
DONE, REFUSED = 16, 21  # causes of the goodbye behind the tone
WRAP_UP_S = 4.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    edit = several(
        timing(wrap_up_s=WRAP_UP_S, ring_s=2, ring_several_after_s=0, answer_notice_after_s=0),
        with_key("agent", AGENT, 'sign_in = "agent"'),
        with_key("agent", OTHER, 'sign_in = "agent"'),
        with_key("seat", SEAT, "lamp = true"),
    )
    async with Stage(folder, asterisk, ports, edit=edit).serving() as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def people(stage: Stage) -> AsyncIterator[Cast]:
    async with Cast(stage) as cast:
        yield cast
    for agent in (AGENT, OTHER):
        headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
        await stage.http.post(f"/api/v1/agents/{agent}/sign-out", headers=headers)
    await nothing_left_over(stage)


async def dial(stage: Stage, code: str, user: str = SEAT) -> int | None:
    """Dials on the phone of a seat; the cause of the goodbye, or the code of the refusal."""
    async with Dialler(stage.pbx, user, code, stage.folder / "people") as phone:
        leg = await phone.until_ended()
        return await phone.cause() if leg.code == 200 else leg.code


async def reason(stage: Stage, seat: str) -> str:
    (found,) = [one for one in await stage.api("/api/v1/seats") if one["seat"] == seat]
    return str(found["reason"])


async def test_a_shift_by_codes_alone(stage: Stage, people: Cast) -> None:
    seat = await people.seat(SEAT, signed_in=False)
    assert await dial(stage, f"*11{AGENT}") == DONE
    assert ((await seats(stage))[SEAT], await reason(stage, SEAT)) == ("paused", "auto: signed in, not ready yet")
    caller = await people.caller("12345", talk_s=0.2)
    assert await dial(stage, "*13") == DONE
    await caller.until_ended()
    assert len(seat.legs) == 1
    await in_state(stage, SEAT, "wrap_up")
    assert await dial(stage, "*142") == DONE
    assert ((await seats(stage))[SEAT], await reason(stage, SEAT)) == ("paused", "用餐")
    assert await dial(stage, "*14") == DONE
    assert await reason(stage, SEAT) == ""
    assert await dial(stage, "*12") == DONE
    assert (await seats(stage))[SEAT] == "signed_out"


async def test_the_lamp_of_a_phone_shows_the_state_of_whoever_sits_there(stage: Stage, people: Cast) -> None:
    await people.seat(SEAT, signed_in=False)
    with Watcher(stage.pbx, BY_PHONE) as watcher:
        await watcher.subscribe(SEAT)
        await watcher.until_told("<basic>closed</basic>")  # nobody signed in
        assert await dial(stage, f"*11{AGENT}") == DONE
        await watcher.until_told("<note>On the phone</note>")  # not ready
        assert await dial(stage, "*13") == DONE
        await watcher.until_told("<note>Ready</note>")


class Watcher:
    """A phone that subscribes to a lamp, by the barest SIP."""

    def __init__(self, pbx: tuple[str, int], user: str) -> None:
        self.pbx, self.user = pbx, user
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    async def subscribe(self, lamp: str) -> None:
        await self._ask(lamp, 1, "")
        challenge = await self._next("SIP/2.0 401")
        realm, nonce = (re.search(f'{key}="([^"]*)"', challenge) for key in ("realm", "nonce"))
        assert realm
        assert nonce
        uri = f"sip:{lamp}@{self.pbx[0]}:{self.pbx[1]}"
        first, second = (_md5(text) for text in (f"{self.user}:{realm[1]}:seat-{self.user}", f"SUBSCRIBE:{uri}"))
        proof = _md5(f"{first}:{nonce[1]}:00000001:c:auth:{second}")
        await self._ask(
            lamp,
            2,
            f'Authorization: Digest username="{self.user}", realm="{realm[1]}", nonce="{nonce[1]}", uri="{uri}", '
            f'algorithm=MD5, qop=auth, nc=00000001, cnonce="c", response="{proof}"\r\n',
        )
        await self._next("SIP/2.0 200")

    async def until_told(self, words: str) -> None:
        """Until a NOTIFY says so; one that comes again says nothing new."""
        while words not in await self._told():
            pass

    async def _told(self) -> str:
        notify = await self._next("NOTIFY")
        kept = [x for x in notify.split("\r\n") if x.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
        await self._send("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]))
        return notify

    async def _ask(self, lamp: str, number: int, more: str) -> None:
        here = "{}:{}".format(*self.socket.getsockname())
        await self._send(
            f"SUBSCRIBE sip:{lamp}@{self.pbx[0]}:{self.pbx[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK-w{number}\r\nFrom: <sip:{self.user}@127.0.0.1>;tag=w\r\n"
            f"To: <sip:{lamp}@127.0.0.1>\r\nCall-ID: watcher-{here}\r\nCSeq: {number} SUBSCRIBE\r\n"
            f"Contact: <sip:{self.user}@{here}>\r\nEvent: presence\r\nAccept: application/pidf+xml\r\nExpires: 300\r\n"
            f"Max-Forwards: 70\r\n{more}Content-Length: 0\r\n\r\n"
        )

    async def _send(self, text: str) -> None:
        await asyncio.get_running_loop().sock_sendto(self.socket, text.encode(), self.pbx)

    async def _next(self, begin: str) -> str:
        async with asyncio.timeout(20):
            while True:
                text = (await asyncio.get_running_loop().sock_recv(self.socket, 65536)).decode()
                if text.startswith(begin):
                    return text


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


async def test_an_agent_signs_in_on_any_free_seat(stage: Stage, people: Cast) -> None:
    await people.seat(SEAT, signed_in=False)
    assert await dial(stage, f"*11{OTHER}") == DONE
    (found,) = [one for one in await stage.api("/api/v1/seats") if one["seat"] == SEAT]
    assert found["agent"] == OTHER
    assert await dial(stage, f"*11{AGENT}") == REFUSED  # taken


async def test_a_wrap_up_is_extended_once(stage: Stage, people: Cast) -> None:
    await people.seat(SEAT, signed_in=False)
    assert await dial(stage, f"*11{AGENT}") == DONE
    assert await dial(stage, "*15") == REFUSED
    assert await dial(stage, "*13") == DONE
    caller = await people.caller("12345", talk_s=0.1)
    await caller.until_ended()
    await in_state(stage, SEAT, "wrap_up")
    assert await dial(stage, "*15") == DONE
    assert await dial(stage, "*15") == REFUSED
    await stage.until(lambda: _since(stage, WRAP_UP_S + 1), 20, "the wrap-up longer than its time")
    assert (await seats(stage))[SEAT] == "wrap_up"
    await in_state(stage, SEAT, "ready")


async def _since(stage: Stage, seconds: float) -> bool:
    (found,) = [one for one in await stage.api("/api/v1/seats") if one["seat"] == SEAT]
    return found["state"] == "wrap_up" and found["since_s"] > seconds


@pytest.mark.parametrize("code", ["*12", "*13", "*141", "*15", "*119999", "*1499"])
async def test_what_cannot_be_done_is_refused(stage: Stage, people: Cast, code: str) -> None:
    await people.seat(SEAT, signed_in=False)
    assert await dial(stage, code) == REFUSED
    assert (await seats(stage))[SEAT] == "signed_out"


async def test_who_is_signed_in_by_his_phone_is_ready_pauses_and_cannot_sign_out(stage: Stage, people: Cast) -> None:
    await people.seat(BY_PHONE)
    assert await dial(stage, "*12", BY_PHONE) == REFUSED
    assert await dial(stage, "*141", BY_PHONE) == DONE
    assert await reason(stage, BY_PHONE) == "小休"
    assert await dial(stage, "*13", BY_PHONE) == DONE
    await in_state(stage, BY_PHONE, "ready")


@pytest.mark.parametrize("number", ["12345", "1009", "*16", "*11a17", "*1112345678901234", "13800000000"])
async def test_a_phone_can_dial_nothing_else(stage: Stage, people: Cast, number: str) -> None:
    await people.seat(SEAT, signed_in=False)
    assert await dial(stage, number) == 404


async def test_with_the_service_frozen_or_gone_the_agent_hears_that_it_was_refused(stage: Stage, people: Cast) -> None:
    await people.seat(SEAT, signed_in=False)
    assert await dial(stage, f"*11{AGENT}") == DONE
    stage.send(signal.SIGSTOP)
    try:
        assert await dial(stage, "*13") == REFUSED
    finally:
        stage.send(signal.SIGCONT)
    await stage.end_service(signal.SIGKILL)
    assert await dial(stage, "*13") == REFUSED
    await stage.start_service()
    assert await dial(stage, "*13") == DONE
