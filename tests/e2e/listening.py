"""A caller with ears: what SIPp does not tell is which sound comes, and when. Plain SIP and RTP over two sockets."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sandbox.people import CARRIER
from sandbox.waiting import NeverTrue, until


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, on_data: Callable[[bytes], None]) -> None:
        self.on_data = on_data

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.on_data(data)


class Listening:
    """Somebody who dials `number` from `caller`, answers nothing by himself and hears everything. A context manager.

    `codes`: final and other answers to the INVITE, as they came. `heard`: A-law, one byte a sample.
    """

    def __init__(self, pbx: tuple[str, int], number: str, caller: str) -> None:
        self.pbx, self.number, self.caller = pbx, number, caller
        self.codes: list[int] = []
        self.heard = bytearray()
        self.ended = False
        self._id, self._tag, self._to_tag = secrets.token_hex(8), secrets.token_hex(4), ""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._sip, _ = await loop.create_datagram_endpoint(lambda: _Socket(self._message), local_addr=(CARRIER, 0))
        self._rtp, _ = await loop.create_datagram_endpoint(lambda: _Socket(self._sound), local_addr=(CARRIER, 0))
        port = self._rtp.get_extra_info("sockname")[1]
        sdp = f"v=0\r\no=- 1 1 IN IP4 {CARRIER}\r\ns=-\r\nc=IN IP4 {CARRIER}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n"
        self._send("INVITE", 1, sdp)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if not self.ended:
            self._send(*(("BYE", 2) if 200 in self.codes else ("CANCEL", 1)))
            await asyncio.sleep(0)
        self._sip.close()
        self._rtp.close()

    async def until(self, true: Callable[[], object], limit_s: float = 20.0, what: str = "") -> None:
        try:
            await until(true, limit_s, what)
        except NeverTrue as error:
            raise AssertionError(f"{error}; answers {self.codes}, {len(self.heard)} heard") from None

    def _send(self, method: str, number: int, body: str = "") -> None:
        host, port = self._sip.get_extra_info("sockname")[:2]
        to = f"<sip:{self.number}@{self.pbx[0]}>" + (f";tag={self._to_tag}" if method in ("ACK", "BYE") else "")
        branch = self._tag if method != "BYE" else f"{self._tag}b"
        head = [
            f"{method} sip:{self.number}@{self.pbx[0]}:{self.pbx[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{branch}",
            f"From: <sip:{self.caller}@{host}>;tag={self._tag}",
            f"To: {to}",
            f"Call-ID: {self._id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:caller@{host}:{port}>",
            "Max-Forwards: 70",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._sip.sendto(("\r\n".join(head) + "\r\n\r\n" + body).encode(), self.pbx)

    def _message(self, data: bytes) -> None:
        text = data.decode(errors="replace")
        first = text.split("\r\n", 1)[0]
        if first.startswith("BYE "):
            self.ended = True
            head = [line for line in text.split("\r\n") if re.match(r"(?i)(via|from|to|call-id|cseq):", line)]
            self._sip.sendto(
                ("\r\n".join(["SIP/2.0 200 OK", *head, "Content-Length: 0"]) + "\r\n\r\n").encode(), self.pbx
            )
        elif first.startswith("SIP/2.0 ") and re.search(r"(?im)^cseq: *1 invite", text):
            self._answer(int(first.split()[1]), text)

    def _answer(self, code: int, text: str) -> None:
        self.codes.append(code)
        tag = re.search(r"(?im)^to:.*;tag=([^;\r\n]+)", text)
        self._to_tag = tag[1] if tag else ""
        if code >= 200:
            self._send("ACK", 1)
            self.ended = self.ended or code >= 300

    def _sound(self, data: bytes) -> None:
        if len(data) > 12 and data[1] & 0x7F == 8:
            self.heard += data[12:]
