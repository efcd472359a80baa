"""`/api/v1/alarms`: emergency centres that were not reached, each open until somebody acknowledges it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query

from console.access import ACTORS, EVERYBODY, Deps, allow
from console.api import PROBLEMS
from console.deps import Token
from console.schemas import AlarmOut, ProblemOut

UNKNOWN: Final[dict[int | str, dict[str, Any]]] = {404: {"model": ProblemOut, "description": "There is no such alarm."}}

alarms = APIRouter(prefix="/api/v1/alarms", responses=PROBLEMS)

Anybody = Annotated[Token, Depends(allow(EVERYBODY))]
Actor = Annotated[Token, Depends(allow(ACTORS))]
AlarmId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Every = Annotated[bool, Query(alias="all", description="Also what is acknowledged.")]


@alarms.get("", summary="Alarms that nobody has acknowledged, or all", response_model=list[AlarmOut])
async def listed(deps: Deps, token: Anybody, every: Every = False) -> Any:
    return deps.alarms.listed(every=every, by=token.name, role=token.role)


@alarms.post("/{alarm}/acknowledge", summary="I have seen it", response_model=AlarmOut, responses=UNKNOWN)
async def acknowledge(alarm: AlarmId, deps: Deps, token: Actor) -> Any:
    return deps.alarms.acknowledge(alarm, by=token.name, role=token.role)
