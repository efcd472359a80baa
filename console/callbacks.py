"""`/api/v1/callbacks`, `/api/v1/agents/{id}/call-out`, `/api/v1/outbound-calls`: calls that agents place.

A citizen's number is only ever sent to us: entries show it masked, calls not at all.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request

from console.access import ACTORS, EVERYBODY, Deps, acts_for, allow
from console.api import PROBLEMS
from console.deps import Role, Token
from console.joins import Answered, Once
from console.problems import Problem
from console.schemas import (
    AgentId,
    CallbackChangeIn,
    CallbackIn,
    CallbackOut,
    CallId,
    CallOutIn,
    OutboundOut,
    ProblemOut,
)
from console.sight import all_seen, seen

CHANGES: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": ProblemOut, "description": "There is none."},
    409: {"model": ProblemOut, "description": "It cannot be done now; the sentence says why."},
    503: {"model": ProblemOut, "description": "The database, or Asterisk, does not answer: nothing is done."},
}
callbacks = APIRouter(prefix="/api/v1", responses=PROBLEMS)

Actor = Annotated[Token, Depends(allow(ACTORS))]
Anybody = Annotated[Token, Depends(allow(EVERYBODY))]
Entry = Annotated[int, Path(ge=1, le=2**31 - 1, description="The entry's id.")]
Agent = Annotated[AgentId, Path(description="The agent's id.")]


@callbacks.get("/callbacks", summary="Citizens who want to be called back", response_model=list[CallbackOut])
async def listed(
    deps: Deps,
    token: Anybody,
    state: Annotated[list[str] | None, Query(max_length=7, description="Only these states.")] = None,
    due_s: Annotated[float | None, Query(ge=0, le=1e8, description="Still to be called, due within so long.")] = None,
    overdue: Annotated[bool, Query(description="Still to be called, and past their time.")] = False,
) -> Any:
    return all_seen(deps, token, await deps.callbacks.listed(state=state or (), due_s=due_s, overdue=overdue))


@callbacks.post(
    "/callbacks",
    summary="A citizen is to be called back",
    response_model=CallbackOut,
    status_code=201,
    responses=CHANGES,
)
async def add(body: CallbackIn, deps: Deps, token: Actor) -> Any:
    return seen(deps, token, await deps.callbacks.add(body.model_dump(), token.name))


@callbacks.get("/callbacks/{entry}", summary="One entry", response_model=CallbackOut, responses=CHANGES)
async def shown(entry: Entry, deps: Deps, token: Anybody) -> Any:
    return seen(deps, token, await deps.callbacks.shown(entry))


@callbacks.patch(
    "/callbacks/{entry}",
    summary="Done, given up, open again, another note",
    response_model=CallbackOut,
    responses=CHANGES,
)
async def change(entry: Entry, body: CallbackChangeIn, deps: Deps, token: Actor) -> Any:
    return seen(deps, token, await deps.callbacks.change(entry, body.model_dump(exclude_unset=True), token.name))


@callbacks.post(
    "/agents/{agent}/call-out",
    summary="Ring the agent, then the citizen: a call-back, or a follow-up of a case",
    response_model=OutboundOut,
    status_code=202,
    responses=CHANGES,
)
async def call_out(agent: Agent, body: CallOutIn, request: Request, deps: Deps, token: Actor, once: Once = None) -> Any:
    acts_for(token, agent)
    answered: Answered = request.app.state.answered
    what = f"{agent} call-out {body.callback} {body.case}"
    if (before := answered.before(token, once, what)) is not None:
        return before
    answer = await deps.call_outs.place(agent, body.model_dump(), token.name, token.role)
    answered.keep(token, once, what, dict(answer))
    return answer


@callbacks.get("/outbound-calls", summary="Calls that agents placed", response_model=list[OutboundOut])
async def outbound_calls(
    deps: Deps,
    token: Anybody,
    callback: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Of this entry.")] = None,
    case: Annotated[str, Query(pattern=r"^[A-Za-z0-9_.-]{0,64}$", description="Of this case.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Any:
    found = await deps.call_outs.listed(callback=callback, case=case, limit=limit)
    return [call for call in found if not _own_only(token) or call["agent"] == token.name]


@callbacks.get(
    "/outbound-calls/{call}", summary="One of them: how far it is", response_model=OutboundOut, responses=CHANGES
)
async def outbound_call(call: Annotated[CallId, Path()], deps: Deps, token: Anybody) -> Any:
    found = await deps.call_outs.shown(call)
    if _own_only(token) and found["agent"] != token.name:
        raise Problem(403, "An agent's token shows that agent's calls only.")
    return found


def _own_only(token: Token) -> bool:
    return token.role in (Role.AGENT, Role.EXPERT)
