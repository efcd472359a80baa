"""FastAGI sessions as routing events: the caller's number is sealed here and goes no further."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from routing import events as e
from service.switchboard import Session
from telephony import names
from telephony.agi.codec import AgiRequest
from telephony.agi.server import HeldSession


class Sealer(Protocol):
    def sealed(self, raw: str) -> tuple[str | None, str | None]: ...
    def blocks(self, raw: str) -> tuple[str, ...]: ...


class Callers:
    """Callbacks of the FastAGI server. `emergency`: trunk name -> whether its calls come from an emergency centre."""

    def __init__(
        self,
        submit: Callable[[e.Event], None],
        sessions: dict[int, Session],
        numbers: Sealer,
        emergency: Mapping[str, bool],
        answer_code: Callable[[AgiRequest], names.Verb],
    ) -> None:
        """`answer_code` does what a feature code asks for, and says how it went."""
        self._submit, self._sessions, self._numbers, self._emergency = submit, sessions, numbers, emergency
        self._answer_code = answer_code

    def requested(self, session: HeldSession) -> None:
        request = session.request
        if session.hungup:  # over before we read it: we were frozen, and the dialplan went on without us
            if request.script != names.SCRIPT_SEAT:
                self._submit(self._passed(request))
            return
        if request.script == names.SCRIPT_SEAT:
            session.decide(names.decision(self._answer_code(request)))
            return
        self._sessions[session.id] = session
        if request.script == names.SCRIPT_AFTER:
            self._submit(e.GoodbyeAsked(request.call_id, session.id, request.seat_id))
        else:
            self._submit(self._held(session.id, request))

    def _held(self, session_id: int, request: AgiRequest) -> e.CallHeld:
        ref, sealed = self._numbers.sealed(request.caller_number)
        return e.CallHeld(
            request.call_id,
            session_id,
            request.line,
            request.arrived_at,
            trunk=request.trunk,
            emergency=self._emergency.get(request.trunk, False),
            caller_ref=ref,
            caller_sealed=sealed,
            last_presentation=request.last_presentation or None,
            last_status=request.last_status,
            noticed=request.noticed,
            caller_blocks=self._numbers.blocks(request.caller_number),
            heard=request.heard,
            case=request.case,
            test=request.test,
        )

    def _passed(self, request: AgiRequest) -> e.CallSeen:
        """All that a session which is over already tells: that the call exists."""
        ref, sealed = self._numbers.sealed(request.caller_number)
        blocks = self._numbers.blocks(request.caller_number)
        return e.CallSeen(
            request.call_id, request.line, request.arrived_at, request.trunk,
            self._emergency.get(request.trunk, False), ref, sealed, caller_blocks=blocks, case=request.case,
            test=request.test,
        )  # fmt: skip

    def seen(self, event: e.Event) -> e.Event:
        """An event from AMI as the engine may have it: no number in it, the trunk's rank known."""
        if isinstance(event, e.EndNoted):
            return replace(event, emergency=self._emergency.get(event.trunk, False))
        if isinstance(event, e.Picture):
            return replace(event, calls=tuple(map(self._ranked, event.calls)))
        if not isinstance(event, e.CallSeen):
            return event
        ref, sealed = self._numbers.sealed(event.caller_number)
        emergency = self._emergency.get(event.trunk, False)
        return replace(
            event, caller_number="", caller_ref=ref, caller_sealed=sealed, emergency=emergency,
            caller_blocks=self._numbers.blocks(event.caller_number),
        )  # fmt: skip

    def _ranked(self, call: e.SeenCall) -> e.SeenCall:
        return replace(call, emergency=True) if self._emergency.get(call.trunk) else call

    def closed(self, session: HeldSession, reason: str) -> None:
        self._sessions.pop(session.id, None)
        if session.request.script != names.SCRIPT_SEAT:
            self._submit(e.SessionClosed(session.request.call_id, session.id, reason))

    def decided(self, session: HeldSession, accepted: bool) -> None:
        if not accepted and session.request.script == names.SCRIPT_ROUTE:
            self._submit(e.DecisionRefused(session.request.call_id, session.id))
