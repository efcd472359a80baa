"""The HTTP side of the service as one FastAPI application."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from console.alarms import alarms
from console.api import api
from console.board import Board
from console.calendar import calendar
from console.callbacks import callbacks
from console.departments import departments
from console.deps import ConsoleDeps
from console.events import Events
from console.intake import intake
from console.joins import Answered, joins
from console.limits import BodyLimit, SecurityHeaders
from console.pages import HERE, pages
from console.privacy import privacy
from console.probes import probes
from console.problems import install
from console.reconcile import reconcile
from console.recordings import recordings
from console.reports import reports
from console.restrictions import restrictions
from console.retention import retention
from console.shadow import shadow
from console.staff import staff

ABOUT = (
    "Speak with `Authorization: Bearer <token>`. Errors come as `application/problem+json`. "
    "Times are seconds, ratios are 0..1. Callers' numbers are masked, and hidden ones left out."
)


def create_app(deps: ConsoleDeps) -> FastAPI:
    """Build the application. Must be called where an event loop runs or will run; it starts nothing by itself."""
    app = FastAPI(
        title="hotline12345",
        version=deps.version or "0",
        description=ABOUT,
        openapi_url="/api/openapi.json",
        docs_url=None,  # the library's page would load scripts from elsewhere; ours is in `pages`
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # its spans would carry `?token=`
    )
    app.state.deps = deps
    app.state.board = Board(deps)
    app.state.answered = Answered()
    app.state.events = Events(app.state.board)
    install(app)
    app.include_router(joins)
    app.include_router(alarms)
    app.include_router(api)
    app.include_router(staff)
    app.include_router(calendar)
    app.include_router(shadow)
    app.include_router(restrictions)
    app.include_router(departments)
    app.include_router(reports)
    app.include_router(recordings)
    app.include_router(reconcile)
    app.include_router(callbacks)
    app.include_router(probes)
    app.include_router(intake)
    app.include_router(privacy)
    app.include_router(retention)
    app.include_router(pages)
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    return app
