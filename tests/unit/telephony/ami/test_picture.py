from __future__ import annotations

import pytest

from routing.events import Picture, SeenAlone, SeenCall
from routing.model import DeviceState
from telephony.ami.events import Channel, ShownChannel, ShownDevice
from telephony.ami.legs import Seats
from telephony.ami.picture import differences, picture, read_calls, read_devices
from tests.unit.telephony.ami.wires import CALL, SEATS, caller, channel, phone

ARRIVED = 1795300000.123


def seen(*shown: tuple[Channel, str | None]) -> tuple[SeenCall, ...]:
    calls = read_calls([ShownChannel(c, bridge) for c, bridge in shown], Seats(SEATS), {}, at=99.0)
    return picture(calls, {}, 99.0).calls


def test_caller_who_waits_is_seen_with_number_and_arrival() -> None:
    assert seen((caller(HOTLINE_LINE="12333"), None)) == (SeenCall(CALL, "12333", ARRIVED),)


def test_trunk_and_case_are_seen_of_the_callers_channel_alone() -> None:
    (call,) = seen((caller(HOTLINE_TRUNK="police", HOTLINE_CASE="A-17"), None), (phone(state="Ringing"), None))
    assert (call.trunk, call.case) == ("police", "A-17")


def test_ringing_seats_are_seen_in_all() -> None:
    shown = [(caller(), None), (phone("1001", state="Ringing"), None), (phone("1002", state="Ringing"), None)]
    assert seen(*shown)[0].ringing == ("1001", "1002")


def test_remote_seat_that_was_picked_up_rings_until_its_agent_has_confirmed() -> None:
    telephone = channel("9.9", "PJSIP/carrier-00000002", "Up", HOTLINE_SEAT="remote")
    (call,) = seen((caller(), None), (telephone, None))
    assert (call.ringing, call.bridged) == (("remote",), False)
    (call,) = seen((caller("Up"), "b"), (telephone, "b"))
    assert (call.ringing, call.seat_id, call.bridged) == ((), "remote", True)


def test_talking_call_has_seat_and_time_of_the_answer() -> None:
    (call,) = seen((caller("Up", HOTLINE_ANSWERED="1795300007500"), "b"), (phone(state="Up"), "b"))
    assert (call.answered_at, call.seat_id, call.bridged) == (1795300007.5, "1001", True)


def test_talk_through_pipes_is_a_talk() -> None:
    ends = [channel(f"7.{n}", f"Local/1001@hotline-seat-00000001;{n}") for n in (1, 2)]
    (call,) = seen((caller("Up"), "outer"), (ends[0], "outer"), (ends[1], "inner"), (phone(state="Up"), "inner"))
    assert (call.seat_id, call.bridged) == ("1001", True)


def test_talk_whose_answer_nobody_stamped_is_dated_by_the_look() -> None:
    (call,) = seen((caller("Up"), "b"), (phone(state="Up"), "b"))
    assert call.answered_at == 99.0


def test_caller_whose_agent_has_just_left_has_talked_and_is_not_bridged() -> None:
    (call,) = seen((caller("Up", HOTLINE_ANSWERED="1795300007500", HOTLINE_SEAT="1001"), None))
    assert (call.answered_at, call.seat_id, call.bridged) == (1795300007.5, "1001", False)


def test_seat_of_an_earlier_talk_is_not_shown_while_the_caller_waits_again() -> None:
    (call,) = seen((caller("Up", HOTLINE_ANSWERED="", HOTLINE_SEAT="1001"), None))
    assert (call.answered_at, call.seat_id) == (None, None)


def test_legs_without_their_caller_are_no_call() -> None:
    assert seen((phone(state="Up"), "b"), (channel("3.3", "PJSIP/1001-2", call=""), None)) == ()


@pytest.mark.parametrize("call_id", ["x", "1-", "a-1.1"])
def test_spoilt_call_id_costs_one_channel_and_not_the_picture(call_id: str) -> None:
    assert len(seen((caller(), None), (channel("9.9", "PJSIP/x-1", call=call_id), None))) == 1


