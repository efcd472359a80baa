"""What the transcripts do not hold: rare orders, missing events, and things that Asterisk should never do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing import events as routing
from routing.model import DeviceState
from telephony.ami import events as ami
from telephony.ami.codec import AmiFieldError
from telephony.ami.tracker import MAX_BORN, Tracker
from tests.unit.telephony.ami.wires import CALL, CALLER, SEATS, arrival, caller, channel, message, phone


class Told(list[routing.Event]):
    def __init__(self, seats: dict[str, str] = SEATS) -> None:
        super().__init__()
        self.tracker = Tracker(seats, self.append)

    def hears(self, *events: ami.AmiEvent) -> Told:
        for event in events:
            self.tracker.handle(event)
        return self

    def of(self, kind: type[routing.Event]) -> list[routing.Event]:
        return [event for event in self if isinstance(event, kind)]

    @property
    def names(self) -> list[str]:
        return [type(event).__name__ for event in self]


def ringing(at: float = 10.0, seat: str = "1001") -> list[ami.AmiEvent]:
    leg = phone(seat, state="Ringing")
    return [ami.DialBegan(at, caller(), phone(seat)), ami.ChannelStateChanged(at + 0.1, leg)]


def talking(at: float = 11.0, bridge: str = "b", seat: str = "1001") -> list[ami.AmiEvent]:
    leg = phone(seat, state="Up")
    return [
        ami.DialEnded(at, caller(), leg, "ANSWER"),
        ami.BridgeEntered(at + 0.1, bridge, leg),
        ami.BridgeEntered(at + 0.2, bridge, caller("Up")),
    ]


@pytest.fixture
def told() -> Told:
    return Told().hears(arrival())


# -- arrival -----------------------------------------------------------------------------------------------------------


def test_arrival_is_the_creation_of_the_channel_when_it_was_seen() -> None:
    told = Told().hears(ami.ChannelCreated(1795300000.1201, channel(CALLER, "PJSIP/carrier-0", call="")), arrival())
    assert told[0] == routing.CallSeen(CALL, "12345", 1795300000.1201, trunk="carrier", caller_number="13800000001")


def test_arrival_is_the_stamp_when_the_creation_was_missed(told: Told) -> None:
    assert told.of(routing.CallSeen)[0].arrived_at == 1795300000.123


def test_clock_that_was_set_between_creation_and_stamp_is_counted() -> None:
    told = Told().hears(ami.ChannelCreated(1795299990.0, channel(CALLER, "PJSIP/carrier-0", call="")), arrival())
    assert told.tracker.stamps_differ == 1


def test_arrival_told_twice_is_one_call(told: Told) -> None:
    assert told.hears(arrival()).names == ["CallSeen"]


def test_call_id_that_names_another_channel_is_not_believed() -> None:
    odd = ami.ArrivalAnnounced(1.0, channel("2.2", "PJSIP/carrier-1"), CALL, "12345", 1.0, "", "")
    told = Told().hears(odd)
    assert told == []
    assert told.tracker.drift == {"arrival_on_another_channel": 1}


@pytest.mark.parametrize("call_id", ["x", "-", "abc-1.1", "1795300000123-", "１-1.1"])
def test_call_id_that_is_none_is_an_error_for_the_counter(call_id: str) -> None:
    with pytest.raises(AmiFieldError):
        Told().hears(ami.ArrivalAnnounced(1.0, caller(), call_id, "12345", 1.0, "", ""))


def test_uniqueid_may_hold_dashes_of_a_system_name() -> None:
    call_id = "1795300000123-pbx-1-1795300000.1"
    leg = channel("pbx-1-1795300000.1", "PJSIP/carrier-0", call=call_id)
    told = Told().hears(ami.ArrivalAnnounced(1.0, leg, call_id, "12345", 1.0, "", ""))
    assert told.names == ["CallSeen"]


def test_arrival_tells_its_case() -> None:
    (seen,) = Told().hears(replace(arrival(), case="A-17"))
    assert isinstance(seen, routing.CallSeen)
    assert (seen.trunk, seen.case) == ("carrier", "A-17")


def test_callers_own_channel_proves_a_call_whose_arrival_was_missed() -> None:
    told = Told().hears(ami.DialBegan(10.0, caller(), phone()))
    assert told == []  # the leg alone proves nothing
    told.hears(ami.BridgeEntered(11.0, "b", caller(HOTLINE_LINE="12333", HOTLINE_TRUNK="police", HOTLINE_CASE="A-17")))
    assert told == [routing.CallSeen(CALL, "12333", 1795300000.123, "police", case="A-17")]
    assert told.tracker.drift == {"leg_of_unknown_call": 1, "arrival_missed": 1}


def test_channels_that_never_become_calls_are_forgotten_and_bounded() -> None:
    told = Told()
    for number in range(MAX_BORN + 10):
        told.hears(ami.ChannelCreated(1.0, channel(f"{number}.0", "PJSIP/other-0", call="")))
    assert told.tracker.known_channels == MAX_BORN
    for number in range(MAX_BORN):
        told.hears(ami.ChannelHungUp(2.0, channel(f"{number}.0", "PJSIP/other-0", call=""), 16))
    assert told.tracker.known_channels == 0


# -- presentation ------------------------------------------------------------------------------------------------------


def test_ringing_that_is_told_before_the_dialling_waits_for_it_in_order(told: Told) -> None:
    dial, rings = ringing()
    told.hears(rings, dial)
    assert told.names == ["CallSeen", "SeatDialing", "SeatRinging"]


def test_everything_told_twice_is_told_on_once(told: Told) -> None:
    for event in [*ringing(), *talking()]:
        told.hears(event, event)
    assert told.names == ["CallSeen", "SeatDialing", "SeatRinging", "SeatDialEnded", "CallAnswered"]


def test_early_media_of_the_phone_is_ringing(told: Told) -> None:
    told.hears(ami.DialBegan(10.0, caller(), phone()), ami.DialProgressed(10.2, phone(), "PROGRESS"))
    assert told.names[-1] == "SeatRinging"


@pytest.mark.parametrize(
    ("cause", "rang", "status"),
    [(21, True, "BUSY"), (21, False, "BUSY"), (19, False, "BUSY"), (19, True, "NOANSWER"), (1, False, "NOANSWER")],
)
def test_phone_that_refuses_is_told_from_one_that_rings_out(told: Told, cause: int, rang: bool, status: str) -> None:
    told.hears(*ringing()[: 2 if rang else 1], ami.HangupRequested(11.0, phone(), cause))
    told.hears(ami.DialEnded(11.1, caller(), phone(), "NOANSWER"))
    assert told.of(routing.SeatDialEnded)[0].status == status


@pytest.mark.parametrize(
    ("asked", "hangup_cause", "status"),
    [(21, 21, "BUSY"), (None, 21, "BUSY"), (19, 19, "NOANSWER"), (None, 16, "NOANSWER")],
)
def test_end_of_a_leg_explains_a_dial_that_ended_before_it(
    told: Told, asked: int | None, hangup_cause: int, status: str
) -> None:
    told.hears(*ringing(), ami.DialEnded(11.0, caller(), phone(), "NOANSWER"))
    assert told.of(routing.SeatDialEnded) == []
    if asked is not None:
        told.hears(ami.HangupRequested(11.0, phone(), asked))
    told.hears(ami.ChannelHungUp(11.1, phone(), hangup_cause))
    assert told.of(routing.SeatDialEnded) == [routing.SeatDialEnded(CALL, "1001", status, 11.0)]
    assert not told.tracker.drift


def test_leg_that_goes_without_its_dial_end_still_ends_its_presentation(told: Told) -> None:
    told.hears(*ringing(), ami.ChannelHungUp(12.0, phone(), 0))
    assert told[-1] == routing.SeatDialEnded(CALL, "1001", "CANCEL", 12.0)
    assert told.tracker.drift == {"dial_end_missed": 1}


def test_seat_is_known_by_its_device_when_nobody_set_the_variable(told: Told) -> None:
    told.hears(ami.DialBegan(10.0, caller(), channel("9.9", "PJSIP/1002-0000002a")))
    assert told[-1] == routing.SeatDialing(CALL, "1002", 10.0)


def test_remote_seat_is_known_by_the_variable_alone(told: Told) -> None:
    leg = channel("9.9", "PJSIP/carrier-0000002a", HOTLINE_SEAT="remote")
    told.hears(ami.DialBegan(10.0, caller(), leg))
    assert told[-1] == routing.SeatDialing(CALL, "remote", 10.0)


def test_remote_seat_that_is_picked_up_is_told_and_a_phone_is_not() -> None:
    told = Told(SEATS | {"remote": "PJSIP/13900000001@carrier"}).hears(arrival())
    leg = channel("9.9", "PJSIP/carrier-0000002a", HOTLINE_SEAT="remote")
    up = channel("9.9", "PJSIP/carrier-0000002a", "Up", HOTLINE_SEAT="remote")
    told.hears(ami.DialBegan(10.0, caller(), leg), ami.ChannelStateChanged(10.5, up))
    assert told[-1] == routing.SeatPickedUp(CALL, "remote", 10.5)
    told.hears(*ringing(), ami.ChannelStateChanged(11.0, phone("Up")))
    assert len(told.of(routing.SeatPickedUp)) == 1


def test_pipe_towards_a_seat_is_no_seat_even_with_the_variable_on_it(told: Told) -> None:
    leg = channel("9.9", "Local/1001@hotline-seat-00000001;1", HOTLINE_SEAT="1001")
    told.hears(ami.DialBegan(10.0, caller(), leg), ami.DialProgressed(10.1, leg, "RINGING"))
    assert told.names == ["CallSeen"]


def test_agent_who_picks_up_in_the_instant_the_caller_gives_up_is_not_told_as_no_answer(told: Told) -> None:
    told.hears(*ringing(), ami.HangupRequested(11.0, caller(), 127, 487))
    told.hears(ami.DialEnded(11.0, caller(), phone(state="Up"), "NOANSWER"))
    assert told[-1] == routing.SeatDialEnded(CALL, "1001", "CANCEL", 11.0)


def test_bridge_of_a_caller_whose_phone_saw_the_call_given_up_is_no_answer(told: Told) -> None:
    told.hears(*ringing(), ami.HangupRequested(11.0, caller("Up"), 16, 487), *talking())
    assert told.of(routing.CallAnswered) == []
    told.hears(ami.ChannelHungUp(11.4, caller("Up"), 16))
    assert told[-1] == routing.CallEnded(CALL, 11.4, 16, "caller")


def test_call_given_up_that_was_told_after_the_bridge_is_marked(told: Told) -> None:
    told.hears(*ringing(), *talking(), ami.HangupRequested(11.3, caller("Up"), 16, 487))
    told.hears(ami.ChannelHungUp(11.4, caller("Up"), 16))
    assert len(told.of(routing.CallAnswered)) == 1
    assert told[-1] == routing.CallEnded(CALL, 11.4, 16, "caller", crossed=True)


def test_caller_who_left_before_the_bridge_without_a_sip_cause_is_answered_and_marked(told: Told) -> None:
    told.hears(*ringing(), ami.HangupRequested(11.0, caller("Up"), None), *talking())
    assert len(told.of(routing.CallAnswered)) == 1
    told.hears(ami.ChannelHungUp(11.4, caller("Up"), 16))
    assert told[-1] == routing.CallEnded(CALL, 11.4, 16, "caller", crossed=True)


# -- talk --------------------------------------------------------------------------------------------------------------


def pipe(end: int, number: str = "00000001") -> ami.Channel:
    return channel(f"7.{end}", f"Local/1001@hotline-seat-{number};{end}")


def test_caller_and_phone_are_connected_through_a_pipe_whatever_is_told_first(told: Told) -> None:
    enters = [
        ami.BridgeEntered(11.1, "inner", phone()),
        ami.BridgeEntered(11.2, "inner", pipe(2)),
        ami.BridgeEntered(11.3, "outer", pipe(1)),
        ami.BridgeEntered(11.4, "outer", caller("Up")),
    ]
    for first in range(4):
        one = Told().hears(arrival(), *enters[first:], *enters[:first])
        assert one.names == ["CallSeen", "CallAnswered"]


def test_pipes_of_two_seats_are_not_mistaken_for_each_other(told: Told) -> None:
    told.hears(
        ami.BridgeEntered(11.1, "inner", phone()),
        ami.BridgeEntered(11.2, "inner", pipe(2, "00000001")),
        ami.BridgeEntered(11.3, "outer", channel("8.1", "Local/1002@hotline-seat-00000002;1")),
        ami.BridgeEntered(11.4, "outer", caller("Up")),
    )
    assert told.names == ["CallSeen"]


def test_caller_alone_in_a_bridge_is_not_answered(told: Told) -> None:
    assert told.hears(ami.BridgeEntered(11.0, "music", caller("Up"))).names == ["CallSeen"]


def test_move_of_both_into_a_conference_is_the_same_talk(told: Told) -> None:
    told.hears(*talking())
    for leg in (phone(state="Up"), caller("Up")):
        told.hears(ami.BridgeLeft(12.0, "b", leg))
    for leg in (phone(state="Up"), caller("Up")):
        told.hears(ami.BridgeEntered(12.1, "conference", leg))
    assert told.names.count("CallAnswered") == 1


def test_late_leave_of_the_old_bridge_does_not_undo_the_new_one(told: Told) -> None:
    told.hears(ami.BridgeEntered(11.0, "new", caller("Up")), ami.BridgeLeft(11.1, "old", caller("Up")))
    told.hears(ami.BridgeEntered(11.2, "new", phone()))
    assert told.names[-1] == "CallAnswered"


def test_second_talk_of_a_call_is_told_again(told: Told) -> None:
    told.hears(*talking(), ami.ChannelHungUp(12.0, phone(), 44))
    told.hears(*talking(at=13.0, seat="1002"))
    assert [event.seat_id for event in told.of(routing.CallAnswered)] == ["1001", "1002"]


def test_person_who_sits_at_no_seat_answers_with_an_empty_seat(told: Told) -> None:
    duty = channel("5.5", "PJSIP/carrier-00000009")
    told.hears(ami.BridgeEntered(11.0, "b", duty), ami.BridgeEntered(11.1, "b", caller("Up")))
    told.hears(ami.ChannelHungUp(12.0, duty, 16))
    assert told[1:] == [routing.CallAnswered(CALL, "", 11.1), routing.AgentLegEnded(CALL, "", False, 12.0)]


# -- the end -----------------------------------------------------------------------------------------------------------

GOODBYE = ami.HangupRequested(12.0, phone(), 16)
LOST = ami.SoftHangupRequested(12.0, phone())


@pytest.mark.parametrize(
    ("begins", "cause", "lost"),
    [
        ([LOST], 44, True),
        ([GOODBYE], 16, False),
        ([GOODBYE, LOST], 44, False),  # a goodbye is a goodbye, whatever Asterisk makes of the channel then
        ([LOST], 16, False),  # an AMI client hung it up: ours, or the engineer's
        ([ami.HangupRequested(11.9, caller(), 16), LOST], 44, False),  # the caller was first
        ([ami.SoftHangupRequested(11.9, caller()), LOST], 44, False),  # Asterisk ended the call
    ],
)
def test_phone_is_lost_only_when_it_went_first_and_without_a_word(
    told: Told, begins: list[ami.AmiEvent], cause: int, lost: bool
) -> None:
    told.hears(*talking(), *begins, ami.ChannelHungUp(12.1, phone(), cause))
    assert told[-1] == routing.AgentLegEnded(CALL, "1001", lost, 12.1)


def test_lost_phone_whose_caller_goes_first_is_lost_all_the_same(told: Told) -> None:
    """Asterisk 16 ends the caller's channel before the phone's."""
    told.hears(*talking(), LOST, ami.SoftHangupRequested(12.1, caller()))
    told.hears(ami.ChannelHungUp(12.2, caller(), 44), ami.ChannelHungUp(12.3, phone(), 44))
    assert told[-2:] == [routing.AgentLegEnded(CALL, "1001", True, 12.2), routing.CallEnded(CALL, 12.2, 44, "agent")]
    assert told.tracker.calls == {}


@pytest.mark.parametrize(
    ("begin", "by"),
    [
        (ami.HangupRequested(12.0, caller(), 16), "caller"),
        (ami.SoftHangupRequested(12.0, caller()), "pbx"),
        (None, "pbx"),
    ],
)
def test_end_of_a_waiting_call_is_named_after_who_began_it(told: Told, begin: ami.AmiEvent | None, by: str) -> None:
    told.hears(*([begin] if begin else []), ami.ChannelHungUp(12.1, caller(), 16))
    assert told[-1] == routing.CallEnded(CALL, 12.1, 16, by)


def test_call_that_was_brought_back_forgets_who_ended_the_talk(told: Told) -> None:
    told.hears(*talking(), LOST, ami.ChannelHungUp(12.1, phone(), 44), *ringing(13.0, "1002"))
    told.hears(ami.HangupRequested(14.0, caller(), 16), ami.ChannelHungUp(14.1, caller(), 16))
    assert told[-1].by == "caller"


def test_nothing_is_told_of_a_call_after_its_end_and_its_legs_do_not_revive_it(told: Told) -> None:
    told.hears(*ringing(), *ringing(10.2, "1002"), ami.ChannelHungUp(12.0, caller(), 127))
    after = len(told)
    told.hears(
        ami.DialEnded(12.1, caller(), phone(), "CANCEL"),
        ami.ChannelHungUp(12.2, phone(), 127),
        ami.DialEnded(12.1, caller(), phone("1002"), "CANCEL"),
        ami.ChannelHungUp(12.2, phone("1002"), 127),
        ami.DialBegan(12.3, None, phone("1002", uniqueid="late.1")),
    )
    assert told[after:] == []
    assert (told.tracker.calls, told.tracker.known_channels) == ({}, 0)
    assert told.tracker.drift == {"leg_of_unknown_call": 1}


def test_hangup_told_twice_ends_a_call_once(told: Told) -> None:
    end = ami.ChannelHungUp(12.0, caller(), 16)
    assert told.hears(end, end).names == ["CallSeen", "CallEnded"]


# -- devices, names, acts ----------------------------------------------------------------------------------------------


def test_only_devices_of_seats_are_told() -> None:
    told = Told()
    for device in ("PJSIP/carrier", "Queue:duty", "PJSIP/1001"):
        told.hears(ami.DeviceChanged(1.0, device, DeviceState.INUSE))
    assert told == [routing.SeatStateChanged("1001", DeviceState.INUSE, 1.0)]


def test_renamed_channel_is_read_by_its_new_name(told: Told) -> None:
    told.hears(
        ami.DialBegan(10.0, caller(), channel("7.1", "Local/x@y-1;1")), ami.ChannelRenamed(10.1, "7.1", "PJSIP/z-1")
    )
    told.hears(ami.BridgeEntered(11.0, "b", channel("7.1", "PJSIP/z-1")), ami.BridgeEntered(11.1, "b", caller("Up")))
    assert told.names[-1] == "CallAnswered"


def test_leg_to_drop_is_one_that_is_dialled_and_not_answered(told: Told) -> None:
    told.hears(*ringing())
    assert told.tracker.dialled_leg(CALL, "1001") == phone().uniqueid
    assert told.tracker.dialled_leg(CALL, "1002") is None
    assert told.tracker.dialled_leg("other", "1001") is None
    told.hears(*talking())
    assert told.tracker.dialled_leg(CALL, "1001") is None


def test_fallback_is_told_as_it_was_announced(told: Told) -> None:
    told.hears(ami.FallbackAnnounced(5.0, CALL, "queue"))
    assert told[-1] == routing.FallbackUsed(CALL, "queue", 5.0)


# -- remote seats ------------------------------------------------------------------------------------------------------


def telephone(state: str = "Up") -> ami.Channel:
    return channel("9.9", "PJSIP/carrier-00000002", state, HOTLINE_SEAT="remote")


def test_remote_seat_that_did_not_confirm_is_told_so(told: Told) -> None:
    told.hears(ami.DialBegan(1.0, None, telephone("Down")), ami.ChannelStateChanged(2.0, telephone("Ringing")))
    told.hears(ami.DialEnded(9.0, None, telephone(), "CONTINUE"))
    assert told[-1] == routing.SeatDialEnded(CALL, "remote", "CONTINUE", 9.0)


def test_caller_who_left_while_a_remote_agent_was_asked_blames_nobody(told: Told) -> None:
    told.hears(ami.DialBegan(1.0, None, telephone("Down")), ami.ChannelStateChanged(2.0, telephone("Ringing")))
    told.hears(ami.HangupRequested(5.0, caller(), 16), ami.DialEnded(5.2, None, telephone(), "CONTINUE"))
    assert told[-1] == routing.SeatDialEnded(CALL, "remote", "CANCEL", 5.2)


def test_keys_in_a_talk_are_told_of_calls_that_are_known_and_of_no_other() -> None:
    told: list[routing.Event] = []
    tracker = Tracker(SEATS, told.append)
    tracker.handle(arrival())
    lines = ("Event: UserEvent", "Timestamp: 9.5", "UserEvent: HotlineAct", "Leg: 1001.1", "Seat: 1001", "Act: consult")
    for call in (CALL, "1-9.9"):
        event = ami.parse(message(*lines, f"Call: {call}", "Value: 201"))
        assert event is not None
        tracker.handle(event)
    assert told[1:] == [routing.CodeDialled(CALL, "1001.1", "1001", "consult", "201", 9.5)]
