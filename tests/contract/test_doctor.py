"""`hotline doctor` finds each thing that is wrong, says what to type, and finds nothing where all is well.

A small Asterisk Manager, a real database, real files and sockets; the service's own word is the test's.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from config.render import render
from service import clock
from service.cli import doctor
from service.cli.client import Client
from service.pbx import plan_of, sip_side
from service.settings import Settings, load
from service.starter import write_starter
from storage.records import Records
from tests.contract.fake_ami import START, FakeAmi
from tests.contract.storage_stories import FIRST_MS, answered_call
from tests.unit.service.cli.test_commands import run

HEALTHY: dict[str, Any] = {
    "version": "1.0",
    "health": {"ready": True, "serving": True, "degraded": []},
    "alarms": [],
    "dead_trunks": [],
}


@dataclass
class Hotline:
    """One where all is well: `write_starter` with two seats, Asterisk's folder rendered, a call in the records."""

    config: Path
    etc: Path
    ami: FakeAmi
    agi: asyncio.Server
    capsys: pytest.CaptureFixture[str]
    status: dict[str, Any] = field(default_factory=lambda: json.loads(json.dumps(HEALTHY)))
    answer: Callable[[httpx.Request], httpx.Response] | None = None

    @property
    def settings(self) -> Settings:
        return load(self.config, check_secrets=False)

    @property
    def database(self) -> Path:
        return Path(self.settings.database_url().partition(":///")[2])

    def replies(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=self.status) if self.answer is None else self.answer(request)

    async def looks(self) -> tuple[int, dict[tuple[str, str], str]]:
        """Exit code, and of everything that is not well (part, state) -> what, and what to type."""
        words = ("doctor", "--folder", str(self.etc), "--config", str(self.config), "--json")
        code, out, _ = await asyncio.to_thread(run, self.capsys, *words)
        found = json.loads(out)
        states = {one["state"] for one in found["findings"]}
        assert found["state"] == next(state for state in ("fail", "warn", "ok") if state in states)
        ill = [one for one in found["findings"] if one["state"] != "ok"]
        assert all(one["do"] for one in ill), "whoever is told is told what to type"
        return code, {(one["part"], one["state"]): f"{one['what']} | {one['do']}" for one in ill}

    async def finds(self, part: str, state: str, *words: str) -> None:
        code, ill = await self.looks()
        assert code == (1 if any(found[1] == "fail" for found in ill) else 0)
        assert (part, state) in ill, ill
        assert all(word in ill[part, state] for word in words), ill[part, state]


@pytest_asyncio.fixture(loop_scope="session")
async def hotline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Hotline]:
    ami = await FakeAmi().start()
    agi = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    ports = {"ami_port": ami.port, "fastagi_port": agi.sockets[0].getsockname()[1]}
    config = write_starter(tmp_path / "hotline", seats=2, cel_file=str(tmp_path / "cel.csv"), **ports)
    found = Hotline(config, tmp_path / "etc", ami, agi, capsys)
    ami.secret = found.settings.ami_secret(found.settings.pbxs[0])
    ami.devices = {"PJSIP/1001": "NOT_INUSE", "PJSIP/1002": "INUSE"}
    monkeypatch.setattr(clock, "wall", lambda: START)
    monkeypatch.setattr(doctor, "connect", lambda _: Client("http://h", "t", httpx.MockTransport(found.replies)))
    installed(found)
    records = await Records.open(found.settings.database_url(), found.settings.data_dir)
    records.write(*answered_call(1))
    assert await records.flush(20)
    await records.close()
    (tmp_path / "cel.csv").write_text("")
    yield found
    agi.close()
    await ami.stop()


def installed(hotline: Hotline) -> None:
    """Asterisk's folder as `hotline asterisk install` leaves it, before Asterisk was started."""
    settings = hotline.settings
    plan = plan_of(settings, settings.pbxs[0], sip=sip_side(settings, settings.pbxs[0]), version=(22, 10))
    hotline.etc.mkdir()
    for name, text in render(plan).items():
        (hotline.etc / name).write_text(text)
        os.utime(hotline.etc / name, (START - 60, START - 60))


async def test_where_all_is_well_nothing_is_to_be_typed(hotline: Hotline) -> None:
    assert await hotline.looks() == (0, {})
    code, out, _ = await asyncio.to_thread(
        run, hotline.capsys, "doctor", "--folder", str(hotline.etc), "--config", str(hotline.config)
    )
    assert code == 0
    assert all(part in out for part in ("configuration", "database", "FastAGI", "clocks", "seats", "dialplan", "CEL"))
    assert hotline.ami.secret not in out


async def test_nothing_is_changed_by_looking(hotline: Hotline) -> None:
    def everything() -> dict[str, bytes]:
        folders = (hotline.config.parent, hotline.etc)
        files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in files if path.suffix not in (".db-shm", ".db-wal")}

    before = everything()
    await hotline.looks()
    assert everything() == before
    acts = {told["action"] for told in hotline.ami.told}
    assert acts == {"Login", "CoreSettings", "CoreStatus", "Ping", "CoreShowChannels", "DeviceStateList"}


async def test_configuration_with_a_mistake_ends_the_look_with_2(hotline: Hotline) -> None:
    hotline.config.write_text(hotline.config.read_text().replace("[timing]", "[tming]", 1) + "\n[nonsense]\n")
    code, out, err = await asyncio.to_thread(run, hotline.capsys, "doctor", "--config", str(hotline.config))
    assert (code, out) == (2, "")
    assert "nonsense" in err


