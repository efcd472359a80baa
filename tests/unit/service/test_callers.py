"""FastAGI sessions as routing events."""

from __future__ import annotations

from dataclasses import dataclass
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


def told(session: Any) -> tuple[e.Event, dict[int, Any]]:
    events: list[e.Event] = []
    sessions: dict[int, Any] = {}
    Callers(events.append, sessions, Sealed(), {"police": True}).requested(session)
    (event,) = events
    return event, sessions


def test_held_caller_is_told_without_a_number() -> None:
    event, sessions = told(Held())
    assert isinstance(event, e.CallHeld)
    assert (event.session, event.emergency, event.caller_ref) == (7, True, "ref-0000")
    assert list(sessions) == [7]


def test_session_that_was_over_before_it_was_read_only_tells_that_the_call_exists() -> None:
    event, sessions = told(Held(hungup=True))
    assert event == e.CallSeen(REQUEST.call_id, "12345", 1795302613.422, "police", True, "ref-0000", "sealed")
    assert not sessions
