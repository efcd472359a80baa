"""One AGI session as a machine."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.agi.codec import MAX_LINE
from telephony.agi.dialogue import (
    IGNORED,
    TRANSITIONS,
    Closed,
    Decided,
    Dialogue,
    Event,
    HungUp,
    IllegalTransition,
    Kind,
    Opened,
    Output,
    Reason,
    Send,
    State,
    Terms,
    step,
)
from tests.contract.agi_peer import CALL_ID, USAGE, environment

TERMS = Terms(lease_s=3.0)
RENEWAL = Send(b'SET VARIABLE "TIMEOUT(absolute)" "3"\n', Kind.RENEWAL)
RINGING = Send(b"EXEC Ringing\n", Kind.RINGING)
DECISION = Send(b'SET VARIABLE "HOTLINE_DECISION" "present:p1"\n', Kind.DECISION)
OK = b"200 result=1\n"


def held(block: bytes | None = None, terms: Terms = TERMS) -> Dialogue:
    dialogue = Dialogue(terms, 0.0)
    (opened,) = dialogue.receive(environment() if block is None else block, 0.0)
    assert isinstance(opened, Opened)
    return dialogue


def after() -> Dialogue:
    return held(environment("after", (CALL_ID, "12345", "1795302613422", "1001")))


def test_every_state_knows_every_event_as_a_step_as_ignored_or_as_our_own_bug() -> None:
    assert not set(TRANSITIONS) & set(IGNORED)
    bugs = {pair for pair in itertools.product(State, Event) if pair not in TRANSITIONS and pair not in IGNORED}
    assert bugs == {
        (State.HEADER, Event.DECISION_MADE),
        (State.HEADER, Event.REPLIED),
        (State.HELD, Event.REQUEST_READ),
        (State.HELD, Event.REPLIED),
        (State.RENEWING, Event.REQUEST_READ),
        (State.OWING, Event.REQUEST_READ),
        (State.OWING, Event.DECISION_MADE),
        (State.DECIDING, Event.REQUEST_READ),
        (State.DECIDING, Event.DECISION_MADE),
        (State.CLOSED, Event.REQUEST_READ),
        (State.CLOSED, Event.REPLIED),
    }
    for pair in bugs:
        with pytest.raises(IllegalTransition):
            step(*pair)


def test_a_decision_is_one_command_and_its_reply_closes() -> None:
    dialogue = held()
    assert dialogue.decide("present:p1", 0.1) == [DECISION]
    assert dialogue.receive(OK, 0.2) == [Decided(True), Closed(Reason.DECIDED, abort=False)]


def test_the_lease_is_renewed_at_every_tick() -> None:
    dialogue = held()
    for now in (1.0, 2.0, 3.0):
        assert dialogue.tick(now) == [RENEWAL]
        assert dialogue.receive(OK, now + 0.01) == []


def test_the_lease_of_a_finished_call_is_not_renewed_and_ends() -> None:
    dialogue = after()
    assert dialogue.tick(1.0) == []
    assert dialogue.tick(4.0) == [Closed(Reason.TIMEOUT, abort=False)]


def test_a_decision_waits_for_the_reply_to_the_renewal_and_leaves_with_it() -> None:
    dialogue = held()
    dialogue.tick(1.0)
    assert dialogue.decide("present:p1", 1.001) == []
    assert dialogue.receive(OK, 1.002) == [DECISION]
    assert dialogue.receive(OK, 1.003) == [Decided(True), Closed(Reason.DECIDED, abort=False)]


def test_a_further_ringing_goes_behind_a_renewal_and_never_to_who_was_answered_into_the_notice() -> None:
    dialogue = held()
    dialogue.tick(50.0)
    assert dialogue.receive(OK, 50.01) == [RINGING]
    assert dialogue.receive(b"200 result=0\n", 50.02) == []
    dialogue.tick(51.0)
    assert dialogue.receive(OK, 51.01) == []
    noticed = held(environment(args=(CALL_ID, "12345", "1795302613422", "carrier", "", "", "1")))
    noticed.tick(50.0)
    assert noticed.receive(OK, 50.01) == []


def test_a_tick_while_a_command_is_in_flight_sends_nothing() -> None:
    dialogue = held()
    dialogue.tick(1.0)
    assert dialogue.tick(2.0) == []
    dialogue.decide("present:p1", 2.1)
    assert dialogue.tick(2.2) == []


def test_hangup_lines_are_never_replies_and_only_name_the_reason() -> None:
    dialogue = held()
    dialogue.tick(1.0)
    assert dialogue.receive(b"HANGUP\n200 result=1\nHANGUP\n", 1.1) == [HungUp()]
    assert dialogue.hungup
    assert dialogue.decide("present:p1", 1.2) == [DECISION]  # the caller may well be alive
    assert dialogue.receive(b"HANGUP\n", 1.3) == []
    assert dialogue.eof() == [Decided(False), Closed(Reason.HANGUP, abort=True)]


def test_the_end_of_the_stream_without_hangup_is_told_as_such() -> None:
    assert held().eof() == [Closed(Reason.EOF, abort=False)]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"511 Command Not Permitted on a dead channel or intercept routine\n", Reason.HANGUP),
        (b"510 Invalid or unknown command\n", Reason.PROTOCOL),
        (USAGE, Reason.PROTOCOL),
        (b"520 Invalid command syntax.  Proper usage not available.\n", Reason.PROTOCOL),
        (b"200 result=0\n", Reason.PROTOCOL),
    ],
)
def test_a_refused_decision_is_told_and_the_dialplan_goes_on_by_itself(reply: bytes, reason: Reason) -> None:
    dialogue = held()
    dialogue.decide("present:p1", 0.0)
    decided, closed = dialogue.receive(reply, 0.1)
    assert decided == Decided(False)
    assert isinstance(closed, Closed)
    assert closed.reason == reason


@pytest.mark.parametrize("reply", [b"511 dead\n", b"510 what\n", USAGE, b"200 result=-1\n", b"200 result= (timeout)\n"])
def test_a_refused_renewal_ends_nothing(reply: bytes) -> None:
    dialogue = held()
    dialogue.tick(1.0)
    assert dialogue.receive(reply, 1.1) == []
    assert dialogue.tick(2.0) == [RENEWAL]


def test_trying_is_no_reply_yet() -> None:
    dialogue = held()
    dialogue.decide("present:p1", 0.0)
    assert dialogue.receive(b"100 result=0 Trying...\n", 0.1) == []
    assert dialogue.receive(OK, 0.2)[0] == Decided(True)


@pytest.mark.parametrize("data", [OK, b"agi_calleridname: x\n", b"\n", b"520-x\n"])
def test_a_line_that_nobody_asked_for_ends_the_session(data: bytes) -> None:
    assert held().receive(data, 0.1) == [Closed(Reason.PROTOCOL, abort=True, detail="line without a command")]


@pytest.mark.parametrize("data", [b"hello\n", b"x" * (MAX_LINE + 1), b"520-x\n" + b" usage\n" * 300])
def test_nonsense_in_place_of_a_reply_ends_the_session(data: bytes) -> None:
    dialogue = held()
    dialogue.decide("present:p1", 0.0)
    decided, closed = dialogue.receive(data, 0.1)
    assert decided == Decided(False)
    assert isinstance(closed, Closed)
    assert closed.reason is Reason.PROTOCOL


def test_half_a_reply_and_then_silence_is_cut() -> None:
    dialogue = held()
    dialogue.tick(1.0)
    assert dialogue.receive(b"200 resu", 1.1) == []
    assert dialogue.tick(3.9) == []
    assert dialogue.tick(4.0) == [Closed(Reason.TIMEOUT, abort=True)]


def test_half_a_line_between_replies_is_cut_by_the_next_renewal() -> None:
    dialogue = held()
    assert dialogue.receive(b"HANG", 0.5) == []
    assert dialogue.tick(1.0) == [RENEWAL]
    assert dialogue.tick(4.0) == [Closed(Reason.TIMEOUT, abort=True)]


def test_a_decision_without_a_reply_is_given_up() -> None:
    dialogue = held()
    dialogue.decide("present:p1", 1.0)
    assert dialogue.tick(4.0) == [Decided(False), Closed(Reason.TIMEOUT, abort=True)]


def test_a_decision_for_a_finished_call_is_given_up_by_its_own_shorter_lease() -> None:
    dialogue = after()
    dialogue.decide("goodbye::::", 1.0)
    assert dialogue.tick(3.0) == [Decided(False), Closed(Reason.TIMEOUT, abort=True)]


def test_a_header_that_does_not_come_is_cut() -> None:
    dialogue = Dialogue(TERMS, 0.0)
    dialogue.receive(b"agi_network: yes\n", 1.0)
    assert dialogue.tick(4.9) == []
    assert dialogue.tick(5.0) == [Closed(Reason.TIMEOUT, abort=True)]


def test_the_end_of_the_stream_in_the_header_opens_nothing() -> None:
    dialogue = Dialogue(TERMS, 0.0)
    dialogue.receive(environment()[:-1], 0.0)
    assert dialogue.eof() == [Closed(Reason.EOF, abort=True)]


def test_a_second_decision_is_our_own_bug() -> None:
    dialogue = held()
    dialogue.decide("present:p1", 0.0)
    with pytest.raises(IllegalTransition):
        dialogue.decide("present:p2", 0.0)


def test_a_decision_that_cannot_be_sent_leaves_the_session_as_it_was() -> None:
    dialogue = held()
    with pytest.raises(ValueError, match="a decision may hold only"):
        dialogue.decide("${X}", 0.0)
    assert dialogue.decide("present:p1", 0.0) == [DECISION]


def test_a_decision_after_the_end_is_told_as_not_accepted() -> None:
    dialogue = held()
    dialogue.eof()
    assert dialogue.decide("present:p1", 0.1) == [Decided(False)]


def test_nothing_follows_the_end() -> None:
    dialogue = held()
    dialogue.end(Reason.SHUTDOWN)
    assert dialogue.receive(OK + b"HANGUP\n", 0.1) == []
    assert dialogue.tick(9.0) == dialogue.eof() == dialogue.end(Reason.TIMEOUT) == []


ACTS = st.sampled_from(["reply", "hangup", "tick", "decide", "refuse", "eof", "half", "nonsense", "close"])


@given(st.lists(st.tuples(ACTS, st.floats(0.0, 2.0)), max_size=30))
def test_in_any_order_of_events_one_command_is_in_flight_and_every_decision_is_told_once(
    acts: list[tuple[str, float]],
) -> None:
    dialogue, now, decided = held(), 0.0, False
    outputs: list[Output] = []
    in_flight = 0
    for act, pause in acts:
        now += pause
        if act == "decide" and decided:
            continue
        decided = decided or act == "decide"
        if act in ("reply", "refuse") and not in_flight:
            continue
        in_flight -= act in ("reply", "refuse")
        new = perform(dialogue, act, now)
        in_flight += sum(isinstance(output, Send) for output in new)
        outputs += new
        assert in_flight <= 1 or dialogue.state is State.CLOSED
    outputs += dialogue.eof()
    assert sum(isinstance(output, Closed) for output in outputs) == 1
    assert sum(isinstance(output, Decided) for output in outputs) == decided
    assert sum(output == DECISION for output in outputs) <= decided


def perform(dialogue: Dialogue, act: str, now: float) -> list[Output]:
    match act:
        case "tick":
            return dialogue.tick(now)
        case "decide":
            return dialogue.decide("present:p1", now)
        case "eof":
            return dialogue.eof()
        case "close":
            return dialogue.end(Reason.CLOSED)
    data = {"reply": OK, "refuse": b"511 dead\n", "hangup": b"HANGUP\n", "half": b"200 re", "nonsense": b"\xff\n"}
    return dialogue.receive(data[act], now)
