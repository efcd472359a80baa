"""What is known of one call: its caller's channel and the legs made for it, and who is connected to whom.

A call id is `<arrival epoch ms>-<UNIQUEID of the caller's channel>`, so it names the caller's channel by itself. A leg is
any other channel that carries the id. A phone is a leg that is no `Local/` channel: `Local/…;1` and `;2` are the two ends
of a pipe that Asterisk puts between caller and phone when several seats ring at once, or when `Queue()` rings one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from telephony import names
from telephony.ami.codec import AmiFieldError
from telephony.ami.events import Channel


@dataclass(slots=True)
class Leg:
    """One channel of a call. `seat_id`: None for a pipe's end, the caller, or a person who sits at no seat."""

    uniqueid: str
    name: str
    seat_id: str | None = None
    third: str = ""  # "<act>.<leg>" of a leg to a third party
    bridge: str | None = None
    alone: str = ""  # HOTLINE_ACT of the dialplan's own legs to an emergency centre, as a picture told it
    dial_begun: bool = False
    ringing: bool = False
    dial_over: bool = False
    unexplained_at: float | None = None  # DialEnd said NOANSWER then, and why is not known yet
    far_end_left: bool = False  # HangupRequest: the phone itself ended or refused the call ...
    far_end_cause: int | None = None  # ... and why, when it said so
    cancelled: bool = False  # ... before it was answered: its INVITE ended with 487

    @property
    def pipe(self) -> str | None:
        """What both ends of a Local channel have in common, None for a phone."""
        return self.name.removesuffix(";1").removesuffix(";2") if self.name.startswith("Local/") else None


@dataclass(slots=True)
class TrackedCall:
    """`talk`: uniqueid of the phone that has been connected to the caller, until that phone's end."""

    call_id: str
    caller: Leg
    number: str
    arrived_at: float
    legs: dict[str, Leg] = field(default_factory=dict)
    talk: str | None = None
    answered_at: float | None = None
    crossed: bool = False  # the caller had left already when the present talk began
    ended_by: str | None = None  # who began the end of the present talk, or of the call
    place: str = "bridge"  # of the caller in a joined call: bridge, room, hold, wait
    agent_in_room: bool = False
    room: str | None = None  # bridge of the conference
    act: str = ""  # the stamp of an act, as a picture told it
    trunk: str = ""  # as a picture told it, like the next one
    case: str = ""
    test: str = ""
    causes: dict[str, int] = field(default_factory=dict)  # by third party: how its phone ended
    over: bool = False  # the caller's channel is gone, some leg is not yet

    def third_legs(self, key: str) -> list[Leg]:
        return [leg for leg in self.legs.values() if leg.third == key]

    def leg(self, uniqueid: str) -> Leg | None:
        return self.caller if uniqueid == self.caller.uniqueid else self.legs.get(uniqueid)


@dataclass(frozen=True, slots=True)
class CallId:
    """The parts of a call id. `stamped_at`: arrival, epoch seconds, by the dialplan's stamp."""

    text: str
    stamped_at: float
    caller: str

    @classmethod
    def parse(cls, text: str) -> CallId:
        """Raises AmiFieldError. A uniqueid may itself hold dashes (`systemname`), an arrival may not."""
        stamp_ms, dash, caller = text.partition("-")
        if not dash or not caller or not (stamp_ms.isascii() and stamp_ms.isdigit()):
            raise AmiFieldError("channel variable", names.CALL, "is no call id")
        return cls(text, int(stamp_ms) / 1000, caller)


class Seats:
    """Which seat a phone belongs to, and which device is which seat's."""

    def __init__(self, dial_strings: Mapping[str, str]) -> None:
        """`dial_strings`: seat id -> dial string. One through a trunk ("PJSIP/138…@carrier") has no device of its own."""
        devices = {_endpoint(dial): seat_id for seat_id, dial in dial_strings.items()}
        self._by_device = {device: seat_id for device, seat_id in devices.items() if "@" not in device}
        self._remote = frozenset(seat_id for device, seat_id in devices.items() if "@" in device)

    def of_device(self, device: str) -> str | None:
        return self._by_device.get(device)

    def is_remote(self, seat_id: str | None) -> bool:
        return seat_id in self._remote

    def of_channel(self, channel: Channel) -> str | None:
        """The variable that Dial's `b()` set, else the endpoint in the name: `PJSIP/1001-0000002a` is PJSIP/1001's."""
        if channel.name.startswith("Local/"):
            return None
        return channel.variables.get(names.SEAT_VAR) or self._by_device.get(channel.name.rpartition("-")[0])


def _endpoint(dial: str) -> str:
    """`PJSIP/1001/sip:1001@host` rings a contact of the endpoint PJSIP/1001."""
    return "/".join(dial.split("/")[:2])


def connected(call: TrackedCall) -> list[Leg]:
    """The phones that the caller can hear: those reachable from the caller's bridge through bridges and pipes."""
    bridges = {call.caller.bridge} - {None}
    found: list[Leg] = []
    left = list(call.legs.values())
    while reached := [leg for leg in left if leg.bridge in bridges]:
        left = [leg for leg in left if leg.bridge not in bridges]
        found += [leg for leg in reached if leg.pipe is None and not leg.third]
        bridges |= _far_ends(reached, left)
    return found


def _far_ends(reached: Iterable[Leg], left: Iterable[Leg]) -> set[str | None]:
    pipes = {leg.pipe for leg in reached} - {None}
    return {leg.bridge for leg in left if leg.pipe in pipes} - {None}
