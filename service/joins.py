"""Acts on calls in progress, whoever asks for them: desk, HTTP API, or a feature code on a phone.

Here a target as people name it becomes numbers that may be dialled; what is legal when is the engine's (`routing.joining`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import structlog

from console.deps import Refused
from routing import events as e
from routing import joining
from routing.engine import Engine
from routing.joined import DIALS, LEGAL, Place, Verb
from routing.targets import Target, TargetKind
from service.targets import Unreachable, Wanted

log = structlog.get_logger("hotline")

STATUS: Final = {"unknown": 404, "state": 409, "target": 422, "down": 503}
OTHERS_CALL: Final = "this is not the call that you talk in"
ONE_TARGET: Final = "exactly one target: department, agent, skill, number or emergency"


class Names(Protocol):
    """Implemented by `service.targets.Named`. `role`: of who asks."""

    def find(self, kind: TargetKind, value: str, role: str) -> Target | Unreachable: ...
    def dialled(self, digits: str, role: str) -> Wanted: ...


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for an act on a call, and how."""

    call_id: str
    verb: Verb
    by: str
    role: str
    via: str
    case: str = ""


class Joins:
    """`role_of`: of an agent, who has it on his telephone as by the API."""

    def __init__(
        self, engine: Engine, submit: Callable[[e.Event], None], names: Names, role_of: Callable[[str], str]
    ) -> None:
        self._engine, self._submit, self._names, self._role_of = engine, submit, names, role_of
        self.is_hidden: Callable[[str], bool] = lambda call_id: False  # the caller of a call

    def ask(
        self, call_id: str, verb: Verb, wanted: Mapping[str, str], *, by: str, role: str, via: str, case: str = ""
    ) -> dict[str, Any]:
        """Begins the act and tells the state of the call after it.

        Raises Refused, and has changed nothing then; that it was asked for and why it was refused is in the call's story.
        """
        asking = Asking(call_id, verb, by, role, via, case)
        return self._begin(asking, self._wanted(verb, wanted, role), own=self._is_own(call_id, by, role, verb))

    def ask_by_phone(self, call_id: str, verb: Verb, value: str, seat_id: str) -> None:
        """The same by keys in the talk itself. `value`: the number of an emergency centre, else what was pressed behind the
        code. Raises Refused."""
        by, own = self.by_phone(call_id, seat_id, verb)
        role = self._role_of(by)
        if verb in DIALS and verb is not Verb.EMERGENCY and value:
            wanted = self._names.dialled(value, role)
        else:
            wanted = self._wanted(verb, {TargetKind.EMERGENCY.value: value}, role)
        self._begin(Asking(call_id, verb, by, role, "phone"), wanted, own=own)

    def by_phone(self, call_id: str, seat_id: str, verb: Verb | None = None) -> tuple[str, bool]:
        """Who presses keys there, and whether he may do this: the phone of the call has its keys, whoever is signed in."""
        call, agent = self._engine.calls.get(call_id), self._engine.floor.agent_at(seat_id)
        if call is not None and call.seat_id == seat_id:
            return call.agent_id or f"seat {seat_id}", True
        if agent is None:
            return f"seat {seat_id}", False
        return agent.id, self._is_own(call_id, agent.id, self._role_of(agent.id), verb)

    def _begin(self, asking: Asking, wanted: Wanted, *, own: bool) -> dict[str, Any]:
        call_id, verb, target = asking.call_id, asking.verb, wanted.found
        if not own:
            raise self._not_begun(403, asking, wanted, Unreachable(OTHERS_CALL))
        if isinstance(target, Unreachable):
            raise self._not_begun(422, asking, wanted, target)
        if isinstance(target, Target) and target.kind is not TargetKind.EMERGENCY and self.is_hidden(call_id):
            target = replace(target, shows_caller=False)
        against = joining.refusal(self._engine, call_id, verb, target)
        # One that is refused leaves its steps alone.
        self._submit(e.JoinAsked(call_id, verb, asking.by, asking.via, target, asking.case))
        if against is not None:
            raise self._refused(STATUS[against.kind], asking, against.sentence)
        log.info("act", call_id=call_id, act=verb.value, by=asking.by, via=asking.via)
        return self.shown(call_id)

    def _not_begun(self, status: int, asking: Asking, wanted: Wanted, why: Unreachable) -> Refused:
        """For the story of the call alone."""
        kind, value = wanted.kind or "", wanted.value
        self._submit(
            e.JoinRefused(
                asking.call_id, asking.verb, asking.by, asking.via, kind, value, asking.case, why.sentence, why.closed
            )
        )
        return self._refused(status, asking, why.sentence)

    @staticmethod
    def _refused(status: int, asking: Asking, sentence: str) -> Refused:
        log.warning(
            "act refused",
            call_id=asking.call_id, act=asking.verb.value, by=asking.by, via=asking.via, reason=sentence,
        )  # fmt: skip
        return Refused(status, sentence)

    def check_own(self, call_id: str, by: str, role: str) -> None:
        """Raises Refused for a call that is not theirs to see."""
        if not self._is_own(call_id, by, role):
            raise Refused(403, OTHERS_CALL)

    def _is_own(self, call_id: str, by: str, role: str, verb: Verb | None = None) -> bool:
        """Agents and experts act on the call they talk in, and on no other. Who was asked to join it calls an emergency
        centre in as its agent does, and leaves everything else to him.
        """
        call, joined = self._engine.calls.get(call_id), self._engine.joined.get(call_id)
        if call is None or role not in ("agent", "expert") or call.agent_id == by:
            return True
        return verb is Verb.EMERGENCY and joined is not None and any(third.agent_id == by for third in joined.there)

    def _wanted(self, verb: Verb, named: Mapping[str, str], role: str) -> Wanted:
        given = {key: value for key, value in named.items() if value}
        if verb not in DIALS:
            against = f"{verb.value} takes no target: it is about who is on the line already"
            return Wanted(found=Unreachable(against)) if given else Wanted()
        if len(given) != 1:
            return Wanted(found=Unreachable(f"{verb.value.replace('_', '-')} needs {ONE_TARGET}"))
        ((kind, value),) = given.items()
        return Wanted(TargetKind(kind), value, self._names.find(TargetKind(kind), value, role))

    def shown(self, call_id: str) -> dict[str, Any]:
        """A call in progress, by the keys of `schemas.LiveCallOut`. Raises Refused when there is none."""
        call, state = self._engine.calls.get(call_id), joining.state(self._engine, call_id)
        if call is None or state is None:
            raise Refused(404, f"call {call_id} is not in progress")
        joined = self._engine.joined.get(call_id)
        act = None if joined is None else joined.act
        thirds = [] if joined is None else list(joined.thirds)
        return {
            "id": call.id,
            "line": call.line.number,
            "case": call.case,
            "seat": call.seat_id,
            "agent": call.agent_id,
            "state": state.value,
            "on_hold": joined is not None and joined.caller is Place.HOLD,
            "act": None if act is None else act.verb.value,
            "act_no": 0 if joined is None else joined.acts,
            "target": None if act is None or act.target is None else act.target.name,
            "thirds": [
                {"leg": third.key, "seat": third.seat_id, "state": _word(third), "emergency": third.emergency}
                for third in thirds
            ],
            "possible": [verb.value.replace("_", "-") for verb in Verb if state in LEGAL[verb]],
        }

    def live(self) -> list[dict[str, Any]]:
        """Every call in which somebody talks with the caller."""
        return [self.shown(call_id) for call_id in self._engine.calls if joining.state(self._engine, call_id)]


def _word(third: Any) -> str:
    if third.joined:
        return "joined"
    return "answered" if third.answered else "ringing" if third.sounded else "dialling"
