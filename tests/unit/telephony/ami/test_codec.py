from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.ami.codec import (
    MAX_HEADERS,
    MAX_LINE,
    MAX_MESSAGE,
    AmiFieldError,
    AmiFramingError,
    AmiUnsafeValue,
    Message,
    MessageReader,
    encode,
)
from tests.unit.telephony.ami.wires import GREETING, block, message


def read(data: bytes, *, chunk: int | None = None, wanted: frozenset[str] | None = None) -> list[Message]:
    reader = MessageReader(wanted)
    step = chunk or len(data)
    return [m for at in range(0, len(data), step) for m in reader.feed(data[at : at + step])]


def test_greeting_is_no_message_and_gives_the_protocol_version() -> None:
    reader = MessageReader()
    assert list(reader.feed(GREETING)) == []
    assert reader.version == "11.0.0"


def test_first_answer_glued_to_the_greeting_is_read() -> None:
    assert [m.name for m in read(GREETING + block("Response: Success", "Ping: Pong"))] == ["Success"]


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n", b"Asterisk Call Manager\r\n", b"\x16"]
)
def test_peer_that_greets_otherwise_is_no_asterisk(start: bytes) -> None:
    with pytest.raises(AmiFramingError, match="no Asterisk Manager"):
        read(start)


def test_greeting_that_does_not_end_is_refused() -> None:
    with pytest.raises(AmiFramingError, match="does not end"):
        read(b"Asterisk Call Manager/" + b"1" * 2000)


def test_repeated_headers_are_all_kept_and_their_order_too() -> None:
    found = message("Response: Success", "Output: a", "output: b", "Output: a")
    assert found.many("OUTPUT") == ["a", "b", "a"]


def test_header_that_came_twice_is_no_single_value() -> None:
    with pytest.raises(AmiFieldError, match="came more than once"):
        message("Event: Hangup", "Uniqueid: 1.1", "Uniqueid: 2.2").one("Uniqueid")


def test_missing_header_is_an_error_and_never_an_empty_text() -> None:
    with pytest.raises(AmiFieldError, match="'Cause' is missing"):
        message("Event: Hangup").one("Cause")


def test_empty_value_is_a_value() -> None:
    assert message("Event: X", "BridgeId: ").one("bridgeid") == ""
    assert message("Event: X", "BridgeId:").one("BridgeId") == ""


def test_value_keeps_its_own_colons_and_blanks() -> None:
    assert message("Event: X", "A:  b: c ").one("A") == " b: c "


def test_line_without_colon_is_passed_over() -> None:
    assert message("Event: X", "no header at all", "A: b").one("A") == "b"


def test_block_that_is_neither_event_nor_response_is_counted_and_dropped() -> None:
    reader = MessageReader()
    assert list(reader.feed(GREETING + block("A: b") + block("Event: X"))) != []
    assert reader.malformed == 1


def test_channel_variables_are_a_mapping_for_both_legs() -> None:
    found = message(
        "Event: DialBegin", "ChanVariable: A=1", "ChanVariable: B=x=y", "ChanVariable: C=", "DestChanVariable: A=2"
    )
    assert found.variables() == {"A": "1", "B": "x=y", "C": ""}
    assert found.variables("Dest") == {"A": "2"}


def test_bytes_that_are_no_text_are_replaced_and_not_lost() -> None:
    (found,) = read(GREETING + b"Event: X\r\nName: \xc1\xf5\r\n\r\n")
    assert found.one("Name") == "\ufffd\ufffd"


@pytest.mark.parametrize("chunk", [1, 2, 3, 5])
def test_letters_cut_in_two_arrive_whole(chunk: int) -> None:
    data = GREETING + block("Event: X", "Name: 张三丰") + block("Event: Y")
    found = read(data, chunk=chunk)
    assert [m.name for m in found] == ["X", "Y"]
    assert found[0].one("Name") == "张三丰"


def test_unwanted_events_are_skipped_unless_they_answer_an_action_of_ours() -> None:
    data = GREETING + block("Event: VarSet", "A: b") + block("Event: VarSet", "ActionID: 7") + block("Event: Hangup")
    reader = MessageReader(frozenset({"Hangup"}))
    assert [m.name for m in reader.feed(data)] == ["VarSet", "Hangup"]
    assert reader.skipped == 1


def test_message_over_the_bound_is_refused_after_those_before_it() -> None:
    reader = MessageReader()
    feeding = reader.feed(GREETING + block("Event: X") + b"Event: Y\r\nA: " + b"x" * MAX_MESSAGE)
    assert next(feeding).name == "X"
    with pytest.raises(AmiFramingError, match="longer than"):
        next(feeding)


def test_message_over_the_bound_is_refused_even_when_it_ends_in_the_same_read() -> None:
    with pytest.raises(AmiFramingError):
        read(GREETING + block("Event: Y", "A: " + "x" * MAX_MESSAGE))


def test_long_message_in_small_pieces_is_searched_once() -> None:
    """Quadratic searching would take minutes here, not moments."""
    reader = MessageReader()
    list(reader.feed(GREETING + b"Event: X\r\nA: "))
    for _ in range(MAX_MESSAGE // 16 - 4):
        list(reader.feed(b"x" * 16))
    assert [m.name for m in reader.feed(b"\r\n\r\n")] == ["X"]


HEADER = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0:"), min_size=1, max_size=10)
VALUE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=40)


@given(st.lists(st.tuples(HEADER, VALUE), max_size=6), st.integers(1, 30))
def test_what_is_encoded_is_read_back_however_it_is_cut(fields: list[tuple[str, str]], chunk: int) -> None:
    data = GREETING + encode([("Event", "X"), *fields])
    (found,) = read(data, chunk=chunk)
    for name, value in fields:
        assert value.removeprefix(" ") in [v.removeprefix(" ") for v in found.many(name)]


@given(st.binary(max_size=200), st.integers(1, 7))
def test_no_bytes_at_all_make_the_reader_fail_otherwise_than_by_framing(data: bytes, chunk: int) -> None:
    whole, cut = read(GREETING + data), read(GREETING + data, chunk=chunk)
    assert [m.name for m in whole] == [m.name for m in cut]


@pytest.mark.parametrize("bad", ["a\r\nAction: Command", "a\nb", "a\0b", "\r"])
def test_value_that_would_inject_a_line_is_refused(bad: str) -> None:
    with pytest.raises(AmiUnsafeValue, match="illegal character"):
        encode([("Action", "UserEvent"), ("Name", bad)])


@pytest.mark.parametrize("bad", ["A: b\r\nC", "A\n", "A:B", ""])
def test_header_name_that_would_inject_a_line_is_refused(bad: str) -> None:
    with pytest.raises(AmiUnsafeValue):
        encode([(bad, "x")])


def test_line_that_asterisk_would_not_read_whole_is_refused_in_bytes_not_letters() -> None:
    fits = (MAX_LINE - len("A: ")) // len("市".encode())
    assert encode([("A", "市" * fits)])
    with pytest.raises(AmiUnsafeValue, match="1023 bytes"):
        encode([("A", "x" * (MAX_LINE - 2))])


def test_more_headers_than_asterisk_reads_are_refused() -> None:
    with pytest.raises(AmiUnsafeValue, match="129 headers"):
        encode([("A", "b")] * (MAX_HEADERS + 1))


def test_error_text_never_holds_the_value() -> None:
    with pytest.raises(AmiUnsafeValue) as caught:
        encode([("Secret", "hush\n")])
    assert "hush" not in str(caught.value)
