"""`/api/v1`: what is now, what was, and the acts of agents."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any, Final, TypeVar

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request

from console.access import ACTORS, ENGINEERS, EVERYBODY, MANAGERS, OVERSEERS, Deps, acts_for, allow
from console.board import Board, surge_json
from console.deps import Token
from console.problems import Problem
from console.schemas import (
    AgentId,
    CallId,
    CallOut,
    DoneOut,
    ForecastOut,
    LineOut,
    PauseIn,
    ProblemOut,
    ReasonOut,
    ReloadOut,
    SeatOut,
    SignInIn,
    StaffingOut,
    StatusOut,
    SuggestionOut,
    SurgeIn,
    SurgeOut,
    WhyOut,
)

log = structlog.get_logger(__name__)

RECORDS_PATIENCE_S: Final = 5.0

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    code: {"model": ProblemOut, "description": about}
    for code, about in {
        401: "No known token.",
        403: "The token's role may not do this.",
        422: "The request does not fit.",
    }.items()
}
api = APIRouter(prefix="/api/v1", responses=PROBLEMS)

T = TypeVar("T")

Call = Annotated[CallId, Path(description="The call's id, or the beginning of it; `last` is the newest call.")]
Day = Annotated[date | None, Query(description="Like 2026-10-01; today without it.")]
LineNumber = Annotated[str, Query(max_length=32, pattern=r"^[0-9]*$", description="The whole hotline without it.")]
Agent = Annotated[AgentId, Path(description="The agent's id.")]
Anybody = Annotated[Token, Depends(allow(EVERYBODY))]
Overseer = Annotated[Token, Depends(allow(OVERSEERS))]
Actor = Annotated[Token, Depends(allow(ACTORS))]
Manager = Annotated[Token, Depends(allow(MANAGERS))]
Engineer = Annotated[Token, Depends(allow(ENGINEERS))]


async def _picture(request: Request) -> dict[str, Any]:
    board = request.app.state.board
    assert isinstance(board, Board)
    return (await board.snapshot()).picture


@api.get("/status", summary="The hotline now and today", response_model=StatusOut)
async def status(request: Request, _: Anybody) -> dict[str, Any]:
    return await _picture(request)


@api.get("/lines", summary="All lines", response_model=list[LineOut])
async def lines(request: Request, _: Anybody) -> Any:
    return (await _picture(request))["lines"]


@api.get("/seats", summary="All seats", response_model=list[SeatOut])
async def seats(request: Request, _: Overseer) -> Any:
    return (await _picture(request))["seats"]


@api.get(
    "/calls",
    summary="Last calls, newest first",
    response_model=list[CallOut],
    responses={503: {"model": ProblemOut, "description": "The records do not answer."}},
)
async def calls(deps: Deps, _: Overseer, limit: Annotated[int, Query(ge=1, le=1000)] = 20) -> Any:
    return await from_records(deps.recent_calls(limit))


@api.get(
    "/calls/{call}/why",
    summary="Why a call went as it did",
    response_model=WhyOut,
    responses={
        404: {"model": ProblemOut, "description": "No call begins so, or several do."},
        503: {"model": ProblemOut, "description": "The records do not answer."},
    },
)
async def why(call: Call, deps: Deps, _: Overseer) -> Any:
    found = await from_records(deps.why(call))
    if isinstance(found, str):
        raise Problem(404, found)
    return found


async def from_records(question: Awaitable[T]) -> T:
    """The answer of the records; Problem 503 when there is none in time."""
    try:
        async with asyncio.timeout(RECORDS_PATIENCE_S):
            return await question
    except Exception as error:  # whatever the database says, the client can only come again
        log.warning("records_unavailable", error=type(error).__name__)
        raise Problem(503, "The records do not answer, try again later.", {"Retry-After": "5"}) from None


CONFLICT: Final[dict[int | str, dict[str, Any]]] = {409: {"model": ProblemOut, "description": "It cannot be done now."}}


def _act(token: Token, agent: str, act: str, do: Callable[[], str | None]) -> DoneOut:
    acts_for(token, agent)
    refusal = do()
    if refusal is not None:
        raise Problem(409, refusal)
    log.info("agent_act", act=act, agent=agent, by=token.name, role=token.role)
    return DoneOut(agent=agent, done=act)


@api.post("/agents/{agent}/sign-in", summary="An agent takes a seat", responses=CONFLICT)
async def sign_in(agent: Agent, body: SignInIn, deps: Deps, token: Actor) -> DoneOut:
    return _act(token, agent, "sign-in", lambda: deps.sign_in(agent, body.seat))


@api.post("/agents/{agent}/sign-out", summary="An agent leaves his seat", responses=CONFLICT)
async def sign_out(agent: Agent, deps: Deps, token: Actor) -> DoneOut:
    return _act(token, agent, "sign-out", lambda: deps.sign_out(agent))


@api.post("/agents/{agent}/pause", summary="No calls for this agent for a while", responses=CONFLICT)
async def pause(agent: Agent, deps: Deps, token: Actor, body: PauseIn | None = None) -> DoneOut:
    return _act(token, agent, "pause", lambda: deps.pause(agent, body.reason if body else ""))


@api.post("/agents/{agent}/ready", summary="Calls again", responses=CONFLICT)
async def ready(agent: Agent, deps: Deps, token: Actor) -> DoneOut:
    return _act(token, agent, "ready", lambda: deps.ready(agent))


@api.post("/agents/{agent}/extend-wrap-up", summary="The same wrap-up again, once", responses=CONFLICT)
async def extend_wrap_up(agent: Agent, deps: Deps, token: Actor) -> DoneOut:
    return _act(token, agent, "extend-wrap-up", lambda: deps.extend_wrap_up(agent))


@api.get("/reasons", summary="Reasons of a pause", response_model=list[ReasonOut])
async def reasons(deps: Deps, _: Anybody) -> Any:
    return [{"code": code, "name": name} for code, name in deps.reasons().items()]


@api.get("/surge", summary="The declared surge", response_model=SurgeOut | None)
async def surge(deps: Deps, _: Anybody) -> Any:
    return surge_json(deps.view().surge)


@api.get("/surge/suggestion", summary="Whether to declare one", response_model=SuggestionOut | None)
async def suggestion(deps: Deps, _: Anybody) -> Any:
    return deps.forecasts.suggestion()


@api.get(
    "/forecast",
    summary="Arrivals of a day by quarter of an hour, expected and real",
    response_model=ForecastOut,
    responses={
        404: {"model": ProblemOut, "description": "No such line, or a day too far away."},
        503: {"model": ProblemOut, "description": "The records do not answer."},
    },
)
async def forecast(deps: Deps, _: Anybody, day: Day = None, line: LineNumber = "") -> Any:
    found = await from_records(deps.forecasts.day(day, line))
    if isinstance(found, str):
        raise Problem(404, found)
    return found


@api.get(
    "/staffing",
    summary="Seats needed in the next hour, and what today will end at",
    response_model=StaffingOut,
    responses={503: {"model": ProblemOut, "description": "The records do not answer."}},
)
async def staffing(deps: Deps, _: Anybody) -> Any:
    found = deps.staffing()
    if found is None:
        raise Problem(503, "The records do not answer, try again in a minute.", {"Retry-After": "60"})
    return found


@api.post("/surge", summary="Declare a surge", response_model=SurgeOut)
async def declare_surge(body: SurgeIn, deps: Deps, token: Manager) -> Any:
    deps.declare_surge(body.for_s, body.reason, token.name)
    return surge_json(deps.view().surge)


@api.post("/surge/end", summary="End it before its time", responses=CONFLICT, status_code=204)
async def end_surge(deps: Deps, token: Manager) -> None:
    if (refusal := deps.end_surge(token.name)) is not None:
        raise Problem(409, refusal)


@api.post("/reload", summary="Read the configuration again", responses=CONFLICT)
async def reload(deps: Deps, token: Engineer) -> ReloadOut:
    errors = await deps.reload()
    if errors:
        raise Problem(409, "The configuration is unchanged: " + "; ".join(errors))
    log.info("reloaded", by=token.name)
    return ReloadOut()
