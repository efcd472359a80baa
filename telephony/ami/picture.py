"""Lists to pictures: what Asterisk says of itself after a (re)connect, and whether what we followed agrees with it.

`CoreShowChannels` alone is enough for calls: each item carries our variables (`channelvars`) and its BridgeId, so
`BridgeList` would add nothing. Seats come from `DeviceStateList`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from routing.events import Picture, SeenAlone, SeenCall, SeenOutbound, SeenThird
from routing.model import DeviceState
from telephony import names
from telephony.ami.codec import AmiFieldError
from telephony.ami.events import RINGING_STATE, UP_STATE, ShownChannel, ShownDevice
from telephony.ami.legs import CallId, Leg, Seats, TrackedCall, connected

_PLACES: Final = {
    (names.CONFERENCE, names.Room.CALLER.value): "room",
    (names.CONFERENCE, names.Room.HOLD.value): "hold",
    (names.CONFERENCE, names.Room.WAIT.value): "wait",
}


def read_calls(
    shown: Iterable[ShownChannel], seats: Seats, known: Mapping[str, TrackedCall], at: float
) -> dict[str, TrackedCall]:
    """The calls whose caller's channel is among those shown, with their legs.

    `known` lends what no list tells: the exact times of arrival and answer, and who began an end. `at` stands in for an
    answer of which nobody kept the time.
    """
    ours = [item for item in shown if item.channel.call_id]
    calls = {call.call_id: call for item in ours if (call := _call(item, known)) is not None}
    for item in ours:
        call = calls.get(item.channel.call_id)
        if call is not None and item.channel.uniqueid != call.caller.uniqueid:
            call.legs[item.channel.uniqueid] = _leg(item, seats)
            _in_room(call, item)
    for call in calls.values():
        _settle(call, known.get(call.call_id), at)
    return calls | _fading(known, {item.channel.uniqueid for item in ours})


def _fading(known: Mapping[str, TrackedCall], alive: set[str]) -> dict[str, TrackedCall]:
    """Calls that are over, of which some leg is still there: it must be followed to its end, in silence."""
    return {i: call for i, call in known.items() if call.over and alive & call.legs.keys()}


def _call(item: ShownChannel, known: Mapping[str, TrackedCall]) -> TrackedCall | None:
    """The call of which this is the caller's channel, else None. A spoilt id concerns one channel, not the picture."""
    channel = item.channel
    try:
        call_id = CallId.parse(channel.call_id)
    except AmiFieldError:
        return None
    if call_id.caller != channel.uniqueid:
        return None
    before = known.get(call_id.text)
    answered_ms = channel.variables.get(names.ANSWERED, "")
    return TrackedCall(
        call_id=call_id.text,
        caller=Leg(channel.uniqueid, channel.name, channel.variables.get(names.SEAT_VAR) or None, bridge=item.bridge),
        number=channel.variables.get(names.LINE, ""),
        arrived_at=call_id.stamped_at if before is None else before.arrived_at,
        answered_at=int(answered_ms) / 1000 if answered_ms.isascii() and answered_ms.isdigit() else None,
        place=_PLACES.get(item.place, "bridge"),
        act=channel.variables.get(names.ACT, ""),
        trunk=channel.variables.get(names.TRUNK, ""),
        case=channel.variables.get(names.CASE, ""),
        test=channel.variables.get(names.TEST, ""),
    )


def _in_room(call: TrackedCall, item: ShownChannel) -> None:
    """A leg in the conference: the agent's, or that of a third party."""
    context, extension = item.place
    if context == names.CONFERENCE and extension == names.Room.AGENT and item.bridge is not None:
        call.talk, call.agent_in_room, call.room = item.channel.uniqueid, True, item.bridge
    elif context == names.CONFERENCE and extension in (names.Room.THIRD, names.Room.EXPERT) and item.bridge is not None:
        call.room = item.bridge


def _leg(item: ShownChannel, seats: Seats) -> Leg:
    """A phone in no bridge may still be dialled, even when it is up: `U()` runs before the bridge. On a remote seat it asks
    for the key, and until then the seat rings."""
    channel = item.channel
    seat_id = seats.of_channel(channel)
    asked = item.bridge is None and seats.is_remote(seat_id) and channel.state == UP_STATE
    rings = asked or channel.state == RINGING_STATE
    third, over = channel.variables.get(names.THIRD, ""), item.bridge is not None
    alone = channel.variables.get(names.ACT, "")
    return Leg(channel.uniqueid, channel.name, seat_id, third, item.bridge, alone, rings, rings, dial_over=over)


