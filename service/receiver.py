"""The way to the work-order platform: one POST, with a bound on everything that the other side can do to us.

A certificate that does not hold is no connection, a redirect is a refusal, proxies of the environment are not asked, and of
an answer only the status counts: as soon as that is here, what follows may be long, slow or broken.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx

from service.outbox_plan import Answer, Result

MOST_READ: Final = 16 * 1024  # of an answer; a connection whose answer is longer is not used again


class ReceiverError(Exception):
    """The receiver cannot be spoken to as configured; one sentence."""


class Receiver:
    def __init__(self, url: str, ca_file: Path | None, timeout_s: float, at_once: int) -> None:
        """Raises ReceiverError: the CA file is unusable."""
        self._url, self._timeout_s = url, timeout_s
        self._http = httpx.AsyncClient(
            verify=_trust(ca_file),
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once, keepalive_expiry=30.0),
            follow_redirects=False,
            trust_env=False,
        )

    async def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Never raises but when cancelled."""
        status: int | None = None
        error: tuple[Result, str] = (Result.TIMED_OUT, f"no answer within {self._timeout_s:g} s")
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._http.stream("POST", self._url, content=body, headers=dict(headers)) as response,
            ):
                status = response.status_code
                await _read(response)
        except (TimeoutError, httpx.TimeoutException):
            pass
        except (httpx.HTTPError, OSError) as failure:
            error = Result.UNREACHED, f"not reached: {failure or type(failure).__name__}"
        if status is None:
            return Answer(*error)
        if 200 <= status < 300:
            return Answer(Result.DELIVERED)
        return Answer(Result.REFUSED, f"answered {status}")

    async def close(self) -> None:
        await self._http.aclose()


async def _read(response: httpx.Response) -> None:
    """So much that the connection can be used again; packed content is not unpacked."""
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > MOST_READ:
            return


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """With a file its authorities alone, else those of the system."""
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:  # ssl.SSLError is one
        raise ReceiverError(f"outbox.ca_file: {ca_file} cannot be used ({error.strerror or error})") from None
