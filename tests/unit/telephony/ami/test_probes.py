"""What Asterisk tells of the outside leg of a test call, and what it is asked to do."""

from __future__ import annotations

from routing import commands as c
from routing import events as routing
from routing.probe import ProbeEvent
from telephony.ami.codec import Message
from telephony.ami.feed import Feed
from telephony.ami.probes import actions_of
from tests.unit.telephony.ami.test_outbound import live
from tests.unit.telephony.ami.wires import message

ID = "test-1795300000000-abcd"
STAMP = "Timestamp: 1795300000.5"
LEG = (f"Uniqueid: {ID}", "Channel: PJSIP/outside-00000001")
CLEAN = "ChanVariable: HOTLINE_CALL="


def event(name: str, *more: str, state: str = "Up") -> Message:
    return message(f"Event: {name}", STAMP, *LEG, f"ChannelStateDesc: {state}", CLEAN, *more)


def dialled(name: str, *more: str) -> Message:
    dest = (*(f"Dest{line}" for line in LEG), "DestChannelStateDesc: Down", f"Dest{CLEAN}")
    return message(f"Event: {name}", STAMP, *dest, *more)


def moves(*messages: Message) -> list[tuple[ProbeEvent, int | None, int | None]]:
    feed, told = live()
    for one in messages:
        feed.message(one)
    assert not feed.field_errors
    assert not feed.tracker.calls
    assert all(isinstance(one, routing.ProbeMoved) and one.probe_id == ID for one in told), told
    return [(one.what, one.cause, one.sip) for one in told if isinstance(one, routing.ProbeMoved)]


def test_whole_leg_is_told_with_its_first_sound_and_its_answer() -> None:
    found = moves(
        event("Newchannel", state="Down"), dialled("DialBegin"), dialled("DialState", "DialStatus: PROCEEDING"),
        dialled("DialState", "DialStatus: PROGRESS"), event("Newstate", state="Ringing"), event("Newstate"),
        event("Hangup", "Cause: 16", "Cause-txt: Normal"),
    )  # fmt: skip
    assert [what for what, _, _ in found] == ["dialled", "rings", "rings", "answered", "gone"]


def test_refusal_is_told_with_its_cause_and_the_answer_of_sip() -> None:
    found = moves(
        event("Newchannel", state="Down"), dialled("DialBegin"),
        event("HangupRequest", "Cause: 34", "TechCause: 503", state="Down"),
        event("Hangup", "Cause: 34", "Cause-txt: Congestion", state="Down"),
    )  # fmt: skip
    assert found[-1] == (ProbeEvent.GONE, 34, 503)


def test_leg_that_never_was_is_over_at_once_and_one_that_was_tells_by_itself() -> None:
    failed = message("Event: OriginateResponse", STAMP, "Response: Failure", f"Uniqueid: {ID}", "Reason: 0")
    assert moves(failed) == [(ProbeEvent.GONE, None, None)]
    assert moves(event("Newchannel", state="Down"), failed) == []


def test_door_is_open_before_the_dialling_and_shut_before_the_end() -> None:
    door, dial = actions_of(c.DialProbe(ID, "12345", 40.0, "PJSIP/12345@outside"), "051980000001", 1000.0)
    assert door.fields == (("Variable", "HOTLINE_TEST_DOOR"), ("Value", f"{ID}:12345:1040"))
    assert ("Channel", "PJSIP/12345@outside") in dial.fields
    assert ("ChannelId", ID) in dial.fields
    assert ("Timeout", "40000") in dial.fields
    for command in (c.DropProbe(ID), c.CloseProbe(ID)):
        assert actions_of(command, "", 0.0)[0].fields[1] == ("Value", "::0")


def test_picture_tells_which_legs_are_there() -> None:
    feed, told = live()
    assert isinstance(feed, Feed)
    shown = message(
        "Event: CoreShowChannel", *LEG, "ChannelStateDesc: Up", CLEAN, "BridgeId: ", "Context: x", "Exten: y"
    )
    feed.channels([shown], at=2.0)
    feed.channels([shown], at=3.0)
    pictures = [one for one in told if isinstance(one, routing.Picture)]
    assert pictures[-1].probes == {ID}
    assert not pictures[-1].calls
