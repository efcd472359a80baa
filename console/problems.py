"""Errors as `application/problem+json` (RFC 9457): one sentence for people, no stack, nothing of what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from console.deps import Refused

CONTENT_TYPE = "application/problem+json"


class Problem(HTTPException):
    """Raise it anywhere below a route. `detail` is shown to the client, so it never carries a caller's number."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, errors: Sequence[Mapping[str, Any]] = ()
) -> JSONResponse:
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    body["detail"] = detail
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(body, status, headers, CONTENT_TYPE)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), dict(error.headers or {}))


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return problem(error.status, error.detail, errors=error.errors)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Which field and why; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    errors = [{"where": ".".join(map(str, e["loc"])), "why": str(e["msg"])} for e in error.errors()]
    return problem(422, "The request does not fit the description under /api/docs.", errors=errors)


async def _bug(_: Request, __: Exception) -> JSONResponse:
    return problem(500, "The service failed at this request; its log says why. Calls are not touched by it.")


def install(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _bug)
