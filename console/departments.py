"""`/api/v1/departments`: whom a call can be joined with. Everybody looks there; supervisors and engineers change it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from console.access import EVERYBODY, MANAGERS, Deps, allow
from console.api import PROBLEMS
from console.deps import Token
from console.files import GIVES_CSV, TAKES_CSV, DryRun, csv_file, sent_file
from console.schemas import DepartmentId, DepartmentOut, DepartmentsFromConfigIn, ImportedOut, ProblemOut

UNKNOWN: Final[dict[int | str, dict[str, Any]]] = {404: {"model": ProblemOut, "description": "There is no such one."}}
CHANGES: Final[dict[int | str, dict[str, Any]]] = {
    409: {"model": ProblemOut, "description": "Somebody else changed it meanwhile."},
    503: {"model": ProblemOut, "description": "The database does not answer: nothing is changed."},
}
departments = APIRouter(prefix="/api/v1/departments", responses=PROBLEMS)

Anybody = Annotated[Token, Depends(allow(EVERYBODY))]
Manager = Annotated[Token, Depends(allow(MANAGERS))]
Text = Annotated[
    str, Query(max_length=60, description="Part of a name or id, or a short form; the nearest come first.")
]
Every = Annotated[bool, Query(alias="all", description="Disabled ones too.")]


@departments.get("", summary="Departments, open or closed now", response_model=list[DepartmentOut])
async def listed(deps: Deps, _: Anybody, q: Text = "", every: Every = False) -> Any:
    return deps.directory.listed(q, every=every)


@departments.get("/export", summary="All departments as CSV", response_class=Response, responses=GIVES_CSV)
async def export(deps: Deps, _: Anybody, chinese: bool = False) -> Response:
    return csv_file(deps.directory.csv(chinese=chinese), "departments.csv")


@departments.post(
    "/import",
    summary="Departments from CSV: all, or with any mistake none",
    response_model=ImportedOut,
    responses=CHANGES,
    openapi_extra=TAKES_CSV,
)
async def take(request: Request, deps: Deps, token: Manager, dry_run: DryRun = False) -> Any:
    return await deps.directory.take_csv(await sent_file(request), token.name, dry_run=dry_run)


@departments.post(
    "/from-config", summary="Departments as hotline.toml has them", response_model=ImportedOut, responses=CHANGES
)
async def from_config(body: DepartmentsFromConfigIn, deps: Deps, token: Manager, dry_run: DryRun = False) -> Any:
    return await deps.directory.from_file(body.departments, token.name, dry_run=dry_run)


@departments.get("/{department}", summary="One department", response_model=DepartmentOut, responses=UNKNOWN)
async def shown(department: Annotated[DepartmentId, Path(description="Its id.")], deps: Deps, _: Anybody) -> Any:
    return deps.directory.shown(department)
