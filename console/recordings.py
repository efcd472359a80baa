"""`/api/v1/calls/{call}/recording`: pause, resume, and listen when the call is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends, Path
from fastapi.responses import FileResponse

from console.access import ACTORS, LISTENERS, Deps, acts_for, allow
from console.api import PROBLEMS
from console.deps import ConsoleDeps, Token
from console.problems import Problem
from console.schemas import CallId, ProblemOut, RecordingDoneOut, RecordingPauseIn, RecordingResumeIn

log = structlog.get_logger(__name__)

recordings = APIRouter(prefix="/api/v1/calls/{call}/recording", responses=PROBLEMS)

WAV: Final = "audio/wav"
ACTS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": ProblemOut, "description": "No such call is going on."},
    409: {"model": ProblemOut, "description": "It cannot be done with this call now."},
}
LISTENS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {WAV: {"schema": {"type": "string", "format": "binary"}}}},
    404: {"model": ProblemOut, "description": "The call has no recording, or its file is gone."},
    409: {"model": ProblemOut, "description": "The call is not over."},
    410: {"model": ProblemOut, "description": "The recording was deleted after its time."},
    503: {"model": ProblemOut, "description": "The records do not answer."},
}

Call = Annotated[CallId, Path(description="The call's whole id.")]
Actor = Annotated[Token, Depends(allow(ACTORS))]
Listener = Annotated[Token, Depends(allow(LISTENERS))]


@recordings.post("/pause", summary="Silence in the recording from now on", responses=ACTS)
async def pause(call: Call, body: RecordingPauseIn, deps: Deps, token: Actor) -> RecordingDoneOut:
    await _act(deps, token, call, lambda: deps.recordings.pause(call, body.reason, token.name))
    return RecordingDoneOut(call=call, recording="paused")


@recordings.post("/resume", summary="The recording goes on", responses=ACTS)
async def resume(call: Call, deps: Deps, token: Actor, body: RecordingResumeIn | None = None) -> RecordingDoneOut:
    await _act(deps, token, call, lambda: deps.recordings.resume(call, body.reason if body else "", token.name))
    return RecordingDoneOut(call=call, recording="running")


async def _act(deps: ConsoleDeps, token: Token, call: str, do: Callable[[], Awaitable[str | None]]) -> None:
    """An agent's token acts for the call that this agent speaks in, and for no other."""
    if not deps.recordings.knows(call):
        raise Problem(404, "There is no such call, or it has ended.")
    acts_for(token, deps.recordings.agent_of(call) or "")
    refusal = await do()
    if refusal is not None:
        raise Problem(409, refusal)


@recordings.get("", summary="The sound of a call", response_class=FileResponse, responses=LISTENS)
async def listen(call: Call, deps: Deps, token: Listener) -> FileResponse:
    """Every request is noted with the name of the token."""
    path = await deps.recordings.file(call)
    log.info("recording_heard", call_id=call, by=token.name, role=token.role)
    return FileResponse(path, media_type=WAV, filename=path.name)
