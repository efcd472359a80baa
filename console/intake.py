"""`/api/v1/calls/{call}/intake`: what agents write down of a call; and `/api/v1/outbox`: what is still to be delivered."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request

from console.access import LISTENERS, MANAGERS, OVERSEERS, Deps, allow
from console.api import PROBLEMS
from console.deps import Role, Token
from console.intake_schemas import DropIn, IntakeIn, IntakeOut, OutboxOut, RetriedOut
from console.joins import Answered, Once
from console.schemas import CallId, ProblemOut
from console.sight import words_seen

REGISTRARS: Final = frozenset({Role.AGENT, Role.EXPERT, Role.SUPERVISOR})
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": ProblemOut, "description": "No such call, intake or entry."},
    409: {"model": ProblemOut, "description": "Corrected by somebody else meanwhile, or closed already."},
    503: {"model": ProblemOut, "description": "The database does not answer: nothing is kept."},
}

intake = APIRouter(prefix="/api/v1", responses=PROBLEMS)

Call = Annotated[CallId, Path(description="The call's whole id.")]
Entry = Annotated[int, Path(ge=1, le=2**63 - 1, description="The entry's id.")]
Registrar = Annotated[Token, Depends(allow(REGISTRARS))]
Reader = Annotated[Token, Depends(allow(REGISTRARS | LISTENERS))]
Overseer = Annotated[Token, Depends(allow(OVERSEERS))]
Manager = Annotated[Token, Depends(allow(MANAGERS))]


@intake.post(
    "/calls/{call}/intake",
    summary="Write down what a caller wants, or correct it",
    response_model=IntakeOut,
    status_code=201,
    responses=ANSWERS,
)
async def write_down(
    call: Call, body: IntakeIn, request: Request, deps: Deps, token: Registrar, once: Once = None
) -> Any:
    answered: Answered = request.app.state.answered
    what = f"{call} intake"
    if (before := answered.before(token, once, what)) is not None:
        return before
    answer = words_seen(deps, token, await deps.intakes.add(call, body.model_dump(), token.name, token.role))
    answered.keep(token, once, what, dict(answer))
    return answer


@intake.get(
    "/calls/{call}/intake",
    summary="What was written down of a call, every revision",
    response_model=list[IntakeOut],
    responses=ANSWERS,
)
async def written_down(call: Call, deps: Deps, token: Reader) -> Any:
    return [words_seen(deps, token, row) for row in await deps.intakes.listed(call, token.name, token.role)]


@intake.get("/outbox", summary="What is still to be delivered", response_model=list[OutboxOut], responses=ANSWERS)
async def listed(
    deps: Deps, _: Overseer, state: Annotated[Literal["pending", "dead", "delivered", "dropped"], Query()] = "pending"
) -> Any:
    return await deps.outbox.listed(state)


@intake.post("/outbox/retry", summary="Try every dead entry again", response_model=RetriedOut, responses=ANSWERS)
async def retry_all(deps: Deps, token: Manager) -> Any:
    return {"retried": await deps.outbox.retry_all(token.name)}


@intake.post("/outbox/{entry}/retry", summary="Try one again, at once", response_model=OutboxOut, responses=ANSWERS)
async def retry(entry: Entry, deps: Deps, token: Manager) -> Any:
    return await deps.outbox.retry(entry, token.name)


@intake.post(
    "/outbox/{entry}/drop",
    summary="Never deliver it; what waits behind it goes on",
    response_model=OutboxOut,
    responses=ANSWERS,
)
async def drop(entry: Entry, body: DropIn, deps: Deps, token: Manager) -> Any:
    return await deps.outbox.drop(entry, body.reason.strip(), token.name)