@pytest.mark.parametrize("stamp", ["soon", "-1", "1.5", "１"])
def test_spoilt_stamp_of_the_answer_is_no_answer(stamp: str) -> None:
    assert seen((caller("Up", HOTLINE_ANSWERED=stamp), None))[0].answered_at is None


def test_only_seats_are_read_from_the_list_of_devices() -> None:
    shown = [ShownDevice("PJSIP/1001", DeviceState.BUSY), ShownDevice("Queue:duty_avail", DeviceState.INUSE)]
    assert read_devices(shown, Seats(SEATS)) == {"1001": DeviceState.BUSY}


def test_seat_that_is_dialled_by_a_contact_is_its_endpoints() -> None:
    assert Seats({"7": "PJSIP/7/sip:7@10.0.0.7"}).of_device("PJSIP/7") == "7"


def test_seat_behind_a_trunk_does_not_claim_the_trunk() -> None:
    assert Seats(SEATS).of_device("PJSIP/carrier") is None
    assert Seats(SEATS).of_channel(channel("1.1", "PJSIP/carrier-00000001")) is None


def of(*calls: SeenCall, **seats: DeviceState) -> Picture:
    return Picture(calls, seats, 1.0)


WAITS = SeenCall("a", "12345", 1.0)
RINGS = SeenCall("a", "12345", 1.0, ringing=("1001",))
TALKS = SeenCall("a", "12345", 1.0, 5.0, "1001", True)


@pytest.mark.parametrize(
    ("followed", "told", "kinds"),
    [
        (of(WAITS), of(WAITS), set()),
        (of(), of(WAITS), {("call_missed", "a")}),
        (of(WAITS), of(), {("call_gone", "a")}),
        (of(RINGS), of(TALKS), {("talk", "a"), ("ringing", "a")}),
        (of(TALKS), of(SeenCall("a", "12345", 1.0, 5.0, "1002", True)), {("talk", "a")}),
        (of(s=DeviceState.INUSE), of(s=DeviceState.NOT_INUSE), {("seat", "s")}),
        (of(s=DeviceState.INUSE), of(), {("seat", "s")}),
        (of(), of(s=DeviceState.INUSE), set()),
        (of(TALKS), of(SeenCall("a", "12345", 1.0, 5.1, "1001", True)), set()),
    ],
)
def test_differences_name_what_was_believed_wrongly(
    followed: Picture, told: Picture, kinds: set[tuple[str, str]]
) -> None:
    assert differences(followed, told) == kinds


ALONE = "emergency:0:1795300009000:110"
PIPE = [channel(f"8.{n}", f"Local/110@hotline-emergency-act-00000001;{n}", HOTLINE_ACT=ALONE) for n in (1, 2)]
CENTRE = channel("8.3", "PJSIP/police-00000003", "Up", HOTLINE_THIRD="0.1e", HOTLINE_ACT=ALONE)


def test_emergency_of_the_dialplan_alone_is_seen_with_whom_and_since_when() -> None:
    (call,) = seen((caller("Up"), "b"), (phone(state="Up"), "b"), (PIPE[0], None), (PIPE[1], None))
    assert call.alone == SeenAlone("110", 1795300009.0, dials=True)
    (call,) = seen((caller("Up"), "b"), (phone(state="Up"), "b"), (CENTRE, "b"))
    assert call.alone == SeenAlone("110", 1795300009.0, dials=False)


def test_newest_emergency_of_the_dialplan_alone_is_the_one_that_counts() -> None:
    later = channel("8.4", "PJSIP/police-00000004", HOTLINE_THIRD="0.1e", HOTLINE_ACT="emergency:0:1795300019000:119")
    (call,) = seen((caller("Up"), "b"), (CENTRE, "b"), (later, None))
    assert call.alone == SeenAlone("119", 1795300019.0, dials=False)


@pytest.mark.parametrize("act", ["", ":2:0:1795300009000", "emergency:1:1795300009:110", "emergency:0:soon:110"])
def test_what_is_no_emergency_of_the_dialplan_alone_is_none(act: str) -> None:
    (call,) = seen((caller("Up", HOTLINE_ACT=ALONE), "b"), (channel("8.5", "PJSIP/police-5", HOTLINE_ACT=act), None))
    assert call.alone is None
