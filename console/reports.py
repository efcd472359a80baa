"""`/api/v1/reports`: which departments do not answer, and what became of emergencies; and the third parties of a call."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query

from console.access import OVERSEERS, Deps, allow
from console.api import PROBLEMS, from_records
from console.deps import Token
from console.problems import Problem
from console.schemas import CallId, DepartmentsReportOut, EmergencyReportOut, HandoffOut, ProblemOut

AWAY: Final[dict[int | str, dict[str, Any]]] = {503: {"model": ProblemOut, "description": "The records do not answer."}}
reports = APIRouter(prefix="/api/v1", responses=PROBLEMS)

Overseer = Annotated[Token, Depends(allow(OVERSEERS))]
First = Annotated[date | None, Query(alias="from", description="Like 2026-10-01; without it 30 days before the last.")]
Last = Annotated[date | None, Query(alias="to", description="Included; today without it.")]
Month = Annotated[str, Query(max_length=20, description="Like 2026-11; this month without it.")]


@reports.get(
    "/reports/departments", summary="How departments answer", response_model=DepartmentsReportOut, responses=AWAY
)
async def departments(deps: Deps, _: Overseer, first: First = None, last: Last = None) -> Any:
    return _told(await from_records(deps.reports.departments(first, last)))


@reports.get("/reports/emergency", summary="Emergencies of a month", response_model=EmergencyReportOut, responses=AWAY)
async def emergency(deps: Deps, _: Overseer, month: Month = "") -> Any:
    return _told(await from_records(deps.reports.emergency(month)))


@reports.get(
    "/calls/{call}/handoffs", summary="Third parties of a call", response_model=list[HandoffOut], responses=AWAY
)
async def handoffs(call: Annotated[CallId, Path(description="The call's id.")], deps: Deps, _: Overseer) -> Any:
    return await from_records(deps.reports.handoffs(call))


def _told(found: Any) -> Any:
    if isinstance(found, str):
        raise Problem(422, found)
    return found
