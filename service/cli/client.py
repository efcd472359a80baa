"""The commands' way to a running service: its HTTP API, with address and token from the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from service.cli.output import NO, WRONG, CommandError
from service.settings import Settings, load

TIMEOUT_S: Final = 10.0
ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - a listener's address, read to find it


class Unreachable(CommandError):
    """Nobody answers at the address of the configuration."""


class Client:
    """One connection to the service. Use it as a context manager; all failures are CommandErrors of one sentence."""

    def __init__(
        self, base_url: str, token: str, transport: httpx.BaseTransport | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._url = base_url
        self._http = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout_s,
            trust_env=False,  # a proxy of the environment has no business on the way to loopback
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, **params: str | int | Sequence[str]) -> Any:
        """The JSON answer. Exit 1 when nobody answers or the service says no, 2 when the token is not good.

        What is asked for stands in `params` alone: of a query in `path` nothing is sent.
        """
        return self._answer(self._ask("GET", path, params=params))

    def post(self, path: str, body: object = None, **params: str | float) -> Any:
        """The JSON answer of an act."""
        return self._answer(self._ask("POST", path, json=body, params=params or None))

    def patch(self, path: str, body: object) -> Any:
        """The JSON answer of a change."""
        return self._answer(self._ask("PATCH", path, json=body))

    def post_bytes(self, path: str, data: bytes, kind: str) -> Any:
        """The JSON answer to a file."""
        return self._answer(self._ask("POST", path, content=data, headers={"Content-Type": kind}))

    def get_bytes(self, path: str, **params: str | int) -> bytes:
        """A file as it is."""
        response = self._ask("GET", path, params=params)
        if not response.is_success:
            self._answer(response)
        return response.content

    def _ask(self, method: str, path: str, **rest: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **rest)
        except httpx.TimeoutException:
            raise Unreachable(f"the service at {self._url} does not answer; see its log", NO) from None
        except httpx.HTTPError:
            raise Unreachable(
                f"no service answers at {self._url}: start it with `hotline serve`, or name its file with --config", NO
            ) from None

    def _answer(self, response: httpx.Response) -> Any:
        if response.status_code == httpx.codes.NO_CONTENT:  # done, and nothing to say
            return None
        try:
            body = response.json()
        except ValueError:
            raise CommandError(f"what answers at {self._url} is not the hotline service", NO) from None
        if response.status_code in (401, 403):
            raise CommandError(f"the service refuses the token of the commands: {_detail(body)}", WRONG)
        if not response.is_success:
            raise CommandError(_detail(body), NO)
        return body


def _detail(body: Any) -> str:
    """The sentence, and every single mistake below it."""
    if not isinstance(body, dict):
        return "no reason given"
    errors = body.get("errors") or []
    return "\n  ".join([str(body.get("detail", "no reason given")), *map(_mistake, errors)])


def _mistake(error: dict[str, Any]) -> str:
    """One of `errors`: of a field of the request (`where`), or of a cell of a file (`row`, `column`)."""
    row = f"row {error['row']}" if error.get("row") else ""
    place = " ".join(part for part in (row, error.get("column") or error.get("where") or "") if part)
    return f"{place}: {error.get('why')}" if place else str(error.get("why"))


def connect(config: Path, timeout_s: float = TIMEOUT_S) -> Client:
    """A client by the configuration file. Raises SettingsError, SecretError."""
    settings = load(config, check_secrets=False)
    return Client(url_of(settings), settings.cli_token(), timeout_s=timeout_s)


def url_of(settings: Settings) -> str:
    """Where the service of this configuration answers, as seen from its own machine."""
    host, port = settings.service.http_address
    host = ANYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
