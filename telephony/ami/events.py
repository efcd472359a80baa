"""Headers to typed AMI events: only those we act on, units converted, nothing defaulted.

Times are epoch seconds by Asterisk's clock (`timestampevents=yes`). A header that must be there and is not raises
AmiFieldError: the message is counted and dropped, it never becomes an event with a hole in it.

Source: transcripts under tests/transcripts/ami, recorded from Asterisk 16.28 and 22.10. Oddities: FullyBooted has no
Timestamp, DialBegin has no `Channel` when nobody dials (Originate), HangupRequest may have no Cause.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from routing.model import DeviceState
from telephony import names
from telephony.ami.codec import AmiFieldError, Message

RINGING_STATE: Final = "Ringing"  # ChannelStateDesc of a called phone that rings
UP_STATE: Final = "Up"  # ... that answered
NO_NUMBER: Final = "<unknown>"  # how Asterisk writes a caller id that is not there
RINGING_STATUSES: Final = frozenset({"RINGING", "PROGRESS"})  # DialStatus; a phone with early media is alive too


@dataclass(frozen=True, slots=True)
class Channel:
    """One leg as an event shows it. `uniqueid` is the key; `name` may change and is for reading endpoints from."""

    uniqueid: str
    name: str
    state: str
    variables: Mapping[str, str]

    @property
    def call_id(self) -> str:
        """Our call id, "" on a channel that has none (not ours, or before the dialplan set it)."""
        return self.variables[names.CALL]


@dataclass(frozen=True, slots=True)
class ChannelCreated:
    at: float
    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelStateChanged:
    at: float
    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelRenamed:
    at: float
    uniqueid: str
    name: str


@dataclass(frozen=True, slots=True)
class DialBegan:
    at: float
    channel: Channel | None  # who dials
    dest: Channel


@dataclass(frozen=True, slots=True)
class DialProgressed:
    at: float
    dest: Channel
    status: str


@dataclass(frozen=True, slots=True)
class DialEnded:
    at: float
    channel: Channel | None
    dest: Channel
    status: str


@dataclass(frozen=True, slots=True)
class BridgeEntered:
    """`name`: of a conference, its call's id."""

    at: float
    bridge: str
    channel: Channel
    name: str = ""


@dataclass(frozen=True, slots=True)
class BridgeLeft:
    at: float
    bridge: str
    channel: Channel


@dataclass(frozen=True, slots=True)
class HangupRequested:
    """The far end asked for the end. `cause` is absent when it said nothing special (16.28 at a BYE).

    `sip_cause`: the SIP answer that ended an INVITE without success, 487 after a CANCEL; from 20.17 and 22.7 on.
    """

    at: float
    channel: Channel
    cause: int | None
    sip_cause: int | None = None


@dataclass(frozen=True, slots=True)
class SoftHangupRequested:
    """Asterisk itself or an AMI client asked for the end. Its `Cause` is a flag of Asterisk's inside and not read."""

    at: float
    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelHungUp:
    at: float
    channel: Channel
    cause: int


@dataclass(frozen=True, slots=True)
class DeviceChanged:
    at: float
    device: str
    state: DeviceState


@dataclass(frozen=True, slots=True)
class ArrivalAnnounced:
    """UserEvent HotlineArrival. `stamped_at` is the dialplan's own stamp."""

    at: float
    channel: Channel
    call_id: str
    number: str
    stamped_at: float
    trunk: str
    caller_number: str = field(repr=False)  # as the dialplan left it; "" when withheld
    case: str = ""  # as in `names.CASE`
    test: str = ""  # as in `names.TEST`


@dataclass(frozen=True, slots=True)
class FallbackAnnounced:
    at: float
    call_id: str
    stage: str


@dataclass(frozen=True, slots=True)
class CallerParked:
    """UserEvent HotlinePlace: on hold, or waiting for a third party without an agent."""

    at: float
    call_id: str
    place: str


