from __future__ import annotations

import pytest

from routing.model import DeviceState
from telephony.ami import events as ami
from telephony.ami.codec import AmiFieldError
from tests.unit.telephony.ami.wires import CALL, CALLER, message

LEG = (
    f"Uniqueid: {CALLER}",
    "Channel: PJSIP/carrier-00000000",
    "ChannelStateDesc: Ring",
    f"ChanVariable: HOTLINE_CALL={CALL}",
)
STAMP = "Timestamp: 1795300000.781361"


def test_times_become_epoch_seconds() -> None:
    event = ami.parse(message("Event: Newchannel", STAMP, *LEG))
    assert isinstance(event, ami.ChannelCreated)
    assert event.at == 1795300000.781361
    assert event.channel.call_id == CALL


def test_arrival_is_told_with_its_stamp_in_seconds() -> None:
    ours = ("UserEvent: HotlineArrival", f"Call: {CALL}", "Line: 12345", "Arrived: 1795300000123", "Trunk: carrier")
    event = ami.parse(message("Event: UserEvent", STAMP, *LEG, "CallerIDNum: 13800000001", *ours))
    assert isinstance(event, ami.ArrivalAnnounced)
    assert (event.number, event.stamped_at, event.trunk) == ("12345", 1795300000.123, "carrier")
    assert "13800000001" not in repr(event)


@pytest.mark.parametrize(("lines", "case"), [(("Case: A-17",), "A-17"), (("Case: ",), ""), ((), "")])
def test_arrival_tells_the_case_and_an_older_dialplan_tells_none(lines: tuple[str, ...], case: str) -> None:
    ours = ("UserEvent: HotlineArrival", f"Call: {CALL}", "Line: 12345", "Arrived: 1795300000123", "Trunk: police")
    event = ami.parse(message("Event: UserEvent", STAMP, *LEG, "CallerIDNum: 13800000001", *ours, *lines))
    assert isinstance(event, ami.ArrivalAnnounced)
    assert event.case == case


@pytest.mark.parametrize(("shown", "number"), [("13800000001", "13800000001"), ("<unknown>", ""), ("", "")])
def test_withheld_number_is_empty(shown: str, number: str) -> None:
    ours = ("UserEvent: HotlineArrival", f"Call: {CALL}", "Line: 12345", "Arrived: 1795300000123", "Trunk: ")
    event = ami.parse(message("Event: UserEvent", STAMP, *LEG, f"CallerIDNum: {shown}", *ours))
    assert isinstance(event, ami.ArrivalAnnounced)
    assert event.caller_number == number


@pytest.mark.parametrize(
    ("lines", "header"),
    [
        (("Event: Newchannel", *LEG), "Timestamp"),
        (("Event: Newchannel", STAMP, *LEG[1:]), "Uniqueid"),
        (("Event: Hangup", STAMP, *LEG), "Cause"),
        (("Event: DialEnd", STAMP, *LEG, "DialStatus: BUSY"), "DestChanVariable: HOTLINE_CALL"),
        (("Event: BridgeEnter", STAMP, *LEG), "BridgeUniqueid"),
        (("Event: DeviceStateChange", STAMP, "State: INUSE"), "Device"),
        (("Event: UserEvent", STAMP, *LEG, "UserEvent: HotlineFallback", "Call: x"), "Stage"),
    ],
)
def test_missing_header_is_an_error_that_names_it(lines: tuple[str, ...], header: str) -> None:
    with pytest.raises(AmiFieldError, match="is missing") as caught:
        ami.parse(message(*lines))
    assert caught.value.header == header


def test_channel_without_our_variables_says_what_to_configure() -> None:
    with pytest.raises(AmiFieldError, match=r"HOTLINE_CALL' is missing \(channelvars of manager.conf\)"):
        ami.parse(message("Event: Newchannel", STAMP, *LEG[:3]))


@pytest.mark.parametrize("stamp", ["", "soon", "nan", "-1", "1_0", "1.2.3", "１７９５"])
def test_time_that_is_no_number_is_an_error(stamp: str) -> None:
    with pytest.raises(AmiFieldError, match="is no number"):
        ami.parse(message("Event: Newchannel", f"Timestamp: {stamp}", *LEG))


def test_unknown_device_state_is_an_error() -> None:
    with pytest.raises(AmiFieldError, match="is no device state"):
        ami.parse(message("Event: DeviceStateChange", STAMP, "Device: PJSIP/1001", "State: SLEEPING"))


def test_goodbye_without_a_cause_is_one_all_the_same() -> None:
    event = ami.parse(message("Event: HangupRequest", STAMP, *LEG))
    assert isinstance(event, ami.HangupRequested)
    assert event.cause is None


def test_dial_that_nobody_dials_has_no_caller() -> None:
    dest = tuple("Dest" + line for line in LEG)
    event = ami.parse(message("Event: DialBegin", STAMP, *dest, "DialString: 1001"))
    assert isinstance(event, ami.DialBegan)
    assert event.channel is None


@pytest.mark.parametrize("name", ["VarSet", "QueueMemberStatus", "Newexten"])
def test_events_that_we_do_not_act_on_are_none(name: str) -> None:
    assert ami.parse(message(f"Event: {name}")) is None


def test_user_events_of_others_are_none() -> None:
    assert ami.parse(message("Event: UserEvent", "UserEvent: SomethingElse")) is None


def test_answer_to_an_action_is_no_event() -> None:
    assert ami.parse(message("Response: Success", "Message: Newchannel")) is None


def test_shown_channel_outside_a_bridge_has_none() -> None:
    assert (
        ami.shown_channel(message("Event: CoreShowChannel", *LEG, "BridgeId: ", "Context: c", "Exten: s")).bridge
        is None
    )
    assert (
        ami.shown_channel(message("Event: CoreShowChannel", *LEG, "BridgeId: b-1", "Context: c", "Exten: s")).bridge
        == "b-1"
    )


def test_shown_device_has_its_state() -> None:
    shown = ami.shown_device(message("Event: DeviceStateChange", "Device: PJSIP/1001", "State: ONHOLD"))
    assert shown == ami.ShownDevice("PJSIP/1001", DeviceState.ONHOLD)


def test_every_wanted_event_has_a_reader_and_the_noise_has_none() -> None:
    assert {"Newchannel", "Hangup", "DeviceStateChange", "UserEvent", "FullyBooted", "Shutdown"} <= ami.WANTED
    assert not {"VarSet", "Newexten", "RTCPSent", "AGIExecStart", "NewConnectedLine"} & ami.WANTED
