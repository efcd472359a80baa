"""`/api/v1/workdays`: which dates are workdays, holidays, or weekends that are worked."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request

from console.access import EVERYBODY, MANAGERS, Deps, allow
from console.api import PROBLEMS
from console.deps import Token
from console.files import TAKES_CSV, DryRun, sent_file
from console.schemas import CalendarOut, DaysIn, DaysOut, ProblemOut

CHANGES: Final[dict[int | str, dict[str, Any]]] = {
    503: {"model": ProblemOut, "description": "The database does not answer: nothing is changed."},
}
calendar = APIRouter(prefix="/api/v1/workdays", responses=PROBLEMS)

Anybody = Annotated[Token, Depends(allow(EVERYBODY))]
Manager = Annotated[Token, Depends(allow(MANAGERS))]
Over = Annotated[bool, Query(description="Also days that somebody set by hand.")]


@calendar.get("", summary="The days of a year, or all", response_model=CalendarOut)
async def days(deps: Deps, _: Anybody, year: Annotated[int | None, Query(ge=1950, le=2200)] = None) -> Any:
    return deps.calendar.listed(year)


@calendar.post("", summary="Set days: all, or with any mistake none", response_model=DaysOut, responses=CHANGES)
async def set_days(body: DaysIn, deps: Deps, token: Manager) -> Any:
    return await deps.calendar.set([day.model_dump() for day in body.days], token.name)


@calendar.post(
    "/import",
    summary="Days from CSV: all, or with any mistake none",
    response_model=DaysOut,
    responses=CHANGES,
    openapi_extra=TAKES_CSV,
)
async def take(request: Request, deps: Deps, token: Manager, dry_run: DryRun = False) -> Any:
    return await deps.calendar.take_csv(await sent_file(request), token.name, dry_run=dry_run)


@calendar.post(
    "/official", summary="The decreed days, as far as they are known", response_model=DaysOut, responses=CHANGES
)
async def official(deps: Deps, token: Manager, dry_run: DryRun = False, over_operators: Over = False) -> Any:
    return await deps.calendar.take_official(token.name, over_operators=over_operators, dry_run=dry_run)
