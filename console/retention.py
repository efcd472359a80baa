"""`/api/v1/retention`: forgetting what is over its age, a citizen or a call; `/api/v1/holds`: what must stay."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query

from console.access import MANAGERS, OVERSEERS, Deps, allow
from console.api import PROBLEMS
from console.deps import Token
from console.retention_schemas import (
    CallIn,
    CitizenIn,
    CitizenOut,
    DueOut,
    ForgottenCallOut,
    HoldIn,
    HoldOut,
    LiftIn,
    RetentionOut,
)
from console.schemas import CallId, ProblemOut
from console.sight import all_seen, seen

ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": ProblemOut, "description": "There is no such call or hold."},
    409: {
        "model": ProblemOut,
        "description": "Held, not over, lifted already, or a run goes on; the sentence says which.",
    },
    503: {"model": ProblemOut, "description": "The database does not answer: what was not done yet is not done."},
}

retention = APIRouter(prefix="/api/v1", responses=PROBLEMS)

Call = Annotated[CallId, Path(description="The call's whole id.")]
Hold = Annotated[int, Path(ge=1, le=2**31 - 1, description="The hold's id.")]
Overseer = Annotated[Token, Depends(allow(OVERSEERS))]
Manager = Annotated[Token, Depends(allow(MANAGERS))]


@retention.get(
    "/retention", summary="Ages, and how far forgetting has come", response_model=RetentionOut, responses=ANSWERS
)
async def shown(deps: Deps, _: Overseer) -> Any:
    return await deps.retention.shown()


@retention.get("/retention/due", summary="What a run would forget now", response_model=list[DueOut], responses=ANSWERS)
async def due(deps: Deps, _: Overseer) -> Any:
    return await deps.retention.due()


@retention.post(
    "/retention/run",
    summary="Forget what is over its age, now",
    response_model=RetentionOut,
    status_code=202,
    responses=ANSWERS,
)
async def run(deps: Deps, token: Manager) -> Any:
    return await deps.retention.start(token.name, token.role)


@retention.post(
    "/retention/citizen", summary="Forget a citizen at his request", response_model=CitizenOut, responses=ANSWERS
)
async def citizen(body: CitizenIn, deps: Deps, token: Manager) -> Any:
    reason = body.reason.strip()
    return await deps.retention.citizen(body.number, reason, token.name, token.role, dry_run=body.dry_run)


@retention.post(
    "/retention/calls/{call}",
    summary="Forget who made a call, what was written down of it, and its recording",
    response_model=ForgottenCallOut,
    responses=ANSWERS,
)
async def call(call: Call, body: CallIn, deps: Deps, token: Manager) -> Any:
    return await deps.retention.call(call, body.reason.strip(), token.name, token.role, dry_run=body.dry_run)


@retention.get("/holds", summary="Legal holds", response_model=list[HoldOut], responses=ANSWERS)
async def holds(
    deps: Deps, token: Overseer, every: Annotated[bool, Query(alias="all", description="Lifted ones too.")] = False
) -> Any:
    return all_seen(deps, token, await deps.holds.listed(every=every))


@retention.post("/holds", summary="Hold something", response_model=HoldOut, status_code=201, responses=ANSWERS)
async def hold(body: HoldIn, deps: Deps, token: Manager) -> Any:
    return seen(deps, token, await deps.holds.add(body.model_dump(by_alias=True), token.name, token.role))


@retention.post("/holds/{hold}/lift", summary="Lift a hold", response_model=HoldOut, responses=ANSWERS)
async def lift(hold: Hold, body: LiftIn, deps: Deps, token: Manager) -> Any:
    return seen(deps, token, await deps.holds.lift(hold, body.reason.strip(), token.name, token.role))
