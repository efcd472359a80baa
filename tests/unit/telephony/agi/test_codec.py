"""Environment block, reply lines, command lines."""

from __future__ import annotations

import pytest

from telephony.agi.codec import (
    MAX_FIELDS,
    MAX_LINE,
    AgiFramingError,
    AgiRequest,
    AgiRequestError,
    Environment,
    Lines,
    Reply,
    command,
    decision_command,
    parse_reply,
    quote,
    renewal_command,
)
from telephony.names import Verb, decision
from tests.contract.agi_peer import CALL_ID, ROUTE_ARGS, environment


def read(block: bytes) -> AgiRequest:
    lines, fields = Lines(), Environment()
    for line in lines.feed(block):
        if not line:
            return fields.request()
        fields.add(line)
    raise AssertionError("no empty line in the block")


def test_a_first_arrival_is_read() -> None:
    request = read(environment())
    assert (request.script, request.call_id, request.line) == ("route", CALL_ID, "12345")
    assert request.arrived_at == 1795302613.422
    assert (request.caller_number, request.trunk) == ("13800000000", "carrier")
    assert (request.last_presentation, request.last_status, request.noticed) == ("", "", False)
    assert (request.uniqueid, request.channel) == ("1795302613.7", "PJSIP/carrier-00000007")


def test_a_caller_who_comes_back_brings_what_became_of_the_presentation() -> None:
    request = read(environment(args=(CALL_ID, "12333", "1795302613422", "carrier", "p17", "NOANSWER", "1")))
    assert (request.last_presentation, request.last_status, request.noticed) == ("p17", "NOANSWER", True)


@pytest.mark.parametrize("case", ["A-2026.11_22", "x" * 64, "?", ""])
def test_a_case_is_read_and_one_that_was_no_id_is_told_by_a_sign(case: str) -> None:
    request = read(environment(args=(CALL_ID, "12345", "1795302613422", "police", "", "", "", "", case)))
    assert request.case == case


@pytest.mark.parametrize("case", ["x" * 65, "A 1", "A${1}", "??", "案"])
def test_what_the_dialplan_would_not_let_through_as_a_case_is_no_request_of_ours(case: str) -> None:
    with pytest.raises(AgiRequestError, match="case"):
        read(environment(args=(CALL_ID, "12345", "1795302613422", "police", "", "", "", "", case)))


def test_mark_of_a_test_call_is_read() -> None:
    assert read(environment(args=(*ROUTE_ARGS[:-1], "test-1-a"))).test == "test-1-a"


def test_arguments_at_the_end_may_be_missing() -> None:
    request = read(environment(args=ROUTE_ARGS[:3]))
    assert (request.trunk, request.noticed) == ("", False)


def test_the_question_after_an_agents_leg_ended_is_read() -> None:
    request = read(environment("after", (CALL_ID, "12345", "1795302613422", "1001")))
    assert (request.script, request.seat_id) == ("after", "1001")


def test_a_feature_code_is_read_and_is_about_no_call() -> None:
    request = read(environment("seat", ("pause", "1001", "2")))
    assert (request.script, request.act, request.seat_id, request.value) == ("seat", "pause", "1001", "2")
    assert (request.call_id, request.line, request.arrived_at) == ("", "", 0.0)
    assert read(environment("seat", ("ready", "1001"))).value == ""


def test_a_query_in_the_address_is_no_part_of_the_script() -> None:
    assert read(environment("route?queue=1")).script == "route"


