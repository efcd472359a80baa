"""Routing commands for joined calls, and the map of calls and channels, to AMI actions.

Source: asterisk-facts §1.1 and §1.2, and what 16.28 and 22.10 do: ChannelId makes a leg known before it exists; both
redirects of a pair name their legs by uniqueid; an ExtraExten without ExtraContext would be ignored in silence.
"""

from __future__ import annotations

from typing import Final

from routing import commands as c
from telephony import names
from telephony.ami.actions import AmiAction
from telephony.ami.legs import TrackedCall

_THIRD: Final = "third"


def third_id(call_id: str, key: str) -> str:
    """The uniqueid that a leg to a third party is given."""
    return f"{_THIRD}-{key}-{call_id}"


def third_of(uniqueid: str) -> tuple[str, str]:
    """Call id and key of such a leg; empty for any other."""
    kind, _, rest = uniqueid.partition("-")
    key, _, call_id = rest.partition("-")
    return (call_id, key) if kind == _THIRD and call_id else ("", "")


def stamp(command: c.StampAct, call: TrackedCall) -> AmiAction:
    return _setvar(call.caller.uniqueid, names.ACT, command.value)


def gather(command: c.Gather, call: TrackedCall) -> AmiAction | None:
    """None: the leg that should move is not there."""
    room = names.Room.HOLD if command.hold else names.Room.CALLER
    fields = [("Channel", call.caller.uniqueid), *_to("", room)]
    if command.with_agent:
        if call.talk is None or call.talk not in call.legs:
            return None
        fields += [("ExtraChannel", call.talk), *_to("Extra", names.Room.AGENT)]
    return AmiAction("Redirect", tuple(fields))


def _to(prefix: str, room: names.Room) -> list[tuple[str, str]]:
    return [(f"{prefix}Context", names.CONFERENCE), (f"{prefix}Exten", room.value), (f"{prefix}Priority", "1")]


def originate(command: c.DialThird, call: TrackedCall, shown: str) -> AmiAction:
    """`shown`: the number that the third party sees."""
    pipe = f"Local/{command.seat_id}@{names.SEAT}/n"
    unique = third_id(call.call_id, command.key)
    fields = [
        ("Channel", command.dial or pipe),
        ("ChannelId", unique),
        *([] if command.dial else [("OtherChannelId", f"{unique}-far")]),
        *_to("", names.Room.THIRD if command.dial else names.Room.EXPERT),
        ("Async", "true"),
        ("Timeout", str(round(command.rings_s * 1000))),
        ("CallerID", shown),
        ("Variable", f"__{names.CALL}={call.call_id}"),
        ("Variable", f"__{names.THIRD}={command.key}"),
        ("Variable", f"__{names.LINE}={call.number}"),
        ("Variable", f"{names.CALLER_LEG}={call.caller.uniqueid}"),
        *([("Variable", f"PJSIP_HEADER(add,{names.CASE_HEADER})={command.case}")] if command.case else []),
    ]
    return AmiAction("Originate", tuple(fields))


def answer_keys(leg: str, ack: names.Ack) -> AmiAction:
    return _setvar(leg, names.ACK, ack.value)


def at_keys(leg: str) -> AmiAction:
    """Answer: Value, "1" while the leg must not be moved."""
    return AmiAction("Getvar", (("Channel", leg), ("Variable", names.KEYS_BUSY)))


def whisper(tone: c.Tone, leg: str) -> AmiAction:
    """A tone in the ear of one leg. It is no leg of the call: nothing of the call is told to it."""
    return AmiAction(
        "Originate",
        (
            ("Channel", f"Local/{tone}@{names.TONE}/n"),
            ("Context", names.TONE),
            ("Exten", names.WHISPER),
            ("Priority", "1"),
            ("Async", "true"),
            ("Timeout", "2000"),
            ("Variable", f"{names.EAR}={leg}"),
        ),
    )


def legs_of_third(call: TrackedCall, key: str) -> list[str]:
    """Uniqueids to hang up: the phone's first, so that its cause is told before the pipe's."""
    return [leg.uniqueid for leg in sorted(call.third_legs(key), key=lambda leg: leg.pipe is not None)]


def diallers(call: TrackedCall) -> list[str]:
    """Uniqueid of the pipe in which the dialplan tries the routes to an emergency centre, one end: the other goes along."""
    found = (leg for leg in call.legs.values() if leg.pipe is not None and f"@{names.EMERGENCY_ACT}-" in leg.pipe)
    return [leg.uniqueid for leg in found][:1]


def shown_number(call: TrackedCall) -> AmiAction:
    """Answer: Value, the caller's number as the dialplan has it, "" when it is withheld."""
    return AmiAction("Getvar", (("Channel", call.caller.uniqueid), ("Variable", "CALLERID(num)")))


def _setvar(channel: str, variable: str, value: str) -> AmiAction:
    return AmiAction("Setvar", (("Channel", channel), ("Variable", variable), ("Value", value)))
