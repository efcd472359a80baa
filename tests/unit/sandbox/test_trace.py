"""What SIPp wrote becomes what a caller or a seat saw."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.trace import Leg, Trace, parse

URI = "sip:12345@127.0.0.1:5160"


def line(at: float, way: str, method: str, first: str, call_id: str = "a-1") -> str:
    return f"2026-01-01\t00:00:00.000000\t{1000 + at:.6f}\t{way}\t{call_id}\tCSeq:10 {method}\t{first}\n"


def legs_of(tmp_path: Path, *lines: str) -> list[Leg]:
    path = tmp_path / "short.log"
    path.write_text("".join(lines))
    return Trace(path).read()


INVITE = line(0, "S", "INVITE", f"INVITE {URI} SIP/2.0")
TRYING = line(0.002, "R", "INVITE", "SIP/2.0 100 Trying")
RINGING = line(0.01, "R", "INVITE", "SIP/2.0 180 Ringing")
OK = line(2.5, "R", "INVITE", "SIP/2.0 200 OK")
ACK = line(2.501, "S", "ACK", f"ACK {URI} SIP/2.0")


def test_answered_call_has_its_times(tmp_path: Path) -> None:
    bye = line(7.5, "R", "BYE", "BYE sip:caller@127.0.0.2:1 SIP/2.0")
    (leg,) = legs_of(tmp_path, INVITE, TRYING, RINGING, RINGING, OK, ACK, bye)
    assert (leg.number, leg.placed, leg.code, leg.rings) == ("12345", True, 200, 2)
    assert (leg.ringing_s, leg.answer_s, leg.talk_s) == (pytest.approx(0.01), pytest.approx(2.5), pytest.approx(5.0))
    assert (leg.state, leg.ended_by) == ("ended", "them")


def test_cancelled_call_was_ended_by_the_one_who_placed_it(tmp_path: Path) -> None:
    lines = [
        INVITE,
        RINGING,
        line(1, "S", "CANCEL", f"CANCEL {URI} SIP/2.0"),
        line(1.01, "R", "CANCEL", "SIP/2.0 200 OK"),
        line(1.02, "R", "INVITE", "SIP/2.0 487 Request Terminated"),
    ]
    (placed,) = legs_of(tmp_path, *lines)
    assert (placed.code, placed.ended_by, placed.answered_at) == (487, "us", None)
    swapped = [text.replace("\tS\t", "\tX\t").replace("\tR\t", "\tS\t").replace("\tX\t", "\tR\t") for text in lines]
    (served,) = legs_of(tmp_path, *swapped)
    assert (served.code, served.ended_by) == (487, "them")


def test_answer_that_crosses_a_cancel_is_an_answer(tmp_path: Path) -> None:
    cancel = line(2.499, "S", "CANCEL", f"CANCEL {URI} SIP/2.0")
    bye = line(2.51, "S", "BYE", f"BYE {URI} SIP/2.0")
    (leg,) = legs_of(tmp_path, INVITE, cancel, OK, ACK, bye)
    assert (leg.code, leg.ended_by, leg.cancelled_at) == (200, "us", pytest.approx(1002.499))


def test_refusal_counts_for_the_one_who_refused(tmp_path: Path) -> None:
    (leg,) = legs_of(tmp_path, INVITE, line(0.1, "R", "INVITE", "SIP/2.0 486 Busy Here"))
    assert (leg.code, leg.ended_by, leg.state) == (486, "them", "ended")


def test_later_invite_of_the_same_call_changes_nothing(tmp_path: Path) -> None:
    again = line(3, "R", "INVITE", "INVITE sip:caller@127.0.0.2:1 SIP/2.0")
    (leg,) = legs_of(tmp_path, INVITE, OK, again, line(3.1, "S", "INVITE", "SIP/2.0 200 OK"))
    assert leg.answer_s == pytest.approx(2.5)
    assert leg.state == "talking"


def test_registrations_and_questions_are_counted_apart_from_calls(tmp_path: Path) -> None:
    path = tmp_path / "short.log"
    register = line(0, "R", "REGISTER", "SIP/2.0 401 Unauthorized"), line(0.1, "R", "REGISTER", "SIP/2.0 200 OK")
    path.write_text("".join(register) + line(1, "R", "OPTIONS", "OPTIONS sip:1001@127.0.0.1 SIP/2.0", "b"))
    trace = Trace(path)
    assert trace.read() == []
    assert trace.registered == {"a-1": True}
    assert trace.questions == 1


def test_trace_cut_anywhere_gives_the_same_legs_in_the_end(tmp_path: Path) -> None:
    whole = INVITE + TRYING + RINGING + OK + ACK
    path = tmp_path / "short.log"
    for cut in range(len(whole)):
        path.write_text(whole[:cut])
        trace = Trace(path)
        trace.read()
        path.write_text(whole)
        assert trace.read() == legs_of(tmp_path, whole)


@pytest.mark.parametrize("text", ["", "no tabs", "a\tb\tc\tS\tid\tCSeq:1 INVITE\tINVITE", "\t" * 6])
def test_line_that_is_no_message_is_none(text: str) -> None:
    assert parse(text) is None