@dataclass(frozen=True, slots=True)
class EmergencyAnnounced:
    """UserEvent HotlineEmergency: the dialplan alone calls an emergency centre. Field names as in its documentation."""

    at: float
    call_id: str
    number: str
    asked_at: float
    route: int
    state: str


@dataclass(frozen=True, slots=True)
class KeysPressed:
    """UserEvent HotlineAct: a feature code during a talk. `leg`: uniqueid of the channel it was pressed on."""

    at: float
    call_id: str
    leg: str
    seat_id: str
    act: str
    value: str


@dataclass(frozen=True, slots=True)
class CitizenNotReached:
    """UserEvent HotlineOut: nobody answered an outbound call. `cause`: the dialplan's, 0 when it rang out."""

    at: float
    out_id: str
    cause: int


@dataclass(frozen=True, slots=True)
class OriginateFailed:
    """Of a leg that we asked for. When it had a channel, the end of that says why."""

    at: float
    uniqueid: str


@dataclass(frozen=True, slots=True)
class UnknownNumberDialled:
    at: float


@dataclass(frozen=True, slots=True)
class FullyBooted:
    pass


@dataclass(frozen=True, slots=True)
class ShuttingDown:
    pass


AmiEvent: TypeAlias = (
    ChannelCreated
    | ChannelStateChanged
    | ChannelRenamed
    | DialBegan
    | DialProgressed
    | DialEnded
    | BridgeEntered
    | BridgeLeft
    | HangupRequested
    | SoftHangupRequested
    | ChannelHungUp
    | DeviceChanged
    | ArrivalAnnounced
    | FallbackAnnounced
    | CallerParked
    | EmergencyAnnounced
    | KeysPressed
    | CitizenNotReached
    | OriginateFailed
    | UnknownNumberDialled
    | FullyBooted
    | ShuttingDown
)


@dataclass(frozen=True, slots=True)
class ShownChannel:
    """One item of CoreShowChannels. `bridge` is None outside of any bridge. `place`: context and extension."""

    channel: Channel
    bridge: str | None
    place: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class ShownDevice:
    """One item of DeviceStateList: a DeviceStateChange without Timestamp."""

    device: str
    state: DeviceState


def _at(m: Message) -> float:
    """Of every event we act on; `timestampevents=yes` in manager.conf adds it."""
    return _number(m, "Timestamp", m.one("Timestamp"))


def _number(m: Message, header: str, text: str) -> float:
    """A finite, non-negative decimal number. Python's float() would also take "nan", "1_0" and blanks."""
    if not text.isascii() or not text.replace(".", "", 1).isdigit():
        raise AmiFieldError(m.name, header, "is no number")
    return float(text)


def _cause(m: Message, header: str = "Cause") -> int:
    return int(_number(m, header, m.one(header)))


def _told_cause(m: Message, header: str) -> int | None:
    return _cause(m, header) if header in m else None


def _channel(m: Message, prefix: str = "") -> Channel:
    """Every channel shows the variables of `channelvars`, empty ones too; without them we would see no call at all."""
    variables = m.variables(prefix)
    if names.CALL not in variables:
        raise AmiFieldError(m.name, f"{prefix}ChanVariable: {names.CALL}", "is missing (channelvars of manager.conf)")
    return Channel(
        uniqueid=m.one(prefix + "Uniqueid"),
        name=m.one(prefix + "Channel"),
        state=m.one(prefix + "ChannelStateDesc"),
        variables=variables,
    )


def _dialler(m: Message) -> Channel | None:
    return _channel(m) if "Channel" in m else None


def _device_state(m: Message) -> DeviceState:
    text = m.one("State")
    try:
        return DeviceState(text)
    except ValueError:
        raise AmiFieldError(m.name, "State", "is no device state") from None


