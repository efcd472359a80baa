"""A service that a command talks to: what it asks is kept, what it is answered is the test's."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import httpx
import pytest

from service.cli.client import Client


def asked_of(
    monkeypatch: pytest.MonkeyPatch, command: ModuleType, answer: Callable[[httpx.Request], httpx.Response]
) -> list[httpx.Request]:
    """All that the command asks from now on, in order."""
    requests: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return answer(request)

    monkeypatch.setattr(command, "connect", lambda *_: Client("http://h", "t", httpx.MockTransport(keep)))
    return requests