def _settle(call: TrackedCall, before: TrackedCall | None, at: float) -> None:
    """Whose talk it is, and what only the one who watched can know."""
    phones = [] if call.talk is not None else connected(call)
    if phones:
        phone = next((p for p in phones if p.seat_id is not None), phones[0])
        call.talk = phone.uniqueid
        call.answered_at = call.answered_at or at
    if before is None:
        return
    if before.talk in call.legs:
        call.talk, call.answered_at = before.talk, before.answered_at
    call.causes = before.causes
    call.ended_by = before.ended_by
    for uniqueid, leg in call.legs.items():
        old = before.legs.get(uniqueid)
        if old is not None:
            leg.seat_id = leg.seat_id or old.seat_id
            leg.dial_begun, leg.dial_over = leg.dial_begun or old.dial_begun, leg.dial_over or old.dial_over
            leg.far_end_left, leg.far_end_cause = old.far_end_left, old.far_end_cause


def picture(
    calls: Mapping[str, TrackedCall],
    devices: Mapping[str, DeviceState],
    at: float,
    outbound: tuple[SeenOutbound, ...] = (),
    probes: frozenset[str] = frozenset(),
) -> Picture:
    """What routing needs to know of it."""
    return Picture(tuple(_seen(call) for call in calls.values() if not call.over), dict(devices), at, outbound, probes)


def _seen(call: TrackedCall) -> SeenCall:
    talk = call.legs.get(call.talk or "")
    talked = talk is not None or call.answered_at is not None
    return SeenCall(
        call_id=call.call_id,
        number=call.number,
        arrived_at=call.arrived_at,
        answered_at=call.answered_at,
        seat_id=(call.caller.seat_id if talk is None else talk.seat_id or "") if talked else None,
        bridged=talk is not None,
        ringing=tuple(
            leg.seat_id for leg in call.legs.values() if leg.ringing and leg.seat_id is not None and not leg.third
        ),
        place=call.place,
        agent_place="room" if call.agent_in_room else "gone" if talk is None and call.place != "bridge" else "bridge",
        thirds=tuple(_third(call, key) for key in sorted({leg.third for leg in call.legs.values()} - {""})),
        act=call.act,
        alone=_alone(call),
        trunk=call.trunk,
        case=call.case,
        test=call.test,
    )


def _alone(call: TrackedCall) -> SeenAlone | None:
    """The newest, by what its legs carry. Who dials is a pipe; he is there until the caller has met the centre."""
    legs = [leg for leg in call.legs.values() if leg.alone.startswith("emergency:0:")]
    if not legs:
        return None
    text = max((leg.alone for leg in legs), key=lambda text: text.split(":")[2])
    asked_ms, _, number = text.removeprefix("emergency:0:").partition(":")
    dials = any(leg.alone == text and leg.pipe is not None for leg in legs)
    return SeenAlone(number, int(asked_ms) / 1000, dials) if asked_ms.isascii() and asked_ms.isdigit() else None


def _third(call: TrackedCall, key: str) -> SeenThird:
    legs = call.third_legs(key)
    joined = call.room is not None and any(leg.bridge == call.room for leg in legs)
    seat_id = next((leg.seat_id for leg in legs if leg.seat_id is not None), None)
    return SeenThird(key, joined, joined or any(leg.ringing for leg in legs), seat_id)


def read_devices(shown: Iterable[ShownDevice], seats: Seats) -> dict[str, DeviceState]:
    """The state of every seat that Asterisk listed; a seat it did not list has no endpoint."""
    found = ((seats.of_device(item.device), item.state) for item in shown)
    return {seat_id: state for seat_id, state in found if seat_id is not None}


def _keys(call: SeenCall) -> set[tuple[str, bool]]:
    return {(third.key, third.joined) for third in call.thirds}


def differences(followed: Picture, told: Picture) -> set[tuple[str, str]]:
    """(kind, call or seat id) of what we believed and Asterisk does not, or the other way round.

    A seat of which we believed nothing is new, not missed.
    """
    ours = {call.call_id: call for call in followed.calls}
    theirs = {call.call_id: call for call in told.calls}
    found = {("call_missed", i) for i in theirs.keys() - ours.keys()}
    found |= {("call_gone", i) for i in ours.keys() - theirs.keys()}
    for i in ours.keys() & theirs.keys():
        a, b = ours[i], theirs[i]
        if a.bridged != b.bridged or (a.bridged and a.seat_id != b.seat_id):
            found.add(("talk", i))
        if (a.place, a.agent_place, _keys(a)) != (b.place, b.agent_place, _keys(b)):
            found.add(("joined", i))
        if set(a.ringing) != set(b.ringing):
            found.add(("ringing", i))
    return found | {("seat", s) for s, state in followed.seats.items() if told.seats.get(s) is not state}
