"""Legs to third parties as the tracker tells them."""

from __future__ import annotations

from routing import events as routing
from telephony.ami import events as ami
from telephony.ami.tracker import Tracker
from tests.unit.telephony.ami.wires import CALL, SEATS, arrival, caller, channel

LEG = channel("third-1.1e", "PJSIP/police-00000002", "Up", HOTLINE_THIRD="1.1e")


def talk() -> tuple[Tracker, list[routing.Event]]:
    """A call whose third party is in the conference."""
    told: list[routing.Event] = []
    tracker = Tracker(SEATS, told.append)
    tracker.handle(arrival())
    tracker.handle(ami.BridgeEntered(10.0, "room", LEG, CALL))
    tracker.handle(ami.BridgeEntered(10.1, "room", caller("Up"), CALL))
    return tracker, told


def test_third_party_and_caller_in_the_conference_are_told() -> None:
    _, told = talk()
    assert told[1:] == [routing.ThirdJoined(CALL, "1.1e", 10.0), routing.CallerPlaced(CALL, "room", 10.1)]


def test_third_party_that_hangs_up_is_told_with_its_cause() -> None:
    tracker, told = talk()
    tracker.handle(ami.ChannelHungUp(11.0, LEG, 16))
    assert told[-1] == routing.ThirdEnded(CALL, "1.1e", 11.0, 16, lost=False)


def test_third_party_that_ends_with_the_caller_has_not_left_him() -> None:
    """The dialplan ends everybody as soon as the caller has hung up: a centre so gone must not be dialled again."""
    tracker, told = talk()
    tracker.handle(ami.HangupRequested(11.0, caller("Up"), 16))
    tracker.handle(ami.ChannelHungUp(11.1, LEG, 16))
    tracker.handle(ami.ChannelHungUp(11.2, caller("Up"), 16))
    assert [type(event).__name__ for event in told[3:]] == ["CallEnded"]
