"""`/api/v1/probes`: test calls to our own lines, from outside."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query

from console.access import MANAGERS, OVERSEERS, Deps, allow
from console.api import PROBLEMS
from console.deps import Token
from console.probe_schemas import ProbeIn, ProbeOut
from console.schemas import CallId, ProblemOut

CHANGES: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": ProblemOut, "description": "There is no such line, or test call."},
    409: {"model": ProblemOut, "description": "None can be placed now; the sentence says why."},
    503: {"model": ProblemOut, "description": "The database, or Asterisk, does not answer."},
}
probes = APIRouter(prefix="/api/v1", responses=PROBLEMS)

Overseer = Annotated[Token, Depends(allow(OVERSEERS))]
Manager = Annotated[Token, Depends(allow(MANAGERS))]


@probes.post("/probes", summary="Test a line", response_model=ProbeOut, status_code=202, responses=CHANGES)
async def place(body: ProbeIn, deps: Deps, token: Manager) -> Any:
    return await deps.probes.place(body.number, token.name)


@probes.get("/probes", summary="Test calls, the newest first", response_model=list[ProbeOut], responses=CHANGES)
async def listed(
    deps: Deps,
    _: Overseer,
    number: Annotated[str, Query(pattern=r"^[0-9]{0,20}$", description="Of this line.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Any:
    return await deps.probes.listed(number=number, limit=limit)


@probes.get("/probes/{probe}", summary="One of them: how far it is", response_model=ProbeOut, responses=CHANGES)
async def shown(probe: Annotated[CallId, Path()], deps: Deps, _: Overseer) -> Any:
    return await deps.probes.shown(probe)
