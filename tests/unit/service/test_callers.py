"""FastAGI sessions as routing events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from routing import events as e
from service.callers import Callers
from telephony import names
from telephony.agi.codec import AgiRequest

REQUEST = AgiRequest(
    script=names.SCRIPT_ROUTE,
    args=(),
    call_id="1795302613422-1795302613.7",
    line="12345",
    arrived_at=1795302613.422,
    caller_number="13800000000",
    uniqueid="1795302613.7",
    channel="PJSIP/police-00000007",
    trunk="police",
)


class Sealed:
    def sealed(self, raw: str) -> tuple[str | None, str | None]:
        return f"ref-{raw[-4:]}", "sealed"

    def blocks(self, raw: str) -> tuple[str, ...]:
        return (f"block-{raw[:3]}",)


@dataclass
class Held:
    """A held session as the server hands it over."""

    request: AgiRequest = REQUEST
    id: int = 7
    hungup: bool = False

    def decide(self, value: str) -> None:
        raise AssertionError(value)

    def close(self) -> None:
        raise AssertionError


def no_code(request: AgiRequest) -> names.Verb:
    raise AssertionError(request)


def told(session: Any) -> tuple[e.Event, dict[int, Any]]:
    events: list[e.Event] = []
    sessions: dict[int, Any] = {}
    Callers(events.append, sessions, Sealed(), {"police": True}, no_code).requested(session)
    (event,) = events
    return event, sessions


def test_held_caller_is_told_without_a_number() -> None:
    event, sessions = told(Held())
    assert isinstance(event, e.CallHeld)
    assert (event.session, event.emergency, event.caller_ref) == (7, True, "ref-0000")
    assert list(sessions) == [7]


def test_session_that_was_over_before_it_was_read_only_tells_that_the_call_exists() -> None:
    event, sessions = told(Held(hungup=True))
    seen = e.CallSeen(REQUEST.call_id, "12345", 1795302613.422, "police", True, "ref-0000", "sealed")
    assert event == replace(seen, caller_blocks=("block-138",))
    assert not sessions


def told_of(callback: str, session: Held, *args: Any) -> tuple[list[e.Event], dict[int, Any]]:
    events: list[e.Event] = []
    sessions: dict[int, Any] = {session.id: session}
    getattr(Callers(events.append, sessions, Sealed(), {"police": True}, no_code), callback)(session, *args)
    return events, sessions


def test_everything_the_dialplan_says_of_a_call_that_came_back_is_passed_on() -> None:
    back = replace(REQUEST, last_presentation="p.1", last_status="BUSY", noticed=True, heard=True, trunk="carrier")
    event, _ = told(Held(back))
    assert isinstance(event, e.CallHeld)
    assert (event.last_presentation, event.last_status, event.noticed, event.emergency) == ("p.1", "BUSY", True, False)
    assert (event.heard, event.caller_blocks) == (True, ("block-138",))


def test_first_arrival_has_no_presentation_behind_it() -> None:
    event, _ = told(Held())
    assert isinstance(event, e.CallHeld)
    assert event.last_presentation is None
    assert event.last_status == ""


def test_question_after_the_agents_leg_is_one_about_a_goodbye() -> None:
    event, sessions = told(Held(replace(REQUEST, script=names.SCRIPT_AFTER, seat_id="1001")))
    assert event == e.GoodbyeAsked(REQUEST.call_id, 7, "1001")
    assert list(sessions) == [7]


def test_session_that_ends_is_forgotten_and_told() -> None:
    events, sessions = told_of("closed", Held(), "eof")
    assert events == [e.SessionClosed(REQUEST.call_id, 7, "eof")]
    assert sessions == {}


def test_refused_decision_is_told_and_an_accepted_one_needs_no_word() -> None:
    assert told_of("decided", Held(), False)[0] == [e.DecisionRefused(REQUEST.call_id, 7)]
    assert told_of("decided", Held(), True)[0] == []


def test_refused_goodbye_rings_nobody_and_is_not_told() -> None:
    asked = Held(replace(REQUEST, script=names.SCRIPT_AFTER))
    assert told_of("decided", asked, False)[0] == []


def test_number_that_ami_tells_of_is_sealed_and_goes_no_further() -> None:
    callers = Callers(lambda event: None, {}, Sealed(), {"police": True}, no_code)
    seen = e.CallSeen(REQUEST.call_id, "12345", 1.0, trunk="police", caller_number="13800000000")
    known = callers.seen(seen)
    told = {"caller_ref": "ref-0000", "caller_sealed": "sealed", "caller_blocks": ("block-138",)}
    assert known == replace(seen, caller_number="", emergency=True, **told)
    assert "1380000" not in repr(known)


def test_case_is_passed_on_from_either_side() -> None:
    request = replace(REQUEST, case="A-17")
    held, passed = told(Held(request))[0], told(Held(request, hungup=True))[0]
    assert isinstance(held, e.CallHeld)
    assert isinstance(passed, e.CallSeen)
    assert (held.case, passed.case) == ("A-17", "A-17")


def test_calls_of_a_picture_have_the_rank_of_their_trunk() -> None:
    calls = (e.SeenCall("a", "12345", 1.0, trunk="police", case="A-17"), e.SeenCall("b", "12345", 1.0, trunk="carrier"))
    picture = Callers(lambda event: None, {}, Sealed(), {"police": True}, no_code).seen(e.Picture(calls, {}, 1.0))
    assert isinstance(picture, e.Picture)
    assert picture.calls == (replace(calls[0], emergency=True), calls[1])


def test_other_events_of_ami_pass_as_they_are() -> None:
    event = e.AmiLost()
    assert Callers(lambda event: None, {}, Sealed(), {}, no_code).seen(event) is event


def test_a_feature_code_is_answered_at_once_and_is_no_call() -> None:
    class Coded(Held):
        def decide(self, value: str) -> None:
            decided.append(value)

    decided: list[str] = []
    events: list[e.Event] = []
    sessions: dict[int, Any] = {}
    request = replace(REQUEST, script=names.SCRIPT_SEAT, call_id="", act="ready", seat_id="1001")
    callers = Callers(
        events.append, sessions, Sealed(), {}, lambda asked: names.Verb(asked.act.replace("ready", "done"))
    )
    session: Any = Coded(request)
    callers.requested(session)
    callers.decided(session, accepted=False)
    callers.closed(session, "eof")
    callers.requested(Coded(request, hungup=True))  # type: ignore[arg-type]
    assert (decided, events, sessions) == (["done::::"], [], {})
