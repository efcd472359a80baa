"""What comes off the wire, in its order, to routing events: parsing, tracking, rebuilding. No IO, no clock.

Messages and finished lists go through here in the order in which Asterisk wrote them, and that order is the whole proof
of a rebuild: one AMI session writes a list in one piece, and an event that was written before a list had happened before
it. So what came before the list is in it, and what comes after is applied on top; both may tell the same thing twice,
which the tracker takes. Until the first list of channels events are not believed, device states excepted: those only
replace one another.

A reconcile compares the followed picture with a new list. Asterisk may know more than it has told us so far, so a
difference counts only when a second list, a moment later, shows the same one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from routing import events as routing
from routing.model import DeviceState
from telephony.ami import events as ami
from telephony.ami import picture
from telephony.ami.codec import AmiFieldError, Message
from telephony.ami.ends import noted_at, read_note
from telephony.ami.legs import Seats
from telephony.ami.outbound import OutboundTracker
from telephony.ami.probes import ProbeTracker
from telephony.ami.tracker import Tracker

T = TypeVar("T")


class Feed:
    """`on_event` gets routing events. `live` is true from the first picture to the loss of the link."""

    def __init__(self, dial_strings: Mapping[str, str], on_event: Callable[[routing.Event], None]) -> None:
        self._on_event = on_event
        self.tracker = Tracker(dial_strings, on_event)
        self.outbound = OutboundTracker(lambda: self.tracker.seats, on_event)
        self.probes = ProbeTracker(on_event)
        self._handle = self.tracker.handle  # bound once: each look-up of a dispatching method makes a new one
        self.live = False
        self.events = 0
        self.unknown_numbers = 0
        self.field_errors: Counter[str] = Counter()  # "Event.Header" -> messages dropped
        self.last_field_error = ""
        self._suspected: set[tuple[str, str]] = set()
        self._told_devices: dict[str, DeviceState] = {}

    def set_seats(self, dial_strings: Mapping[str, str]) -> None:
        """After a reload of the configuration. The next picture brings the states of new seats."""
        self.tracker.seats = Seats(dial_strings)

    def message(self, message: Message) -> ami.AmiEvent | None:
        """One event off the wire; returns it typed, for those that concern the link itself."""
        event = self._checked(ami.parse, message)
        if event is None:
            return None
        self.events += 1
        if isinstance(event, ami.UnknownNumberDialled):
            self.unknown_numbers += 1
        elif self.live:
            self._track(event)
        if isinstance(event, ami.DeviceChanged) and (seat_id := self.tracker.seats.of_device(event.device)):
            self._told_devices[seat_id] = event.state
        return event

    def _track(self, event: ami.AmiEvent) -> None:
        try:
            self._handle(event)
            self.outbound.handle(event)
            self.probes.handle(event)
        except AmiFieldError as error:
            self._count(error)

    def devices(self, items: Iterable[Message]) -> None:
        """A finished DeviceStateList."""
        shown = [d for d in (self._checked(ami.shown_device, m) for m in items) if d is not None]
        for device in shown:
            self.tracker.trunk_seen(device.device, device.state)
        self._told_devices = picture.read_devices(shown, self.tracker.seats)

    def ends(self, items: Iterable[Message]) -> None:
        """A finished list of the dialplan's notes, asked for before the first channels."""
        noted = [note for note in (self._checked(read_note, m) for m in items) if note is not None]
        for note in sorted(noted, key=noted_at):
            self._on_event(note)

    def channels(self, items: Iterable[Message], at: float) -> bool:
        """A finished CoreShowChannels, asked for after the devices. False: look again in a moment, then it is certain.

        `at`: epoch seconds of the moment, by Asterisk's clock where it is known.
        """
        shown = [c for c in (self._checked(ami.shown_channel, m) for m in items) if c is not None]
        calls = picture.read_calls(shown, self.tracker.seats, self.tracker.calls, at)
        told = picture.picture(calls, self._told_devices, at, self.outbound.read(shown), self.probes.read(shown))
        if self.live and not self._agrees(told):
            return False
        self.tracker.replace(calls, self._told_devices)
        self.live = True
        self._on_event(told)
        return True

    def _agrees(self, told: routing.Picture) -> bool:
        """Counts what two looks in a row found wrong. A first finding is only a suspicion."""
        found = picture.differences(picture.picture(self.tracker.calls, self.tracker.devices, told.at), told)
        confirmed, first_look = found & self._suspected, not self._suspected
        self.tracker.drift.update(kind for kind, _ in confirmed)
        self._suspected = found if first_look else set()
        return not (found and first_look)

    def lost(self) -> None:
        """The link is down: from here on nothing is certain."""
        was_live = self.live
        self.forget()
        if was_live:
            self._on_event(routing.AmiLost())

    def forget(self) -> None:
        self.live = False
        self.tracker.replace({}, {})
        self.outbound.forget()
        self.probes.forget()
        self._suspected = set()

    def _checked(self, read: Callable[[Message], T], message: Message) -> T | None:
        try:
            return read(message)
        except AmiFieldError as error:
            self._count(error)
            return None

    def _count(self, error: AmiFieldError) -> None:
        self.field_errors[f"{error.message}.{error.header}"] += 1
        self.last_field_error = str(error)
