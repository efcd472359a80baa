"""Messages and events made by hand, short enough to be read in a test."""

from __future__ import annotations

from telephony import names
from telephony.ami import events as ami
from telephony.ami.codec import Message, MessageReader

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
CALLER = "1795300000.1"
CALL = f"1795300000123-{CALLER}"
SEATS = {"1001": "PJSIP/1001", "1002": "PJSIP/1002", "remote": "PJSIP/13800000000@carrier"}


def block(*lines: str) -> bytes:
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def message(*lines: str) -> Message:
    (found,) = MessageReader().feed(GREETING + block(*lines))
    return found


def channel(uniqueid: str, name: str, state: str = "Down", *, call: str = CALL, **variables: str) -> ami.Channel:
    return ami.Channel(uniqueid, name, state, {names.CALL: call, **variables})


def caller(state: str = "Ring", **variables: str) -> ami.Channel:
    return channel(CALLER, "PJSIP/carrier-00000000", state, **variables)


def phone(seat: str = "1001", uniqueid: str | None = None, state: str = "Down") -> ami.Channel:
    return channel(uniqueid or f"{seat}.1", f"PJSIP/{seat}-00000001", state, HOTLINE_SEAT=seat)


def arrival(at: float = 1795300000.13, stamped_at: float = 1795300000.123) -> ami.ArrivalAnnounced:
    return ami.ArrivalAnnounced(at, caller(), CALL, "12345", stamped_at, "carrier", "13800000001")
