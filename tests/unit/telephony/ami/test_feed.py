from __future__ import annotations

from routing import events as routing
from routing.model import DeviceState
from telephony.ami.codec import Message
from telephony.ami.feed import Feed
from tests.unit.telephony.ami.wires import CALL, CALLER, SEATS, message

LEG = (
    f"Uniqueid: {CALLER}",
    "Channel: PJSIP/carrier-0",
    "ChannelStateDesc: Ring",
    f"ChanVariable: HOTLINE_CALL={CALL}",
    "Context: hotline-route",
    "Exten: s",
)
STAMP = "Timestamp: 1795300000.5"


def shown() -> Message:
    return message("Event: CoreShowChannel", *LEG, "ChanVariable: HOTLINE_LINE=12345", "BridgeId: ")


def hangup() -> Message:
    return message("Event: Hangup", STAMP, *LEG, "Cause: 16")


def device(state: str, *more: str) -> Message:
    return message("Event: DeviceStateChange", "Device: PJSIP/1001", f"State: {state}", *more)


def fed() -> tuple[Feed, list[routing.Event]]:
    told: list[routing.Event] = []
    return Feed(SEATS, told.append), told


def live() -> tuple[Feed, list[routing.Event]]:
    feed, told = fed()
    feed.devices([device("NOT_INUSE")])
    feed.channels([shown()], at=1.0)
    told.clear()
    return feed, told


def test_events_before_the_first_picture_are_not_believed() -> None:
    feed, told = fed()
    feed.message(hangup())
    feed.channels([], at=1.0)
    assert [type(event) for event in told] == [routing.Picture]


def test_picture_comes_first_and_events_after_it_are_told() -> None:
    feed, told = fed()
    feed.devices([device("INUSE")])
    assert feed.channels([shown()], at=7.0)
    feed.message(hangup())
    picture, ended = told
    assert isinstance(picture, routing.Picture)
    assert (picture.at, picture.seats) == (7.0, {"1001": DeviceState.INUSE})
    assert isinstance(ended, routing.CallEnded)


def test_loss_is_told_once_and_only_when_there_was_a_picture() -> None:
    feed, told = fed()
    feed.lost()
    assert told == []
    feed.channels([], at=1.0)
    feed.lost()
    feed.lost()
    assert [type(event) for event in told] == [routing.Picture, routing.AmiLost]


def test_item_that_cannot_be_read_costs_itself_and_not_the_list() -> None:
    feed, told = fed()
    feed.channels([message("Event: CoreShowChannel", "Uniqueid: 9.9", LEG[3]), shown()], at=1.0)
    assert len(told[0].calls) == 1  # type: ignore[union-attr]
    assert feed.field_errors == {"CoreShowChannel.Channel": 1}


def test_difference_seen_once_is_only_a_suspicion_and_twice_is_drift() -> None:
    feed, told = live()
    assert not feed.channels([], at=2.0)
    assert (told, dict(feed.tracker.drift)) == ([], {})
    assert feed.channels([], at=3.0)
    assert feed.tracker.drift == {"call_gone": 1}
    assert [type(event) for event in told] == [routing.Picture]


def test_difference_that_an_event_explains_in_between_is_no_drift() -> None:
    feed, told = live()
    assert not feed.channels([], at=2.0)
    feed.message(hangup())
    assert feed.channels([], at=3.0)
    assert not feed.tracker.drift
    assert [type(event) for event in told] == [routing.CallEnded, routing.Picture]


def test_suspicion_ends_with_the_second_look() -> None:
    feed, _ = live()
    feed.channels([], at=2.0)
    feed.channels([shown()], at=3.0)
    assert not feed.channels([], at=4.0)
    assert not feed.tracker.drift


def test_exact_times_of_the_one_who_watched_survive_a_reconcile() -> None:
    feed, told = fed()
    feed.channels([], at=1.0)
    feed.message(message("Event: Newchannel", "Timestamp: 1795300000.1211", *LEG[:3], "ChanVariable: HOTLINE_CALL="))
    ours = ("UserEvent: HotlineArrival", f"Call: {CALL}", "Line: 12345", "Arrived: 1795300000123", "Trunk: t")
    feed.message(message("Event: UserEvent", STAMP, *LEG, "CallerIDNum: ", *ours))
    feed.channels([shown()], at=2.0)
    assert told[-1].calls[0].arrived_at == 1795300000.1211  # type: ignore[union-attr]


def test_unknown_number_is_counted_even_before_the_first_picture() -> None:
    feed, told = fed()
    feed.message(message("Event: UserEvent", STAMP, "UserEvent: HotlineUnknownNumber"))
    assert (feed.unknown_numbers, told) == (1, [])


def test_spoilt_call_id_in_an_event_is_counted_and_dropped() -> None:
    feed, told = live()
    spoilt = (*LEG[:3], "ChanVariable: HOTLINE_CALL=x")
    feed.message(message("Event: BridgeEnter", STAMP, "Uniqueid: 5.5", *spoilt[1:], "BridgeUniqueid: b"))
    assert told == []
    assert sum(feed.field_errors.values()) == 1
