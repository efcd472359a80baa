"""The application without a network, around a hotline of plain values."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from console.app import create_app
from tests.unit.console.fakes import Hotline


@pytest.fixture
def hotline() -> Hotline:
    return Hotline()


@pytest.fixture
async def client(hotline: Hotline) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(hotline.deps()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline.test") as client:
        yield client
