"""CSV files that come to routes and go out of them: the same for agents, calendar, restrictions and whatever follows."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Query, Request, Response

from console.problems import Problem

_TEXT: Final = {"text/csv": {"schema": {"type": "string"}}}
TAKES_CSV: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": _TEXT}}  # openapi_extra of an import
GIVES_CSV: Final[dict[int | str, dict[str, Any]]] = {200: {"content": _TEXT}}  # responses of an export

DryRun = Annotated[bool, Query(description="Only look: tell what would change, change nothing.")]


async def sent_file(request: Request) -> bytes:
    """The request's body, read after everything that may refuse the request. Raises Problem 422 when it is empty."""
    data = await request.body()
    if not data:
        raise Problem(422, "The request has no file.")
    return data


def csv_file(data: bytes, name: str) -> Response:
    """`data` as a file to be saved as `name`."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type="text/csv; charset=utf-8", headers=headers)
