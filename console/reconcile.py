"""`/api/v1/reconcile`: Asterisk's CEL, the second witness, held against the records."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from console.access import MANAGERS, OVERSEERS, Deps, allow
from console.api import CONFLICT, PROBLEMS
from console.deps import Token
from console.schemas import ProblemOut, ReconcileOut

AWAY: dict[int | str, dict[str, Any]] = {
    503: {"model": ProblemOut, "description": "AMI is not connected, or the database does not answer."},
}
reconcile = APIRouter(prefix="/api/v1/reconcile", responses=PROBLEMS)

Overseer = Annotated[Token, Depends(allow(OVERSEERS))]
Manager = Annotated[Token, Depends(allow(MANAGERS))]
Hours = Annotated[float, Query(gt=0, le=744, description="Calls that arrived so lately.")]


@reconcile.get("", summary="What the last look found", response_model=ReconcileOut | None)
async def show(deps: Deps, _: Overseer) -> Any:
    return deps.reconciling.shown()


@reconcile.post(
    "",
    summary="Look now, and tell the records the calls that they do not have",
    response_model=ReconcileOut,
    responses={**CONFLICT, **AWAY},
)
async def look(deps: Deps, token: Manager, hours: Hours = 24) -> Any:
    return await deps.reconciling.look(hours, token.name)
