"""The actions we send, as header lists. What Asterisk answers to each is written down with it.

None of them is ever sent twice: a lost answer is not a licence to repeat (design §5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from telephony.ami.codec import Message

EVENT_CLASSES: Final = "system,call,user"  # FullyBooted needs system; DeviceStateChange is of class call

# Response values by which Asterisk refuses; anything else is a success.
_REFUSALS: Final = frozenset({"Error", "Fail", "Failure"})


@dataclass(frozen=True, slots=True)
class AmiAction:
    """`listed`: the answer is a list, `EventList: start` to `EventList: Complete`."""

    name: str
    fields: tuple[tuple[str, str], ...] = ()
    listed: bool = False


def login(username: str, secret: str) -> AmiAction:
    """Answer: Success, or Error "Authentication failed" after one second; then FullyBooted once Asterisk is."""
    return AmiAction("Login", (("Username", username), ("Secret", secret), ("Events", EVENT_CLASSES)))


PING: Final = AmiAction("Ping")  # its Timestamp is Asterisk's clock
CORE_SETTINGS: Final = AmiAction("CoreSettings")  # AsteriskVersion; the greeting's version is AMI's own
CORE_SHOW_CHANNELS: Final = AmiAction("CoreShowChannels", listed=True)  # CoreShowChannel items
DEVICE_STATE_LIST: Final = AmiAction("DeviceStateList", listed=True)  # DeviceStateChange items; res_manager_devicestate


def database_tree(family: str, key: str) -> AmiAction:
    """DBGetTreeResponse items with Key and Val, none when nothing is there. From 16.28, 18.14 and 19.6 on."""
    return AmiAction("DBGetTree", (("Family", family), ("Key", key)), listed=True)


def hangup(channel: str) -> AmiAction:
    """By name or uniqueid. Success means asked, done is the Hangup event; Error "No such channel" when it is gone."""
    return AmiAction("Hangup", (("Channel", channel),))


def mute_recording(channel: str, *, on: bool) -> AmiAction:
    """By name or uniqueid: silence of the same length instead of both voices. Class call is enough. Success: it is so;
    Error: no such channel, or one that is not recorded (16.28; 22.10 says Success to that as well)."""
    fields = (("Channel", channel), ("Direction", "both"), ("State", "1" if on else "0"))
    return AmiAction("MixMonitorMute", fields)


def getvar(variable: str) -> AmiAction:
    """A global variable: `Value` is empty when it was never set."""
    return AmiAction("Getvar", (("Variable", variable),))


def set_device_state(device: str, state: str) -> AmiAction:
    """Of a custom device; Asterisk keeps it over its restart. Class call is enough: the function runs nothing."""
    return AmiAction("Setvar", (("Variable", f"DEVICE_STATE({device})"), ("Value", state)))


def refused(answer: Message) -> bool:
    return not answer.is_event and answer.name in _REFUSALS


def list_items(answer: Iterable[Message]) -> list[Message]:
    """The items between a list's first and last message. An empty list is refused by older Asterisks: no items."""
    return [m for m in answer if m.is_event and m.first("EventList") is None]


def list_is_complete(message: Message) -> bool:
    """True for the message that ends a list answer: its last, a refusal, or "cancelled"."""
    marker = (message.first("EventList") or "").lower()
    return refused(message) or marker in ("complete", "cancelled") or (not message.is_event and marker != "start")
