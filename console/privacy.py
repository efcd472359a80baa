"""`/api/v1/hidden`, `/calls/{call}/caller`, `/audit-log`, `/number-key`: whose number is shown to whom, and who has
read it.

Nothing here changes or deletes an audit row.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query

from console.access import ACTORS, ENGINEERS, EVERYBODY, MANAGERS, OVERSEERS, Deps, allow
from console.api import PROBLEMS
from console.deps import Token
from console.privacy_schemas import AuditOut, CallerOut, HiddenIn, HiddenOut, KeysOut, ReasonIn, ResealedOut
from console.schemas import CallId, ProblemOut
from console.sight import reading, seen

ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": ProblemOut, "description": "There is none."},
    409: {"model": ProblemOut, "description": "It cannot be done now; the sentence says why."},
    503: {"model": ProblemOut, "description": "The database does not answer: nothing is changed, and no number given."},
}
privacy = APIRouter(prefix="/api/v1", responses=PROBLEMS)

Anybody = Annotated[Token, Depends(allow(EVERYBODY))]
Actor = Annotated[Token, Depends(allow(ACTORS))]
Overseer = Annotated[Token, Depends(allow(OVERSEERS))]
Manager = Annotated[Token, Depends(allow(MANAGERS))]
Engineer = Annotated[Token, Depends(allow(ENGINEERS))]
Call = Annotated[CallId, Path(description="The call's whole id.")]
Entry = Annotated[int, Path(ge=1, le=2**31 - 1, description="The entry's id.")]
Word = Annotated[str, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]


@privacy.get("/hidden", summary="Callers who asked to be hidden", response_model=list[HiddenOut])
async def listed(deps: Deps, _: Overseer, every: Annotated[bool, Query(alias="all")] = False) -> Any:
    return deps.hidden.listed(every=every)


@privacy.post(
    "/hidden", summary="A caller is to be hidden", response_model=HiddenOut, status_code=201, responses=ANSWERS
)
async def hide(body: HiddenIn, deps: Deps, token: Actor) -> Any:
    return await deps.hidden.add(body.model_dump(), token.name, token.role)


@privacy.post("/hidden/{entry}/end", summary="Hidden no longer", response_model=HiddenOut, responses=ANSWERS)
async def show_again(entry: Entry, body: ReasonIn, deps: Deps, token: Manager) -> Any:
    return await deps.hidden.end(entry, body.reason, token.name, token.role)


@privacy.get("/calls/{call}/caller", summary="A caller's number, masked", response_model=CallerOut, responses=ANSWERS)
async def caller(call: Call, deps: Deps, token: Anybody) -> Any:
    return seen(deps, token, await deps.caller_data.shown(call, token.name, token.role))


@privacy.post(
    "/calls/{call}/caller",
    summary="Read a caller's number and name in clear; told in the audit before it is given",
    response_model=CallerOut,
    responses=ANSWERS,
)
async def read_caller(call: Call, body: ReasonIn, deps: Deps, token: Anybody) -> Any:
    return await deps.caller_data.read(call, reading(deps, token, body.reason))


@privacy.get(
    "/audit-log", summary="Who did what with what is personal, newest first", response_model=list[AuditOut],
    responses=ANSWERS,
)  # fmt: skip
async def audit_log(
    deps: Deps,
    _: Overseer,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    since: Annotated[float, Query(ge=0, lt=1e11, description="Epoch seconds.")] = 0.0,
    until: Annotated[float | None, Query(ge=0, lt=1e11, description="Epoch seconds; that moment is not in it.")] = None,
    act: Word = "",
    actor: Word = "",
    subject_kind: Word = "",
    subject_id: Word = "",
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Only rows older than this one.")] = None,
) -> Any:
    which: dict[str, Any] = {"limit": limit, "since_ms": round(since * 1000), "act": act, "actor": actor}
    which |= {"subject_kind": subject_kind, "subject_id": subject_id, "before_id": before}
    which |= {"until_ms": None if until is None else round(until * 1000)}
    return await deps.caller_data.audit(which)


@privacy.get("/number-key", summary="Which keys there are, and what is sealed under each", response_model=KeysOut)
async def keys(deps: Deps, _: Engineer) -> Any:
    return await deps.number_keys.standing()


@privacy.post(
    "/number-key/take", summary="Read the key file again; its newest key is in force", response_model=KeysOut,
    responses=ANSWERS,
)  # fmt: skip
async def take_keys(deps: Deps, token: Engineer) -> Any:
    return await deps.number_keys.take(token.name, token.role)


@privacy.post(
    "/number-key/reseal", summary="Seal the next batch of old rows anew", response_model=ResealedOut, responses=ANSWERS
)
async def reseal(
    deps: Deps,
    token: Engineer,
    after: Annotated[str, Query(max_length=160, pattern=r"^[A-Za-z0-9_.:-]*$", description="Of the last answer.")] = "",
) -> Any:
    return await deps.number_keys.reseal(after, token.name, token.role)
