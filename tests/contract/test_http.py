"""The console on a real uvicorn on loopback, in the loop of the test: sockets, streams, start and end."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from console.app import create_app
from console.server import STALLED_S, HttpListenError, HttpServer
from metrics.exporter import Exporter
from metrics.registry import Metrics
from routing.model import DeviceState, EngineView, Line, LineView, SeatView
from tests.unit.console.fakes import Hotline, bearer

LINES = {str(number): Line(str(number), "线路") for number in range(12300, 12310)}


@pytest.fixture
def hotline() -> Hotline:
    return Hotline()


@pytest.fixture
def never_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test says when the server looks for stalled connections, and at what time."""
    monkeypatch.setattr("console.server.LOOK_S", 3600.0)


@pytest.fixture
async def server(hotline: Hotline) -> AsyncIterator[HttpServer]:
    exporter = Exporter(Metrics(), LINES)
    server = HttpServer(create_app(replace(hotline.deps(), metrics=exporter.exposition)))
    await server.start("127.0.0.1", 0)
    yield server
    await server.stop()
    exporter.close()


@pytest.fixture
async def client(server: HttpServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        yield client


async def lines_of(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


async def raw(server: HttpServer, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    await writer.drain()
    return reader, writer


async def test_metrics_of_the_real_exporter_travel(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert 'hotline_calls_offered_total{line="12309"} 0.0' in answer.text


async def test_scrapes_side_by_side_are_all_whole(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.get("/metrics") for _ in range(20)))
    assert len({answer.text for answer in answers}) == 1


async def test_events_bring_the_picture_at_once_and_again_when_it_changed(
    client: httpx.AsyncClient, hotline: Hotline
) -> None:
    async with client.stream("GET", "/events", headers={**bearer("agent"), "Last-Event-ID": "77"}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        pictures = lines_of(stream)
        assert (await anext(pictures))["now"]["waiting"] == 2
        hotline.view = EngineView((LineView("12345", "热线", 5, 1.0, 0),), (), ready=True, ami_up=True)
        assert (await anext(pictures))["now"]["waiting"] == 5


async def test_events_need_a_token_and_take_the_cookie(client: httpx.AsyncClient) -> None:
    assert (await client.get("/events")).status_code == 401
    await client.get("/wallboard", params={"token": "agent-secret"})
    async with client.stream("GET", "/events") as stream:
        assert stream.status_code == 200


async def test_the_server_ends_while_pages_follow_the_events(hotline: Hotline) -> None:
    server = HttpServer(create_app(hotline.deps()))
    await server.start("127.0.0.1", 0)
    before = asyncio.all_tasks()
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client,
        client.stream("GET", "/events", headers=bearer("agent")) as stream,
    ):
        pictures = lines_of(stream)
        await anext(pictures)
        async with asyncio.timeout(5):
            await server.stop()
        assert [picture async for picture in pictures] == []
    assert not {task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()}
    await server.stop()  # once more is harmless


async def test_signals_stay_with_the_service(hotline: Hotline) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    server = HttpServer(create_app(hotline.deps()))
    await server.start("127.0.0.1", 0)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        await client.get("/healthz")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    await server.stop()


async def test_a_port_in_use_is_one_clear_sentence(server: HttpServer, hotline: Hotline) -> None:
    with pytest.raises(HttpListenError, match=rf"127\.0\.0\.1:{server.port}: another program holds this port"):
        await HttpServer(create_app(hotline.deps())).start("127.0.0.1", server.port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_an_address_that_is_not_ours_is_one_clear_sentence(hotline: Hotline, host: str) -> None:
    with pytest.raises(HttpListenError, match="no address of this machine"):
        await HttpServer(create_app(hotline.deps())).start(host, 8345)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"INVITE sip:12345@127.0.0.1 SIP/2.0\r\n\r\n",
        b"POST /api/v1/agents/1/ready HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70000,
    ],
)
async def test_what_is_no_request_ends_its_own_connection_only(server: HttpServer, request_bytes: bytes) -> None:
    asks = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await raw(server, asks)
    async with asyncio.timeout(5):
        await reader.readuntil(b"alive")
    answer = await rest(*await raw(server, request_bytes))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    writer.write(asks)  # who was connected before still is
    async with asyncio.timeout(5):
        await reader.readuntil(b"alive")
    writer.close()


async def test_a_bug_in_the_look_for_stalled_connections_is_loud_and_ends_neither_the_look_nor_the_server(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    again = asyncio.Event()

    def look(server: HttpServer, now: float) -> None:
        looks.append(now)
        if len(looks) == 1:
            raise AttributeError("uvicorn is another")
        again.set()

    monkeypatch.setattr("console.server.LOOK_S", 0.0)
    monkeypatch.setattr(HttpServer, "cut_stalled", look)
    server = HttpServer(create_app(hotline.deps()))
    with capture_logs() as said:
        await server.start("127.0.0.1", 0)
        async with asyncio.timeout(30):
            await again.wait()
        await server.stop()
    assert [line["event"] for line in said] == ["stalled connections not looked for"]


@pytest.mark.usefixtures("never_looks")
async def test_a_request_that_never_becomes_whole_is_cut_and_who_follows_the_events_is_not(server: HttpServer) -> None:
    follows, writer = await raw(
        server, b"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer agent-secret\r\n\r\n"
    )
    async with asyncio.timeout(5):
        await follows.readuntil(b"data: {")
    opened = await raw(server, b"GET /healthz HTTP/1.1\r\nHo")
    await until(lambda: len(connections_of(server)) == 2)
    server.cut_stalled(now=0.0)
    server.cut_stalled(now=STALLED_S - 0.1)
    assert not any(connection.transport.is_closing() for connection in connections_of(server))
    server.cut_stalled(now=STALLED_S)
    assert await rest(*opened) == b""
    assert len(connections_of(server)) == 1
    writer.close()


@pytest.mark.usefixtures("never_looks")
async def test_a_reader_that_takes_nothing_is_cut_and_others_go_on(
    server: HttpServer, client: httpx.AsyncClient, hotline: Hotline
) -> None:
    seats = tuple(SeatView(str(n), None, "坐" * 600, "ready", 0.0, DeviceState.INUSE, None) for n in range(4000))
    hotline.view = EngineView((), seats, ready=True, ami_up=True)
    sleeper = socket.create_connection(("127.0.0.1", server.port))
    sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sleeper.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer agent-secret\r\n\r\n")
    await until(lambda: any(connection.flow.write_paused for connection in connections_of(server)))
    server.cut_stalled(now=0.0)
    server.cut_stalled(now=STALLED_S)
    await until(lambda: not connections_of(server))
    sleeper.close()
    assert (await client.get("/healthz")).status_code == 200


def connections_of(server: HttpServer) -> set[Any]:
    assert server._server is not None
    return server._server.server_state.connections


async def rest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """All that comes until the server closes; a cut is an end like another."""
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.01)