def _user_event(m: Message) -> AmiEvent | None:
    match m.one("UserEvent"):
        case names.EVENT_ARRIVAL:
            stamp_ms = _number(m, "Arrived", m.one("Arrived"))
            return ArrivalAnnounced(
                at=_at(m),
                channel=_channel(m),
                call_id=m.one("Call"),
                number=m.one("Line"),
                stamped_at=stamp_ms / 1000,
                trunk=m.one("Trunk"),
                caller_number=m.one("CallerIDNum").replace(NO_NUMBER, ""),
                case=m.first("Case") or "",  # a dialplan that is older than this program does not tell it
                test=m.first("Test") or "",
            )
        case names.EVENT_FALLBACK:
            return FallbackAnnounced(_at(m), m.one("Call"), m.one("Stage"))
        case names.EVENT_PLACE:
            return CallerParked(_at(m), m.one("Call"), m.one("Place"))
        case names.EVENT_EMERGENCY:
            asked_ms, route = _number(m, "Asked", m.one("Asked")), _number(m, "Route", m.one("Route"))
            return EmergencyAnnounced(
                _at(m), m.one("Call"), m.one("Number"), asked_ms / 1000, int(route), m.one("State")
            )
        case names.EVENT_ACT:
            return KeysPressed(_at(m), m.one("Call"), m.one("Leg"), m.one("Seat"), m.one("Act"), m.one("Value"))
        case names.EVENT_OUTBOUND:
            return CitizenNotReached(_at(m), m.one("Out"), _cause(m))
        case names.EVENT_UNKNOWN_NUMBER:
            return UnknownNumberDialled(_at(m))
        case _:
            return None  # other users' events of the same PBX


_PARSERS: Final[Mapping[str, Callable[[Message], AmiEvent | None]]] = {
    "Newchannel": lambda m: ChannelCreated(_at(m), _channel(m)),
    "Newstate": lambda m: ChannelStateChanged(_at(m), _channel(m)),
    "Rename": lambda m: ChannelRenamed(_at(m), m.one("Uniqueid"), m.one("Newname")),
    "DialBegin": lambda m: DialBegan(_at(m), _dialler(m), _channel(m, "Dest")),
    "DialState": lambda m: DialProgressed(_at(m), _channel(m, "Dest"), m.one("DialStatus")),
    "DialEnd": lambda m: DialEnded(_at(m), _dialler(m), _channel(m, "Dest"), m.one("DialStatus")),
    "BridgeEnter": lambda m: BridgeEntered(_at(m), m.one("BridgeUniqueid"), _channel(m), m.one("BridgeName")),
    "BridgeLeave": lambda m: BridgeLeft(_at(m), m.one("BridgeUniqueid"), _channel(m)),
    "HangupRequest": lambda m: HangupRequested(
        _at(m), _channel(m), _told_cause(m, "Cause"), _told_cause(m, "TechCause")
    ),
    "SoftHangupRequest": lambda m: SoftHangupRequested(_at(m), _channel(m)),
    "Hangup": lambda m: ChannelHungUp(_at(m), _channel(m), _cause(m)),
    "DeviceStateChange": lambda m: DeviceChanged(_at(m), m.one("Device"), _device_state(m)),
    "OriginateResponse": lambda m: (
        OriginateFailed(_at(m), m.one("Uniqueid")) if m.one("Response") == "Failure" else None
    ),
    "UserEvent": _user_event,
    "FullyBooted": lambda m: FullyBooted(),
    "Shutdown": lambda m: ShuttingDown(),
}

WANTED: Final = frozenset(_PARSERS)


def parse(m: Message) -> AmiEvent | None:
    """The typed event, or None for one that does not concern us. Raises AmiFieldError."""
    parser = _PARSERS.get(m.name) if m.is_event else None
    return None if parser is None else parser(m)


def pong_at(m: Message) -> float:
    """Asterisk's clock, from the answer to a ping. Raises AmiFieldError."""
    return _at(m)


def shown_channel(m: Message) -> ShownChannel:
    """Raises AmiFieldError."""
    return ShownChannel(_channel(m), m.one("BridgeId") or None, (m.one("Context"), m.one("Exten")))


def shown_device(m: Message) -> ShownDevice:
    """Raises AmiFieldError."""
    return ShownDevice(m.one("Device"), _device_state(m))
