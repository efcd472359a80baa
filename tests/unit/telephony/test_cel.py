"""Asterisk's own lines become calls: answered by whom and when, abandoned, cut off; and what no line is."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.witness import Witnessed
from telephony.cel import KINDS, LONGEST_LINE, CelCalls, CelLineError, parse
from tests.unit.telephony.cel_lines import (
    BASE_MS,
    QUEUE,
    abandoned_call,
    answered_call,
    begun,
    ended,
    entered,
    id_of,
    line,
    uniqueid,
)

SEATS = {"PJSIP/1001": "1001", "PJSIP/phone2": "1002"}


def calls_of(*texts: bytes, calls: CelCalls | None = None) -> list[Witnessed]:
    calls = calls or CelCalls(SEATS.get)
    fed = (calls.feed(parse(raw)) for raw in b"".join(texts).splitlines())
    return [call for call in fed if call is not None]


def test_call_that_a_queue_of_asterisks_gave_to_a_seat_is_answered_when_the_caller_is_in_the_bridge() -> None:
    assert calls_of(QUEUE) == [
        Witnessed(
            "1795399430735-1795399430.0", "12345", "carrier", 1795399430733, 1795399431122, 1795399430815, "1001",
            1795399431120,
        )
    ]  # fmt: skip


def test_answer_is_the_later_of_caller_and_phone_in_the_same_bridge() -> None:
    for order in (lambda rows: rows, reversed):
        rows: Iterable[bytes] = order([entered(3.0, 7, 1, "b", "PJSIP/phone2-0b"), entered(3.004, 1, 1, "b")])
        [call] = calls_of(begun(), *rows, ended(9.0, 7, 1), ended(9.5))
        assert (call.answered_ms, call.seat_id, call.parted_ms) == (BASE_MS + 3004, "1002", BASE_MS + 9000)
        assert (call.arrived_ms, call.ended_ms, call.call_id) == (BASE_MS + 1000, BASE_MS + 9500, id_of(1))


def test_first_talk_is_the_answer_whoever_joins_later() -> None:
    talk = entered(2.0, 7, 1, "b", "PJSIP/1001-0b"), entered(2.1, 1, 1, "b")
    [call] = calls_of(begun(), *talk, entered(4.0, 9, 1, "b", "PJSIP/phone2-1"), ended(5.0, 7, 1), ended(8.0))
    assert (call.answered_ms, call.seat_id, call.parted_ms) == (BASE_MS + 2100, "1001", BASE_MS + 5000)


def test_phones_in_other_bridges_have_not_answered() -> None:
    [call] = calls_of(begun(), entered(2.0, 1, 1, "room"), entered(2.1, 7, 1, "other", "PJSIP/1001-0b"), ended(3.0))
    assert (call.answered_ms, call.seat_id, call.parted_ms) == (None, None, None)


def test_phone_that_left_before_the_caller_came_has_not_answered() -> None:
    rows = entered(2.0, 7, 1, "b", "PJSIP/1001-0b"), ended(2.1, 7, 1), entered(2.2, 1, 1, "b"), ended(3.0)
    assert calls_of(begun(), *rows)[0].answered_ms is None


def test_whoever_is_no_seat_is_the_duty_telephone() -> None:
    [call] = calls_of(begun(), entered(2.0, 7, 1, "b", "PJSIP/carrier-0c"), entered(2.0, 1, 1, "b"), ended(3.0))
    assert call.seat_id == "telephone"


def test_seats_behind_pipes_are_known_by_the_name_of_the_pipe() -> None:
    pipe = "Local/remote_7@hotline-seat-0000001f;1"
    [call] = calls_of(begun(), entered(2.0, 7, 1, "b", pipe), entered(2.0, 1, 1, "b"), ended(3.0))
    assert call.seat_id == "remote_7"


def test_calls_are_kept_apart() -> None:
    rows = [answered_call(number).splitlines(keepends=True) for number in (1, 2, 3)]
    together = calls_of(*(row for step in zip(*rows, strict=True) for row in step))
    assert together == [call for number in (1, 2, 3) for call in calls_of(answered_call(number))]


def test_calls_of_agents_and_of_phones_are_no_calls_of_callers() -> None:
    out = line("CHAN_START", 1, 1, context="hotline-outbound", dialled="")
    dialled = line("CHAN_START", 2, 2, context="hotline-phone", dialled="")
    left = [line("CHAN_END", 3, number, context="x") for number in (1, 2)]
    calls = CelCalls(SEATS.get)
    assert (
        calls_of(out, dialled, entered(2.5, 1, 1, "b").replace(id_of(1).encode(), b"out-1-ab"), *left, calls=calls)
        == []
    )
    assert not calls.open


def test_legs_that_we_dial_through_a_trunk_do_not_arrive() -> None:
    calls = CelCalls(SEATS.get)
    remote = line("CHAN_START", 1.5, 7, call=None, dialled="s")
    assert [call.call_id for call in calls_of(begun(), remote, ended(2.0, 7, 1), ended(3.0), calls=calls)] == [id_of(1)]
    assert not calls.open


def test_channel_that_left_before_it_had_an_id_is_no_call() -> None:
    calls = CelCalls(SEATS.get)
    assert calls_of(begun(1, dialled="999"), line("CHAN_END", 1.01, 1, context="x"), calls=calls) == []
    assert not calls.open


def test_arrivals_with_a_case_are_calls() -> None:
    [call] = calls_of(begun(1, context="hotline-in-with-case-police", name="PJSIP/police-0a"), ended(2.0))
    assert (call.endpoint, call.dialled, call.whole) == ("police", "12345", True)


def test_call_whose_beginning_was_lost_is_known_by_its_end() -> None:
    [call] = calls_of(ended(2.0))
    assert call == Witnessed(id_of(1), "", "", BASE_MS + 1003, BASE_MS + 2000, whole=False)


def test_call_without_an_end_is_given_up_when_nobody_has_it() -> None:
    calls = CelCalls(SEATS.get)
    assert calls_of(begun(1), begun(2), begun(3), entered(20, 3, 3, "b"), calls=calls) == []
    assert calls.give_up(BASE_MS + 10_000, {uniqueid(2)}) == [
        Witnessed(
            f"{BASE_MS + 1000}-{uniqueid(1)}", "12345", "carrier", BASE_MS + 1000, BASE_MS + 1000, named=False, cut=True
        )
    ]
    assert set(calls.open) == {uniqueid(2), uniqueid(3)}
    [late] = calls.give_up(BASE_MS + 30_000, {uniqueid(2)})
    assert (late.call_id, late.named, late.ended_ms) == (id_of(3), True, BASE_MS + 20_000)


def test_events_that_are_no_concern_are_read_over() -> None:
    rows = abandoned_call(1).splitlines(keepends=True)
    assert calls_of(rows[0], line("HANGUP", 2.5, 1, call=1), line("ANSWER", 2.6, 1, call=1), rows[1]) == calls_of(*rows)


def test_late_leg_does_not_bring_a_call_to_life() -> None:
    calls = CelCalls(SEATS.get)
    calls_of(abandoned_call(1), entered(4.0, 7, 1, "b", "PJSIP/1001-0b"), ended(4.1, 7, 1), calls=calls)
    assert not calls.open


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not whole"),
        (b'"CHAN_START"', "not 9 fields"),
        (begun().rstrip() + b',""', "not 9 fields"),
        (begun().rstrip().replace(b"CHAN_START", b"CHAN_STAR"), "no event"),
        (begun().rstrip().replace(b"1795399431.000500", b"yesterday"), "no time"),
        (begun().rstrip().replace(b'"1795399430.1","1795399430.1"', b'"",""'), "no uniqueid"),
        (entered(1, 1, 1, "").rstrip(), "no bridge"),
        (begun().rstrip().replace(b"carrier", b"car\xffrier"), "not UTF-8"),
        (begun().rstrip().replace(b"carrier", b"car\x00rier"), "not whole"),
        (b'"' + b"x" * LONGEST_LINE + b'"', "too long"),
        (begun().rstrip().replace(b'"hotline-in"', b'"hotline"-in"'), "no CSV"),
    ],
)
def test_what_asterisk_did_not_write_so_is_no_line(raw: bytes, why: str) -> None:
    with pytest.raises(CelLineError, match=why) as caught:
        parse(raw)
    assert "carrier" not in str(caught.value)


@pytest.mark.parametrize("whole", QUEUE.splitlines())
def test_line_cut_at_any_byte_is_no_line(whole: bytes) -> None:
    parse(whole)
    for cut in range(len(whole)):
        for part in (whole[:cut], whole[cut + 1 :]):
            with pytest.raises(CelLineError):
                parse(part)


CELLS = st.sampled_from(["", "CHAN_END", "1795399431.000500", id_of(1), uniqueid(1), "hotline-in", "PJSIP/x-1"])


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_line_or_no_line(raw: bytes) -> None:
    with pytest.raises(CelLineError):
        parse(raw)


@given(st.sampled_from(sorted(KINDS)), st.lists(CELLS | st.text(max_size=20), min_size=6, max_size=6))
def test_whatever_stands_in_the_fields_other_calls_are_not_different(kind: str, cells: list[str]) -> None:
    """In the middle of a call; the one that it names, as it may, is no other one."""
    one, other = answered_call(1).splitlines(), calls_of(answered_call(2))
    text = ",".join('"' + cell.replace('"', '""') + '"' for cell in [kind, "1795399432.000500", *cells, ""])
    odd = f'{text[:-2]}"{{""bridge_id"":""b""}}"'.encode() if kind == "BRIDGE_ENTER" else text.encode()
    calls = CelCalls(SEATS.get)
    found = []
    for raw in [*one[:2], odd, *answered_call(2).splitlines(), *one[2:]]:
        with suppress(CelLineError):
            found.append(calls.feed(parse(raw)))
    assert other[0] in found


def test_any_single_line_lost_leaves_no_other_call_different() -> None:
    text = b"".join(answered_call(number) for number in (1, 2, 3))
    lines, others = text.splitlines(), calls_of(answered_call(1), answered_call(3))
    for lost in range(len(lines)):
        calls = CelCalls(SEATS.get)
        found = [call for call in map(calls.feed, map(parse, lines[:lost] + lines[lost + 1 :])) if call is not None]
        number = lost // 5 + 1
        untouched = [
            call for call in (others[0], calls_of(answered_call(2))[0], others[1]) if call.call_id != id_of(number)
        ]
        assert [call for call in found if call.call_id != id_of(number)] == untouched
