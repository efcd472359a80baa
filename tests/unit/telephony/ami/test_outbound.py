"""What Asterisk tells of outbound calls, in any order of its topics, and what a picture shows of them."""

from __future__ import annotations

from dataclasses import replace

from routing import commands as c
from routing import events as routing
from routing.outbound import OutEvent
from telephony.ami.codec import Message
from telephony.ami.feed import Feed
from telephony.ami.outbound import originate
from tests.unit.telephony.ami.wires import SEATS, message

ID = "out-1795300000000-abcd"
STAMP = "Timestamp: 1795300000.5"
MAIN = (f"Uniqueid: {ID}", "Channel: Local/1001@hotline-seat-0;1")
FAR = (f"Uniqueid: {ID}-far", "Channel: Local/1001@hotline-seat-0;2")
AGENT = ("Uniqueid: 5.1", "Channel: PJSIP/1001-00000001")
CITIZEN = ("Uniqueid: 5.2", "Channel: PJSIP/carrier-00000002")


def vars_(prefix: str = "", out: str = ID, **more: str) -> tuple[str, ...]:
    known = {"HOTLINE_CALL": "", "HOTLINE_OUT": out, **more}
    return tuple(f"{prefix}ChanVariable: {name}={value}" for name, value in known.items())


def event(name: str, leg: tuple[str, ...], *more: str, state: str = "Up", **variables: str) -> Message:
    return message(f"Event: {name}", STAMP, *leg, f"ChannelStateDesc: {state}", *vars_(**variables), *more)


def dialled(name: str, *more: str) -> Message:
    dest = tuple(f"Dest{line}" for line in (*CITIZEN, "ChannelStateDesc: Ringing"))
    return message(
        f"Event: {name}", STAMP, *MAIN, "ChannelStateDesc: Up", *vars_(), *dest, *vars_("Dest"), *more
    )  # fmt: skip


def live() -> tuple[Feed, list[routing.Event]]:
    told: list[routing.Event] = []
    feed = Feed(SEATS, told.append)
    feed.devices([])
    feed.channels([], at=1.0)
    told.clear()
    return feed, told


def moves(*messages: Message) -> list[tuple[OutEvent, int | None]]:
    feed, told = live()
    for one in messages:
        feed.message(one)
    assert all(isinstance(one, routing.OutboundMoved) and one.out_id == ID for one in told), told
    assert not feed.tracker.calls
    assert not feed.field_errors
    return [(one.what, one.cause) for one in told if isinstance(one, routing.OutboundMoved)]


def bridge(leg: tuple[str, ...]) -> Message:
    return event("BridgeEnter", leg, "BridgeUniqueid: b", "BridgeName: <unknown>")


def test_whole_call_is_told_by_its_legs_and_is_no_call_of_a_citizen_who_rang_us() -> None:
    assert moves(
        event("Newchannel", MAIN, state="Down", out=""),
        event("Newstate", AGENT, state="Ringing"),
        event("Newstate", MAIN, state="Ringing"),
        event("Newstate", AGENT),
        event("Newstate", MAIN),
        event("Newstate", FAR),
        bridge(AGENT),
        bridge(FAR),
        dialled("DialBegin"),
        event("Newstate", CITIZEN, state="Ringing"),
        event("Newstate", CITIZEN),
        bridge(CITIZEN),
        bridge(MAIN),
        event("Hangup", CITIZEN, "Cause: 16"),
        event("Hangup", FAR, "Cause: 16"),
        event("Hangup", MAIN, "Cause: 16"),
        event("Hangup", AGENT, "Cause: 16"),
    ) == [
        (OutEvent.AGENT_RINGS, None),
        (OutEvent.AGENT_ANSWERED, None),
        (OutEvent.DIALLED, None),
        (OutEvent.CITIZEN_RINGS, None),
        (OutEvent.CONNECTED, None),
        (OutEvent.GONE, 16),
    ]