@pytest.mark.parametrize(
    ("script", "args", "reason"),
    [
        ("", ROUTE_ARGS, "script"),
        ("routes", ROUTE_ARGS, "script"),
        ("route", (), "call_id"),
        ("route", ("", *ROUTE_ARGS[1:]), "call_id"),
        ("route", ("1795302613422-a b", *ROUTE_ARGS[1:]), "call_id"),
        ("route", (CALL_ID, "${SHELL(x)}", *ROUTE_ARGS[2:]), "line"),
        ("route", (CALL_ID, "１２３４５", *ROUTE_ARGS[2:]), "line"),
        ("route", (CALL_ID, "12345", "yesterday", *ROUTE_ARGS[3:]), "arrived"),
        ("route", (CALL_ID, "12345", "1795302613.422", *ROUTE_ARGS[3:]), "arrived"),
        ("route", (*ROUTE_ARGS[:5], "no answer", "0"), "last_status"),
        ("route", (*ROUTE_ARGS[:6], "2"), "noticed"),
        ("route", (*ROUTE_ARGS, "more"), "too many arguments"),
        ("after", (CALL_ID, "12345", "1795302613422"), "seat_id"),
        ("seat", ("ready", ""), "seat_id"),  # a phone that is no seat's
        ("seat", ("ready", "${SHELL(x)}"), "seat_id"),
        ("seat", ("open", "1001"), "act"),
        ("seat", ("pause", "1001", "lunch"), "value"),
    ],
)
def test_a_request_out_of_shape_is_refused_by_the_name_of_its_field(
    script: str, args: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(AgiRequestError) as refused:
        read(environment(script, args))
    assert refused.value.reason == reason


@pytest.mark.parametrize("number", ['"; DROP TABLE calls', "${SHELL(id)}", "\udcd5\udcc5", "9" * 10_000, "a\tb\x00c"])
def test_a_caller_id_is_text_whatever_it_holds(number: str) -> None:
    request = read(environment(agi_callerid=number))
    assert request.caller_number.encode("utf-8")  # no lone surrogate: it can be stored and sent on
    assert request.caller_number not in repr(request)


def test_bytes_that_are_no_utf8_are_kept_readable() -> None:
    assert read(environment(agi_callerid="\udcd5\udcc5")).caller_number == r"\xd5\xc5"


def test_a_withheld_number_is_empty() -> None:
    assert read(environment(agi_callerid="unknown")).caller_number == ""


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"GET / HTTP/1.1\n\n", "not an environment line"),
        (b"agi_request: agi://x\n\n", "no head of an environment"),
        (b"\n", "script"),
        (b"agi_network: yes\nagi_network: yes\n\n", "field came twice"),
        (b"agi_network: yes\n" + b"".join(b"agi_arg_%d: x\n" % n for n in range(MAX_FIELDS)), "environment too large"),
        (b"agi_network: yes\n" + b"".join(b"agi_%d: %s\n" % (n, b"x" * 16_000) for n in range(5)), "environment too large"),
        (b"x" * (MAX_LINE + 1), "line too long"),
    ],
)  # fmt: skip
def test_a_block_that_asterisk_would_not_send_is_refused(block: bytes, reason: str) -> None:
    with pytest.raises(AgiFramingError) as refused:
        read(block)
    assert refused.value.reason == reason


def test_the_good_lines_before_a_bad_one_are_still_read() -> None:
    lines = Lines().feed(b"one\r\ntwo\n" + b"x" * (MAX_LINE + 1) + b"\n")
    assert [next(lines), next(lines)] == [b"one", b"two"]
    with pytest.raises(AgiFramingError, match="line too long"):
        next(lines)


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"200 result=1", Reply(200, "1", None)),
        (b"200 result=0", Reply(200, "0", None)),
        (b"200 result=-1", Reply(200, "-1", None)),
        (b"200 result= (timeout)", Reply(200, "", "timeout")),
        (b"200 result=1 (hangup)", Reply(200, "1", "hangup")),
        (b"200 result=1 (a (b) c)", Reply(200, "1", "a (b) c")),
        (b"200 result=0 endpos=1234", Reply(200, "0", None)),
        (b"100 result=0 Trying...", Reply(100, "0", None)),
        (b"510 Invalid or unknown command", Reply(510)),
        (b"511 Command Not Permitted on a dead channel or intercept routine", Reply(511)),
        (b"520 Invalid command syntax.  Proper usage not available.", Reply(520)),
    ],
)
def test_replies_are_read(line: bytes, reply: Reply) -> None:
    assert parse_reply(line) == reply


@pytest.mark.parametrize("line", [b"", b"hello", b"200", b"200 ok", b"2000 result=1", b"300 result=1", b"\xff\xfe"])
def test_what_is_no_reply_is_refused(line: bytes) -> None:
    with pytest.raises(AgiFramingError):
        parse_reply(line)


def test_only_200_with_result_1_is_accepted() -> None:
    assert [Reply(200, "1").accepted, Reply(200, "0").accepted, Reply(511).accepted] == [True, False, False]


def test_arguments_are_quoted_as_asterisk_reads_them_back() -> None:
    assert quote('a "b" \\ c') == '"a \\"b\\" \\\\ c"'


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\x00b", "a\x7fb"])
def test_a_control_character_never_leaves(bad: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        quote(bad)


def test_a_command_that_the_smallest_buffer_cannot_hold_never_leaves() -> None:
    with pytest.raises(ValueError, match="2100 bytes"):
        command("NOOP", "x" * (2100 - len('NOOP ""\n')))


def test_the_decision_is_one_line() -> None:
    value = decision(Verb.PRESENT, "p1", 1795302614000, 6, ("1001", "1002"))
    assert decision_command(value) == b'SET VARIABLE "HOTLINE_DECISION" "present:p1:1795302614000:6:1001&1002"\n'


@pytest.mark.parametrize("value", ["", "${X}", "$[1+1]", 'a"b', "a b", "a;b", "a\\b", "坐席", "a" * 1025])
def test_a_decision_with_a_character_that_means_something_to_the_dialplan_never_leaves(value: str) -> None:
    with pytest.raises(ValueError, match="a decision may hold only"):
        decision_command(value)


def test_the_lease_may_have_a_fraction() -> None:
    assert renewal_command(2.5) == b'SET VARIABLE "TIMEOUT(absolute)" "2.5"\n'
    assert renewal_command(3.0) == b'SET VARIABLE "TIMEOUT(absolute)" "3"\n'
