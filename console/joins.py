"""`/api/v1/calls/{id}/…`: acts on calls in progress. They answer at once; `/events` and the call itself tell the rest."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Request

from console.access import ACTORS, Deps, allow
from console.api import PROBLEMS
from console.deps import Token
from console.schemas import CallId, JoinIn, LiveCallOut, ProblemOut
from routing.joined import Verb

ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": ProblemOut, "description": "No such call."},
    409: {"model": ProblemOut, "description": "Not possible in this state; the sentence says what is."},
    503: {"model": ProblemOut, "description": "Asterisk Manager is not connected."},
}
MOST_KEYS: Final = 4096  # of acts that were answered; the oldest are forgotten

joins = APIRouter(prefix="/api/v1/calls", responses=PROBLEMS)

Call = Annotated[CallId, Path(description="The whole id of a call in progress.")]
Actor = Annotated[Token, Depends(allow(ACTORS))]
Once = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="The same key again does nothing and gives the first answer.",
    ),
]


class Answered:
    """Answers by token and key, so that an act that is sent twice is done once."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str], tuple[str, dict[str, Any]]] = OrderedDict()

    def before(self, token: Token, key: str | None, what: str) -> dict[str, Any] | None:
        said, answer = self._answers.get((token.name, key or ""), ("", None))
        return answer if said == what else None

    def keep(self, token: Token, key: str | None, what: str, answer: dict[str, Any]) -> None:
        if key is not None:
            self._answers[token.name, key] = what, answer
            while len(self._answers) > MOST_KEYS:
                self._answers.popitem(last=False)


@joins.get("/live", summary="Calls in progress", response_model=list[LiveCallOut])
async def live(deps: Deps, token: Actor) -> Any:
    own = token.role in ("agent", "expert")
    return [call for call in deps.joins.live() if not own or call["agent"] == token.name]


@joins.get("/{call}/live", summary="One call in progress", response_model=LiveCallOut, responses=ANSWERS)
async def one(call: Call, deps: Deps, token: Actor) -> Any:
    deps.joins.check_own(call, token.name, token.role)
    return deps.joins.shown(call)


def _route(verb: Verb, summary: str) -> None:
    async def act(
        call: Call, request: Request, deps: Deps, token: Actor, body: JoinIn | None = None, once: Once = None
    ) -> Any:
        answered: Answered = request.app.state.answered
        what = f"{call} {verb}"
        if (before := answered.before(token, once, what)) is not None:
            return before
        wanted = {} if body is None else body.target()
        case = "" if body is None else body.case
        answer = deps.joins.ask(call, verb, wanted, by=token.name, role=token.role, via="api", case=case)
        answered.keep(token, once, what, answer)
        return answer

    path = verb.value.replace("_", "-")
    name = f"call-{path}"
    joins.post(
        f"/{{call}}/{path}", summary=summary, response_model=LiveCallOut, status_code=202, responses=ANSWERS, name=name
    )(act)


_route(Verb.CONSULT, "Talk with a third party while the caller hears music")
_route(Verb.MERGE, "After consult: all three")
_route(Verb.THREE_WAY, "All three as soon as the third party answers")
_route(Verb.TRANSFER, "The agent leaves, caller and third party stay")
_route(Verb.BLIND, "The agent leaves as soon as the third party answers")
_route(Verb.RETURN, "The third party leaves, the caller comes back to the agent")
_route(Verb.HOLD, "The caller hears music")
_route(Verb.RESUME, "The caller comes back from hold")
_route(Verb.EMERGENCY, "An emergency centre joins; the caller is never on hold")
