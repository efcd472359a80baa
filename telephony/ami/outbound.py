"""Outbound calls in Asterisk: AMI events and pictures to routing events, routing commands to AMI actions.

Each leg carries HOTLINE_OUT, the call's id, and none carries HOTLINE_CALL; so the tracker of inbound calls sees nothing of
it. The agent's pipe is made with the id as its uniqueid (its far end with `-far`): that channel is the call, from the
first to the last moment. Behind the pipe is the phone of the seat; what the pipe dials is the citizen's.

Nothing is remembered here but which calls have a channel: each event says of itself what it means, and routing takes what
is told twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import singledispatchmethod
from typing import Final

from routing import commands as c
from routing import events as routing
from routing.outbound import PREFIX, OutEvent
from telephony import names
from telephony.ami import events as ami
from telephony.ami.actions import AmiAction
from telephony.ami.legs import Seats

SLACK_S: Final = 2.0  # the dialplan of the seat ends its ringing by itself, with a cause; Originate's own end has none


def out_id(channel: ami.Channel) -> str:
    """The outbound call of this leg, "" for none. The pipe's near end is known before it has the variable."""
    if channel.uniqueid.startswith(PREFIX) and not channel.uniqueid.endswith("-far"):
        return channel.uniqueid
    return channel.variables.get(names.OUT, "")


class OutboundTracker:
    """Feed it typed AMI events in order; it calls `emit` for each routing event."""

    def __init__(self, seats: Callable[[], Seats], emit: Callable[[routing.Event], None]) -> None:
        self._seats, self._emit = seats, emit
        self.there: set[str] = set()  # calls whose channel was seen

    def forget(self) -> None:
        self.there.clear()

    def _is_main(self, channel: ami.Channel) -> bool:
        return channel.uniqueid == out_id(channel)

    def _is_citizen(self, channel: ami.Channel) -> bool:
        return not channel.name.startswith("Local/") and self._seats().of_channel(channel) is None

    def _tell(self, channel: ami.Channel, what: OutEvent, at: float, cause: int | None = None) -> None:
        self._emit(routing.OutboundMoved(out_id(channel), what, at, cause))

    @singledispatchmethod
    def handle(self, event: ami.AmiEvent) -> None:
        """Events without a handler of their own say nothing about outbound calls."""

    @handle.register
    def _(self, event: ami.ChannelCreated) -> None:
        if self._is_main(event.channel):
            self.there.add(event.channel.uniqueid)

    @handle.register
    def _(self, event: ami.ChannelStateChanged) -> None:
        channel = event.channel
        if not out_id(channel):
            return
        if channel.state == ami.UP_STATE and self._is_main(channel):
            self._tell(channel, OutEvent.AGENT_ANSWERED, event.at)
        elif channel.state == ami.RINGING_STATE and not channel.name.startswith("Local/"):
            self._tell(channel, OutEvent.CITIZEN_RINGS if self._is_citizen(channel) else OutEvent.AGENT_RINGS, event.at)

    @handle.register
    def _(self, event: ami.DialBegan) -> None:
        if out_id(event.dest) and self._is_citizen(event.dest):
            self._tell(event.dest, OutEvent.DIALLED, event.at)

    @handle.register
    def _(self, event: ami.DialProgressed) -> None:
        if event.status in ami.RINGING_STATUSES and out_id(event.dest) and self._is_citizen(event.dest):
            self._tell(event.dest, OutEvent.CITIZEN_RINGS, event.at)

    @handle.register
    def _(self, event: ami.BridgeEntered) -> None:
        if out_id(event.channel) and self._is_citizen(event.channel):
            self._tell(event.channel, OutEvent.CONNECTED, event.at)

    @handle.register
    def _(self, event: ami.CitizenNotReached) -> None:
        self._emit(routing.OutboundMoved(event.out_id, OutEvent.NOT_REACHED, event.at, event.cause))

    @handle.register
    def _(self, event: ami.ChannelHungUp) -> None:
        if self._is_main(event.channel) and out_id(event.channel):
            self.there.discard(event.channel.uniqueid)
            self._tell(event.channel, OutEvent.GONE, event.at, event.cause)

    @handle.register
    def _(self, event: ami.OriginateFailed) -> None:
        """Of a call that had a channel, the end of that says why."""
        if event.uniqueid.startswith(PREFIX) and event.uniqueid not in self.there:
            self._emit(routing.OutboundMoved(event.uniqueid, OutEvent.GONE, event.at))

    # -- the picture ---------------------------------------------------------------------------------------------------

    def read(self, shown: Iterable[ami.ShownChannel]) -> tuple[routing.SeenOutbound, ...]:
        """The outbound calls whose channel is among those shown, each with how far it is."""
        legs: dict[str, list[ami.ShownChannel]] = {}
        for item in shown:
            if found := out_id(item.channel):
                legs.setdefault(found, []).append(item)
        alive = {found: items for found, items in legs.items() if any(self._is_main(item.channel) for item in items)}
        self.there |= alive.keys()
        return tuple(routing.SeenOutbound(found, tuple(self._reached(items))) for found, items in alive.items())

    def _reached(self, items: Iterable[ami.ShownChannel]) -> list[tuple[OutEvent, float | None]]:
        reached: dict[OutEvent, float | None] = {}
        for item in items:
            channel = item.channel
            if self._is_main(channel) and channel.state == ami.UP_STATE:
                reached[OutEvent.AGENT_ANSWERED] = _stamp(channel, names.ARRIVED)
                if channel.variables.get(names.ANSWERED):
                    reached[OutEvent.CONNECTED] = _stamp(channel, names.ANSWERED)
            elif channel.name.startswith("Local/"):
                continue
            elif not self._is_citizen(channel):
                if channel.state == ami.RINGING_STATE:
                    reached[OutEvent.AGENT_RINGS] = None
            else:
                reached[OutEvent.DIALLED] = None
                if channel.state == ami.RINGING_STATE:
                    reached[OutEvent.CITIZEN_RINGS] = None
                elif item.bridge is not None:
                    reached.setdefault(OutEvent.CONNECTED, None)
        return [(what, reached[what]) for what in OutEvent if what in reached]


def _stamp(channel: ami.Channel, variable: str) -> float | None:
    """The dialplan's own, epoch ms -> s."""
    text = channel.variables.get(variable, "")
    return int(text) / 1000 if text.isascii() and text.isdigit() else None


# -- actions -----------------------------------------------------------------------------------------------------------


def originate(command: c.DialOut) -> AmiAction:
    """Answer: Success means queued. Refused at once when the dialplan lacks the context."""
    fields = [
        ("Channel", f"Local/{command.seat_id}@{names.SEAT}/n"),
        ("ChannelId", command.out_id),
        ("OtherChannelId", f"{command.out_id}-far"),
        ("Context", names.OUTBOUND),
        ("Exten", names.OUTBOUND_EXTEN),
        ("Priority", "1"),
        ("Async", "true"),
        ("Timeout", str(round((command.agent_rings_s + SLACK_S) * 1000))),
        ("CallerID", f'"{command.shown}" <{command.line}>' if command.shown else f"<{command.line}>"),
        ("Variable", f"__{names.OUT}={command.out_id}"),
        ("Variable", f"__{names.LINE}={command.line}"),
        ("Variable", f"_{names.LEG_S}={round(command.agent_rings_s)}"),
        ("Variable", f"{names.OUT_DIAL}={command.dial}"),
        ("Variable", f"{names.OUT_RING}={round(command.rings_s)}"),
    ]
    return AmiAction("Originate", tuple(fields))
