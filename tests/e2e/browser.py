"""A headless Chromium on two pipes: the page as a person sees it, without a driver or a further library."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sandbox.waiting import until

LIMIT = 64 * 1024 * 1024  # a screenshot is one message
ANSWER_POLL_S = 0.005
START_S = 60.0  # a cold start of Chromium, with the profile that it makes
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe")


class Page:
    """One tab. Keeps every address it asked for and every complaint of the browser."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._session: str | None = None
        self.requested: list[str] = []
        self.complaints: list[str] = []

    async def listen(self) -> None:
        while message := (await self._reader.readuntil(b"\0"))[:-1]:
            self._hear(json.loads(message))

    def _hear(self, message: dict[str, Any]) -> None:
        waiting = self._answers.pop(message.get("id", 0), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requested.append(message["params"]["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(message["params"]["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(message["params"]["exceptionDetails"]))

    async def ask(self, method: str, *, limit_s: float = 20.0, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        told = self._answers[number] = asyncio.get_running_loop().create_future()
        order: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            order["sessionId"] = self._session
        self._writer.write(json.dumps(order).encode() + b"\0")
        await until(told.done, limit_s, method, ANSWER_POLL_S)
        answer = told.result()
        assert "error" not in answer, answer
        return dict(answer["result"])

    async def attach(self) -> None:
        target = await self.ask("Target.createTarget", limit_s=START_S, url="about:blank")
        attached = await self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.ask(f"{domain}.enable")

    async def size(self, width: int, height: int) -> None:
        await self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def open(self, url: str) -> None:
        await self.ask("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        answer = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    async def until(self, expression: str, patience_s: float = 20.0) -> None:
        """Wait until the expression is true in the page."""
        await until(lambda: self.value(f"Boolean({expression})"), patience_s, expression)

    async def text(self, selector: str) -> str:
        return str(await self.value(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def picture(self, file: Path) -> None:
        shot = await self.ask("Page.captureScreenshot", format="png")
        await asyncio.to_thread(file.write_bytes, base64.b64decode(shot["data"]))


@contextlib.asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Page]:
    """Chromium with an own, empty profile; its process is gone afterwards."""
    orders_out, orders_in = os.pipe()
    answers_out, answers_in = os.pipe()
    script = f'exec chromium "$@" 3<&{orders_out} 4>&{answers_in}'
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script, "chromium", *ARGUMENTS, f"--user-data-dir={profile}"),
        pass_fds=(orders_out, answers_in),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(orders_out)
    os.close(answers_in)
    reader, read_end = await _reader(answers_out)
    writer = await _writer(orders_in)
    page = Page(reader, writer)
    listener = asyncio.create_task(page.listen())
    try:
        await page.attach()
        yield page
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
        writer.close()
        read_end.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        await process.wait()


async def _reader(fd: int) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
    reader = asyncio.StreamReader(limit=LIMIT)
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(fd, "rb"))
    return reader, transport


async def _writer(fd: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(fd, "wb"))
    return asyncio.StreamWriter(transport, protocol, None, loop)
