"""`/api/v1/agents`: who works here. Supervisors change it; what an agent does at his seat is in `api`."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response

from console.access import MANAGERS, OVERSEERS, Deps, allow
from console.api import PROBLEMS
from console.deps import Token
from console.files import GIVES_CSV, TAKES_CSV, DryRun, csv_file, sent_file
from console.schemas import AgentChangeIn, AgentId, AgentIn, AgentOut, FromConfigIn, ImportedOut, ProblemOut

CHANGES: Final[dict[int | str, dict[str, Any]]] = {
    409: {"model": ProblemOut, "description": "Somebody else changed it meanwhile, or it is there already."},
    503: {"model": ProblemOut, "description": "The database does not answer: nothing is changed."},
}
staff = APIRouter(prefix="/api/v1/agents", responses=PROBLEMS)

Agent = Annotated[AgentId, Path(description="The agent's id.")]
Overseer = Annotated[Token, Depends(allow(OVERSEERS))]
Manager = Annotated[Token, Depends(allow(MANAGERS))]


@staff.get("", summary="All agents", response_model=list[AgentOut])
async def agents(deps: Deps, _: Overseer) -> Any:
    return deps.staff.listed()


@staff.post("", summary="A new agent", response_model=AgentOut, status_code=201, responses=CHANGES)
async def add(body: AgentIn, deps: Deps, token: Manager) -> Any:
    return await deps.staff.add(body.model_dump(), token.name)


@staff.get("/export", summary="All agents as CSV", response_class=Response, responses=GIVES_CSV)
async def export(deps: Deps, _: Overseer, chinese: bool = False) -> Response:
    return csv_file(deps.staff.csv(chinese=chinese), "agents.csv")


@staff.post(
    "/import",
    summary="Agents from CSV: all, or with any mistake none",
    response_model=ImportedOut,
    responses=CHANGES,
    openapi_extra=TAKES_CSV,
)
async def take(request: Request, deps: Deps, token: Manager, dry_run: DryRun = False) -> Any:
    return await deps.staff.take_csv(await sent_file(request), token.name, dry_run=dry_run)


@staff.post("/from-config", summary="Agents as hotline.toml has them", response_model=ImportedOut, responses=CHANGES)
async def from_config(body: FromConfigIn, deps: Deps, token: Manager, dry_run: DryRun = False) -> Any:
    return await deps.staff.from_file(body.agents, token.name, dry_run=dry_run)


@staff.patch("/{agent}", summary="Change an agent", response_model=AgentOut, responses=CHANGES)
async def change(agent: Agent, body: AgentChangeIn, deps: Deps, token: Manager) -> Any:
    """A zone of null takes it away; the other keys have no null to set."""
    given = body.model_dump(exclude_unset=True)
    revision = given.pop("revision", None)
    changes = {key: value for key, value in given.items() if value is not None or key == "zone"}
    return await deps.staff.change(agent, changes, token.name, revision)