def test_early_media_is_ringing_too_and_the_dialplan_tells_the_cause() -> None:
    assert moves(
        dialled("DialState", "DialStatus: PROGRESS"),
        event("UserEvent", MAIN, "UserEvent: HotlineOut", f"Out: {ID}", "Status: NOANSWER", "Cause: 21"),
    ) == [(OutEvent.CITIZEN_RINGS, None), (OutEvent.NOT_REACHED, 21)]


def test_remote_agent_is_known_by_his_seat_though_he_is_behind_the_citizens_trunk() -> None:
    assert moves(event("Newstate", CITIZEN, state="Ringing", HOTLINE_SEAT="2001")) == [(OutEvent.AGENT_RINGS, None)]


def failed() -> Message:
    return message("Event: OriginateResponse", STAMP, "Response: Failure", f"Uniqueid: {ID}")


def test_originate_that_never_made_a_channel_is_over_and_one_that_did_ends_with_it() -> None:
    assert moves(failed()) == [(OutEvent.GONE, None)]
    born = event("Newchannel", MAIN, state="Down", out="")
    assert moves(born, failed(), event("Hangup", MAIN, "Cause: 19")) == [(OutEvent.GONE, 19)]


def shown(leg: tuple[str, ...], state: str, bridge_id: str = "", **variables: str) -> Message:
    place = ("Context: hotline-outbound", "Exten: call")
    return message(
        "Event: CoreShowChannel",
        *leg,
        f"ChannelStateDesc: {state}",
        *vars_(**variables),
        *place,
        f"BridgeId: {bridge_id}",
    )


def pictured(*items: Message) -> tuple[routing.SeenOutbound, ...]:
    told: list[routing.Event] = []
    feed = Feed(SEATS, told.append)
    feed.devices([])
    feed.channels(list(items), at=9.0)
    (picture,) = told
    assert isinstance(picture, routing.Picture)
    assert not picture.calls
    return picture.outbound


def test_picture_tells_how_far_each_call_is_with_the_stamps_of_the_dialplan() -> None:
    up = shown(MAIN, "Up", "b1", HOTLINE_ARRIVED="1795300001500", HOTLINE_ANSWERED="1795300002500")
    (seen,) = pictured(up, shown(FAR, "Up", "b2"), shown(AGENT, "Up", "b2"), shown(CITIZEN, "Up", "b1"))
    assert seen == routing.SeenOutbound(
        ID,
        (
            (OutEvent.AGENT_ANSWERED, 1795300001.5),
            (OutEvent.DIALLED, None),
            (OutEvent.CONNECTED, 1795300002.5),
        ),
    )
    (ringing,) = pictured(shown(MAIN, "Down"), shown(AGENT, "Ringing"))
    assert ringing.reached == ((OutEvent.AGENT_RINGS, None),)
    (waiting,) = pictured(shown(MAIN, "Up"), shown(CITIZEN, "Ringing"))
    assert [what for what, _ in waiting.reached] == [OutEvent.AGENT_ANSWERED, OutEvent.DIALLED, OutEvent.CITIZEN_RINGS]


def test_legs_without_the_agents_pipe_are_no_call() -> None:
    assert pictured(shown(CITIZEN, "Up")) == ()


def test_seat_is_rung_through_its_guard_and_the_number_is_in_one_variable_only() -> None:
    action = originate(c.DialOut(ID, "1001", 20, 60, "12345", "PJSIP/13800000000@carrier"))
    fields = dict(action.fields)
    assert fields["Channel"] == "Local/1001@hotline-seat/n"
    assert (fields["ChannelId"], fields["Context"], fields["Exten"]) == (ID, "hotline-outbound", "call")
    assert [value for _, value in action.fields if "138" in value] == ["HOTLINE_OUT_DIAL=PJSIP/13800000000@carrier"]
    assert not any("HOTLINE_CALL" in value for _, value in action.fields)


def test_phone_of_the_agent_shows_what_the_call_is_for_beside_the_line() -> None:
    shown = c.DialOut(ID, "1001", 20, 60, "12345", "PJSIP/13800000000@carrier", "回拨 17")
    assert dict(originate(shown).fields)["CallerID"] == '"回拨 17" <12345>'
    assert dict(originate(replace(shown, shown="")).fields)["CallerID"] == "<12345>"