async def test_lines_of_the_journal_that_wait_are_counted(hotline: Hotline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.doctor.MANY_WAIT", 2)
    journal = max((hotline.settings.data_dir / "journal").glob("*.jsonl"))
    with journal.open("ab") as file:
        file.write(b"{}\n" * 3)
    await hotline.finds("database", "warn", "3 records wait in the journal", "journalctl")


async def test_lines_that_were_kept_aside_are_told(hotline: Hotline) -> None:
    (hotline.settings.data_dir / "journal" / "refused.txt").write_text("x:1\tcut\t{\nx:2\tcut\t{\n")
    await hotline.finds("journal", "warn", "2 lines were kept aside", "refused.txt")


async def test_little_room_is_a_failure(hotline: Hotline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.doctor.LITTLE_BYTES", 1 << 60)
    await hotline.finds("journal", "fail", "GB left", "make room")


async def test_database_that_is_none_is_a_failure(hotline: Hotline) -> None:
    damage(hotline)
    await hotline.finds("database", "fail", "is not a database")
    hotline.database.unlink()
    await hotline.finds("database", "fail", "none yet", "hotline serve")
    assert not hotline.database.exists()


def damage(hotline: Hotline) -> None:
    hotline.database.write_bytes(b"no database, but as long as one may be" * 100)


async def test_cel_that_is_not_written_is_told(hotline: Hotline) -> None:
    file = hotline.settings.cel_file
    os.utime(file, (FIRST_MS / 1000 - 3600,) * 2)
    await hotline.finds("CEL", "warn", "nothing was written", "cel show status")
    file.unlink()
    await hotline.finds("CEL", "warn", "cannot be read", "docs/reconcile.md")


async def test_recordings_that_cannot_be_written_are_a_failure(hotline: Hotline) -> None:
    text = hotline.config.read_text()
    assert "[recording]" not in text
    hotline.config.write_text(f'{text}\n[recording]\nenabled = true\ndir = "{hotline.etc}/none"\n')
    await hotline.finds("recordings", "fail", "cannot be used", "hotline asterisk install")


async def test_fastagi_that_nobody_listens_on_is_a_failure(hotline: Hotline) -> None:
    hotline.agi.close()
    await hotline.agi.wait_closed()
    await hotline.finds("FastAGI", "fail", "nothing answers", "systemctl status hotline")


async def test_service_that_does_not_answer_or_not_well_is_told(hotline: Hotline) -> None:
    hotline.status["health"] = {"ready": True, "serving": True, "degraded": ["database"]}
    hotline.status["dead_trunks"] = ["police"]
    hotline.status["alarms"] = [{"id": 1}]
    code, ill = await hotline.looks()
    assert (code, "database is out of order" in ill["service", "warn"]) == (1, True)
    assert "police" in ill["emergency", "fail"]
    assert "1 emergency alarms that nobody has acknowledged" in ill["alarms", "fail"]
    hotline.status["health"]["serving"] = False
    await hotline.finds("service", "fail", "serves no callers")

    def nobody(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    hotline.answer = nobody
    await hotline.finds("service", "fail", "no service answers", "systemctl status hotline")


async def test_asterisk_that_is_not_there_or_refuses_is_a_failure(hotline: Hotline) -> None:
    secret, hotline.ami.secret = hotline.ami.secret, "another"
    await hotline.finds("AMI", "fail", "refuses hotline: Authentication failed", "hotline asterisk install")
    hotline.ami.secret = secret
    hotline.ami.refuses = {"DeviceStateList"}
    await hotline.finds("AMI", "fail", "may not ask for DeviceStateList", "hotline asterisk install")
    hotline.ami.greeting = b"220 mail.example ESMTP\r\n"
    await hotline.finds("AMI", "fail", "no asterisk manager", "systemctl status asterisk")
    await hotline.ami.stop()
    await hotline.finds("AMI", "fail", "connection refused", "systemctl status asterisk")


async def test_asterisk_that_says_nothing_is_a_failure(hotline: Hotline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.doctor_asterisk.ANSWER_S", 0.2)
    hotline.ami.silent = True
    await hotline.finds("AMI", "fail", "timed out")


async def test_asterisk_that_must_not_be_used_is_a_failure(hotline: Hotline) -> None:
    hotline.ami.version = "20.19.1"
    await hotline.finds("Asterisk", "fail", "known deadlock")


async def test_clocks_that_differ_are_told(hotline: Hotline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "wall", lambda: START - 2.5)
    await hotline.finds("clocks", "warn", "2.5 s apart", "timedatectl")


async def test_phones_and_trunks_that_are_away_are_named(hotline: Hotline) -> None:
    trunk = hotline.settings.trunks[0].name
    hotline.ami.devices = {"PJSIP/1001": "NOT_INUSE", "PJSIP/1002": "UNAVAILABLE", f"PJSIP/{trunk}": "UNAVAILABLE"}
    code, ill = await hotline.looks()
    assert "1 of 2 phones are registered; not 1002" in ill["seats", "warn"]
    assert (code, f"not reached: {trunk}" in ill["trunks", "fail"]) == (1, True)
    hotline.ami.devices = {}
    await hotline.finds("seats", "fail", "0 of 2")


async def test_dialplan_that_is_not_as_rendered_or_not_read_is_told(hotline: Hotline) -> None:
    dialplan = hotline.etc / "extensions.conf"
    os.utime(dialplan, (START + 60, START + 60))
    await hotline.finds("dialplan", "warn", "has not read", "extensions.conf", "core reload")
    with dialplan.open("a") as file:
        file.write("; by hand\n")
    await hotline.finds("dialplan", "warn", "not as rendered: extensions.conf", "hotline asterisk diff")
    (hotline.etc / "asterisk.conf").unlink()
    await hotline.finds("dialplan", "warn", "asterisk.conf cannot be read")
