"""The receiver of the manual, run as it stands there, against real deliveries."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio

from service.webhook import headers
from storage.outbox import State
from tests.contract.storage_databases import Database, opened
from tests.contract.storage_stories import call_id
from tests.contract.test_outbox_delivery import OLD_SECRET, SECRET, outbox_of, settings_for, told_of_calls

DOCS = Path(__file__).parents[2] / "docs"
BODY = json.dumps({"id": "e1", "subject": "c1", "sequence": "1", "type": "t", "data": {}}).encode()


def example(manual: str) -> str:
    found = re.findall(r"```python\n(.*?)```", (DOCS / manual).read_text(), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


class Example:
    def __init__(self, port: int, database: Path) -> None:
        self.url, self._database = f"http://127.0.0.1:{port}/", database

    def kept(self) -> list[tuple[str, str, str]]:
        """(call, type, data) in the order of their arrival."""
        connection = sqlite3.connect(self._database)
        try:
            return list(connection.execute("SELECT call, type, data FROM events ORDER BY rowid"))
        finally:
            connection.close()


@pytest_asyncio.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Example]:
    settings_for(tmp_path, None)  # with its secret
    script, database = tmp_path / "receive.py", tmp_path / "platform.db"
    script.write_text(example("outbox.md"))
    child = await asyncio.create_subprocess_exec(
        sys.executable, script, "0", tmp_path / "secrets/outbox.key", database, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        yield Example(int(await child.stdout.readline()), database)
    finally:
        child.kill()
        await child.wait()
        child._transport.close()  # type: ignore[attr-defined]


def test_both_manuals_show_the_same_receiver() -> None:
    assert example("outbox.md") == example("outbox.zh-CN.md")


async def test_the_receiver_of_the_manual_keeps_what_is_delivered_in_order(tmp_path: Path, receiver: Example) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/h.db", tmp_path, name=f"{tmp_path}/h.db")
    async with opened(database, hand_over=True) as records:
        outbox = await outbox_of(records, settings_for(tmp_path, receiver.url))
        expected = await told_of_calls(records, 3)
        while await outbox.deliver():
            pass
        assert len(await records.outbox_rows(State.DELIVERED, 99)) == expected
        await outbox._leave_receiver()
    for number in range(3):
        kinds = [kind.removeprefix("hotline.") for call, kind, _ in receiver.kept() if call == call_id(number)]
        assert kinds == ["intake.recorded", "call.ended", "call.recording"]
    assert json.loads(receiver.kept()[0][2])["text"] == "坏了"


async def test_the_receiver_of_the_manual_keeps_an_event_once_and_nothing_that_we_did_not_sign(
    receiver: Example,
) -> None:
    now = int(time.time())
    good = headers([OLD_SECRET, SECRET], "e1", now, BODY)
    async with httpx.AsyncClient(trust_env=False) as client:

        async def says(given: dict[str, str], body: bytes = BODY) -> int:
            return (await client.post(receiver.url, headers=given, content=body)).status_code

        refused = {
            "unsigned": await says({}),
            "another secret": await says(headers([OLD_SECRET], "e1", now, BODY)),
            "another body": await says(good, BODY.replace(b"c1", b"c2")),
            "another id": await says(good | {"webhook-id": "e2"}),
            "another time": await says(good | {"webhook-timestamp": str(now + 1)}),
            "too old": await says(headers([SECRET], "e1", now - 301, BODY)),
            "no time": await says(good | {"webhook-timestamp": "now"}),
        }
        assert set(refused.values()) == {401}, refused
        assert await says(headers([SECRET], "e1", now, b"[]"), b"[]") == 400
        assert receiver.kept() == []
        assert [await says(good), await says(good)] == [204, 204]
    assert len(receiver.kept()) == 1
