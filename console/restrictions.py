"""`/api/v1/restrictions`: whose calls are rejected, served last or cut short. Numbers are masked, unless asked for."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from console.access import MANAGERS, OVERSEERS, Deps, allow
from console.api import PROBLEMS
from console.deps import Sight, Token
from console.files import GIVES_CSV, TAKES_CSV, DryRun, csv_file, sent_file
from console.schemas import ProblemOut, RestrictionIn, RestrictionOut, RestrictionsImportedOut
from console.sight import all_seen, reading, seen, sees

UNKNOWN: Final[dict[int | str, dict[str, Any]]] = {404: {"model": ProblemOut, "description": "There is no such entry."}}
CHANGES: Final[dict[int | str, dict[str, Any]]] = {
    409: {"model": ProblemOut, "description": "It cannot be done with this entry now."},
    503: {"model": ProblemOut, "description": "The database does not answer: nothing is changed."},
}
restrictions = APIRouter(prefix="/api/v1/restrictions", responses=PROBLEMS)

Entry = Annotated[int, Path(ge=1, le=2**31 - 1, description="The entry's id.")]
Overseer = Annotated[Token, Depends(allow(OVERSEERS))]
Manager = Annotated[Token, Depends(allow(MANAGERS))]
Every = Annotated[bool, Query(alias="all", description="Also what is over.")]
InClear = Annotated[bool, Query(description="The number in clear, for roles that may; the audit tells of it.")]
Reason = Annotated[
    str, Query(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$", description="What for; needed for a hidden caller.")
]


@restrictions.get("", summary="Restrictions in force, or all", response_model=list[RestrictionOut])
async def listed(deps: Deps, token: Overseer, every: Every = False) -> Any:
    return all_seen(deps, token, await deps.restrictions.listed(every=every))


@restrictions.post("", summary="A new restriction", response_model=RestrictionOut, status_code=201, responses=CHANGES)
async def add(body: RestrictionIn, deps: Deps, token: Manager) -> Any:
    return seen(deps, token, await deps.restrictions.add(body.model_dump(), token.name))


@restrictions.get("/export", summary="All restrictions as CSV", response_class=Response, responses=GIVES_CSV)
async def export(deps: Deps, token: Overseer, numbers: InClear = False, reason: Reason = "") -> Response:
    how = reading(deps, token, reason) if numbers else None
    data = await deps.restrictions.csv(how, masked=sees(deps, token, Sight.MASKED))
    return csv_file(data, "restrictions.csv")


@restrictions.post(
    "/import",
    summary="Restrictions from CSV: all, or with any mistake none",
    response_model=RestrictionsImportedOut,
    responses=CHANGES,
    openapi_extra=TAKES_CSV,
)
async def take(request: Request, deps: Deps, token: Manager, dry_run: DryRun = False) -> Any:
    return await deps.restrictions.take_csv(await sent_file(request), token.name, dry_run=dry_run)


@restrictions.get("/{entry}", summary="One restriction", response_model=RestrictionOut, responses=UNKNOWN)
async def shown(entry: Entry, deps: Deps, token: Overseer, number: InClear = False, reason: Reason = "") -> Any:
    how = reading(deps, token, reason) if number else None
    return seen(deps, token, await deps.restrictions.shown(entry, how))


@restrictions.post(
    "/{entry}/approve",
    summary="The second approval of a block",
    response_model=RestrictionOut,
    responses=UNKNOWN | CHANGES,
)
async def approve(entry: Entry, deps: Deps, token: Manager) -> Any:
    return seen(deps, token, await deps.restrictions.approve(entry, token.name))


@restrictions.post(
    "/{entry}/end", summary="End it before its time", response_model=RestrictionOut, responses=UNKNOWN | CHANGES
)
async def end(entry: Entry, deps: Deps, token: Manager) -> Any:
    return seen(deps, token, await deps.restrictions.end(entry, token.name))
