"""Test calls in Asterisk: AMI events and pictures of the outside leg to routing events, routing commands to AMI actions.

The leg is made with the id of the test call as its uniqueid, so every event of it says whose it is. It carries no
HOTLINE_CALL: the tracker of calls sees nothing of it. The call that comes in carries the id as HOTLINE_TEST, set by the
dialplan, which finds it by the door that is opened here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import singledispatchmethod

from routing import commands as c
from routing import events as routing
from routing.probe import PREFIX, ProbeEvent
from telephony import names
from telephony.ami import events as ami
from telephony.ami.actions import AmiAction, hangup


def probe_id(channel: ami.Channel) -> str:
    """The test call of which this is the outside leg, "" for none."""
    return channel.uniqueid if channel.uniqueid.startswith(PREFIX) else ""


class ProbeTracker:
    """Feed it typed AMI events in order; it calls `emit` for each routing event."""

    def __init__(self, emit: Callable[[routing.Event], None]) -> None:
        self._emit = emit
        self.there: set[str] = set()  # test calls whose leg was seen
        self._sip: dict[str, int] = {}  # how the far side has refused

    def forget(self) -> None:
        self.there.clear()
        self._sip.clear()

    def _tell(self, channel: ami.Channel, what: ProbeEvent, at: float, *why: int | None) -> None:
        if found := probe_id(channel):
            self._emit(routing.ProbeMoved(found, what, at, *why))

    @singledispatchmethod
    def handle(self, event: ami.AmiEvent) -> None:
        """Events without a handler of their own say nothing about test calls."""

    @handle.register
    def _(self, event: ami.ChannelCreated) -> None:
        if found := probe_id(event.channel):
            self.there.add(found)

    @handle.register
    def _(self, event: ami.DialBegan) -> None:
        self._tell(event.dest, ProbeEvent.DIALLED, event.at)

    @handle.register
    def _(self, event: ami.DialProgressed) -> None:
        """PROCEEDING, a 100 that says no more than that it was heard, is none of these."""
        if event.status in ami.RINGING_STATUSES:
            self._tell(event.dest, ProbeEvent.RINGS, event.at)

    @handle.register
    def _(self, event: ami.ChannelStateChanged) -> None:
        if event.channel.state == ami.RINGING_STATE:
            self._tell(event.channel, ProbeEvent.RINGS, event.at)
        elif event.channel.state == ami.UP_STATE:
            self._tell(event.channel, ProbeEvent.ANSWERED, event.at)

    @handle.register
    def _(self, event: ami.HangupRequested) -> None:
        if event.sip_cause is not None and (found := probe_id(event.channel)):
            self._sip[found] = event.sip_cause

    @handle.register
    def _(self, event: ami.ChannelHungUp) -> None:
        if found := probe_id(event.channel):
            self.there.discard(found)
            self._tell(event.channel, ProbeEvent.GONE, event.at, event.cause, self._sip.pop(found, None))

    @handle.register
    def _(self, event: ami.OriginateFailed) -> None:
        """Of a leg that there was, its end says why."""
        if event.uniqueid.startswith(PREFIX) and event.uniqueid not in self.there:
            self._emit(routing.ProbeMoved(event.uniqueid, ProbeEvent.GONE, event.at))

    def read(self, shown: Iterable[ami.ShownChannel]) -> frozenset[str]:
        """The test calls whose leg is among those shown."""
        found = frozenset(probe_id(item.channel) for item in shown) - {""}
        self.there |= found
        return found


# -- actions -----------------------------------------------------------------------------------------------------------


def door(probe_id: str = "", number: str = "", until: float = 0.0) -> AmiAction:
    """Opened for one call until `until` (epoch s); without arguments closed. A global variable: answered by Success."""
    return AmiAction("Setvar", (("Variable", names.TEST_DOOR), ("Value", f"{probe_id}:{number}:{int(until)}")))


def originate(command: c.DialProbe, caller: str) -> AmiAction:
    """Answer: Success means queued. Refused at once when the dialplan lacks the context."""
    fields = [
        ("Channel", command.dial),
        ("ChannelId", command.probe_id),
        ("Context", names.TEST_OUT),
        ("Exten", names.TEST_OUT_EXTEN),
        ("Priority", "1"),
        ("Async", "true"),
        ("Timeout", str(round(command.rings_s * 1000))),
        ("CallerID", f"<{caller}>"),
    ]
    return AmiAction("Originate", tuple(fields))


def actions_of(command: c.DialProbe | c.DropProbe | c.CloseProbe, caller: str, now: float) -> list[AmiAction]:
    """In their order: the door is open before anybody can come, and shut when nobody may come any more."""
    match command:
        case c.DialProbe():
            return [door(command.probe_id, command.number, now + command.rings_s), originate(command, caller)]
        case c.DropProbe():
            return [door(), hangup(command.probe_id)]
        case c.CloseProbe():
            return [door()]
