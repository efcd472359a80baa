"""Pages for people and probes: wallboard, API description, health, metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, StreamingResponse
from jinja2 import Environment, FileSystemLoader

from console.access import COOKIE, EVERYBODY, Deps, allow, bearer, known
from console.board import health_json
from console.deps import Token
from console.events import events_of

HERE: Final = Path(__file__).parent
COOKIE_DAYS: Final = 30

pages = APIRouter(include_in_schema=False)
templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)


def _html(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(templates.get_template(template).render(**values), status)


@pages.get("/metrics")
async def metrics(request: Request, deps: Deps) -> Response:
    body, content_type = await deps.metrics(request.headers.get("accept", ""))
    return Response(body, headers={"content-type": content_type})


@pages.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process lives and its loop turns; nothing more."""
    return {"status": "alive"}


@pages.get("/readyz")
async def readyz(deps: Deps) -> JSONResponse:
    health = deps.health()
    return JSONResponse(health_json(health), 200 if health.serving else 503)


@pages.get("/events")
async def events(request: Request, _: Annotated[Token, Depends(allow(EVERYBODY, cookie=True))]) -> StreamingResponse:
    return events_of(request.app).response()


@pages.get("/wallboard")
async def wallboard(request: Request, deps: Deps, token: str = "") -> Response:
    """With `?token=` once: it moves into a cookie, so that it does not stay in the address or in histories."""
    if token:
        return _enter(request, deps, token)
    if known(deps.tokens, bearer(request) or request.cookies.get(COOKIE, "")) is None:
        return _html("denied.html", 401)
    return _html("wallboard.html", version=deps.version)


def _enter(request: Request, deps: Deps, token: str) -> Response:
    if known(deps.tokens, token) is None:
        return _html("denied.html", 401)
    answer = RedirectResponse(request.url.path, 303)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=COOKIE_DAYS * 86400,
        httponly=True,
        samesite="lax",  # a link from a portal may open the wallboard; the cookie opens nothing that acts
        secure=request.url.scheme == "https",
    )
    return answer


@pages.get("/")
async def root() -> RedirectResponse:
    return RedirectResponse("/wallboard", 303)


@pages.get("/api/docs")
async def docs(request: Request) -> HTMLResponse:
    """The description as one page without a line of script, so that it works where nothing else is reachable."""
    return _html("docs.html", api=request.app.openapi())
