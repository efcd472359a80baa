"""`/api/v1/shadow`: other rules beside the live ones. Supervisors look; who may reload the rules may try others."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from console.access import ENGINEERS, OVERSEERS, Deps, allow
from console.api import CONFLICT, PROBLEMS
from console.deps import Token
from console.problems import Problem
from console.schemas import ShadowOut

TOML = "application/toml; charset=utf-8"
shadow = APIRouter(prefix="/api/v1/shadow", responses=PROBLEMS)

Overseer = Annotated[Token, Depends(allow(OVERSEERS))]
Engineer = Annotated[Token, Depends(allow(ENGINEERS))]
Seconds = Annotated[float, Query(ge=60, le=604_800, description="Seconds from now, a minute to a week.")]
Name = Annotated[str, Query(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$", description="Of the file.")]


@shadow.get("", summary="What other rules would have decided", response_model=ShadowOut | None)
async def show(deps: Deps, _: Overseer) -> Any:
    return deps.shadow.shown()


@shadow.get(
    "/rules",
    summary="The file that is tried, or was tried last",
    response_class=Response,
    responses={200: {"content": {"application/toml": {"schema": {"type": "string"}}}}, **CONFLICT},
)
async def rules(deps: Deps, _: Engineer) -> Response:
    text = deps.shadow.text()
    if text is None:
        raise Problem(409, "no shadow has run since the start of the service; hotline shadow start FILE begins one")
    return Response(text, media_type=TOML)


@shadow.post(
    "",
    summary="Try other rules beside the live ones",
    response_model=ShadowOut,
    openapi_extra={"requestBody": {"required": True, "content": {"application/toml": {"schema": {"type": "string"}}}}},
)
async def start(request: Request, deps: Deps, token: Engineer, for_s: Seconds, name: Name = "rules") -> Any:
    data = await request.body()
    if not data:
        raise Problem(422, "The request has no file.")
    return await deps.shadow.start(data, name, for_s, token.name)


@shadow.post("/end", summary="End it before its time", responses=CONFLICT, status_code=204)
async def end(deps: Deps, token: Engineer) -> None:
    if (refusal := deps.shadow.end(token.name)) is not None:
        raise Problem(409, refusal)
