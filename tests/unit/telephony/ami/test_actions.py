from __future__ import annotations

import pytest

from telephony.ami import actions
from tests.unit.telephony.ami.wires import message


def test_login_asks_for_no_more_event_classes_than_are_read() -> None:
    assert actions.login("hotline", "s").fields == (
        ("Username", "hotline"),
        ("Secret", "s"),
        ("Events", "system,call,user"),
    )


@pytest.mark.parametrize(
    ("word", "refused"), [("Error", True), ("Success", False), ("Follows", False), ("Goodbye", False)]
)
def test_only_error_words_are_refusals(word: str, refused: bool) -> None:
    assert actions.refused(message(f"Response: {word}")) is refused


def test_event_named_like_a_refusal_is_none() -> None:
    assert not actions.refused(message("Event: Error"))


@pytest.mark.parametrize(
    ("lines", "complete"),
    [
        (("Response: Success", "EventList: start"), False),
        (("Event: CoreShowChannel", "Uniqueid: 1.1"), False),
        (("Event: CoreShowChannelsComplete", "EventList: Complete"), True),
        (("Event: SomethingComplete",), False),  # a name is no proof
        (("Event: CoreShowChannelsComplete", "EventList: cancelled"), True),
        (("Response: Error", "Message: Permission denied"), True),
        (("Response: Success", "Message: nothing to list"), True),
    ],
)
def test_list_ends_by_its_own_word_and_not_by_a_name(lines: tuple[str, ...], complete: bool) -> None:
    assert actions.list_is_complete(message(*lines)) is complete


def test_items_are_what_lies_between_start_and_end() -> None:
    answer = [
        message("Response: Success", "EventList: start"),
        message("Event: DeviceStateChange", "Device: PJSIP/1001"),
        message("Event: DeviceStateListComplete", "EventList: Complete"),
    ]
    assert actions.list_items(answer) == [answer[1]]
