"""The dialplan's notes of ends, as DBGetTree lists them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing.events import EmergencyAlone, EndNoted, OutboundNoted
from telephony.ami.codec import AmiFieldError, Message
from telephony.ami.ends import minutes, noted_at, read_note

OLDER = "1795302613422-1795302613.7:12345:carrier:1795302615000:1001:1795302675500:agent:16"
NOTE = OLDER + ":A-17:test-1-a"


def item(note: str) -> Message:
    return Message({"event": ["DBGetTreeResponse"], "key": ["/hotline-ends/17/7"], "val": [note]})


def test_note_of_a_talk_is_read() -> None:
    assert read_note(item(NOTE)) == EndNoted(
        "1795302613422-1795302613.7",
        "12345",
        1795302613.422,
        1795302675.5,
        "agent",
        16,
        1795302615.0,
        "1001",
        "carrier",
        case="A-17",
        test="test-1-a",
    )


def test_note_of_an_older_dialplan_is_the_same_without_case_and_mark() -> None:
    assert read_note(item(OLDER)) == replace(read_note(item(NOTE)), case="", test="")
    assert read_note(item(OLDER + ":A-17")) == replace(read_note(item(NOTE)), test="")


def test_note_of_a_caller_who_gave_up_has_no_answer() -> None:
    end = read_note(item("1795302613422-1795302613.7:12345:carrier:::1795302675500:caller:"))
    assert isinstance(end, EndNoted)
    assert (end.answered_at, end.seat_id, end.cause) == (None, "", None)


EMERGENCY = "emergency:1795302613422-1795302613.7:110:1795302675500:2:1795302690250"


def test_note_of_an_emergency_that_reached_nobody_is_read() -> None:
    assert read_note(item(EMERGENCY)) == EmergencyAlone(
        "1795302613422-1795302613.7", "110", 1795302675.5, "failed", 2, 1795302690.25, noted=True
    )


OUT = "out:out-1795302613422-0a1b:1795302615000:1795302620500:1795302675500:"


@pytest.mark.parametrize(
    ("note", "dialled", "answered", "cause"),
    [
        (OUT, 1795302615.0, 1795302620.5, None),
        (OUT.replace("1795302620500", "") + "17", 1795302615.0, None, 17),
        (OUT.replace("1795302620500", ""), 1795302615.0, None, None),  # the agent hung up while it rang
    ],
)
def test_note_of_an_outbound_call_says_whether_the_citizen_was_dialled_and_reached(
    note: str, dialled: float, answered: float | None, cause: int | None
) -> None:
    found = read_note(item(note))
    assert found == OutboundNoted("out-1795302613422-0a1b", dialled, answered, 1795302675.5, cause)
    assert noted_at(found) == 1795302675.5


@pytest.mark.parametrize("note", [OUT + ":", OUT.replace("1795302675500", ""), OUT.replace("1795302615000", "x")])
def test_spoilt_note_of_an_outbound_call_is_an_error(note: str) -> None:
    with pytest.raises(AmiFieldError):
        read_note(item(note))


@pytest.mark.parametrize("note", [EMERGENCY + ":", EMERGENCY.replace(":2:", ":x:"), EMERGENCY.replace("250", "x")])
def test_spoilt_note_of_an_emergency_is_an_error(note: str) -> None:
    with pytest.raises(AmiFieldError):
        read_note(item(note))


@pytest.mark.parametrize("note", ["", "x", NOTE + ":", NOTE.replace("agent", "he"), NOTE.replace("1795302675500", "x")])
def test_spoilt_note_is_an_error(note: str) -> None:
    with pytest.raises(AmiFieldError):
        read_note(item(note))


def test_minutes_are_asked_for_once_each_and_around_the_hour() -> None:
    hour = 1795302000 // 3600 * 3600.0
    assert minutes(hour - 30, hour + 70) == ["58", "59", "00", "01", "02"]
    assert len(minutes(0, hour)) == len(set(minutes(0, hour))) == 60
